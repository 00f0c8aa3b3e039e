"""The engine that executes nothing: tasks come and go as the clock and the run's script say."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from healthomics_local.endpoint.definitions import DefinitionError, file_names
from healthomics_local.endpoint.engines.engine import Inspection
from healthomics_local.endpoint.records import Outcome
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthomics_local.endpoint.clock import Clock, Timer
    from healthomics_local.endpoint.engines.engine import Job, Reporter
    from healthomics_local.endpoint.records import Workflow
    from healthomics_local.endpoint.script import RunScript
    from healthomics_local.endpoint.settings import Settings


class SimulatedEngine:
    """Runs the tasks of a script one after the other, each for an equal part of the time."""

    def __init__(self, *, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._settings = settings

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        """Check no more than that the archive can be read and has the main file."""
        done(_inspect(workflow))

    def start(self, job: Job, reporter: Reporter) -> SimulatedExecution:
        """Start the first task, or end at once when the script has none."""
        seconds = job.script.running_seconds
        if seconds is None:
            seconds = self._settings.timings.running
        execution = SimulatedExecution(
            clock=self._clock, script=job.script, reporter=reporter, seconds=self._settings.seconds(seconds)
        )
        execution.start()
        return execution

    def close(self) -> None:
        """Nothing to end: all that is left are timers, which go with the clock."""


class SimulatedExecution:
    """One simulated job."""

    def __init__(self, *, clock: Clock, script: RunScript, reporter: Reporter, seconds: float) -> None:
        self._clock = clock
        self._script = script
        self._reporter = reporter
        self._seconds = seconds
        self._timer: Timer | None = None
        self._task_id: str | None = None
        self._cancelled = False

    def start(self) -> None:
        """Begin with the first task."""
        if self._script.tasks:
            self._start_task(0)
        else:
            self._timer = self._clock.call_later(self._seconds, self._finish)

    def cancel(self) -> None:
        """Stop the timer; the life cycle itself marks open tasks as cancelled."""
        self._cancelled = True
        if self._timer is not None:
            self._timer.cancel()

    def _start_task(self, index: int) -> None:
        if self._cancelled:
            return
        self._task_id = self._reporter.task_started(self._script.tasks[index])
        self._timer = self._clock.call_later(self._seconds / len(self._script.tasks), lambda: self._end_task(index))

    def _end_task(self, index: int) -> None:
        is_last = index == len(self._script.tasks) - 1
        if self._task_id is not None and not self._cancelled:
            failed = is_last and self._fails
            status = TaskStatus.FAILED if failed else TaskStatus.COMPLETED
            self._reporter.task_ended(self._task_id, status, self._script.status_message if failed else None)
        if is_last:
            self._finish()
        else:
            self._start_task(index + 1)

    def _finish(self) -> None:
        if self._cancelled:
            return
        if self._fails:
            reason = self._script.failure_reason or "WORKFLOW_RUN_FAILED"
            message = self._script.status_message or f"the run was scripted to fail with {reason}"
            self._reporter.finished(Outcome.failed(reason, message))
        else:
            self._reporter.finished(Outcome())

    @property
    def _fails(self) -> bool:
        return self._script.failure_reason is not None and self._script.fails_in is RunStatus.RUNNING


def _inspect(workflow: Workflow) -> Inspection:
    archive = workflow.definition.archive
    if archive is None:
        return Inspection(main=workflow.main)
    try:
        names = file_names(archive)
    except DefinitionError as error:
        return Inspection(error=str(error))
    if workflow.main is not None and workflow.main not in names:
        return Inspection(error=f"the definition has no file {workflow.main}")
    return Inspection(main=workflow.main, digest=f"sha256:{hashlib.sha256(archive).hexdigest()}")
