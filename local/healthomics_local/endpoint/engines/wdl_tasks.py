"""What miniwdl's runner tells about the tasks of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.engines.engine import TaskEnd
from healthomics_local.endpoint.engines.failures import FailedTask
from healthomics_local.endpoint.engines.task_output import last_lines, output_lines
from healthomics_local.endpoint.statuses import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.engines.engine import Reporter
    from healthomics_local.endpoint.engines.process import LogLine


@dataclass(frozen=True, slots=True)
class _OpenTask:
    task_id: str
    name: str


class WdlTasks:
    """Turns what the runner tells into task reports."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._open: dict[str, _OpenTask] = {}
        self.failed: FailedTask | None = None
        self.failure: str | None = None
        """What the runner says went wrong with the workflow."""

    def read(self, line: LogLine) -> None:
        """Take in the next line."""
        if started := line.details.get("started"):
            self._started(started)
        elif ended := line.details.get("ended"):
            self._ended(ended)
        elif failure := line.details.get("failure"):
            self.failure = str(failure)

    def _started(self, started: Mapping[str, Any]) -> None:
        if started["task"] in self._open:
            # A second attempt of the same task.
            return
        cpus = max(1, math.ceil(started["cpus"]))
        memory_gib = max(1, math.ceil(started["memory_mib"] / 1024))
        task_id = self._reporter.task_started(started["name"], cpus=cpus, memory_gib=memory_gib)
        self._open[started["task"]] = _OpenTask(task_id, started["name"])

    def _ended(self, ended: Mapping[str, Any]) -> None:
        task = self._open.pop(ended["task"], None)
        if task is None:
            # It failed before it could start: the workflow's failure says why.
            return
        status = TaskStatus(ended["status"])
        *stdout, stderr = [output_lines(Path(path)) for path in ended["output"]]
        output = (*(line for lines in stdout for line in lines), *stderr)
        if status is not TaskStatus.FAILED:
            self._reporter.task_ended(task.task_id, TaskEnd(status=status, output=output))
            return
        failed = FailedTask(
            name=task.name,
            task_id=task.task_id,
            exit_code=ended["exit_code"],
            stderr=last_lines(stderr) if ended["exit_code"] is not None else (str(ended["text"]),),
        )
        end = TaskEnd(status=status, message=failed.description(), output=output)
        self._reporter.task_ended(task.task_id, end)
        self.failed = self.failed or failed
