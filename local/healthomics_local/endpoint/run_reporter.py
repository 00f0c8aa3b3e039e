"""The side of the life cycle that an engine sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthomics_local.endpoint.engines.engine import TaskEnd
    from healthomics_local.endpoint.lifecycle import Lifecycle
    from healthomics_local.endpoint.records import Outcome, Run
    from healthomics_local.endpoint.script import TaskDemand


class RunReporter:
    """What the engine of one run reports to."""

    def __init__(self, lifecycle: Lifecycle, run: Run) -> None:
        self._lifecycle = lifecycle
        self._run = run

    def log(self, message: str, *, failed: bool = False) -> None:
        """A line for the engine log."""
        self._lifecycle.log(self._run, message, failed=failed)

    def task_started(self, name: str, *, cpus: int = 1, memory_gib: int = 1) -> str:
        """A task runs. An id that names nothing is returned when the run has been cancelled."""
        return self._lifecycle.add_task(self._run, name=name, cpus=cpus, memory_gib=memory_gib) or "0"

    def task_queued(self, demand: TaskDemand, ready: Callable[[str], None]) -> None:
        """A task can run as soon as its run group has room for it."""
        self._lifecycle.queue_task(self._run, demand, ready)

    def task_waits(self, task_id: str, ready: Callable[[str], None]) -> None:
        """A task that was queued before a restart can run as soon as its run group has room for it."""
        self._lifecycle.wait_again(self._run, task_id, ready)

    def task_ended(self, task_id: str, end: TaskEnd) -> None:
        """A task ended."""
        self._lifecycle.end_task(self._run, task_id, end)

    def finished(self, outcome: Outcome) -> None:
        """The job ended."""
        self._lifecycle.report_outcome(self._run, outcome)
