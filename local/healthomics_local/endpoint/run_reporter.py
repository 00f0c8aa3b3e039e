"""The side of the life cycle that an engine sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from healthomics_local.endpoint.lifecycle import Lifecycle
    from healthomics_local.endpoint.records import Outcome, Run
    from healthomics_local.endpoint.statuses import TaskStatus


class RunReporter:
    """What the engine of one run reports to."""

    def __init__(self, lifecycle: Lifecycle, run: Run) -> None:
        self._lifecycle = lifecycle
        self._run = run

    def task_started(self, name: str, *, cpus: int = 1, memory_gib: int = 1) -> str:
        """A task runs. An id that names nothing is returned when the run has been cancelled."""
        return self._lifecycle.add_task(self._run, name=name, cpus=cpus, memory_gib=memory_gib) or "0"

    def task_ended(self, task_id: str, status: TaskStatus, message: str | None = None) -> None:
        """A task ended."""
        self._lifecycle.end_task(self._run, task_id, status, message)

    def finished(self, outcome: Outcome) -> None:
        """The job ended."""
        self._lifecycle.report_outcome(self._run, outcome)
