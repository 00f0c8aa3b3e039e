"""Real boto3 clients against the endpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import botocore.exceptions
import pytest
from botocore.exceptions import ClientError, ParamValidationError, WaiterError

from healthomics_local.endpoint import Fault, LocalHealthOmics, RunScript, Service, Settings, Timings, VirtualClock
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_omics import OmicsClient

START = {
    "workflowId": "1234567",
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "outputUri": "s3://bucket/out",
}


@pytest.fixture
def omics() -> Iterator[LocalHealthOmics]:
    with local_healthomics(accept_unknown_references=True) as omics:
        yield omics


@pytest.fixture(params=["over HTTP", "in this process"])
def client(omics: LocalHealthOmics, request: pytest.FixtureRequest) -> Iterator[OmicsClient]:
    client = omics.client() if request.param == "over HTTP" else Service.client(omics)
    yield client
    client.close()


def test_a_run_is_started_looked_at_and_cancelled(client: OmicsClient, omics: LocalHealthOmics) -> None:
    run = client.start_run(**START, name="Prøve 1", parameters={"n": 1, "x": 1.5, "f": None}, tags={"k": "v"})
    omics.advance(60)
    client.cancel_run(id=run["id"])
    omics.run_until_idle()

    described = client.get_run(id=run["id"])

    assert run["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert described["status"] == "CANCELLED"
    assert (described["name"], described["tags"]) == ("Prøve 1", {"k": "v"})
    assert described["parameters"] == {"n": 1, "x": 1.5, "f": None}
    assert described["creationTime"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_arn_in_the_path_arrives_as_it_was_sent(client: OmicsClient) -> None:
    arn = client.start_run(**START)["arn"]

    client.tag_resource(resourceArn=arn, tags={"a b/c": "ü & = ?"})
    client.untag_resource(resourceArn=arn, tagKeys=["x", "y+z"])

    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"a b/c": "ü & = ?"}
    client.untag_resource(resourceArn=arn, tagKeys=["a b/c"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_modelled_errors_arrive_as_their_classes(client: OmicsClient) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="Run 1 not found"):
        client.get_run(id="1")
    run = client.start_run(**START)
    with pytest.raises(client.exceptions.ConflictException):
        client.delete_run(id=run["id"])
    with pytest.raises(client.exceptions.ValidationException, match="1 validation error detected"):
        client.start_run(**START | {"roleArn": "role"})


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalServerException", "ServiceQuotaExceededException", "AccessDeniedException"]
)
def test_every_injected_error_arrives_as_its_class(client: OmicsClient, omics: LocalHealthOmics, code: str) -> None:
    omics.inject(Fault(operation="StartRun", code=code, message="by order"))

    with pytest.raises(getattr(client.exceptions, code), match="by order"):
        client.start_run(**START)


def test_the_pages_of_a_listing_are_all_runs(client: OmicsClient) -> None:
    ids = [client.start_run(**START, name=f"run {n}")["id"] for n in range(7)]

    pages = list(client.get_paginator("list_runs").paginate(PaginationConfig={"PageSize": 3}))

    assert [len(page["items"]) for page in pages] == [3, 3, 1]
    assert [item["id"] for page in pages for item in page["items"]] == ids[::-1]


def test_a_dropped_connection_is_a_connection_error(client: OmicsClient, omics: LocalHealthOmics) -> None:
    omics.inject(Fault(operation="StartRun", drop_connection=True, after_processing=True))

    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        client.start_run(**START, requestId="one")

    assert client.start_run(**START, requestId="one")["id"] == omics.runs()[0].run_id


def test_a_client_with_retries_starts_one_run_although_a_response_was_lost(omics: LocalHealthOmics) -> None:
    client = omics.client(retries={"mode": "standard", "total_max_attempts": 3})
    omics.inject(Fault(operation="StartRun", code="InternalServerException", after_processing=True))

    run = client.start_run(**START)

    assert run["ResponseMetadata"]["RetryAttempts"] == 1
    assert [each.run_id for each in omics.runs()] == [run["id"]]
    first, second = omics.requests("StartRun")
    assert first.input["requestId"] == second.input["requestId"]
    client.close()


def test_the_client_checks_what_the_service_model_says(client: OmicsClient) -> None:
    with pytest.raises(ParamValidationError):
        client.start_run(**START, networking={"x": 1})  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("waiter", "timings"),
    [
        # RUNNING must last: a waiter that only sees COMPLETED afterwards goes on waiting for RUNNING.
        ("run_running", Timings(pending=0, starting=0.1, running=3600, stopping=0)),
        ("run_completed", Timings(pending=0, starting=0, running=0.1, stopping=0)),
    ],
)
def test_the_waiters_of_the_sdk_come_to_an_end(waiter: str, timings: Timings) -> None:
    settings = Settings(timings=timings, engine="simulated", accept_unknown_references=True)
    with LocalHealthOmics(settings) as omics:
        client = omics.client()
        run = client.start_run(**START)

        config = {"Delay": 0.02, "MaxAttempts": 3000}
        client.get_waiter(waiter).wait(id=run["id"], WaiterConfig=config)  # type: ignore[call-overload]

        client.close()


def test_a_waiter_notices_a_failed_run() -> None:
    settings = Settings(
        timings=Timings.none(),
        engine="simulated",
        accept_unknown_references=True,
        script=lambda request: RunScript(failure_reason="OUT_OF_MEMORY_ERROR"),
    )
    with LocalHealthOmics(settings) as omics:
        client = omics.client()
        run = client.start_run(**START)

        with pytest.raises(WaiterError, match="FAILED"):
            client.get_waiter("run_completed").wait(id=run["id"], WaiterConfig={"Delay": 0.02, "MaxAttempts": 3000})  # type: ignore[typeddict-item]

        client.close()


def test_a_client_made_by_somebody_else_needs_only_the_environment(
    omics: LocalHealthOmics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_OMICS", omics.url)
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    client = boto3.session.Session().client("omics")

    assert client.list_runs()["items"] == []
    client.close()


def test_the_environment_of_the_developer_does_not_reach_our_clients(
    omics: LocalHealthOmics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL_OMICS", "http://127.0.0.1:1")

    client = omics.client()

    assert client.list_runs()["items"] == []
    client.close()


def test_an_unsupported_operation_is_told_apart_from_an_answer_of_aws(client: OmicsClient) -> None:
    with pytest.raises(ClientError) as refused:
        client.list_shares(resourceOwner="SELF")

    assert refused.value.response["Error"]["Code"] == "OperationNotImplementedException"


def test_only_a_virtual_clock_can_be_advanced() -> None:
    with LocalHealthOmics(Settings(engine="simulated")) as omics, pytest.raises(TypeError, match="VirtualClock"):
        omics.advance(1)
    with LocalHealthOmics(Settings(engine="simulated", clock=VirtualClock())) as omics:
        omics.advance(1)
