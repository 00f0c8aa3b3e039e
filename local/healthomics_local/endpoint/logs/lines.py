"""What is written about a run, and from which log level on. Pure.

AWS documents that OFF turns logging off and that it is on by default. What ERROR and FATAL leave out is
documented nowhere; here ERROR keeps errors and the whole logs of failed tasks, and FATAL what ended the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from healthomics_local.endpoint.statuses import RunStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthomics_local.endpoint.records import Run, Task


class Severity(IntEnum):
    """How much a line matters."""

    INFO = 0
    ERROR = 1
    FATAL = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of one of a run's streams."""

    stream: str
    message: str
    severity: Severity = Severity.INFO


_LEAST = {"ALL": Severity.INFO, "ERROR": Severity.ERROR, "FATAL": Severity.FATAL}


def wanted(lines: Iterable[LogLine], run: Run) -> list[LogLine]:
    """The lines that the run's log level lets through."""
    level = run.request.get("logLevel") or "ALL"
    return [] if level == "OFF" else [line for line in lines if line.severity >= _LEAST[level]]


def run_stream(run: Run) -> str:
    """The stream with the statuses of the run and its tasks."""
    return f"run/{run.run_id}"


def engine_stream(run: Run) -> str:
    """The stream with what the workflow engine says."""
    return f"run/{run.run_id}/engine"


def task_stream(run: Run, task: Task) -> str:
    """The stream with the output of one task."""
    return f"run/{run.run_id}/task/{task.task_id}"


def manifest_stream(run: Run) -> str:
    """The stream with the run manifest."""
    return f"manifest/run/{run.run_id}/{run.uuid}"


def run_lines(run: Run) -> list[LogLine]:
    """The line about a run's present status."""
    message, severity = f"Run {run.run_id} is {run.status}", Severity.INFO
    if run.status is RunStatus.FAILED and run.outcome is not None:
        message = f"{message}: {run.outcome.failure_reason}: {run.outcome.status_message}"
        severity = Severity.FATAL
    return [LogLine(stream=run_stream(run), message=message, severity=severity)]


def task_lines(run: Run, task: Task, output: Iterable[str] = ()) -> list[LogLine]:
    """The lines about a task's present status, and what the task has written by then.

    The log of a task that failed matters as a whole; its first line was written before anybody knew.
    """
    failed = task.status is TaskStatus.FAILED
    severity = Severity.ERROR if failed else Severity.INFO
    message = f"Task {task.name}, id: {task.task_id}, is {task.status}"
    if failed:
        message = f"{message}: {task.failure_reason}: {task.status_message}"
    stream = task_stream(run, task)
    about_itself = {
        TaskStatus.RUNNING: "Task started",
        TaskStatus.COMPLETED: "Task completed",
        TaskStatus.FAILED: "Task failed",
        TaskStatus.CANCELLED: "Task cancelled",
    }.get(task.status)
    lines = [LogLine(stream=run_stream(run), message=message, severity=severity)]
    lines += [LogLine(stream=stream, message=line, severity=severity) for line in output]
    if about_itself is not None:
        lines.append(LogLine(stream=stream, message=about_itself, severity=severity))
    return lines
