"""What is written to which log stream, and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import RunScript, Service

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def fails_in_the_second_task(_members: Any) -> RunScript:
    return RunScript(tasks=("align", "call"), failure_reason="RUN_TASK_FAILED", status_message="no reads")


def documents(service: Service, run: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(message) for message in service.logs.messages(f"manifest/run/{run['id']}/{run['uuid']}")]


@pytest.fixture
def failing(make_service: MakeService) -> Service:
    return make_service(accept_unknown_references=True, script=fails_in_the_second_task)


def test_the_run_log_tells_every_status_of_the_run_and_its_tasks(failing: Service, start_run: StartRun) -> None:
    run = start_run(failing)
    failing.run_until_idle()
    tasks = failing.call("ListRunTasks", {"id": run["id"]})["items"]
    call, align = (task["taskId"] for task in tasks)

    messages = failing.logs.messages(f"run/{run['id']}")

    assert messages == [
        f"Run {run['id']} is PENDING",
        f"Run {run['id']} is STARTING",
        f"Run {run['id']} is RUNNING",
        f"Task align, id: {align}, is PENDING",
        f"Task align, id: {align}, is RUNNING",
        f"Task align, id: {align}, is COMPLETED",
        f"Task call, id: {call}, is PENDING",
        f"Task call, id: {call}, is RUNNING",
        f"Task call, id: {call}, is FAILED: RUN_TASK_FAILED: no reads",
        f"Run {run['id']} is STOPPING",
        f"Run {run['id']} is FAILED: RUN_TASK_FAILED: no reads",
    ]


def test_the_streams_are_those_that_the_api_names(failing: Service, start_run: StartRun) -> None:
    run = start_run(failing)
    failing.run_until_idle()
    tasks = [task["taskId"] for task in failing.call("ListRunTasks", {"id": run["id"]})["items"]]
    location = failing.call("GetRun", {"id": run["id"]})["logLocation"]
    named = [failing.call("GetRunTask", {"id": run["id"], "taskId": task})["logStream"] for task in tasks]

    streams = failing.logs.streams()

    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/omics/WorkflowLog:log-stream:"
    assert {location["runLogStream"], location["engineLogStream"], *named} == {
        f"{group}{stream}" for stream in streams if not stream.startswith("manifest/")
    }
    assert [stream for stream in streams if stream.startswith("manifest/")] == [
        f"manifest/run/{run['id']}/{run['uuid']}"
    ]


def test_entries_have_the_time_of_the_endpoints_clock(service: Service, start_run: StartRun) -> None:
    start = service.clock.now()
    run = start_run(service)
    service.run_until_idle()

    seconds = [
        (entry.timestamp - start).total_seconds()
        for entry in service.logs.entries()
        if entry.stream == f"run/{run['id']}"
    ]

    assert seconds == [0, 22, 29, 29, 29, 268, 268, 576]


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("ALL", {"run": 11, "engine": 1, "align": 2, "call": 2, "manifest": 3}),
        ("ERROR", {"run": 2, "engine": 0, "align": 0, "call": 1, "manifest": 3}),
        ("FATAL", {"run": 1, "engine": 0, "align": 0, "call": 0, "manifest": 3}),
        ("OFF", {"run": 0, "engine": 0, "align": 0, "call": 0, "manifest": 0}),
    ],
)
def test_the_log_level_decides_what_is_written(
    failing: Service, start_run: StartRun, level: str, kept: dict[str, int]
) -> None:
    run = start_run(failing, logLevel=level)
    failing.run_until_idle()
    call, align = (task["taskId"] for task in failing.call("ListRunTasks", {"id": run["id"]})["items"])

    streams = {
        "run": f"run/{run['id']}",
        "engine": f"run/{run['id']}/engine",
        "align": f"run/{run['id']}/task/{align}",
        "call": f"run/{run['id']}/task/{call}",
        "manifest": f"manifest/run/{run['id']}/{run['uuid']}",
    }
    assert {name: len(failing.logs.messages(stream)) for name, stream in streams.items()} == kept


def test_the_manifest_comes_once_when_the_run_has_ended(service: Service, start_run: StartRun) -> None:
    run = start_run(service)
    service.advance(300)
    before = documents(service, run)
    service.run_until_idle()
    service.call("DeleteRun", {"id": run["id"]})

    manifest = documents(service, run)

    assert before == []
    assert [document["arn"].split(":")[-1].split("/")[0] for document in manifest] == ["run", "task"]


def test_a_run_that_is_cancelled_before_it_starts_has_a_manifest_without_times(
    service: Service, start_run: StartRun
) -> None:
    run = start_run(service)
    service.call("CancelRun", {"id": run["id"]})

    (document,) = documents(service, run)

    assert document["status"] == "CANCELLED"
    assert "startTime" not in document
    assert document["metrics"] == {"storageReservedGiB": 1200}


def test_a_sink_of_ones_own_gets_the_entries_and_may_fail(make_service: MakeService, start_run: StartRun) -> None:
    class Sink:
        def __init__(self) -> None:
            self.streams: list[str] = []

        def write(self, entries: Any) -> None:
            self.streams += [entry.stream for entry in entries]
            raise OSError("full")

    sink = Sink()
    service = make_service(accept_unknown_references=True, log_sink=sink)

    run = start_run(service)
    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["status"] == "COMPLETED"
    assert {f"run/{run['id']}", f"manifest/run/{run['id']}/{run['uuid']}"} <= set(sink.streams)
    assert service.logs.entries() == []


def test_memory_keeps_the_latest_entries_only(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_log_entries=3)

    run = start_run(service)
    service.run_until_idle()

    assert len(service.logs.entries()) == 3
    assert service.logs.messages(f"run/{run['id']}") == [f"Run {run['id']} is COMPLETED"]
