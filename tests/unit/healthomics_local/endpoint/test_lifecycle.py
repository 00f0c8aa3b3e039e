"""The life of a run.

Invariants:
- the statuses of an undisturbed run are PENDING, STARTING, RUNNING, STOPPING and its end, in this order;
- a run that has ended never changes its status again, whatever is tried;
- never more runs hold resources than the limits allow.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint import (
    Outcome,
    RunScript,
    RunStatus,
    Service,
    ServiceError,
    Settings,
    TaskStatus,
    Timings,
    VirtualClock,
)
from healthomics_local.endpoint.engines.engine import Inspection, TaskEnd

if TYPE_CHECKING:
    from healthomics_local.endpoint.engines.engine import Job, Reporter
    from healthomics_local.endpoint.records import Workflow

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def status_of(service: Service, run: dict[str, Any]) -> str:
    return service.call("GetRun", {"id": run["id"]})["status"]


def seen_statuses(events: list[dict[str, Any]]) -> list[str]:
    return [event["detail"]["status"] for event in events if event["detail-type"] == "Run Status Change"]


def test_an_undisturbed_run_passes_through_every_status_in_its_time(service: Service, start_run: StartRun) -> None:
    run = start_run(service)

    timeline = [status_of(service, run)]
    for seconds in (22, 7, 239, 308):
        service.advance(seconds - 1)
        timeline.append(status_of(service, run))
        service.advance(1)
    timeline.append(status_of(service, run))

    assert timeline == ["PENDING", "PENDING", "STARTING", "RUNNING", "STOPPING", "COMPLETED"]


def test_times_are_those_of_creation_of_running_and_of_the_end(service: Service, start_run: StartRun) -> None:
    created = service.clock.now()
    run = start_run(service)
    service.run_until_idle()

    described = service.call("GetRun", {"id": run["id"]})

    assert described["creationTime"] == created
    assert (described["startTime"] - created).total_seconds() == 29
    assert (described["stopTime"] - created).total_seconds() == 576


def ended(service: Service, run: dict[str, Any]) -> dict[str, Any]:
    """A run on a real clock, once it has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        described = service.call("GetRun", {"id": run["id"]})
        if described["status"] in {"COMPLETED", "FAILED"}:
            return described
        time.sleep(0.01)
    raise AssertionError("waited for too long")


def test_a_fast_clock_changes_nothing_but_the_time_that_it_takes(
    make_service: MakeService, start_run: StartRun
) -> None:
    service = make_service(accept_unknown_references=True, clock=None, speed=1000, request_id_lifetime_seconds=500)
    short = service.call("CreateRunGroup", {"maxDuration": 1})["id"]
    began = time.monotonic()

    free, limited = start_run(service, requestId="one"), start_run(service, runGroupId=short)
    completed, failed = ended(service, free), ended(service, limited)

    assert time.monotonic() - began < 10
    assert completed["status"] == "COMPLETED"
    assert (completed["stopTime"] - completed["creationTime"]).total_seconds() >= 22 + 7 + 239 + 308
    assert failed["failureReason"] == "RUN_TIMED_OUT"
    assert start_run(service, requestId="one")["id"] != free["id"]


class Endless:
    """An engine that really executes, and does not come to an end."""

    slots = 1

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        done(Inspection())

    def start(self, job: Job, reporter: Reporter) -> Endless:
        return self

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_what_is_really_executed_is_limited_in_real_seconds(make_service: MakeService, start_run: StartRun) -> None:
    timings = Timings(pending=0, starting=0, stopping=0)
    service = make_service(clock=None, speed=10_000, timings=timings, engine={"CWL": Endless()}, max_run_seconds=0.5)
    service.add_workflow(workflow_id="1234567", engine="CWL")

    failed = ended(service, start_run(service))

    assert failed["failureReason"] == "RUN_TIMED_OUT"
    assert (failed["stopTime"] - failed["startTime"]).total_seconds() >= 0.5 * 10_000


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_clock_that_stands_still_or_goes_back_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be above 0"):
        Settings(speed=speed)


def test_without_timings_a_run_ends_at_once(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, timings=Timings.none())
    run = start_run(service)

    service.advance(0)

    assert status_of(service, run) == "COMPLETED"


@pytest.mark.parametrize(
    ("seconds", "before", "at_once", "in_the_end"),
    [
        (0, "PENDING", "CANCELLED", "CANCELLED"),
        (25, "STARTING", "STOPPING", "CANCELLED"),
        (60, "RUNNING", "STOPPING", "CANCELLED"),
        (300, "STOPPING", "STOPPING", "CANCELLED"),
    ],
)
def test_a_run_can_be_cancelled_as_long_as_it_has_not_ended(
    service: Service, start_run: StartRun, seconds: float, before: str, at_once: str, in_the_end: str
) -> None:
    run = start_run(service)
    service.advance(seconds)
    assert status_of(service, run) == before

    service.call("CancelRun", {"id": run["id"]})

    assert status_of(service, run) == at_once
    service.run_until_idle()
    assert status_of(service, run) == in_the_end


