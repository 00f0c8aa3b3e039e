"""What survives a restart, and what is said about a file that cannot be used."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from healthomics_local.endpoint import (
    LocalHealthOmics,
    RunScript,
    RunStatus,
    Service,
    Settings,
    StateFileError,
    TaskDemand,
    Timings,
    VirtualClock,
)
from healthomics_local.endpoint.engines.engine import Inspection
from healthomics_local.endpoint.errors import ConflictException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from healthomics_local.endpoint.engines.engine import Execution, Job, Reporter
    from healthomics_local.endpoint.records import Run

START = {
    "workflowId": "1234567",
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "outputUri": "s3://bucket/out",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def restart(file: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service on the file; the one before it is closed first."""
    running: list[Service] = []

    def start(**given: Any) -> Service:
        for service in running:
            service.close()
        defaults: dict[str, Any] = {
            "clock": VirtualClock(),
            "engine": "simulated",
            "accept_unknown_references": True,
            "state_file": file,
        }
        service = Service(Settings(**defaults | given))
        running[:] = [service]
        return service

    yield start
    for service in running:
        service.close()


NETWORK = {"vpcConfig": {"subnetIds": ["subnet-0123"], "securityGroupIds": ["sg-0123"]}}


def copied(file: Path, target: Path) -> Path:
    """The file as a process would find it that starts after this one was killed now."""
    for suffix in ("", "-wal"):
        source = file.with_name(file.name + suffix)
        if source.exists():
            shutil.copy(source, target.with_name(target.name + suffix))
    return target


def start(service: Service, **members: Any) -> str:
    return str(service.call("StartRun", START | members)["id"])


SCRIPTS = {
    "plain": RunScript(),
    "tasks": RunScript(tasks=("a", TaskDemand(name="b", cpus=2), TaskDemand(name="c", cpus=4))),
    "no tasks": RunScript(tasks=(), running_seconds=33),
    "fails": RunScript(failure_reason="WORKFLOW_RUN_FAILED", tasks=("a", "b")),
    "no role": RunScript(failure_reason="ASSUME_ROLE_FAILED", fails_in=RunStatus.STARTING),
    "never starts": RunScript(failure_reason="X", fails_in=RunStatus.PENDING),
}


def _script(request: Mapping[str, Any]) -> RunScript:
    return SCRIPTS[request["name"]]


def _seen(run: Run) -> object:
    """A run without what depends on chance."""
    tasks = [
        (task.name, task.status, task.creation_time, task.start_time, task.stop_time, task.status_message)
        for task in run.tasks
    ]
    return (run.name, run.status, run.creation_time, run.start_time, run.stop_time, run.outcome, tasks)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.sampled_from(sorted(SCRIPTS)), st.booleans()),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.integers(0, 300)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(steps=STEPS, restarts=st.sets(st.integers(0, 11)))
# Runs and tasks wait for each other in every way that there is.
@example(steps=[("start", "tasks", True)] * 5 + [("wait", 130)], restarts={5})
@example(steps=[("start", "tasks", True)] * 5 + [("wait", 10)] * 7, restarts={5, 6, 7, 8, 9, 10, 11})
def test_an_endpoint_that_is_killed_again_and_again_ends_as_one_that_never_was(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[Any, ...]],
    restarts: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("states")

    def service(number: int | None) -> Service:
        return Service(
            Settings(
                clock=VirtualClock(),
                engine="simulated",
                accept_unknown_references=True,
                script=_script,
                max_concurrent_runs=3,
                state_file=None if number is None else folder / f"{number}.db",
            )
        )

    steady, killed, kills = service(None), service(0), 0
    groups = [each.call("CreateRunGroup", {"name": "g", "maxCpus": 4})["id"] for each in (steady, killed)]
    for number, step in enumerate(steps):
        for each, group in zip((steady, killed), groups, strict=True):
            match step:
                case ("start", name, grouped):
                    start(each, name=name, **({"runGroupId": group} if grouped else {}))
                case ("cancel", index) if index < len(each.runs()):
                    with suppress(ConflictException):
                        each.call("CancelRun", {"id": each.runs()[index].run_id})
                case ("wait", seconds):
                    each.advance(seconds)
                case _:
                    pass
        if number in restarts:
            kills += 1
            copied(folder / f"{kills - 1}.db", folder / f"{kills}.db")
            killed.close()
            killed = service(kills)
    steady.run_until_idle()
    killed.run_until_idle()
    expected, found = [_seen(run) for run in steady.runs()], [_seen(run) for run in killed.runs()]
    steady.close()
    killed.close()
    shutil.rmtree(folder)

    assert found == expected


