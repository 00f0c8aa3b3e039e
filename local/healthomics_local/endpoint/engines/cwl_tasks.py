"""What cwltool's log tells about the tasks of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthomics_local.endpoint.statuses import TaskStatus

if TYPE_CHECKING:
    from healthomics_local.endpoint.engines.cwl_process import CwlProcess, LogLine
    from healthomics_local.endpoint.engines.engine import Reporter

# "[job align_2] /tmp/x$ bwa …" when it starts, "[job align_2] completed success" when it ends.
_JOB = re.compile(r"\[job (?P<name>[^\]]+)\] (?P<text>.*)", re.DOTALL)
_COMPLETED = re.compile(r"completed (?P<status>\w+)")
_EXITED = re.compile(r"exited with status: (?P<code>-?\d+)")
_SHOWN_STDERR_LINES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTask:
    """The task that made a run fail."""

    name: str
    task_id: str
    exit_code: int | None
    stderr: tuple[str, ...]

    def description(self) -> str:
        """What is known about the failure, in one line."""
        text = "failed" if self.exit_code is None else f"exited with status {self.exit_code}"
        return f"{text}: {' | '.join(self.stderr)}" if self.stderr else text


@dataclass(kw_only=True, slots=True)
class _OpenTask:
    task_id: str
    stderr_offset: int
    exit_code: int | None = None


class TaskLog:
    """Turns log lines into task reports."""

    def __init__(self, *, process: CwlProcess, reporter: Reporter) -> None:
        self._process = process
        self._reporter = reporter
        self._open: dict[str, _OpenTask] = {}
        self.failed: FailedTask | None = None
        self.errors: list[str] = []

    def read(self, line: LogLine) -> None:
        """Take in the next line."""
        found = _JOB.match(line.message)
        if found is None:
            if line.level in {"ERROR", "CRITICAL"}:
                self.errors.append(line.message)
            return
        name, text = found["name"], found["text"]
        task = self._open.get(name)
        if task is None:
            task = _OpenTask(task_id=self._reporter.task_started(name), stderr_offset=line.stderr_bytes)
            self._open[name] = task
        if exited := _EXITED.match(text):
            task.exit_code = int(exited["code"])
        elif completed := _COMPLETED.match(text):
            self._end(name, task, completed["status"])

    def _end(self, name: str, task: _OpenTask, status: str) -> None:
        del self._open[name]
        if status in {"success", "skipped"}:
            self._reporter.task_ended(task.task_id, TaskStatus.COMPLETED)
            return
        stderr = self._process.stderr_from(task.stderr_offset, lines=_SHOWN_STDERR_LINES)
        failed = FailedTask(name=name, task_id=task.task_id, exit_code=task.exit_code, stderr=tuple(stderr))
        self._reporter.task_ended(task.task_id, TaskStatus.FAILED, one_line(failed.description()))
        self.failed = self.failed or failed


def one_line(text: str, *, limit: int = 1024) -> str:
    """Text without the control characters that a status message must not have."""
    cleaned = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    return cleaned if len(cleaned) <= limit else f"{cleaned[: limit - 1]}…"
