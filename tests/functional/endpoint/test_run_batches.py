"""Run batches and exports, by a real boto3 client over HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from healthomics_local.endpoint.authorization.authorizer import Context, Credential, Denial, Permission, RoleSession
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_omics import OmicsClient

    from healthomics_local.endpoint import LocalHealthOmics

DEFAULT: dict[str, Any] = {
    "workflowId": "1234567",
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "outputUri": "s3://bucket/out",
}


class Bucket:
    """An S3 with objects that can be read, as far as boto3 cares."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        objects = self.objects

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = objects.get(self.path.partition("?")[0])
                self.send_response(404 if content is None else 200)
                self.send_header("ETag", f'"{hashlib.md5(content or b"", usedforsecurity=False).hexdigest()}"')
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content or b"")

            do_HEAD = do_GET  # noqa: N815 - the base class looks for this name

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        return Handler


@pytest.fixture
def bucket() -> Iterator[tuple[Bucket, str]]:
    bucket = Bucket()
    with ThreadingHTTPServer(("127.0.0.1", 0), bucket.handler()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield bucket, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def omics(bucket: tuple[Bucket, str]) -> Iterator[LocalHealthOmics]:
    with local_healthomics(accept_unknown_references=True, aws_endpoint_url=bucket[1]) as omics:
        yield omics


@pytest.fixture
def client(omics: LocalHealthOmics) -> Iterator[OmicsClient]:
    client = omics.client()
    yield client
    client.close()


def test_a_batch_is_started_watched_and_deleted(client: OmicsClient, omics: LocalHealthOmics) -> None:
    settings = [{"runSettingId": f"sample {n}", "parameters": {"n": n, "x": 0.5}} for n in range(5)]
    batch = client.start_run_batch(
        batchName="cohort", defaultRunSetting=DEFAULT, batchRunSettings={"inlineSettings": settings}, tags={"a": "b"}
    )
    omics.advance(12)
    pages = client.get_paginator("list_runs_in_batch").paginate(batchId=batch["id"], PaginationConfig={"PageSize": 2})
    runs = [run for page in pages for run in page["runs"]]
    described = client.get_run(id=runs[3]["runId"])
    submitted = client.get_batch(batchId=batch["id"])
    omics.run_until_idle()

    assert batch["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert [run["runSettingId"] for run in runs] == [setting["runSettingId"] for setting in settings]
    assert described["parameters"] == {"n": 3, "x": 0.5}
    assert submitted["status"] == "INPROGRESS"
    assert submitted["runSummary"]["pendingRunCount"] == 5
    assert client.get_batch(batchId=batch["id"])["status"] == "PROCESSED"
    assert client.list_tags_for_resource(resourceArn=batch["arn"])["tags"] == {"a": "b"}
    client.delete_run_batch(batchId=batch["id"])
    omics.run_until_idle()
    client.delete_batch(batchId=batch["id"])
    listed = client.get_paginator("list_batch").paginate()
    assert [item for page in listed for item in page["items"]] == []
    assert client.list_runs()["items"] == []


def test_settings_are_read_from_s3(client: OmicsClient, omics: LocalHealthOmics, bucket: tuple[Bucket, str]) -> None:
    objects = bucket[0].objects
    objects["/bucket/settings.json"] = json.dumps([{"runSettingId": f"s{n}"} for n in range(150)]).encode()
    settings = {"s3UriSettings": "s3://bucket/settings.json"}
    good = client.start_run_batch(defaultRunSetting=DEFAULT, batchRunSettings=settings)
    omics.advance(12)
    bad = client.start_run_batch(defaultRunSetting=DEFAULT, batchRunSettings=settings)
    objects["/bucket/settings.json"] += b" "
    omics.advance(12)

    good, bad = (client.get_batch(batchId=each["id"]) for each in (good, bad))

    assert (good["status"], good["totalRuns"]) == ("INPROGRESS", 150)
    assert good["submissionSummary"]["successfulStartSubmissionCount"] == 150
    assert bad["status"] == "FAILED"
    assert bad["failureReason"].startswith('Expected s3UriConfigs etag: "')
    assert len(omics.runs()) == 150


def test_settings_that_are_not_there_are_refused(client: OmicsClient) -> None:
    settings = {"s3UriSettings": "s3://bucket/missing.json"}

    with pytest.raises(ClientError) as refused:
        client.start_run_batch(defaultRunSetting=DEFAULT, batchRunSettings=settings)

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "s3://bucket/missing.json: no such bucket or object" in refused.value.response["Error"]["Message"]


class NoBatches:
    """An authorizer that allows everything but the start of a batch."""

    def credential(self, access_key_id: str) -> Credential:
        return Credential(access_key_id=access_key_id, secret_access_key="test", principal_arn="arn:aws:iam::1:user/u")

    def caller_denial(self, access_key_id: str, permissions: Sequence[Permission]) -> Denial | None:
        denied = [each for each in permissions if each.action == "omics:StartRunBatch"]
        return Denial(principal_arn=access_key_id, permission=denied[0], explicit=False) if denied else None

    def role_denial(self, session: RoleSession, permissions: Sequence[Permission]) -> Denial | None:
        return None

    def trust_problem(self, role_arn: str, context: Context) -> str | None:
        return None


def test_a_batch_needs_a_permission_of_its_own() -> None:
    with local_healthomics(accept_unknown_references=True, authorizer=NoBatches()) as omics:
        client = omics.client()
        client.start_run(**DEFAULT)

        with pytest.raises(ClientError, match="not authorized to perform: omics:StartRunBatch") as refused:
            client.start_run_batch(
                defaultRunSetting=DEFAULT, batchRunSettings={"inlineSettings": [{"runSettingId": "a"}]}
            )

        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert client.list_batch()["items"] == []
        client.close()


def test_a_definition_is_downloaded_without_a_signature(client: OmicsClient, omics: LocalHealthOmics) -> None:
    workflow = omics.add_workflow(definition=b"PK\x05\x06" + bytes(18))

    url = client.get_workflow(id=workflow.workflow_id, export=["DEFINITION"])["definition"]
    with urllib.request.urlopen(url) as response:
        content = response.read()

    assert content == workflow.definition.archive