def test_what_was_answered_is_answered_again(restart: Callable[..., Service]) -> None:
    service = restart()
    workflow = service.call("CreateWorkflow", {"name": "w", "definitionZip": b"no zip", "requestId": "w"})
    group = service.call("CreateRunGroup", {"name": "g", "maxRuns": 3, "requestId": "g", "tags": {"a": "b"}})
    members = START | {"requestId": "one", "parameters": {"x": [1, 1.5, None, {"$date": "no"}]}, "name": "é 1"}
    run_id = service.call("StartRun", members)["id"]
    service.call("TagResource", {"resourceArn": service.runs()[0].arn, "tags": {"k": "v"}})
    service.call("CreateRunCache", {"cacheS3Location": "s3://bucket/cache", "requestId": "c"})
    service.call("CreateConfiguration", {"name": "n", "runConfigurations": NETWORK, "requestId": "k"})
    asked = {
        "GetRun": {"id": run_id},
        "ListRuns": {},
        "GetWorkflow": {"id": workflow["id"]},
        "GetRunGroup": {"id": group["id"]},
        "ListRunCaches": {},
        "GetConfiguration": {"name": "n"},
        "ListTagsForResource": {"resourceArn": group["arn"]},
    }
    before = {operation: service.call(operation, given) for operation, given in asked.items()}

    service = restart()

    assert {operation: service.call(operation, given) for operation, given in asked.items()} == before
    assert service.call("StartRun", members)["id"] == run_id
    assert service.call("CreateRunGroup", {"name": "g", "requestId": "g"})["id"] == group["id"]
    assert len(service.runs()) == 1


@pytest.mark.parametrize("seconds", [1, 5, 11])
def test_a_batch_goes_on_with_the_time_that_is_left(restart: Callable[..., Service], seconds: float) -> None:
    service = restart(timings=Timings(batch_creating=2, batch_pending=10))
    members = {"defaultRunSetting": START, "batchRunSettings": {"inlineSettings": [{"runSettingId": "a"}]}}
    batch = {"batchId": service.call("StartRunBatch", members)["id"]}
    service.advance(seconds)

    service = restart(timings=Timings(batch_creating=2, batch_pending=10))
    service.advance(11.5 - seconds)
    before = service.call("GetBatch", batch)["status"]
    service.advance(0.5)

    assert (before, service.call("GetBatch", batch)["status"]) == ("PENDING", "INPROGRESS")


def test_a_configuration_becomes_active_after_a_restart(restart: Callable[..., Service]) -> None:
    timings = Timings(configuration_creating=60)
    service = restart(timings=timings)
    service.call("CreateConfiguration", {"name": "n", "runConfigurations": NETWORK})
    service.advance(40)

    service = restart(timings=timings)
    before = service.call("GetConfiguration", {"name": "n"})["status"]
    service.advance(20)

    assert (before, service.call("GetConfiguration", {"name": "n"})["status"]) == ("CREATING", "ACTIVE")


def test_a_fast_clock_is_not_behind_its_records_after_a_restart(restart: Callable[..., Service]) -> None:
    service = restart(clock=None, speed=1_000_000)
    time.sleep(0.05)
    created = service.call("CreateRunGroup", {})
    before = service.call("GetRunGroup", {"id": created["id"]})["creationTime"]

    service = restart(clock=None, speed=1_000_000)

    assert before > datetime.now(UTC) + timedelta(hours=1)
    assert service.clock.now() >= before


def test_deleted_runs_and_used_ids_are_remembered(restart: Callable[..., Service]) -> None:
    service = restart(seed=1)
    service.call("StartRun", START | {"requestId": "gone"})
    first, second = service.runs()[0], start(service)
    service.run_until_idle()
    service.call("DeleteRun", {"id": first.run_id})

    service = restart(seed=1)

    assert service.call("StartRun", START | {"requestId": "gone"})["status"] == "DELETED"
    third = service.call("StartRun", START)
    assert third["id"] not in {first.run_id, second}
    assert third["uuid"] not in {run.uuid for run in service.runs(include_deleted=True)[:2]}
    assert [run.sequence for run in service.runs(include_deleted=True)] == [1, 2, 3]


def test_ids_that_were_given_back_are_given_again_oldest_first(restart: Callable[..., Service]) -> None:
    service = restart(reuse_deleted_run_ids=True)
    ids = [start(service) for _ in range(3)]
    service.run_until_idle()
    for run_id in (ids[1], ids[0], ids[2]):
        service.call("DeleteRun", {"id": run_id})
    assert start(service) == ids[1]

    service = restart(reuse_deleted_run_ids=True)

    assert [start(service) for _ in range(2)] == [ids[0], ids[2]]


