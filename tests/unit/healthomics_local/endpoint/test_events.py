from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint import RunScript, RunStatus, Service, Settings, Timings

if TYPE_CHECKING:
    import pytest

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def test_a_run_event_has_the_documented_form(make_service: MakeService, start_run: StartRun) -> None:
    events: list[dict[str, Any]] = []
    service = make_service(event_sink=events.append)
    workflow = service.add_workflow(workflow_id="1234567", name="germline")
    run = start_run(service, name="sample", tags={"secret": "no"})

    (event,) = events

    assert event == {
        "version": "0",
        "id": event["id"],
        "detail-type": "Run Status Change",
        "source": "aws.omics",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [run["arn"]],
        "detail": {
            "omicsVersion": "1.0.0",
            "arn": run["arn"],
            "runId": run["id"],
            "status": "PENDING",
            "uuid": run["uuid"],
            "runOutputUri": run["runOutputUri"],
            "runName": "sample",
            "workflowId": "1234567",
            "workflowName": "germline",
            "workflowUuid": workflow.uuid,
        },
    }


def test_a_failure_is_told_with_the_last_event_only(make_service: MakeService, start_run: StartRun) -> None:
    events: list[dict[str, Any]] = []
    script = RunScript(failure_reason="IMPORT_FAILED", status_message="why", fails_in=RunStatus.STARTING)
    service = make_service(accept_unknown_references=True, event_sink=events.append, script=lambda request: script)
    start_run(service, cacheId="7654321", cacheBehavior="CACHE_ALWAYS")
    service.run_until_idle()

    details = [event["detail"] for event in events]

    assert [detail["status"] for detail in details] == ["PENDING", "STARTING", "STOPPING", "FAILED"]
    assert [detail.get("failureReason") for detail in details] == [None, None, None, "IMPORT_FAILED"]
    assert details[0]["runCache"] == "arn:aws:omics:us-east-1:123456789012:runCache/7654321"
    assert details[0]["runCacheBehavior"] == "CACHE_ALWAYS"


def test_tasks_and_workflows_have_events_of_their_own(make_service: MakeService, start_run: StartRun) -> None:
    events: list[dict[str, Any]] = []
    service = make_service(event_sink=events.append)
    created = service.call("CreateWorkflow", {"definitionUri": "s3://b/w.zip"})
    service.advance(10)
    run = start_run(service, workflowId=created["id"])
    service.run_until_idle()
    service.call("DeleteWorkflow", {"id": created["id"]})

    def of(kind: str) -> list[dict[str, Any]]:
        return [event for event in events if event["detail-type"] == kind]

    workflows, tasks = of("Workflow Status Change"), of("Task Status Change")
    assert [event["detail"]["status"] for event in workflows] == ["CREATING", "ACTIVE", "DELETED"]
    assert workflows[0]["resources"] == [created["arn"]]
    assert [event["detail"]["status"] for event in tasks] == ["PENDING", "RUNNING", "COMPLETED"]
    assert tasks[0]["detail"]["runId"] == run["id"]
    assert tasks[0]["resources"][0].split(":")[-1].startswith("task/")


def test_a_sink_that_fails_does_not_break_the_run(
    make_service: MakeService, start_run: StartRun, caplog: pytest.LogCaptureFixture
) -> None:
    def sink(event: dict[str, Any]) -> None:
        raise OSError("the bus is down")

    service = make_service(accept_unknown_references=True, event_sink=sink)
    run = start_run(service)
    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["status"] == "COMPLETED"
    assert "the event sink failed" in caplog.text


def test_a_sink_may_call_the_service(make_service: MakeService, start_run: StartRun) -> None:
    seen: list[str] = []

    def sink(event: dict[str, Any]) -> None:
        if event["detail-type"] == "Run Status Change":
            seen.append(service.call("GetRun", {"id": event["detail"]["runId"]})["status"])
        if len(service.runs()) < 2:
            start_run(service)

    service = make_service(accept_unknown_references=True, event_sink=sink)
    start_run(service)
    service.run_until_idle()

    assert len(service.runs()) == 2
    assert seen.count("COMPLETED") == 2


def test_on_the_real_clock_a_slow_sink_delays_no_caller_and_loses_no_event(start_run: StartRun) -> None:
    release, events = threading.Event(), []

    def sink(event: dict[str, Any]) -> None:
        assert release.wait(10)
        events.append(event["detail"]["status"])

    service = Service(
        Settings(
            engine="simulated",
            accept_unknown_references=True,
            timings=Timings(pending=3600),
            event_sink=sink,
        )
    )
    run = start_run(service)
    service.call("CancelRun", {"id": run["id"]})
    release.set()
    service.close()

    assert events == ["PENDING", "CANCELLED"]
