"""The limits of run groups, and the order of what waits for resources.

Invariants:
- the runs of a group never use more runs, processors and GPUs than its limits at the same time;
- of the runs of one group that wait, the one with the highest priority starts first, and of equal ones the oldest;
- everything that waits runs in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from healthomics_local.endpoint import RunScript, Service, Settings, TaskDemand, VirtualClock
from healthomics_local.endpoint.engines.engine import Inspection, Job, Reporter
from healthomics_local.endpoint.records import Outcome, Workflow

if TYPE_CHECKING:
    from healthomics_local.endpoint.clock import Timer

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def with_tasks(make_service: MakeService, *tasks: TaskDemand, **settings: Any) -> Service:
    script = RunScript(tasks=tasks, running_seconds=60.0 * len(tasks))
    return make_service(accept_unknown_references=True, script=lambda run: script, **settings)


def group(service: Service, **limits: int) -> str:
    return str(service.call("CreateRunGroup", limits)["id"])


def statuses(service: Service, runs: list[dict[str, Any]]) -> list[str]:
    return [service.call("GetRun", {"id": run["id"]})["status"] for run in runs]


def task_statuses(service: Service, runs: list[dict[str, Any]]) -> list[str]:
    """The statuses of all tasks, run by run, in the order in which they were queued."""
    found = (reversed(service.call("ListRunTasks", {"id": run["id"]})["items"]) for run in runs)
    return [task["status"] for tasks in found for task in tasks]


def order_of_starts(service: Service) -> list[str | None]:
    service.run_until_idle()
    starts = [(run.start_time, run.sequence, run.name) for run in service.runs() if run.start_time is not None]
    return [name for _, _, name in sorted(starts)]


@pytest.mark.parametrize(
    ("lowest_first", "order"),
    [(False, ["first", "high", "older", "newer", "none"]), (True, ["first", "older", "newer", "high", "none"])],
)
def test_a_higher_priority_starts_first_and_of_equal_ones_the_older(
    make_service: MakeService, start_run: StartRun, *, lowest_first: bool, order: list[str]
) -> None:
    service = make_service(accept_unknown_references=True, lowest_priority_first=lowest_first)
    members = {"runGroupId": group(service, maxRuns=1)}
    start_run(service, name="first", **members)
    service.advance(30)
    for name, priority in (("none", None), ("older", 5), ("high", 9), ("newer", 5)):
        start_run(service, name=name, **members | ({} if priority is None else {"priority": priority}))

    assert order_of_starts(service) == order


def test_priorities_count_among_the_runs_of_a_group_only(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_concurrent_runs=1)
    start_run(service, name="first")
    service.advance(30)
    start_run(service, name="free, low", priority=1)
    start_run(service, name="grouped, high", priority=9, runGroupId=group(service, maxRuns=5))
    start_run(service, name="free, high", priority=5)

    # The free runs began to wait first, so one of them is next; the group's run comes before the other one.
    assert order_of_starts(service) == ["first", "grouped, high", "free, high", "free, low"]


def test_a_full_group_does_not_hold_up_others(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True)
    full, other = group(service, maxRuns=1), group(service, maxRuns=1)
    runs = [start_run(service, runGroupId=each) for each in (full, full, other)] + [start_run(service)]

    service.advance(60)

    assert statuses(service, runs) == ["RUNNING", "PENDING", "RUNNING", "RUNNING"]


@pytest.mark.parametrize("limit", ["maxCpus", "maxGpus"])
def test_a_group_that_uses_all_its_processors_starts_no_further_run(
    make_service: MakeService, start_run: StartRun, limit: str
) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4, gpus=4))
    members = {"runGroupId": group(service, **{limit: 4})}
    runs = [start_run(service, **members)]
    service.advance(29)
    runs.append(start_run(service, **members))
    service.advance(59)
    before = statuses(service, runs)
    service.advance(1)

    assert before == ["RUNNING", "PENDING"]
    assert statuses(service, runs) == ["STOPPING", "STARTING"]


def test_tasks_wait_for_processors_in_the_order_of_priority(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4))
    members = {"runGroupId": group(service, maxCpus=8)}
    runs = [start_run(service, priority=priority, **members) for priority in (1, 1, 1, 2)]

    service.advance(29)
    first = task_statuses(service, runs)
    service.advance(60)
    second = task_statuses(service, runs)

    assert first == ["RUNNING", "RUNNING", "PENDING", "PENDING"]
    assert second == ["COMPLETED", "COMPLETED", "RUNNING", "RUNNING"]


def test_the_task_with_the_higher_priority_is_next(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4))
    members = {"runGroupId": group(service, maxCpus=4)}
    runs = [start_run(service, priority=priority, **members) for priority in (3, 1, 2)]

    service.advance(29 + 60)

    assert task_statuses(service, runs) == ["COMPLETED", "PENDING", "RUNNING"]


def test_a_run_between_two_tasks_does_not_keep_its_processors(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4), TaskDemand(name="b", cpus=4))
    members = {"runGroupId": group(service, maxCpus=4)}
    runs = [start_run(service, **members) for _ in range(2)]

    service.advance(29 + 60)

    assert task_statuses(service, runs) == ["COMPLETED", "PENDING", "RUNNING"]


def test_a_small_task_does_not_overtake_a_big_one(make_service: MakeService, start_run: StartRun) -> None:
    demands = {"big": 6, "small": 2}
    service = make_service(
        accept_unknown_references=True,
        script=lambda run: RunScript(tasks=(TaskDemand(name="t", cpus=demands[run["name"]]),), running_seconds=60),
    )
    members = {"runGroupId": group(service, maxCpus=8)}
    runs = [start_run(service, name=name, **members) for name in ("big", "big", "small")]

    service.advance(29)
    first = task_statuses(service, runs)
    service.advance(60)

    assert first == ["RUNNING", "PENDING", "PENDING"]
    assert task_statuses(service, runs) == ["COMPLETED", "RUNNING", "RUNNING"]


def test_a_task_that_waits_ends_with_its_run(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4))
    members = {"runGroupId": group(service, maxCpus=4)}
    runs = [start_run(service, **members) for _ in range(3)]
    service.advance(29)

    service.call("CancelRun", {"id": runs[1]["id"]})
    service.call("CancelRun", {"id": runs[0]["id"]})

    assert task_statuses(service, runs) == ["CANCELLED", "CANCELLED", "RUNNING"]
    service.run_until_idle()
    assert task_statuses(service, runs) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    assert statuses(service, runs) == ["CANCELLED", "CANCELLED", "COMPLETED"]


def test_a_task_that_never_fits_waits_until_its_run_times_out(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", gpus=2), max_run_seconds=100)
    run = start_run(service, runGroupId=group(service, maxGpus=1))
    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["failureReason"] == "RUN_TIMED_OUT"
    assert task_statuses(service, [run]) == ["CANCELLED"]


def test_higher_limits_let_waiting_tasks_run(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4))
    group_id = group(service, maxCpus=4)
    runs = [start_run(service, runGroupId=group_id) for _ in range(2)]
    service.advance(29)

    service.call("UpdateRunGroup", {"id": group_id, "maxCpus": 8})

    assert task_statuses(service, runs) == ["RUNNING", "RUNNING"]


def test_a_task_tells_what_it_needs(make_service: MakeService, start_run: StartRun) -> None:
    service = with_tasks(make_service, TaskDemand(name="a", cpus=4, memory_gib=16, gpus=1))
    run = start_run(service)
    service.advance(30)

    (task,) = service.call("ListRunTasks", {"id": run["id"]})["items"]

    assert (task["cpus"], task["memory"], task["gpus"]) == (4, 16, 1)


@settings_of_hypothesis(max_examples=40)
@given(
    runs=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 300)), min_size=1, max_size=8),
    max_runs=st.integers(1, 3),
    max_cpus=st.integers(4, 8),
)
def test_no_group_ever_uses_more_than_its_limits(
    runs: list[tuple[int, int, int]], max_runs: int, max_cpus: int
) -> None:
    used: list[int] = []
    service = Service(
        Settings(
            clock=VirtualClock(),
            engine="simulated",
            accept_unknown_references=True,
            script=lambda run: RunScript(
                tasks=(TaskDemand(name="a", cpus=run["parameters"]["cpus"]), "b"), running_seconds=100
            ),
            event_sink=lambda _: used.append(_check_limits(service, max_runs, max_cpus)),
        )
    )
    group_id = group(service, maxRuns=max_runs, maxCpus=max_cpus)
    for priority, cpus, wait in runs:
        members = {"workflowId": "1", "roleArn": "arn:r", "outputUri": "s3://b", "parameters": {"cpus": cpus}}
        service.call("StartRun", members | {"runGroupId": group_id, "priority": priority})
        service.advance(wait)
    service.run_until_idle()

    assert {run.status.value for run in service.runs()} == {"COMPLETED"}
    assert max(used) >= 1
    service.close()


def _check_limits(service: Service, max_runs: int, max_cpus: int) -> int:
    active = [run for run in service.runs() if run.status.holds_resources]
    cpus = sum(task.cpus for run in active for task in run.tasks if task.status == "RUNNING")
    assert len(active) <= max_runs
    assert cpus <= max_cpus
    return cpus


class TwoAtATime:
    """An engine that executes two runs at a time, each for a minute."""

    slots = 2

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        done(Inspection())

    def start(self, job: Job, reporter: Reporter) -> Timer:
        return self._clock.call_later(60, lambda: reporter.finished(Outcome()))

    def close(self) -> None:
        pass


def limited(make_service: MakeService, **settings: Any) -> Service:
    clock = VirtualClock()
    service = make_service(clock=clock, engine={"CWL": TwoAtATime(clock)}, **settings)
    service.add_workflow(workflow_id="1234567", engine="CWL")
    return service


def test_no_more_runs_leave_pending_than_their_engine_executes(make_service: MakeService, start_run: StartRun) -> None:
    service = limited(make_service)
    runs = [start_run(service) for _ in range(5)]
    service.advance(40)

    assert statuses(service, runs) == ["RUNNING", "RUNNING", "PENDING", "PENDING", "PENDING"]
    service.call("CancelRun", {"id": runs[0]["id"]})
    service.advance(10)
    assert statuses(service, runs) == ["STOPPING", "RUNNING", "RUNNING", "PENDING", "PENDING"]
    service.run_until_idle()
    assert statuses(service, runs) == ["CANCELLED", *["COMPLETED"] * 4]


def test_a_run_that_waits_for_its_engine_is_not_running_for_too_long(
    make_service: MakeService, start_run: StartRun
) -> None:
    service = limited(make_service, max_run_seconds=90)
    runs = [start_run(service) for _ in range(7)]

    service.run_until_idle()

    assert statuses(service, runs) == ["COMPLETED"] * 7


def test_runs_of_other_engines_do_not_wait_for_a_slot(make_service: MakeService, start_run: StartRun) -> None:
    service = limited(make_service)
    simulated = service.add_workflow(engine="WDL").workflow_id
    for _ in range(3):
        start_run(service)
    run = start_run(service, workflowId=simulated)

    service.advance(40)

    assert statuses(service, [run]) == ["RUNNING"]