def test_the_tasks_of_a_cancelled_run_are_cancelled(service: Service, start_run: StartRun) -> None:
    run = start_run(service)
    service.advance(60)

    service.call("CancelRun", {"id": run["id"]})

    (task,) = service.call("ListRunTasks", {"id": run["id"]})["items"]
    assert task["status"] == "CANCELLED"


def test_a_run_that_has_ended_cannot_be_cancelled(service: Service, start_run: StartRun) -> None:
    run = start_run(service)
    service.run_until_idle()

    with pytest.raises(ServiceError) as refused:
        service.call("CancelRun", {"id": run["id"]})

    assert refused.value.code == "ConflictException"
    assert status_of(service, run) == "COMPLETED"


def test_only_a_run_that_has_ended_can_be_deleted_and_then_it_is_gone(service: Service, start_run: StartRun) -> None:
    run = start_run(service)
    with pytest.raises(ServiceError) as refused:
        service.call("DeleteRun", {"id": run["id"]})
    service.run_until_idle()

    service.call("DeleteRun", {"id": run["id"]})

    assert refused.value.code == "ConflictException"
    with pytest.raises(ServiceError) as gone:
        status_of(service, run)
    assert gone.value.code == "ResourceNotFoundException"
    assert service.runs() == []
    assert [each.status for each in service.runs(include_deleted=True)] == [RunStatus.DELETED]


@pytest.mark.parametrize(
    ("fails_in", "statuses"),
    [
        (RunStatus.PENDING, ["PENDING", "FAILED"]),
        (RunStatus.STARTING, ["PENDING", "STARTING", "STOPPING", "FAILED"]),
        (RunStatus.RUNNING, ["PENDING", "STARTING", "RUNNING", "STOPPING", "FAILED"]),
    ],
)
def test_a_script_can_let_a_run_fail_where_aws_finds_out(
    make_service: MakeService, start_run: StartRun, fails_in: RunStatus, statuses: list[str]
) -> None:
    events: list[dict[str, Any]] = []
    script = RunScript(failure_reason="ASSUME_ROLE_FAILED", status_message="no trust", fails_in=fails_in)
    service = make_service(accept_unknown_references=True, event_sink=events.append, script=lambda request: script)

    run = start_run(service)
    service.run_until_idle()

    assert seen_statuses(events) == statuses
    described = service.call("GetRun", {"id": run["id"]})
    assert described["failureReason"] == "ASSUME_ROLE_FAILED"
    assert described["statusMessage"] == "no trust"


def test_a_script_sees_the_request_and_sets_times_and_tasks(make_service: MakeService, start_run: StartRun) -> None:
    def script(request: Any) -> RunScript | None:
        return RunScript(running_seconds=30, tasks=("align", "call", "merge")) if request["name"] == "short" else None

    service = make_service(accept_unknown_references=True, script=script)
    short, usual = start_run(service, name="short"), start_run(service, name="usual")

    service.advance(29 + 15)
    tasks = service.call("ListRunTasks", {"id": short["id"]})["items"]
    service.advance(15)

    assert [(task["name"], task["status"]) for task in tasks] == [("call", "RUNNING"), ("align", "COMPLETED")]
    assert (status_of(service, short), status_of(service, usual)) == ("STOPPING", "RUNNING")


def test_the_last_task_of_a_failing_run_is_the_one_that_fails(make_service: MakeService, start_run: StartRun) -> None:
    script = RunScript(failure_reason="RUN_TASK_FAILED", status_message="disk full", tasks=("a", "b"))
    service = make_service(accept_unknown_references=True, script=lambda request: script)
    run = start_run(service)
    service.run_until_idle()

    last, first = service.call("ListRunTasks", {"id": run["id"]})["items"]
    task = service.call("GetRunTask", {"id": run["id"], "taskId": last["taskId"]})

    assert (first["status"], last["status"]) == ("COMPLETED", "FAILED")
    assert (task["failureReason"], task["statusMessage"]) == ("RUN_TASK_FAILED", "disk full")


def test_a_run_that_takes_too_long_times_out(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_run_seconds=100)
    run = start_run(service)
    service.run_until_idle()

    described = service.call("GetRun", {"id": run["id"]})
    (task,) = service.call("ListRunTasks", {"id": run["id"]})["items"]

    assert (described["status"], described["failureReason"]) == ("FAILED", "RUN_TIMED_OUT")
    assert task["status"] == "CANCELLED"
    assert (described["stopTime"] - described["startTime"]).total_seconds() == 100 + 308


