"""Run batches.

Invariants:
- the statuses of an undisturbed batch are CREATING, PENDING, SUBMITTING, INPROGRESS and PROCESSED, in this order;
- every setting ends as one run or as one failed submission, never as two runs;
- successful, failed and pending submissions always add up to the number of runs.
"""

from __future__ import annotations

import base64
import itertools
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from healthomics_local.endpoint import (
    Fault,
    MemoryObjectStore,
    RepeatedRequest,
    RunScript,
    S3Uri,
    Service,
    ServiceError,
    Settings,
    Timings,
    VirtualClock,
)
from healthomics_local.endpoint.statuses import BatchStatus

if TYPE_CHECKING:
    from pathlib import Path

MakeService = Callable[..., Service]
Events = list[dict[str, Any]]

DEFAULT: dict[str, Any] = {
    "workflowId": "1234567",
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "outputUri": "s3://bucket/out",
}


def settings_of(*names: str) -> dict[str, Any]:
    return {"inlineSettings": [{"runSettingId": name} for name in names]}


def start(service: Service, settings: dict[str, Any], **members: Any) -> dict[str, Any]:
    default = DEFAULT | members.pop("default", {})
    return service.call("StartRunBatch", {"defaultRunSetting": default, "batchRunSettings": settings, **members})


def get(service: Service, batch: dict[str, Any]) -> dict[str, Any]:
    return service.call("GetBatch", {"batchId": batch["id"]})


def status_of(service: Service, batch: dict[str, Any]) -> str:
    return str(get(service, batch)["status"])


