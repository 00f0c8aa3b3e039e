from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.engines.process import LogLine
from healthomics_local.endpoint.engines.wdl_tasks import WdlTasks
from healthomics_local.endpoint.statuses import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthomics_local.endpoint.engines.engine import TaskEnd
    from healthomics_local.endpoint.records import Outcome
    from healthomics_local.endpoint.script import TaskDemand


class Reporter:
    def __init__(self) -> None:
        self.started: list[tuple[str, int, int]] = []
        self.ended: dict[str, TaskEnd] = {}

    def log(self, message: str, *, failed: bool = False) -> None:
        raise AssertionError

    def task_started(self, name: str, *, cpus: int = 1, memory_gib: int = 1) -> str:
        self.started.append((name, cpus, memory_gib))
        return f"id of {name}"

    def task_queued(self, demand: TaskDemand, ready: Callable[[str], None]) -> None:
        raise AssertionError

    def task_waits(self, task_id: str, ready: Callable[[str], None]) -> None:
        raise AssertionError

    def task_ended(self, task_id: str, end: TaskEnd) -> None:
        self.ended[task_id] = end

    def finished(self, outcome: Outcome) -> None:
        raise AssertionError


def read(*details: dict[str, Any]) -> tuple[WdlTasks, Reporter]:
    reporter = Reporter()
    tasks = WdlTasks(reporter)
    for each in details:
        tasks.read(LogLine(level="INFO", message="", details=each))
    return tasks, reporter


def started(**changes: Any) -> dict[str, Any]:
    return {"started": {"task": "w/call-align", "name": "align", "cpus": 1.5, "memory_mib": 1500, **changes}}


def ended(status: str, folder: Path, *, code: int | None = None, text: str = "") -> dict[str, Any]:
    (folder / "stdout").write_text("done\n")
    (folder / "stderr").write_text("one\n\ntwo\n")
    output = [str(folder / "stdout"), str(folder / "stderr")]
    return {"ended": {"task": "w/call-align", "status": status, "exit_code": code, "text": text, "output": output}}


def test_a_task_has_what_it_asked_for_and_wrote(tmp_path: Path) -> None:
    tasks, reporter = read(started(), ended("COMPLETED", tmp_path))

    assert reporter.started == [("align", 2, 2)]
    end = reporter.ended["id of align"]
    assert (end.status, end.output) == (TaskStatus.COMPLETED, ("done", "one", "", "two"))
    assert tasks.failed is None


def test_a_task_that_is_tried_again_is_one_task(tmp_path: Path) -> None:
    _, reporter = read(started(), started(), ended("COMPLETED", tmp_path))

    assert len(reporter.started) == len(reporter.ended) == 1


def test_a_task_that_fails_says_why(tmp_path: Path) -> None:
    tasks, reporter = read(started(), ended("FAILED", tmp_path, code=3))

    assert reporter.ended["id of align"].message == "exited with status 3: one | two"
    assert tasks.failed is not None
    assert (tasks.failed.name, tasks.failed.exit_code) == ("align", 3)


def test_a_task_without_an_exit_code_says_what_miniwdl_says(tmp_path: Path) -> None:
    _, reporter = read(started(), ended("FAILED", tmp_path, text="output line.txt not found"))

    assert reporter.ended["id of align"].message == "failed: output line.txt not found"


def test_a_task_that_never_ran_is_no_task(tmp_path: Path) -> None:
    tasks, reporter = read(ended("FAILED", tmp_path, text="no such image"), {"failure": "no such image"})

    assert reporter.ended == {}
    assert (tasks.failed, tasks.failure) == (None, "no such image")


def test_output_that_is_gone_is_no_output(tmp_path: Path) -> None:
    end = ended("CANCELLED", tmp_path)
    for name in ("stdout", "stderr"):
        (tmp_path / name).unlink()

    _, reporter = read(started(), end)

    assert reporter.ended["id of align"].output == ()
