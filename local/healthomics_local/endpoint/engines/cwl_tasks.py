"""What cwltool's log tells about the tasks of a run."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.engine import TaskEnd
from healthomics_local.endpoint.engines.failures import FailedTask
from healthomics_local.endpoint.engines.task_output import last_lines
from healthomics_local.endpoint.records import TaskUsage
from healthomics_local.endpoint.statuses import TaskStatus

if TYPE_CHECKING:
    from healthomics_local.endpoint.engines.engine import Reporter
    from healthomics_local.endpoint.engines.process import EngineProcess, LogLine

# "[job align_2] /tmp/x$ bwa …" when it starts, which the runner marks; "[job align_2] completed success" when it ends.
_JOB = re.compile(r"\[job (?P<name>[^\]]+)\] (?P<text>.*)", re.DOTALL)
_COMPLETED = re.compile(r"completed (?P<status>\w+)")
_EXITED = re.compile(r"exited with status: (?P<code>-?\d+)")


@dataclass(kw_only=True, slots=True)
class _OpenTask:
    task_id: str
    stderr_offset: int
    exit_code: int | None = None
    errors: list[str] = field(default_factory=list[str])
    """What cwltool itself says about it."""


class TaskLog:
    """Turns log lines into task reports."""

    def __init__(self, *, process: EngineProcess, reporter: Reporter) -> None:
        self._process = process
        self._reporter = reporter
        self._open: dict[str, _OpenTask] = {}
        self.failed: FailedTask | None = None
        self.errors: list[str] = []

    def read(self, line: LogLine) -> None:
        """Take in the next line."""
        found = _JOB.match(line.message)
        if line.is_error:
            self._failed(found["text"].removeprefix("Job error:\n") if found is not None else line.message)
        if found is None:
            return
        name, text = found["name"], found["text"]
        if "started" in line.details:
            cpus, memory_gib = _resources(line)
            task_id = self._reporter.task_started(name, cpus=cpus, memory_gib=memory_gib)
            self._open[name] = _OpenTask(task_id=task_id, stderr_offset=line.stderr_bytes)
        task = self._open.get(name)
        if task is None:
            return
        if exited := _EXITED.match(text):
            task.exit_code = int(exited["code"])
        elif completed := _COMPLETED.match(text):
            self._end(name, task, completed["status"], line)

    def _failed(self, text: str) -> None:
        self.errors.append(text)
        # One task runs at a time, so whatever goes wrong meanwhile goes wrong with this one.
        for task in self._open.values():
            task.errors.append(text)

    def _end(self, name: str, task: _OpenTask, status: str, line: LogLine) -> None:
        del self._open[name]
        # cwltool runs one task at a time here, so whatever was written meanwhile was written by this one.
        written = self._process.stderr_between(task.stderr_offset, line.stderr_bytes)
        output = (*written, *task.errors)
        usage = TaskUsage(**line.details.get("usage", {}))
        if status in {"success", "skipped"}:
            self._reporter.task_ended(task.task_id, TaskEnd(status=TaskStatus.COMPLETED, output=output, usage=usage))
            return
        # A tool that could not be started, or that left out an output, has nothing to say about that itself.
        said = task.errors if task.exit_code is None and task.errors else written or task.errors
        failed = FailedTask(name=name, task_id=task.task_id, exit_code=task.exit_code, stderr=last_lines(said))
        message = failed.description()
        end = TaskEnd(status=TaskStatus.FAILED, message=message, output=output, usage=usage)
        self._reporter.task_ended(task.task_id, end)
        self.failed = self.failed or failed


def _resources(line: LogLine) -> tuple[int, int]:
    """Processors and GiB of memory that a job asks for, in the whole units that the service knows."""
    resources = line.details["started"]
    return max(1, math.ceil(resources.get("cpus", 1))), max(1, math.ceil(resources.get("memory_mib", 1024) / 1024))