def runs_of(service: Service, batch: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    return list(service.call("ListRunsInBatch", {"batchId": batch["id"], **members})["runs"])


def submissions(service: Service, batch: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0, without the end of their names."""
    summary = get(service, batch)["submissionSummary"]
    return {name.removesuffix("SubmissionCount"): count for name, count in summary.items() if count}


def run_counts(service: Service, batch: dict[str, Any]) -> dict[str, int]:
    return {name.removesuffix("RunCount"): n for name, n in get(service, batch)["runSummary"].items() if n}


def refusal(service: Service, operation: str, members: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        service.call(operation, members)
    return refused.value.code, refused.value.message


def batch_events(events: Events) -> Events:
    return [event for event in events if event["detail-type"] == "RunBatch Status Change"]


def test_an_undisturbed_batch_passes_through_every_status_in_its_time(service: Service) -> None:
    batch = start(service, settings_of("a", "b"))

    timeline = [batch["status"]]
    for seconds in (2, 10, 22 + 7 + 239 + 308):
        service.advance(seconds - 1)
        timeline.append(status_of(service, batch))
        service.advance(1)
        timeline.append(status_of(service, batch))

    assert timeline == ["CREATING", "CREATING", "PENDING", "PENDING", "INPROGRESS", "INPROGRESS", "PROCESSED"]
    assert run_counts(service, batch) == {"completed": 2}
    assert submissions(service, batch) == {"successfulStart": 2}


def test_times_are_those_of_creation_of_the_last_submission_and_of_the_last_end(make_service: MakeService) -> None:
    service = make_service(accept_unknown_references=True, start_run_tps=1)
    created = service.clock.now()
    batch = start(service, settings_of("a", "b", "c"))
    service.run_until_idle()

    described = get(service, batch)

    assert described["creationTime"] == created
    assert (described["submittedTime"] - created).total_seconds() == 12 + 2
    assert (described["processedTime"] - created).total_seconds() == 12 + 2 + 576
    assert described["failedTime"] is None


def test_every_status_has_its_event(make_service: MakeService) -> None:
    events: Events = []
    service = make_service(accept_unknown_references=True, event_sink=events.append)
    batch = start(service, settings_of("a"), batchName="cohort", default={"cacheId": "2", "workflowVersionName": "v2"})
    service.run_until_idle()
    service.call("DeleteRunBatch", {"batchId": batch["id"]})
    service.run_until_idle()

    found = batch_events(events)
    processed = next(event for event in found if event["detail"]["status"] == "PROCESSED")

    assert [event["detail"]["status"] for event in found] == [
        "CREATING",
        "PENDING",
        "SUBMITTING",
        "INPROGRESS",
        "PROCESSED",
        "RUNS_DELETING",
        "RUNS_DELETED",
    ]
    assert processed["resources"] == [batch["arn"]]
    assert processed["detail"] == {
        "omicsVersion": "1.0.0",
        "arn": batch["arn"],
        "batchId": batch["id"],
        "status": "PROCESSED",
        "uuid": batch["uuid"],
        "batchName": "cohort",
        "totalRuns": "1",
        "successfulStartSubmissionCount": "1",
        "failedStartSubmissionCount": "0",
        "pendingStartSubmissionCount": "0",
        "pendingRunCount": "0",
        "startingRunCount": "0",
        "runningRunCount": "0",
        "stoppingRunCount": "0",
        "completedRunCount": "1",
        "failedRunCount": "0",
        "cancelledRunCount": "0",
        "deletedRunCount": "0",
        "workflowId": "1234567",
        "workflowArn": "arn:aws:omics:us-east-1:123456789012:workflow/1234567",
        "workflowVersionArn": "arn:aws:omics:us-east-1:123456789012:workflow/1234567",
        "runCache": "arn:aws:omics:us-east-1:123456789012:runCache/2",
    }


def test_own_settings_win_and_parameters_and_tags_are_merged(service: Service) -> None:
    default = {
        "name": "usual",
        "priority": 1,
        "parameters": {"reference": "r", "version": "v1"},
        "runTags": {"project": "p", "pipeline": "1"},
        "outputBucketOwnerId": "123456789012",
    }
    own = {
        "runSettingId": "b",
        "name": "special",
        "priority": 9,
        "outputUri": "s3://bucket/special",
        "parameters": {"input": "i", "version": "v2"},
        "runTags": {"patient": "7", "pipeline": "2"},
        "outputBucketOwnerId": "210987654321",
    }
    batch = start(service, {"inlineSettings": [{"runSettingId": "a"}, own]}, default=default, tags={"on": "batch"})
    service.advance(12)

    usual, special = (service.call("GetRun", {"id": run["runId"]}) for run in runs_of(service, batch))

    assert (usual["name"], usual["priority"], usual["outputUri"]) == ("usual", 1, "s3://bucket/out")
    assert usual["parameters"] == {"reference": "r", "version": "v1"}
    assert usual["tags"] == {"project": "p", "pipeline": "1"}
    assert (special["name"], special["priority"], special["outputUri"]) == ("special", 9, "s3://bucket/special")
    assert special["parameters"] == {"reference": "r", "version": "v2", "input": "i"}
    assert special["tags"] == {"project": "p", "pipeline": "2", "patient": "7"}
    assert {usual["batchId"], special["batchId"]} == {batch["id"]}
    assert get(service, batch)["defaultRunSetting"] == DEFAULT | default
    assert get(service, batch)["tags"] == {"on": "batch"}


def test_the_runs_of_a_batch_can_be_listed_among_all_runs(service: Service) -> None:
    batch = start(service, settings_of("a", "b"))
    other = start(service, settings_of("c"))
    service.advance(12)

    found = service.call("ListRuns", {"batchId": batch["id"]})["items"]

    assert [run["id"] for run in reversed(found)] == [run["runId"] for run in runs_of(service, batch)]
    assert {run["batchId"] for run in found} == {batch["id"]}
    assert len(service.call("ListRuns", {"batchId": other["id"]})["items"]) == 1


def test_a_submission_that_fails_says_why_and_stops_nobody_else(make_service: MakeService) -> None:
    service = make_service()
    service.add_workflow(workflow_id="1234567", parameter_template={"sample": {"description": "name"}})
    settings = [
        {"runSettingId": "good", "parameters": {"sample": "s"}},
        {"runSettingId": "unknown", "parameters": {"sample": "s", "x": 1}},
        {"runSettingId": "missing"},
        {"runSettingId": "elsewhere", "parameters": {"sample": "s"}, "outputUri": "file:///tmp"},
        {"runSettingId": "no object", "parameters": [1]},
    ]
    batch = start(service, {"inlineSettings": settings})
    service.run_until_idle()

    failed = runs_of(service, batch, submissionStatus="FAILED")

    assert submissions(service, batch) == {"successfulStart": 1, "failedStart": 4}
    assert [run["runSettingId"] for run in failed] == ["unknown", "missing", "elsewhere", "no object"]
    assert {run["submissionFailureReason"] for run in failed} == {"ValidationException"}
    assert "x" in failed[0]["submissionFailureMessage"]
    assert all(run["runId"] is None and run["runArn"] is None for run in failed)
    assert status_of(service, batch) == "PROCESSED"
    assert run_counts(service, batch) == {"completed": 1}


def test_an_output_uri_that_neither_setting_has_is_a_failed_submission(service: Service) -> None:
    default = {name: value for name, value in DEFAULT.items() if name != "outputUri"}
    members = {"defaultRunSetting": default, "batchRunSettings": settings_of("a")}
    batch = service.call("StartRunBatch", members)
    service.run_until_idle()

    (run,) = runs_of(service, batch)

    assert "Value null at 'outputUri'" in run["submissionFailureMessage"]
    assert status_of(service, batch) == "PROCESSED"


def test_what_a_run_needs_may_vanish_before_it_is_started(make_service: MakeService) -> None:
    service = make_service(max_stored_runs=1)
    workflow = service.add_workflow(workflow_id="1234567")
    first = start(service, settings_of("a", "b"))
    service.advance(12)
    second = start(service, settings_of("c"))
    service.call("DeleteWorkflow", {"id": workflow.workflow_id})
    service.run_until_idle()

    reasons = [run["submissionFailureReason"] for batch in (first, second) for run in runs_of(service, batch)]

    assert reasons == [None, "ServiceQuotaExceededException", "ResourceNotFoundException"]


def test_submissions_share_the_rate_of_start_run(make_service: MakeService) -> None:
    service = make_service(accept_unknown_references=True, start_run_tps=1)
    batch = start(service, settings_of(*map(str, range(5))))
    service.advance(12)

    counts = []
    for _ in range(3):
        counts.append(submissions(service, batch)["successfulStart"])
        service.advance(1)
    code, _ = refusal(service, "StartRun", DEFAULT)

    assert counts == [1, 2, 3]
    assert code == "ThrottlingException"
    assert status_of(service, batch) == "SUBMITTING"
    service.advance(1)
    assert status_of(service, batch) == "INPROGRESS"


def test_a_direct_call_takes_its_turn_from_the_batch(make_service: MakeService) -> None:
    service = make_service(accept_unknown_references=True, start_run_tps=0.5)
    service.call("StartRun", DEFAULT)
    service.advance(1)
    batch = start(service, settings_of("a", "b"))
    service.advance(11)
    service.call("StartRun", DEFAULT)

    service.advance(1)

    assert submissions(service, batch) == {"pendingStart": 2}
    service.run_until_idle()
    assert submissions(service, batch) == {"successfulStart": 2}


@pytest.mark.parametrize("code", ["ThrottlingException", "RequestTimeoutException", "InternalServerException"])
def test_a_transient_error_is_tried_again(service: Service, code: str) -> None:
    service.inject(Fault(operation="StartRun", code=code, count=2))
    batch = start(service, settings_of("a", "b"))
    service.run_until_idle()

    assert submissions(service, batch) == {"successfulStart": 2}
    assert len(service.runs()) == 2


def test_a_transient_error_that_stays_is_a_failed_submission(service: Service) -> None:
    service.inject(
        Fault(operation="StartRun", code="InternalServerException", count=None, when=lambda run: run["name"] == "b")
    )
    settings = {"inlineSettings": [{"runSettingId": name, "name": name} for name in "abc"]}
    batch = start(service, settings)
    service.run_until_idle()

    (failed,) = runs_of(service, batch, submissionStatus="FAILED")

    assert (failed["runSettingId"], failed["submissionFailureReason"]) == ("b", "InternalServerException")
    assert submissions(service, batch) == {"successfulStart": 2, "failedStart": 1}


def test_any_other_error_is_final_at_once(service: Service) -> None:
    service.inject(Fault(operation="StartRun", code="AccessDeniedException", message="no\nway"))
    batch = start(service, settings_of("a"))
    service.run_until_idle()

    (failed,) = runs_of(service, batch)

    assert (failed["submissionFailureReason"], failed["submissionFailureMessage"]) == (
        "AccessDeniedException",
        "no way",
    )


@pytest.mark.parametrize(
    "fault", [{"latency": 5.0}, {"drop_connection": True}, {"code": "X", "after_processing": True}]
)
def test_faults_of_a_connection_wait_for_a_call_that_has_one(service: Service, fault: dict[str, Any]) -> None:
    service.inject(Fault(operation="StartRun", **fault))
    batch = start(service, settings_of("a"))
    service.run_until_idle()

    assert submissions(service, batch) == {"successfulStart": 1}
    assert len(service.faults()) == 1


def test_many_runs_are_all_started(service: Service) -> None:
    service.objects.put("s3://bucket/many.json", _array(250))
    batch = start(service, {"s3UriSettings": "s3://bucket/many.json"})
    assert get(service, batch)["totalRuns"] is None
    service.advance(12)

    assert get(service, batch)["totalRuns"] == 250
    assert submissions(service, batch) == {"successfulStart": 250}
    assert len({run.run_id for run in service.runs()}) == 250


def _array(count: int) -> str:
    return (
        "[" + ", ".join(f'{{"runSettingId": "s{n}", "runTags": null, "parameters": null}}' for n in range(count)) + "]"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Invalid JSON format in run configurations"),
        ("{}", "Invalid JSON format in run configurations: they must be an array"),
        ("[1]", "number 1 must be an object"),
        ("[]", "Batch has 0 runs"),
        ('[{"runSettingId": "a", "x": NaN}]', "Invalid JSON format in run configurations"),
        ("[" * 100_000, "Invalid JSON format in run configurations"),
        ('[{"name": "a"}]', "number 1 is invalid: 1 validation error detected: Value null at 'runSettingId'"),
        ('[{"runSettingId": "a"}, {"runSettingId": "b", "runId": "1"}]', "number 2 is invalid"),
        ('[{"runSettingId": "a", "priority": "1"}]', "number 1 is invalid"),
        (
            '[{"runSettingId": "a"}, {"runSettingId": "b"}, {"runSettingId": "a"}]',
            "Expected 3 unique runSettingIds but there were 2",
        ),
    ],
)
def test_settings_that_make_no_batch_let_it_fail(make_service: MakeService, content: str, message: str) -> None:
    events: Events = []
    service = make_service(accept_unknown_references=True, event_sink=events.append)
    service.objects.put("s3://bucket/settings.json", content)
    batch = start(service, {"s3UriSettings": "s3://bucket/settings.json"})
    service.run_until_idle()

    described = get(service, batch)

    assert described["status"] == "FAILED"
    assert message in described["failureReason"]
    assert described["failedTime"] is not None
    assert service.runs() == []
    last = batch_events(events)[-1]["detail"]
    assert (last["failureReason"], last["failureMessage"]) == ("VALIDATION_EXCEPTION", described["failureReason"])
    assert "totalRuns" not in last


def test_settings_that_are_too_many_let_the_batch_fail(make_service: MakeService) -> None:
    service = make_service(accept_unknown_references=True)
    service.objects.put("s3://bucket/settings.json", "[" + "1," * 100_000 + "1]")
    batch = start(service, {"s3UriSettings": "s3://bucket/settings.json"})
    service.run_until_idle()

    assert get(service, batch)["failureReason"] == "Batch has 100001 runs but 100000 runs is the max."


def test_inline_settings_with_the_same_id_let_the_batch_fail(service: Service) -> None:
    batch = start(service, settings_of("a", "b", "a"))
    service.run_until_idle()

    assert status_of(service, batch) == "FAILED"
    assert get(service, batch)["failureReason"] == "Expected 3 unique runSettingIds but there were 2"


@pytest.mark.parametrize("gone", [True, False])
def test_settings_that_change_after_the_call_let_the_batch_fail(make_service: MakeService, *, gone: bool) -> None:
    service = make_service(accept_unknown_references=True)
    service.objects.put("s3://bucket/settings.json", _array(1))
    batch = start(service, {"s3UriSettings": "s3://bucket/settings.json"})
    if gone:
        service.objects._objects.clear()
    else:
        service.objects.put("s3://bucket/settings.json", _array(2))
    service.run_until_idle()

    described = get(service, batch)

    assert described["status"] == "FAILED"
    wanted = "s3UriConfigs cannot be read" if gone else "s3UriConfigs have changed since calling StartRunBatch"
    assert wanted in described["failureReason"]


@pytest.mark.parametrize(
    ("default", "settings", "message"),
    [
        ({"workflowType": "READY2RUN"}, settings_of("a"), "not supported for READY2RUN"),
        ({}, {}, "exactly one of inlineSettings and s3UriSettings"),
        ({}, settings_of("a") | {"s3UriSettings": "s3://b/k"}, "exactly one of inlineSettings and s3UriSettings"),
        ({}, {"s3UriSettings": "https://b/k"}, "s3://bucket/key"),
        ({}, {"s3UriSettings": "s3://b"}, "must name an object"),
        ({}, {"s3UriSettings": "s3://b/missing"}, "s3UriSettings cannot be read"),
        ({"runId": "1"}, settings_of("a"), "'defaultRunSetting.runId'"),
        ({"outputUri": "file:///x"}, settings_of("a"), "outputUri must be an S3 URI"),
        ({"cacheBehavior": "CACHE_ALWAYS"}, settings_of("a"), "cacheBehavior requires cacheId"),
        ({"networkingMode": "VPC"}, settings_of("a"), "requires configurationName"),
        ({"parameters": [1]}, settings_of("a"), "parameters must be a JSON object"),
        ({"runTags": {"aws:x": "1"}}, settings_of("a"), "aws: prefixed"),
    ],
)
def test_what_no_batch_can_have_is_refused_at_once(
    service: Service, default: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    members = {"defaultRunSetting": DEFAULT | default, "batchRunSettings": settings}

    code, text = refusal(service, "StartRunBatch", members)

    assert code == "ValidationException"
    assert message in text
    assert service.call("ListBatch")["items"] == []


@pytest.mark.parametrize("missing", [{}, {"runGroupId": "1"}, {"cacheId": "1"}])
def test_a_batch_of_what_does_not_exist_is_not_found(make_service: MakeService, missing: dict[str, str]) -> None:
    service = make_service()
    if missing:
        service.add_workflow(workflow_id="1234567")
    members = {"defaultRunSetting": DEFAULT | missing, "batchRunSettings": settings_of("a")}

    assert refusal(service, "StartRunBatch", members)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "operation", ["GetBatch", "ListRunsInBatch", "CancelRunBatch", "DeleteRunBatch", "DeleteBatch"]
)
def test_a_batch_that_does_not_exist_is_not_found(service: Service, operation: str) -> None:
    assert refusal(service, operation, {"batchId": "1"})[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("seconds", [2, 13, 14])
def test_a_cancelled_batch_starts_no_more_runs_and_cancels_those_it_has(
    make_service: MakeService, seconds: int
) -> None:
    events: Events = []
    service = make_service(accept_unknown_references=True, start_run_tps=1, event_sink=events.append)
    batch = start(service, settings_of("a", "b", "c"))
    service.advance(seconds)
    started = len(service.runs())

    service.call("CancelRunBatch", {"batchId": batch["id"]})

    assert status_of(service, batch) == "STOPPING"
    service.run_until_idle()
    assert status_of(service, batch) == "CANCELLED"
    assert started == max(0, seconds - 11)
    assert [run.status.value for run in service.runs()] == ["CANCELLED"] * started
    assert [run["submissionStatus"] for run in runs_of(service, batch)] == (
        ["CANCEL_SUCCESS"] * started + [None] * (3 - started)
    )
    counts = {"successfulStart": started, "successfulCancel": started, "pendingStart": 3 - started}
    assert submissions(service, batch) == {name: count for name, count in counts.items() if count}
    assert [event["detail"]["status"] for event in batch_events(events)][-2:] == ["STOPPING", "CANCELLED"]


def test_a_cancelled_batch_waits_until_its_runs_have_stopped(service: Service) -> None:
    batch = start(service, settings_of("a"))
    service.advance(12 + 60)
    service.call("CancelRunBatch", {"batchId": batch["id"]})

    service.advance(59)
    before = status_of(service, batch)
    service.advance(1)

    assert (before, status_of(service, batch)) == ("STOPPING", "CANCELLED")


def test_a_run_that_has_ended_is_not_cancelled_with_its_batch(make_service: MakeService) -> None:
    service = make_service(
        accept_unknown_references=True,
        script=lambda run: RunScript(running_seconds=0, stopping_seconds=0) if run["name"] == "short" else None,
    )
    settings = {"inlineSettings": [{"runSettingId": name, "name": name} for name in ("short", "long")]}
    batch = start(service, settings)
    service.advance(12 + 60)
    service.call("CancelRunBatch", {"batchId": batch["id"]})
    service.run_until_idle()

    assert [run["submissionStatus"] for run in runs_of(service, batch)] == ["SUCCESS", "CANCEL_SUCCESS"]
    assert run_counts(service, batch) == {"completed": 1, "cancelled": 1}


def test_a_run_that_cannot_be_cancelled_goes_on_without_its_batch(service: Service) -> None:
    batch = start(service, settings_of("a", "b"))
    service.advance(12 + 60)
    service.inject(Fault(operation="CancelRun", code="InternalServerException", message="try later"))
    service.call("CancelRunBatch", {"batchId": batch["id"]})
    service.advance(60)

    first, second = runs_of(service, batch)

    assert status_of(service, batch) == "CANCELLED"
    assert (first["submissionStatus"], second["submissionStatus"]) == ("CANCEL_FAILED", "CANCEL_SUCCESS")
    assert (first["submissionFailureReason"], first["submissionFailureMessage"]) == (
        "InternalServerException",
        "try later",
    )
    assert run_counts(service, batch) == {"running": 1, "cancelled": 1}
    service.call("DeleteRunBatch", {"batchId": batch["id"]})
    service.advance(0)
    assert status_of(service, batch) == "RUNS_DELETE_FAILED"
    assert [run["submissionStatus"] for run in runs_of(service, batch)] == ["DELETE_FAILED", "DELETE_SUCCESS"]
    assert submissions(service, batch) == {
        "successfulStart": 2,
        "failedCancel": 1,
        "successfulCancel": 1,
        "failedDelete": 1,
        "successfulDelete": 1,
    }


def test_deleting_the_runs_of_a_batch_leaves_the_batch(service: Service) -> None:
    batch = start(service, settings_of("a", "b"))
    service.run_until_idle()
    deleted = runs_of(service, batch)[0]["runId"]
    service.call("DeleteRun", {"id": deleted})
    assert run_counts(service, batch) == {"completed": 1, "deleted": 1}

    service.call("DeleteRunBatch", {"batchId": batch["id"]})
    deleting = status_of(service, batch)
    service.run_until_idle()

    assert (deleting, status_of(service, batch)) == ("RUNS_DELETING", "RUNS_DELETED")
    assert service.runs() == []
    assert run_counts(service, batch) == {"deleted": 2}
    assert [run["submissionStatus"] for run in runs_of(service, batch)] == ["DELETE_SUCCESS"] * 2


def test_a_run_that_got_the_id_of_a_deleted_one_is_not_the_batchs(make_service: MakeService) -> None:
    service = make_service(accept_unknown_references=True, reuse_deleted_run_ids=True)
    batch = start(service, settings_of("a"))
    service.run_until_idle()
    run_id = runs_of(service, batch)[0]["runId"]
    service.call("DeleteRun", {"id": run_id})
    assert service.call("StartRun", DEFAULT)["id"] == run_id

    service.call("DeleteRunBatch", {"batchId": batch["id"]})
    service.run_until_idle()

    assert run_counts(service, batch) == {"deleted": 1}
    assert [run.run_id for run in service.runs()] == [run_id]


def test_deleting_a_batch_leaves_its_runs(service: Service) -> None:
    batch = start(service, settings_of("a"))
    service.run_until_idle()
    run_id = runs_of(service, batch)[0]["runId"]

    service.call("DeleteBatch", {"batchId": batch["id"]})

    assert refusal(service, "GetBatch", {"batchId": batch["id"]})[0] == "ResourceNotFoundException"
    assert service.call("GetRun", {"id": run_id})["batchId"] == batch["id"]
    assert service.call("ListBatch")["items"] == []
    service.call("DeleteRun", {"id": run_id})


def _bring_to(service: Service, status: str) -> dict[str, Any]:
    """A batch in this status."""
    if status == "FAILED":
        batch = start(service, settings_of("a", "a"))
        service.run_until_idle()
        return batch
    batch = start(service, settings_of(*map(str, range(3))))
    waits = {"CREATING": 0, "PENDING": 2, "SUBMITTING": 12, "INPROGRESS": 14}
    if status in waits:
        service.advance(waits[status])
        return batch
    service.advance(60)
    if status in {"STOPPING", "CANCELLED"}:
        service.call("CancelRunBatch", {"batchId": batch["id"]})
    if status == "STOPPING":
        return batch
    service.run_until_idle()
    if status == "RUNS_DELETE_FAILED":
        service.inject(Fault(operation="DeleteRun", code="InternalServerException"))
    if status.startswith("RUNS_"):
        service.call("DeleteRunBatch", {"batchId": batch["id"]})
    if status != "RUNS_DELETING":
        service.advance(0)
    return batch


ALLOWED = {
    "CancelRunBatch": {"PENDING", "SUBMITTING", "INPROGRESS"},
    "DeleteRunBatch": {"PROCESSED", "CANCELLED"},
    "DeleteBatch": {"PROCESSED", "FAILED", "CANCELLED", "RUNS_DELETED", "RUNS_DELETE_FAILED"},
}


@pytest.mark.parametrize("operation", ALLOWED)
@pytest.mark.parametrize("status", [each.value for each in BatchStatus])
def test_each_change_is_allowed_in_its_statuses_only(make_service: MakeService, operation: str, status: str) -> None:
    service = make_service(accept_unknown_references=True, start_run_tps=1)
    batch = _bring_to(service, status)
    assert status_of(service, batch) == status

    if status in ALLOWED[operation]:
        assert service.call(operation, {"batchId": batch["id"]}) == {}
    else:
        code, message = refusal(service, operation, {"batchId": batch["id"]})
        assert code == "ConflictException"
        assert f"its status is {status}, and it must be one of " in message
        assert status_of(service, batch) == status


def test_a_batch_without_timings_ends_at_once(make_service: MakeService) -> None:
    service = make_service(accept_unknown_references=True, timings=Timings.none())
    batch = start(service, settings_of("a"))

    service.advance(0)

    assert status_of(service, batch) == "PROCESSED"


def test_a_repeated_request_is_answered_with_the_batch_in_its_present_status(service: Service) -> None:
    first = start(service, settings_of("a"), requestId="one", tags={"a": "b"})
    service.run_until_idle()

    second = start(service, settings_of("a"), requestId="one", tags={"a": "b"})

    assert second == first | {"status": "PROCESSED"}
    assert len(service.runs()) == 1


def test_a_repeated_request_does_not_look_at_the_settings_again(service: Service) -> None:
    service.objects.put("s3://bucket/settings.json", _array(1))
    first = start(service, {"s3UriSettings": "s3://bucket/settings.json"}, requestId="one")
    service.objects._objects.clear()

    assert start(service, {"s3UriSettings": "s3://bucket/settings.json"}, requestId="one") == first


@pytest.mark.parametrize("repeated", [RepeatedRequest.REPLAY, RepeatedRequest.CONFLICT])
def test_repeated_requests_obey_the_settings(make_service: MakeService, repeated: RepeatedRequest) -> None:
    service = make_service(accept_unknown_references=True, repeated_request=repeated)
    members = {"defaultRunSetting": DEFAULT, "batchRunSettings": settings_of("a"), "requestId": "one"}
    first = service.call("StartRunBatch", members)
    service.run_until_idle()

    if repeated is RepeatedRequest.REPLAY:
        assert service.call("StartRunBatch", members) == first
    else:
        assert refusal(service, "StartRunBatch", members)[0] == "ConflictException"


@pytest.mark.parametrize("frees", [True, False])
def test_the_request_id_of_a_deleted_batch_is_free_only_on_demand(make_service: MakeService, *, frees: bool) -> None:
    service = make_service(accept_unknown_references=True, deletion_frees_request_id=frees)
    first = start(service, settings_of("a"), requestId="one")
    service.run_until_idle()
    service.call("DeleteBatch", {"batchId": first["id"]})

    again = start(service, settings_of("a"), requestId="one")

    assert (again["uuid"] == first["uuid"]) is not frees
    assert len(service.call("ListBatch")["items"]) == int(frees)


def test_a_request_that_was_refused_leaves_its_id_free(make_service: MakeService) -> None:
    service = make_service()
    members = {"defaultRunSetting": DEFAULT, "batchRunSettings": settings_of("a"), "requestId": "one"}
    refusal(service, "StartRunBatch", members)
    service.add_workflow(workflow_id="1234567")

    service.call("StartRunBatch", members)

    assert len(service.call("ListBatch")["items"]) == 1


def test_batches_are_listed_newest_first_page_by_page_and_by_one_filter(service: Service) -> None:
    group = service.call("CreateRunGroup", {})["id"]
    old = start(service, settings_of("a"), batchName="old", default={"runGroupId": group})
    service.run_until_idle()
    new = start(service, settings_of("b", "c"), batchName="new")

    def listed(**members: Any) -> list[str]:
        return [item["id"] for item in service.call("ListBatch", members)["items"]]

    page = service.call("ListBatch", {"maxItems": 1})

    assert [item["id"] for item in page["items"]] == [new["id"]]
    assert page["items"][0] | {"createdAt": None} == {
        "id": new["id"],
        "name": "new",
        "status": "CREATING",
        "createdAt": None,
        "totalRuns": 2,
        "workflowId": "1234567",
    }
    assert listed(maxItems=1, startingToken=page["nextToken"]) == [old["id"]]
    assert listed(name="old") == listed(status="PROCESSED") == listed(runGroupId=group) == [old["id"]]
    assert listed(name="older") == []
    assert "Only one filter" in refusal(service, "ListBatch", {"name": "old", "status": "PROCESSED"})[1]


def test_the_runs_of_a_batch_are_listed_in_order_page_by_page_and_by_one_filter(service: Service) -> None:
    batch = start(service, settings_of(*"abcde"))
    service.advance(12)
    third = runs_of(service, batch)[2]

    names: list[list[str]] = []
    token: str | None = None
    while token is not None or not names:
        members = {"batchId": batch["id"], "maxItems": 2} | ({} if token is None else {"startingToken": token})
        page = service.call("ListRunsInBatch", members)
        names.append([run["runSettingId"] for run in page["runs"]])
        token = page["nextToken"]

    assert names == [["a", "b"], ["c", "d"], ["e"]]
    assert runs_of(service, batch, runSettingId="c") == runs_of(service, batch, runId=third["runId"]) == [third]
    assert runs_of(service, batch, submissionStatus="FAILED") == []
    filters = {"batchId": batch["id"], "runId": "1", "runSettingId": "c"}
    assert "Only one filter" in refusal(service, "ListRunsInBatch", filters)[1]
    for text in ("after:-5", "after: 5", "after:1_0", "after:٣", "after:" + "9" * 19, "before:1"):
        token = base64.urlsafe_b64encode(text.encode()).decode()
        refused = refusal(service, "ListRunsInBatch", {"batchId": batch["id"], "startingToken": token})
        assert refused[0] == "ValidationException"
    assert refusal(service, "ListRunsInBatch", {"batchId": batch["id"], "startingToken": "x"})[0] == (
        "ValidationException"
    )


def test_a_batch_has_tags_of_its_own(service: Service) -> None:
    batch = start(service, settings_of("a"), tags={"a": "1"})

    service.call("TagResource", {"resourceArn": batch["arn"], "tags": {"b": "2"}})
    service.call("UntagResource", {"resourceArn": batch["arn"], "tagKeys": ["a"]})
    service.run_until_idle()

    assert service.call("ListTagsForResource", {"resourceArn": batch["arn"]})["tags"] == {"b": "2"}
    assert get(service, batch)["tags"] == {"b": "2"}
    assert status_of(service, batch) == "PROCESSED"
    assert service.runs()[0].tags == {}


def go_on_in_another_process(service: Service) -> None:
    """Lose what only the process knew of the batches, but neither their records nor the runs."""
    for progress in service._batches._progress.values():
        if progress.timer is not None:
            progress.timer.cancel()
    service._batches._progress.clear()
    service._batches.resume()


def test_another_process_does_not_wait_for_what_could_not_be_cancelled(service: Service) -> None:
    batch = start(service, settings_of("a", "b"))
    service.advance(12 + 60)
    service.inject(Fault(operation="CancelRun", code="InternalServerException"))
    service.call("CancelRunBatch", {"batchId": batch["id"]})
    service.advance(1)

    go_on_in_another_process(service)
    service.advance(59)

    assert status_of(service, batch) == "CANCELLED"
    assert run_counts(service, batch) == {"running": 1, "cancelled": 1}


@pytest.mark.parametrize("status", [each.value for each in BatchStatus])
def test_a_batch_goes_on_in_another_process(make_service: MakeService, status: str) -> None:
    service = make_service(accept_unknown_references=True, start_run_tps=1)
    batch = _bring_to(service, status)

    go_on_in_another_process(service)
    service.run_until_idle()

    ends = {"STOPPING": "CANCELLED", "RUNS_DELETING": "RUNS_DELETED"}
    usual = "PROCESSED" if BatchStatus(status).may_be_cancelled or status == "CREATING" else status
    assert status_of(service, batch) == ends.get(status, usual)
    assert len({run.uuid for run in service.runs(include_deleted=True)}) == (0 if status == "FAILED" else 3)


def test_a_batch_survives_a_restart(make_service: MakeService, tmp_path: Path) -> None:
    kept: dict[str, Any] = {
        "accept_unknown_references": True,
        "start_run_tps": 1,
        "state_file": tmp_path / "state.sqlite",
    }
    before = make_service(**kept)
    batch = start(before, settings_of(*"abcde"), tags={"a": "b"})
    before.advance(14)
    described = get(before, batch)
    before.close()

    after = make_service(clock=VirtualClock(before.clock.now()), **kept)

    assert get(after, batch) == described
    assert submissions(after, batch) == {"successfulStart": 3, "pendingStart": 2}
    after.run_until_idle()
    assert status_of(after, batch) == "PROCESSED"
    assert len({run["runId"] for run in runs_of(after, batch)}) == len(after.runs()) == 5


def test_the_settings_of_a_batch_are_checked_beside_the_clock(make_service: MakeService) -> None:
    """On a real clock, so that a slow S3 holds up nobody; nothing of it is left afterwards."""
    reading, go_on = threading.Event(), threading.Event()

    class SlowStore(MemoryObjectStore):
        def download(self, source: S3Uri, target: Path) -> None:
            reading.set()
            assert go_on.wait(60)
            super().download(source, target)

    store, events = SlowStore(), queue.SimpleQueue[dict[str, Any]]()
    store.put("s3://bucket/settings.json", _array(3))
    service = make_service(
        clock=None,
        accept_unknown_references=True,
        timings=Timings.none(),
        object_store=store,
        event_sink=events.put,
    )
    batch = start(service, {"s3UriSettings": "s3://bucket/settings.json"})
    assert reading.wait(60)
    run = service.call("StartRun", DEFAULT)
    _wait_for(events, lambda detail: detail.get("runId") == run["id"] and detail["status"] == "COMPLETED")
    assert status_of(service, batch) == "PENDING"

    go_on.set()

    _wait_for(events, lambda detail: detail.get("batchId") == batch["id"] and detail["status"] == "PROCESSED")
    service.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "healthomics-batch"]


def _wait_for(events: queue.SimpleQueue[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> None:
    """Take events until one has such a detail."""
    while not wanted(events.get(timeout=60)["detail"]):
        pass


ACTIONS = st.one_of(
    st.tuples(st.just("start"), st.integers(1, 4)),
    st.tuples(st.sampled_from(["CancelRunBatch", "DeleteRunBatch", "DeleteBatch"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["StartRun", "CancelRun", "DeleteRun"]), st.just(0)),
    st.tuples(st.just("advance"), st.integers(0, 300)),
)


@settings_of_hypothesis(max_examples=40)
@given(actions=st.lists(ACTIONS, max_size=20), tps=st.sampled_from([None, 1.0]), faulty=st.integers(0, 3))
def test_no_sequence_of_calls_breaks_the_order_of_the_statuses(
    actions: list[tuple[str, int]], tps: float | None, faulty: int
) -> None:
    events: Events = []
    settings = Settings(
        clock=VirtualClock(),
        engine="simulated",
        seed=1,
        accept_unknown_references=True,
        start_run_tps=tps,
        event_sink=events.append,
    )
    service = Service(settings)
    if faulty:
        service.inject(Fault(code="InternalServerException", operation="StartRun", count=faulty))
        service.inject(Fault(code="InternalServerException", operation="DeleteRun", count=faulty))
    batches: list[dict[str, Any]] = []
    for action in actions:
        _act(service, batches, *action)
        for listed in service.call("ListBatch")["items"]:
            described = get(service, listed)
            starts = {n: c for n, c in described["submissionSummary"].items() if "Start" in n}
            assert sum(starts.values()) == described["totalRuns"]
            assert sum(described["runSummary"].values()) == starts["successfulStartSubmissionCount"]
    service.run_until_idle()

    for listed in service.call("ListBatch")["items"]:
        assert BatchStatus(status_of(service, listed)).is_terminal
    for batch in batches:
        mine = [event["detail"] for event in batch_events(events) if event["detail"]["uuid"] == batch["uuid"]]
        statuses = [BatchStatus(detail["status"]) for detail in mine]
        assert statuses[0] is BatchStatus.CREATING
        assert statuses[-1].is_terminal
        assert all(a.may_become(b) for a, b in itertools.pairwise(statuses))
    service.close()


def _act(service: Service, batches: list[dict[str, Any]], verb: str, number: int) -> None:
    try:
        match verb:
            case "start":
                batches.append(start(service, settings_of(*map(str, range(number)))))
            case "advance":
                service.advance(number)
            case "StartRun":
                service.call(verb, DEFAULT)
            case "CancelRun" | "DeleteRun":
                for run in service.runs()[:1]:
                    service.call(verb, {"id": run.run_id})
            case _:
                for batch in batches[number : number + 1]:
                    service.call(verb, {"batchId": batch["id"]})
    except ServiceError as error:
        assert error.code in {  # noqa: PT017
            "ConflictException",
            "ResourceNotFoundException",
            "ThrottlingException",
            "InternalServerException",
        }


def test_a_member_that_is_null_is_none(service: Service) -> None:
    setting = {"runSettingId": "a", "priority": None, "parameters": {"kept": None}, "runTags": None, "name": None}
    nulls = {"cacheBehavior": None, "parameters": None, "runTags": None, "workflowVersionName": None}
    members = {
        "defaultRunSetting": DEFAULT | nulls,
        "batchRunSettings": {"inlineSettings": [setting], "s3UriSettings": None},
    }

    batch = service.call("StartRunBatch", members)
    service.run_until_idle()

    (run,) = runs_of(service, batch)
    assert run["submissionStatus"] == "SUCCESS"
    assert service.call("GetRun", {"id": run["runId"]})["parameters"] == {"kept": None}


def test_a_batch_whose_settings_are_null_is_refused(service: Service) -> None:
    members = {"defaultRunSetting": DEFAULT, "batchRunSettings": {"inlineSettings": None}}

    assert refusal(service, "StartRunBatch", members)[0] == "ValidationException"


def test_why_a_run_could_not_be_started_is_one_line(service: Service) -> None:
    batch = start(service, {"inlineSettings": [{"runSettingId": "a"}]})
    service.inject(Fault(operation="StartRun", code="ValidationException", message="a\x07\nb"))
    service.run_until_idle()

    (run,) = runs_of(service, batch)
    assert run["submissionStatus"] == "FAILED"
    assert run["submissionFailureMessage"].isprintable()
