"""boto3 behind the ports. The answers come from botocore's own Stubber, which knows the service models."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError
from botocore.stub import Stubber

from healthomics_run_handler import aws, messages, retry
from healthomics_run_handler.aws import BotoOmics, BotoStacks, SystemClock, api_error
from healthomics_run_handler.errors import PARAM_VALIDATION, ApiError
from healthomics_run_handler.ports import ResourceState

STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/u"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def omics() -> Any:
    port = BotoOmics()
    with Stubber(port._client) as stubber:
        yield port, stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def stacks() -> Any:
    port = BotoStacks()
    with Stubber(port._client) as stubber:
        yield port, stubber
        stubber.assert_no_pending_responses()


def test_the_calls_are_the_services(omics: Any) -> None:
    port, stubber = omics
    start = {
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "outputUri": "s3://b/o",
        "requestId": "t",
        "workflowId": "1",
    }
    stubber.add_response("start_run", {"id": "1"}, start)
    stubber.add_response("get_run", {"id": "1", "status": "RUNNING"}, {"id": "1"})
    stubber.add_response("cancel_run", {}, {"id": "1"})
    stubber.add_response("delete_run", {}, {"id": "1"})
    arn = "arn:aws:omics:eu-west-1:123456789012:run/1"
    stubber.add_response("tag_resource", {}, {"resourceArn": arn, "tags": {"a": "1"}})
    stubber.add_response("untag_resource", {}, {"resourceArn": arn, "tagKeys": ["a"]})

    assert port.start_run(start)["id"] == "1"
    assert port.get_run("1")["status"] == "RUNNING"
    port.cancel_run("1")
    port.delete_run("1")
    port.tag_run(arn, {"a": "1"})
    port.untag_run(arn, ["a"])


@pytest.mark.parametrize("status", [None, "RUNNING"])
def test_list_runs_goes_through_the_pages(omics: Any, status: str | None) -> None:
    port, stubber = omics
    wanted = {"name": "n", **({"status": status} if status else {})}
    stubber.add_response("list_runs", {"items": [{"id": "1"}, {"id": "2"}], "nextToken": "more"}, wanted)
    stubber.add_response("list_runs", {"items": [{"id": "3"}]}, {**wanted, "startingToken": "more"})

    assert [item["id"] for item in port.list_runs(name="n", status=status)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingException", 429), ("ConflictException", 409), ("ServiceQuotaExceededException", 402)],
)
def test_a_service_error_keeps_code_message_and_status(omics: Any, code: str, status: int) -> None:
    port, stubber = omics
    stubber.add_client_error("get_run", code, "words", status, response_meta={"HTTPHeaders": {"retry-after": "7"}})

    with pytest.raises(ApiError) as caught:
        port.get_run("1")

    error = caught.value
    assert (error.operation, error.code, error.message, error.status) == ("GetRun", code, "words", status)
    assert error.retry_after == 7.0
    assert "words" not in str(error)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({}, ("UnknownError", "", 0, None)),
        ({"Error": {"Code": "X"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, ("X", "", 500, None)),
        (
            {"ResponseMetadata": {"HTTPHeaders": {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}}},
            ("UnknownError", "", 0, None),
        ),
        ({"ResponseMetadata": {"HTTPHeaders": {"retry-after": "-3"}}}, ("UnknownError", "", 0, 0.0)),
    ],
)
def test_an_incomplete_error_response_is_read(response: Any, expected: Any) -> None:
    error = api_error("GetRun", ClientError(response, "GetRun"))

    assert (error.code, error.message, error.status, error.retry_after) == expected


def test_a_member_of_the_wrong_type_is_a_parameter_error() -> None:
    with pytest.raises(ApiError) as caught:
        BotoOmics().start_run({"roleArn": "arn", "outputUri": "s3://b", "requestId": "t", "priority": "high"})

    assert (caught.value.code, caught.value.status) == (PARAM_VALIDATION, 400)


def test_a_misspelt_member_is_refused_for_good_and_the_reason_names_it() -> None:
    """botocore lists all members, ``requestId`` among them: this is no request id that was used before."""
    request = {"roleArn": "arn", "outputUri": "s3://b", "requestId": "t", "scratchStorageModee": "LOCAL"}
    with pytest.raises(ApiError) as caught:
        BotoOmics().start_run(request)

    assert "requestId" in caught.value.message
    assert retry.classify(caught.value) is retry.Failure.FINAL
    assert messages.api_failure(caught.value, about="run name genomes") == (
        'StartRun failed with ParamValidationError: Unknown parameter in input: "scratchStorageModee". '
        "Correct the settings, additional_start_run_parameters among them, and deploy again [run name genomes]"
    )


@pytest.mark.parametrize(
    ("raised", "code", "status"),
    [
        (ConnectTimeoutError(endpoint_url="https://x"), "ConnectionError", 0),
        (NoCredentialsError(), "NoCredentialsError", 400),
    ],
)
def test_trouble_on_the_way_is_an_api_error(raised: Exception, code: str, status: int) -> None:
    @aws.translated("GetRun")
    def call() -> None:
        raise raised

    with pytest.raises(ApiError) as caught:
        call()

    assert (caught.value.code, caught.value.status) == (code, status)


def test_the_sdk_itself_never_retries() -> None:
    assert BotoOmics()._client.meta.config.retries["total_max_attempts"] == 1


NOW = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("held", "seen"), [({"PhysicalResourceId": "p"}, "p"), ({}, None), ({"PhysicalResourceId": ""}, None)]
)
def test_a_resource_is_described(stacks: Any, held: dict[str, str], seen: str | None) -> None:
    port, stubber = stacks
    detail = {
        "StackId": STACK,
        "LogicalResourceId": "R",
        "ResourceType": "Custom::HealthOmicsRun",
        "LastUpdatedTimestamp": NOW,
        "ResourceStatus": "CREATE_IN_PROGRESS",
        **held,
    }
    stubber.add_response(
        "describe_stack_resource", {"StackResourceDetail": detail}, {"StackName": STACK, "LogicalResourceId": "R"}
    )

    expected = ResourceState(status="CREATE_IN_PROGRESS", physical_id=seen, changed=NOW.timestamp())
    assert port.resource(STACK, "R") == expected


def test_a_stack_is_described(stacks: Any) -> None:
    port, stubber = stacks
    stack = {"StackName": "s", "CreationTime": NOW, "StackStatus": "UPDATE_ROLLBACK_IN_PROGRESS"}
    stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})

    assert port.stack_status(STACK) == "UPDATE_ROLLBACK_IN_PROGRESS"


@pytest.mark.parametrize("message", ["Stack 's' does not exist", "Resource R does not exist for stack s"])
def test_what_does_not_exist_counts_as_deleted(stacks: Any, message: str) -> None:
    port, stubber = stacks
    stubber.add_client_error("describe_stack_resource", "ValidationError", message, 400)
    stubber.add_client_error("describe_stacks", "ValidationError", message, 400)

    assert port.resource(STACK, "R") == ResourceState(status="DELETE_COMPLETE", physical_id=None)
    assert port.stack_status(STACK) == "DELETE_COMPLETE"


def test_other_trouble_with_cloudformation_is_raised(stacks: Any) -> None:
    port, stubber = stacks
    stubber.add_client_error("describe_stack_resource", "Throttling", "Rate exceeded", 400)
    stubber.add_client_error("describe_stacks", "ValidationError", "something else", 400)

    with pytest.raises(ApiError, match="Throttling"):
        port.resource(STACK, "R")
    with pytest.raises(ApiError, match="ValidationError"):
        port.stack_status(STACK)


def test_the_clock_is_real() -> None:
    clock = SystemClock()
    before = clock.now()

    clock.sleep(0.01)

    assert clock.now() - before >= 0.009


def test_the_assets_own_service_model_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "healthomics_run_handler"
    package.mkdir()
    monkeypatch.setattr(aws, "__file__", str(package / "aws.py"))
    monkeypatch.setenv("AWS_DATA_PATH", "/theirs")

    aws.use_own_service_model()
    assert os.environ["AWS_DATA_PATH"] == "/theirs"

    (tmp_path / "models").mkdir()
    aws.use_own_service_model()
    assert os.environ["AWS_DATA_PATH"] == os.pathsep.join([str(tmp_path.resolve() / "models"), "/theirs"])


@pytest.mark.parametrize(("member", "seen"), [({"LastUpdatedTime": NOW}, NOW.timestamp()), ({}, None)])
def test_the_last_update_of_a_stack_is_read(stacks: Any, member: dict[str, Any], seen: float | None) -> None:
    port, stubber = stacks
    stack = {"StackName": "s", "CreationTime": NOW, "StackStatus": "DELETE_IN_PROGRESS", **member}
    stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": STACK})

    assert port.last_update(STACK) == seen
