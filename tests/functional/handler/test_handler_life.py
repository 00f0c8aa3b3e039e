"""Life cycles of a run, through the real handler, the real boto3 and the local endpoint."""

import json

import pytest

from handler_deployment import Deployment
from healthomics_local.endpoint import Fault
from healthomics_run_handler import contract, ledger


def test_a_run_lives_from_create_through_replacement_to_delete(deployment: Deployment) -> None:
    first = deployment.create(Tags={"team": "genomes"})
    second = deployment.update(first["PhysicalResourceId"], {"RerunOn": "2"}, {"Tags": {"team": "genomes"}})
    cleanup = deployment.delete(first["PhysicalResourceId"])
    end = deployment.delete(second["PhysicalResourceId"])

    assert [answer["Status"] for answer in (first, second, cleanup, end)] == ["SUCCESS"] * 4
    assert set(contract.ATTRIBUTES) <= set(first["Data"])
    assert first["Data"]["RunArn"].endswith(":run/" + first["Data"]["RunId"])
    assert first["Data"]["RunOutputUri"].startswith("s3://results/out/")
    assert second["Data"]["RunId"] != first["Data"]["RunId"]
    assert set(deployment.statuses()) <= {"STOPPING", "CANCELLED"}


def test_the_same_event_delivered_three_times_starts_one_run(deployment: Deployment) -> None:
    event = deployment.event("Create", deployment.properties())

    answers = [deployment.send(event) for _ in range(3)]

    assert len(deployment.omics.runs()) == 1
    assert len({answer["PhysicalResourceId"] for answer in answers}) == 1
    assert len(deployment.omics.requests("StartRun")) == 3


def test_a_lost_answer_starts_no_second_run(deployment: Deployment) -> None:
    deployment.omics.inject(Fault(operation="StartRun", drop_connection=True, after_processing=True))

    answer = deployment.create()

    assert answer["Status"] == "SUCCESS"
    assert [run.run_id for run in deployment.omics.runs()] == [answer["Data"]["RunId"]]


def test_parameters_arrive_with_type_and_value(deployment: Deployment) -> None:
    text = '{"big": 9007199254740993, "deep": {"list": [1, "x", {"y": false}]}, "f": 4.0, "i": 4, "n": null, "t": true}'

    deployment.create(Parameters=text, Priority="7")

    (started,) = deployment.omics.requests("StartRun")
    assert json.dumps(started.input["parameters"], sort_keys=True) == text
    assert started.input["priority"] == 7


def test_an_update_of_tags_alone_reaches_the_run(deployment: Deployment) -> None:
    first = deployment.create(Tags={"a": "1", "b": "2"})["PhysicalResourceId"]
    (run,) = deployment.omics.runs()
    deployment.omics.client().tag_resource(resourceArn=run.arn, tags={"theirs": "x"})

    answer = deployment.update(first, {"Tags": {"a": "9"}}, {"Tags": {"a": "1", "b": "2"}})

    tags = deployment.omics.client().list_tags_for_resource(resourceArn=run.arn)["tags"]
    assert answer["PhysicalResourceId"] == first
    assert {key: value for key, value in tags.items() if not key.startswith("cdk-")} == {"a": "9", "theirs": "x"}
    assert len(deployment.omics.runs()) == 1


def test_the_calls_of_the_normal_paths(deployment: Deployment) -> None:
    def calls() -> list[str]:
        made = [request.operation for request in deployment.omics.requests()] + deployment.stack.calls
        deployment.omics.clear_requests()
        deployment.stack.calls.clear()
        return made

    first = deployment.create()["PhysicalResourceId"]
    assert calls() == ["StartRun", "DescribeStackResource"]

    deployment.update(first, {"ServiceTimeout": "900"}, {})
    assert calls() == ["GetRun"]

    deployment.delete(first)
    assert calls() == ["GetRun", "TagResource", "CancelRun", "GetRun", "DescribeStackResource"]

    deployment.delete(first)
    assert calls() == ["GetRun"]


def test_a_marker_finds_the_run_of_a_create_that_gave_no_answer(deployment: Deployment) -> None:
    """The run was started, and the function died: all that CloudFormation has is an id that it made up."""
    event = deployment.event("Create", deployment.properties())
    deployment.send(event)

    deployment.delete("genomes-Alignment-1ABCDEF2GHIJK")

    (run,) = deployment.omics.runs()
    assert str(run.status) in ("STOPPING", "CANCELLED")
    assert run.tags[ledger.RELEASED] == "request-2"


EXCEPTIONS = [
    ("InternalServerException", 500, "kept failing with InternalServerException", "see the AWS Health Dashboard"),
    ("ServiceQuotaExceededException", 402, "failed with ServiceQuotaExceededException", "raise the quota"),
    ("ThrottlingException", 429, "kept failing with ThrottlingException", "higher StartRun rate in Service Quotas"),
    ("ValidationException", 400, "failed with ValidationException", "Correct the run's settings and deploy again"),
    ("ConflictException", 409, "kept failing with ConflictException", "Wait until the resources it names are active"),
    ("ResourceNotFoundException", 404, "failed with ResourceNotFoundException", "Check workflow id, type, owner"),
    ("AccessDeniedException", 403, "kept failing with AccessDeniedException", "Allow the action in the provider role"),
    ("RequestTimeoutException", 408, "kept failing with RequestTimeoutException", "Deploy again"),
]


@pytest.mark.parametrize(("code", "status", "what", "cure"), EXCEPTIONS)
def test_what_the_user_reads_for_every_modelled_exception(
    deployment: Deployment, code: str, status: int, what: str, cure: str
) -> None:
    deployment.omics.inject(Fault(operation="StartRun", code=code, message="The service's own words.", count=None))

    answer = deployment.create(seconds=18)

    assert answer["Status"] == "FAILED"
    reason = answer["Reason"]
    assert reason.startswith(f"StartRun {what}")
    assert "The service's own words" in reason
    assert cure in reason
    assert reason.endswith("[run name genomes-alignment]")
    assert len(reason) <= 256
    assert deployment.omics.runs() == []
    assert deployment.omics.requests("StartRun")[0].status == status


def test_nothing_secret_is_printed(deployment: Deployment, capfd: pytest.CaptureFixture[str]) -> None:
    deployment.omics.inject(Fault(operation="StartRun", code="ThrottlingException"))

    deployment.create(Parameters='{"sample": "5ecret-value"}')

    printed = "".join(capfd.readouterr())
    assert "Run started" in printed
    assert "5ecret" not in printed
    assert "127.0.0.1" not in printed