def test_a_run_group_limits_the_duration_of_its_runs(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True)
    group = service.call("CreateRunGroup", {"maxDuration": 2})
    run = start_run(service, runGroupId=group["id"])

    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["failureReason"] == "RUN_TIMED_OUT"


def test_runs_above_the_limit_wait_and_start_in_order(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_concurrent_runs=2)
    runs = [start_run(service, name=f"run {n}") for n in range(5)]

    service.advance(60)
    first = [status_of(service, run) for run in runs]
    service.call("CancelRun", {"id": runs[0]["id"]})
    service.advance(60)
    second = [status_of(service, run) for run in runs]

    assert first == ["RUNNING", "RUNNING", "PENDING", "PENDING", "PENDING"]
    assert second == ["CANCELLED", "RUNNING", "STARTING", "PENDING", "PENDING"]
    service.run_until_idle()
    assert {status_of(service, run) for run in runs[1:]} == {"COMPLETED"}


def test_a_run_group_limits_its_own_runs_only(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True)
    group = service.call("CreateRunGroup", {"maxRuns": 1})
    grouped = [start_run(service, runGroupId=group["id"]) for _ in range(2)]
    free = start_run(service)

    service.advance(60)

    assert [status_of(service, run) for run in (*grouped, free)] == ["RUNNING", "PENDING", "RUNNING"]


def test_a_higher_limit_of_a_run_group_lets_waiting_runs_start(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True)
    group = service.call("CreateRunGroup", {"maxRuns": 1})
    runs = [start_run(service, runGroupId=group["id"]) for _ in range(3)]
    service.advance(60)

    service.call("UpdateRunGroup", {"id": group["id"], "maxRuns": 2})

    assert [status_of(service, run) for run in runs] == ["RUNNING", "STARTING", "PENDING"]


def test_a_waiting_run_can_be_cancelled_and_then_never_starts(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_concurrent_runs=1)
    runs = [start_run(service) for _ in range(2)]
    service.advance(60)

    service.call("CancelRun", {"id": runs[1]["id"]})
    service.run_until_idle()

    assert [status_of(service, run) for run in runs] == ["COMPLETED", "CANCELLED"]


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_simulated_run_may_have_no_tasks(make_service: MakeService, start_run: StartRun, *, cancelled: bool) -> None:
    service = make_service(accept_unknown_references=True, script=lambda request: RunScript(tasks=()))
    run = start_run(service)
    service.advance(60)

    if cancelled:
        service.call("CancelRun", {"id": run["id"]})
    service.run_until_idle()

    assert status_of(service, run) == ("CANCELLED" if cancelled else "COMPLETED")
    assert service.call("ListRunTasks", {"id": run["id"]})["items"] == []


class FailingEngine:
    """An engine with a defect."""

    def inspect(self, workflow: Any, done: Any) -> None:
        raise AssertionError

    def start(self, job: Any, reporter: Any) -> Any:
        raise RuntimeError("no")

    def close(self) -> None:
        pass


def test_an_engine_that_cannot_start_fails_the_run_and_nothing_else(
    make_service: MakeService, start_run: StartRun, caplog: pytest.LogCaptureFixture
) -> None:
    service = make_service(accept_unknown_references=True, engine={"WDL": FailingEngine()})
    run = start_run(service)

    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["failureReason"] == "SERVICE_ERROR"
    assert "could not start run" in caplog.text


class StubbornEngine(FailingEngine):
    """An engine whose runs cannot be cancelled."""

    def start(self, job: Any, reporter: Any) -> Any:
        return self

    def cancel(self) -> None:
        raise RuntimeError("no")


def test_an_engine_that_cannot_cancel_does_not_fail_the_caller(
    make_service: MakeService, start_run: StartRun, caplog: pytest.LogCaptureFixture
) -> None:
    service = make_service(accept_unknown_references=True, engine={"WDL": StubbornEngine()})
    run = start_run(service)
    service.advance(60)

    service.call("CancelRun", {"id": run["id"]})
    service.run_until_idle()

    assert status_of(service, run) == "CANCELLED"
    assert "an effect failed" in caplog.text


class RecordingEngine(FailingEngine):
    """An engine whose reporter the test keeps."""

    def __init__(self) -> None:
        self.reporters: list[Any] = []
        self.cancelled = 0

    def start(self, job: Any, reporter: Any) -> Any:
        self.reporters.append(reporter)
        return self

    def cancel(self) -> None:
        self.cancelled += 1


