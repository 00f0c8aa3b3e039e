"""The engine that executes nothing: tasks come and go as the clock and the run's script say."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from healthomics_local.endpoint.definitions import DefinitionError, file_names
from healthomics_local.endpoint.engines.engine import Inspection, TaskEnd
from healthomics_local.endpoint.records import Outcome
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthomics_local.endpoint.clock import Clock, Timer
    from healthomics_local.endpoint.engines.engine import Job, Reporter
    from healthomics_local.endpoint.records import Run, Workflow
    from healthomics_local.endpoint.script import RunScript
    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.storage_check import StorageCheck


class SimulatedEngine:
    """Runs the tasks of a script one after the other, each for an equal part of the time.

    Args:
        clock: What tells the time.
        settings: What the timings are.
        storage: What knows whether inputs are there.
        reason: Why a workflow is not executed, for the engine log; None: nobody wanted it.
    """

    def __init__(self, *, clock: Clock, settings: Settings, storage: StorageCheck, reason: str | None = None) -> None:
        self._reason = reason
        self._clock = clock
        self._settings = settings
        self._storage = storage

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        """Check no more than that the archive can be read and has the main file."""
        done(inspect_archive(workflow))

    def start(self, job: Job, reporter: Reporter) -> SimulatedExecution:
        """Start the first task, or end at once when the script has none or an input is missing."""
        execution = self._execution(job, reporter)
        if self._reason is not None:
            reporter.log(f"Simulated: {self._reason}")
        inputs = self._storage.inputs(job.run, job.objects)
        for uri in inputs.unknown:
            reporter.log(f"Simulated: {uri} counts as existing, because there is no bucket {uri.bucket} here")
        if inputs.failure is not None:
            reporter.finished(inputs.failure)
        else:
            execution.start()
        return execution

    def resume(self, job: Job, reporter: Reporter) -> SimulatedExecution:
        """Go on with the task that was under way, for the time that is left of it."""
        if not job.run.tasks and job.script.tasks:
            return self.start(job, reporter)
        execution = self._execution(job, reporter)
        execution.resume(job.run)
        return execution

    def _execution(self, job: Job, reporter: Reporter) -> SimulatedExecution:
        seconds = job.script.running_seconds
        if seconds is None:
            seconds = self._settings.timings.running
        return SimulatedExecution(clock=self._clock, script=job.script, reporter=reporter, seconds=seconds)

    def close(self) -> None:
        """Nothing to end: all that is left are timers, which go with the clock."""


class SimulatedExecution:
    """One simulated job."""

    def __init__(self, *, clock: Clock, script: RunScript, reporter: Reporter, seconds: float) -> None:
        self._clock = clock
        self._script = script
        self._reporter = reporter
        self._seconds = seconds
        self._demands = script.demands()
        self._timer: Timer | None = None
        self._cancelled = False

    def start(self) -> None:
        """Begin with the first task."""
        tasks = len(self._demands)
        self._reporter.log(f"Simulated: nothing is executed; {tasks} task(s) take {self._seconds:g} seconds together")
        if self._demands:
            self._queue_task(0)
        else:
            self._timer = self._clock.call_later(self._seconds, self._finish)

    def resume(self, run: Run) -> None:
        """Begin where an earlier process has ended."""
        self._reporter.log("Simulated: goes on after a restart of the endpoint")
        if not self._demands:
            self._call_in_time(run.start_time, self._seconds, self._finish)
            return
        ended = sum(task.status.is_terminal for task in run.tasks)
        under_way = next((task for task in run.tasks if not task.status.is_terminal), None)
        if under_way is None and ended == len(self._demands):
            self._finish()
        elif under_way is None:
            self._queue_task(ended)
        elif under_way.status is TaskStatus.PENDING:
            self._reporter.task_waits(under_way.task_id, lambda task_id: self._run_task(ended, task_id))
        else:
            task_id = under_way.task_id
            self._call_in_time(under_way.start_time, self._task_seconds, lambda: self._end_task(ended, task_id))

    def _call_in_time(self, begin: datetime | None, seconds: float, then: Callable[[], None]) -> None:
        passed = (self._clock.now() - begin).total_seconds() if begin is not None else 0
        self._timer = self._clock.call_later(seconds - passed, then)

    def cancel(self) -> None:
        """Stop the timer; the life cycle itself marks open tasks as cancelled."""
        self._cancelled = True
        if self._timer is not None:
            self._timer.cancel()

    def _queue_task(self, index: int) -> None:
        if not self._cancelled:
            self._reporter.task_queued(self._demands[index], lambda task_id: self._run_task(index, task_id))

    def _run_task(self, index: int, task_id: str) -> None:
        if self._cancelled:
            return
        self._timer = self._clock.call_later(self._task_seconds, lambda: self._end_task(index, task_id))

    def _end_task(self, index: int, task_id: str) -> None:
        is_last = index == len(self._demands) - 1
        if not self._cancelled:
            failed = is_last and self._fails
            status = TaskStatus.FAILED if failed else TaskStatus.COMPLETED
            message = self._script.status_message if failed else None
            self._reporter.task_ended(task_id, TaskEnd(status=status, message=message))
        if is_last:
            self._finish()
        else:
            self._queue_task(index + 1)

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
    def _task_seconds(self) -> float:
        return self._seconds / len(self._demands)

    @property
    def _fails(self) -> bool:
        return self._script.failure_reason is not None and self._script.fails_in is RunStatus.RUNNING


def inspect_archive(workflow: Workflow) -> Inspection:
    """What can be told about a definition without reading it."""
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
