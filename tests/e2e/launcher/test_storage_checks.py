"""What a simulated run finds out about the S3 of the local AWS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import REGION

if TYPE_CHECKING:
    from .conftest import Server

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def buckets(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="here", CreateBucketConfiguration={"LocationConstraint": REGION})
    elsewhere = server.client("s3", region="eu-central-1")
    elsewhere.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="here", Key="reads.fq", Body=b"ACGT")


def end_of_run(server: Server, **members: Any) -> tuple[str, str | None, str | None]:
    workflow = server.omics.add_workflow()
    required = {"workflowId": workflow.workflow_id, "roleArn": "arn:r", "outputUri": "s3://here/out"}
    run_id = server.omics.call("StartRun", required | members)["id"]
    deadline = time.monotonic() + 60
    while (run := server.omics.call("GetRun", {"id": run_id}))["status"] not in {"COMPLETED", "FAILED"}:
        assert time.monotonic() < deadline, run["status"]
        time.sleep(0.05)
    return run["status"], run.get("failureReason"), run.get("statusMessage")


@pytest.mark.usefixtures("buckets")
@pytest.mark.parametrize("reads", ["s3://here/reads.fq", "s3://a-bucket-on-aws/reads.fq"])
def test_inputs_that_are_there_or_elsewhere_let_a_run_complete(server: Server, reads: str) -> None:
    assert end_of_run(server, parameters={"reads": reads}) == ("COMPLETED", None, None)


@pytest.mark.usefixtures("buckets")
def test_a_missing_input_fails_the_run(server: Server) -> None:
    ended = end_of_run(server, parameters={"reads": "s3://here/none.fq"})

    assert ended == ("FAILED", "INPUT_URI_NOT_FOUND", "Input URI not found: s3://here/none.fq")


@pytest.mark.usefixtures("buckets")
def test_an_output_bucket_in_another_region_fails_the_run(server: Server) -> None:
    status, reason, message = end_of_run(server, outputUri="s3://far/out")

    assert (status, reason) == ("FAILED", "EXPORT_FAILED")
    assert message == f"The output bucket far is in eu-central-1: it must be in {REGION}, as the workflow is"