def test_what_an_engine_reports_after_a_cancellation_changes_nothing(
    make_service: MakeService, start_run: StartRun
) -> None:
    engine = RecordingEngine()
    service = make_service(accept_unknown_references=True, engine={"WDL": engine})
    run = start_run(service)
    service.advance(60)
    (reporter,) = engine.reporters
    task = reporter.task_started("align")
    service.call("CancelRun", {"id": run["id"]})

    reporter.task_ended(task, TaskEnd(status=TaskStatus.COMPLETED))
    late = reporter.task_started("too late")
    reporter.task_ended(late, TaskEnd(status=TaskStatus.COMPLETED))
    reporter.finished(Outcome())
    service.run_until_idle()

    assert engine.cancelled == 1
    assert status_of(service, run) == "CANCELLED"
    (only,) = service.call("ListRunTasks", {"id": run["id"]})["items"]
    assert (only["name"], only["status"]) == ("align", "CANCELLED")


class HastyCaller(RecordingEngine):
    """An engine during whose start somebody cancels the run."""

    def start(self, job: Any, reporter: Any) -> Any:
        self.service.call("CancelRun", {"id": job.run.run_id})
        return self

    service: Service


def test_a_run_that_is_cancelled_while_its_engine_starts_is_cancelled_there_too(
    make_service: MakeService, start_run: StartRun
) -> None:
    engine = HastyCaller()
    engine.service = make_service(accept_unknown_references=True, engine={"WDL": engine})
    run = start_run(engine.service)

    engine.service.run_until_idle()

    assert engine.cancelled == 1
    assert status_of(engine.service, run) == "CANCELLED"


def test_an_engine_that_reports_to_a_deleted_run_does_not_touch_the_run_that_has_its_id_now(
    make_service: MakeService, start_run: StartRun
) -> None:
    engine = RecordingEngine()
    service = make_service(accept_unknown_references=True, engine={"WDL": engine}, reuse_deleted_run_ids=True)
    old = start_run(service)
    service.advance(60)
    service.call("CancelRun", {"id": old["id"]})
    service.run_until_idle()
    service.call("DeleteRun", {"id": old["id"]})
    new = start_run(service)
    service.advance(60)

    engine.reporters[0].finished(Outcome.failed("SERVICE_ERROR", "from the grave"))

    assert new["id"] == old["id"]
    assert new["uuid"] != old["uuid"]
    assert status_of(service, new) == "RUNNING"


@given(
    actions=st.lists(
        st.one_of(
            st.just(("start",)),
            st.tuples(st.just("cancel"), st.integers(0, 5)),
            st.tuples(st.just("delete"), st.integers(0, 5)),
            st.tuples(st.just("advance"), st.integers(0, 400)),
        ),
        max_size=25,
    ),
    limit=st.sampled_from([None, 1, 2]),
    failing=st.sampled_from([None, RunStatus.PENDING, RunStatus.STARTING, RunStatus.RUNNING]),
)
def test_no_sequence_of_calls_breaks_the_order_of_the_statuses(
    actions: list[Any], limit: int | None, failing: RunStatus | None
) -> None:
    script = RunScript(failure_reason="SERVICE_ERROR", fails_in=failing) if failing else RunScript()
    events: list[dict[str, Any]] = []
    service = Service(
        Settings(
            clock=VirtualClock(),
            engine="simulated",
            seed=1,
            accept_unknown_references=True,
            max_concurrent_runs=limit,
            script=lambda request: script,
            event_sink=events.append,
        )
    )
    ids: list[str] = []
    for action in actions:
        match action:
            case ("start",):
                members = {"workflowId": "1", "roleArn": "arn:r", "outputUri": "s3://b"}
                ids.append(service.call("StartRun", members)["id"])
            case ("advance", seconds):
                service.advance(seconds)
            case (verb, index) if index < len(ids):
                _try(service, "CancelRun" if verb == "cancel" else "DeleteRun", ids[index])
            case _:
                pass
        active = [run for run in service.runs() if run.status.holds_resources]
        assert limit is None or len(active) <= limit
    service.run_until_idle()

    assert all(run.status.is_terminal for run in service.runs())
    for run in service.runs(include_deleted=True):
        mine = [event for event in events if event["detail"].get("uuid") == run.uuid]
        statuses = [RunStatus(status) for status in seen_statuses(mine)]
        assert statuses[0] is RunStatus.PENDING
        assert all(a.may_become(b) for a, b in itertools.pairwise(statuses))
        assert statuses[-1] is run.status
    service.close()


def _try(service: Service, operation: str, run_id: str) -> None:
    try:
        service.call(operation, {"id": run_id})
    except ServiceError as error:
        assert error.code in {"ConflictException", "ResourceNotFoundException"}  # noqa: PT017