def test_a_workflow_that_is_being_created_is_created(restart: Callable[..., Service]) -> None:
    service = restart()
    workflow_id = service.call("CreateWorkflow", {"definitionZip": b"no zip", "engine": "WDL"})["id"]
    service.advance(1)

    service = restart()
    assert service.call("GetWorkflow", {"id": workflow_id})["status"] == "CREATING"
    service.advance(1)

    # The archive has survived as well: it is found to be none.
    assert service.call("GetWorkflow", {"id": workflow_id})["status"] == "FAILED"


class _Executing:
    """An engine that executes, and says nothing more."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def inspect(self, workflow: object, done: Callable[[Inspection], None]) -> None:
        done(Inspection())

    def start(self, job: Job, reporter: Reporter) -> Execution:
        self.jobs.append(job)
        reporter.task_started("align")
        return self

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_run_whose_processes_are_gone_fails_and_says_why(restart: Callable[..., Service]) -> None:
    events: list[str] = []
    first, second = _Executing(), _Executing()
    service = restart(engine={"WDL": first})
    running, waiting = start(service, name="running"), ""
    service.advance(60)
    waiting = start(service, name="waiting")
    assert len(first.jobs) == 1

    service = restart(engine={"WDL": second}, event_sink=lambda event: events.append(event["detail"]["status"]))
    assert service.call("GetRun", {"id": running})["status"] == "STOPPING"
    service.advance(400)

    described = service.call("GetRun", {"id": running})
    assert (described["status"], described["failureReason"]) == ("FAILED", "SERVICE_ERROR")
    assert "restarted while it executed the run" in described["statusMessage"]
    (task,) = service.call("ListRunTasks", {"id": running})["items"]
    assert task["status"] == "CANCELLED"
    # What had not begun is executed now.
    assert [job.run.name for job in second.jobs] == ["waiting"]
    assert service.call("GetRun", {"id": waiting})["status"] == "RUNNING"
    assert events[-1] == "FAILED"


def test_a_run_that_takes_too_long_is_stopped_in_its_time(restart: Callable[..., Service]) -> None:
    service = restart(max_run_seconds=100)
    start(service)
    service.advance(29 + 60)

    service = restart(max_run_seconds=100)
    service.advance(39)
    assert service.runs()[0].status == "RUNNING"
    service.advance(1)

    assert service.runs()[0].outcome is not None
    assert service.runs()[0].outcome.failure_reason == "RUN_TIMED_OUT"


def test_virtual_time_goes_on_where_it_was(restart: Callable[..., Service]) -> None:
    service = restart()
    start(service)
    service.advance(1234)
    later = service.clock.now()

    assert restart().clock.now() == later


def test_only_what_changes_is_written(restart: Callable[..., Service]) -> None:
    service = restart()
    for _ in range(200):
        start(service)
    written: list[str] = []
    file: Any = service._state._file
    file._connection.set_trace_callback(written.append)

    service.call("ListRuns")
    service.call("GetRun", {"id": service.runs()[0].run_id})
    assert written == []
    start(service)

    assert len([each for each in written if each.startswith("INSERT INTO records")]) <= 6


def test_of_a_thousand_tasks_only_the_one_that_ends_and_the_next_are_written(restart: Callable[..., Service]) -> None:
    service = restart(script=lambda _: RunScript(tasks=("task",) * 1000, running_seconds=1000))
    start(service)
    service.advance(29 + 500)
    file: Any = service._state._file
    written: list[str] = []
    file._connection.set_trace_callback(written.append)

    service.advance(1)

    of_tasks = [each for each in written if each.startswith("INSERT INTO records") and "'runs.tasks'" in each]
    assert len(of_tasks) == 2
    before = service.runs()
    assert restart().runs() == before


def test_an_archive_is_stored_once_and_goes_with_its_last_use(restart: Callable[..., Service], file: Path) -> None:
    archive = b"PK" + bytes(100_000)
    service = restart()
    workflow = service.add_workflow(definition=archive)
    for _ in range(50):
        start(service, workflowId=workflow.workflow_id)
    service.run_until_idle()
    service = restart()
    assert file.stat().st_size < 600_000
    assert {run.workflow.definition.archive for run in service.runs()} == {archive}

    for run in service.runs():
        service.call("DeleteRun", {"id": run.run_id})
    service.call("DeleteWorkflow", {"id": workflow.workflow_id})
    service._state.deleted_runs.clear()
    with service._state.transaction():
        pass
    restart().close()

    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (0,)
    connection.close()


def test_a_change_that_cannot_be_written_is_an_error_and_is_written_later(restart: Callable[..., Service]) -> None:
    service = restart()
    first = start(service)
    file: Any = service._state._file
    (pages,) = file._connection.execute("PRAGMA page_count").fetchone()
    file._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateFileError, match="full"):
        start(service, parameters={"x": "y" * 40_000}, requestId="big")
    file._connection.execute("PRAGMA max_page_count = 100000")
    third = start(service)

    service = restart()

    ids = [run.run_id for run in service.runs()]
    assert (ids[0], ids[2], len(ids)) == (first, third, 3)
    assert start(service, parameters={}, requestId="big") == ids[1]


def test_the_file_is_for_its_owner_only(restart: Callable[..., Service], file: Path) -> None:
    start(restart())

    for each in file.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_a_file_that_is_in_use_is_refused_and_free_again_after(restart: Callable[..., Service], file: Path) -> None:
    restart()
    with pytest.raises(StateFileError, match=r"state\.db is in use by another endpoint: stop that one, or name"):
        Service(Settings(state_file=file))

    restart()


def test_an_endpoint_that_finds_no_port_frees_the_file(file: Path, restart: Callable[..., Service]) -> None:
    with LocalHealthOmics() as omics:
        port = int(omics.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), LocalHealthOmics(Settings(state_file=file), port=port):
            pass

    restart()


def _garbage(file: Path) -> None:
    file.write_bytes(b"this is no database, but it is long enough to look like one" * 20)


def _cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def _edit(*statements: str) -> Callable[[Path], None]:
    def edit(file: Path) -> None:
        connection = sqlite3.connect(file, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    return edit


_OF_RUNS = "WHERE collection = 'runs'"


def _foreign(file: Path) -> None:
    file.unlink()
    _edit("CREATE TABLE songs (title TEXT)")(file)


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(_garbage, "is damaged, or no state file", id="no database"),
        pytest.param(_cut, "is damaged", id="half a database"),
        pytest.param(_foreign, "is a SQLite database of another program", id="another database"),
        pytest.param(_folder, "cannot be used", id="a folder"),
        pytest.param(_edit("PRAGMA user_version = 2"), "has version 2 and this endpoint reads version 1", id="version"),
        pytest.param(
            _edit("UPDATE facts SET value = 'account 1 in eu-west-1 (aws)' WHERE name = 'identity'"),
            r"holds the records of account 1 in eu-west-1 \(aws\) and this endpoint is account 123456789012",
            id="another account",
        ),
        pytest.param(
            _edit(f"UPDATE records SET value = '{{}}' {_OF_RUNS}"),
            r"has a record that this endpoint cannot read \(runs \"\d+\": this is no Run\)",
            id="a record of another version",
        ),
        pytest.param(_edit("UPDATE records SET value = '{'"), "has a record that", id="a broken record"),
        pytest.param(_edit(f"UPDATE records SET key = '1' {_OF_RUNS}"), "has a record that", id="a broken key"),
        pytest.param(
            _edit(f"UPDATE records SET collection = 'x' {_OF_RUNS}"),
            "has a record that",
            id="an unknown collection",
        ),
        pytest.param(
            _edit("DELETE FROM records WHERE key LIKE '[%,0]'"), "part 1 does not follow", id="half the tasks"
        ),
        pytest.param(_edit(f"DELETE FROM records {_OF_RUNS}"), "has a record that .* not there", id="tasks alone"),
        pytest.param(_edit("DELETE FROM blobs"), "has a record that", id="a blob is missing"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_stays_as_it_is(
    restart: Callable[..., Service], file: Path, change: Callable[[Path], None], message: str
) -> None:
    service = restart(script=lambda _: RunScript(tasks=("a", "b")))
    workflow = service.add_workflow(definition=b"zip")
    start(service, workflowId=workflow.workflow_id)
    service.run_until_idle()
    service.close()
    change(file)
    before = file.read_bytes() if file.is_file() else b""

    for _ in range(2):
        with pytest.raises(StateFileError, match=message) as raised:
            restart()
        assert str(file) in str(raised.value)
        assert str(raised.value).endswith("another file")

    if file.is_file():
        assert file.read_bytes() == before


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateFileError, match="cannot be used: No such file or directory"):
        Service(Settings(state_file=tmp_path / "none" / "state.db"))


def test_without_a_file_nothing_is_tracked() -> None:
    service = Service(Settings(clock=VirtualClock(), accept_unknown_references=True))
    start(service)

    assert service._state.runs.take_changes() == []
    service.close()
