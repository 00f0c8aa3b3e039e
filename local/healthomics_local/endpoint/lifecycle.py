"""The life of a run: what happens when, and what it causes.

Timers and engines call in from their own threads. Each entry takes the lock, checks that the run it was
meant for is still there and in the expected status, and notes effects down for after the lock.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.engine import Job
from healthomics_local.endpoint.errors import ConflictException
from healthomics_local.endpoint.events import run_event, task_event
from healthomics_local.endpoint.records import Outcome, Run, Task
from healthomics_local.endpoint.run_reporter import RunReporter
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from healthomics_local.endpoint.clock import Clock, Timer
    from healthomics_local.endpoint.engines.engine import Engine, Execution
    from healthomics_local.endpoint.events import EventDelivery
    from healthomics_local.endpoint.ids import ArnFormat, IdSource
    from healthomics_local.endpoint.script import RunScript
    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.state import State

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class _Progress:
    """What a run that has not ended needs beside its record."""

    script: RunScript
    timer: Timer | None = None
    timeout: Timer | None = None
    execution: Execution | None = None


class Lifecycle:
    """Moves runs from status to status."""

    def __init__(
        self,
        *,
        state: State,
        settings: Settings,
        clock: Clock,
        ids: IdSource,
        arns: ArnFormat,
        events: EventDelivery,
        engine_for: Callable[[str], Engine],
    ) -> None:
        self._state = state
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._arns = arns
        self._events = events
        self._engine_for = engine_for
        self._progress: dict[str, _Progress] = {}
        self._waiting: dict[str, str] = {}

    def begin(self, run: Run, script: RunScript) -> None:
        """Take in a new run, which is PENDING. Must be called within a transaction."""
        self._state.put_run(run)
        self._progress[run.uuid] = _Progress(script=script)
        self._announce(run)
        seconds = self._seconds(script.pending_seconds, self._settings.timings.pending)
        self._arm(run, seconds, self._pending_is_over)

    def cancel(self, run: Run) -> None:
        """Cancel a run that has not ended. Must be called within a transaction.

        Raises:
            ConflictException: It has ended.
        """
        if run.status.is_terminal:
            raise ConflictException(f"Run {run.run_id} cannot be cancelled: its status is {run.status}")
        progress = self._progress[run.uuid]
        if progress.execution is not None:
            self._state.after(progress.execution.cancel)
        outcome = Outcome(status=RunStatus.CANCELLED)
        if run.status is RunStatus.PENDING:
            self._end(run, outcome)
        elif run.status is RunStatus.STOPPING:
            self._state.put_run(replace(run, outcome=outcome))
        else:
            self._stop(run, outcome, self._settings.seconds(self._settings.timings.cancelling))

    def delete(self, run: Run) -> None:
        """Delete the record of a run that has ended. Must be called within a transaction.

        Raises:
            ConflictException: It has not ended.
        """
        if not run.status.is_terminal:
            raise ConflictException(f"Run {run.run_id} cannot be deleted: its status is {run.status}")
        deleted = self._move(run, RunStatus.DELETED)
        del self._state.runs[run.run_id]
        self._state.deleted_runs.append(deleted)

    def _pending_is_over(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        if self._fails_in(progress.script, RunStatus.PENDING):
            self._end(run, self._scripted_failure(progress.script))
        elif self._has_slot(run):
            self._start(run)
        else:
            self._waiting[run.uuid] = run.run_id

    def _start(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        self._waiting.pop(run.uuid, None)
        run = self._move(run, RunStatus.STARTING)
        seconds = self._seconds(progress.script.starting_seconds, self._settings.timings.starting)
        self._arm(run, seconds, self._starting_is_over)

    def _starting_is_over(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        if self._fails_in(progress.script, RunStatus.STARTING):
            self._stop(run, self._scripted_failure(progress.script))
            return
        run = self._move(replace(run, start_time=self._clock.now()), RunStatus.RUNNING)
        limit = self._settings.max_run_seconds
        group = self._state.run_groups.get(str(run.request.get("runGroupId")))
        if group is not None and group.max_duration_minutes is not None:
            limit = min(limit, group.max_duration_minutes * 60)
        progress.timeout = self._clock.call_later(limit, lambda: self._guarded(run, self._run_is_too_long))
        self._state.after(lambda: self._execute(run, progress))

    def _execute(self, run: Run, progress: _Progress) -> None:
        """Start the engine, outside the lock; the run may have been cancelled in between."""
        job = Job(run=run, script=progress.script)
        reporter = RunReporter(self, run)
        try:
            execution = self._engine_for(run.workflow.engine).start(job, reporter)
        except Exception:
            logger.exception("the engine could not start run %s", run.run_id)
            self.report_outcome(run, Outcome.failed("SERVICE_ERROR", "The engine could not start the run"))
            return
        with self._state.transaction():
            current = self._state.current(run)
            if current is not None and current.status is RunStatus.RUNNING:
                progress.execution = execution
            else:
                self._state.after(execution.cancel)

    def _run_is_too_long(self, run: Run) -> None:
        if run.status is not RunStatus.RUNNING:
            return
        progress = self._progress[run.uuid]
        if progress.execution is not None:
            self._state.after(progress.execution.cancel)
        self._stop(run, Outcome.failed("RUN_TIMED_OUT", "Run exceeded its maximum duration"))

    def _stop(self, run: Run, outcome: Outcome, seconds: float | None = None) -> None:
        progress = self._progress[run.uuid]
        if progress.timeout is not None:
            progress.timeout.cancel()
        for task in run.tasks:
            if not task.status.is_terminal:
                run = self._put_task(run, replace(task, status=TaskStatus.CANCELLED, stop_time=self._clock.now()))
        run = self._move(replace(run, outcome=outcome), RunStatus.STOPPING)
        if seconds is None:
            seconds = self._seconds(progress.script.stopping_seconds, self._settings.timings.stopping)
        self._arm(run, seconds, self._stopping_is_over)

    def _stopping_is_over(self, run: Run) -> None:
        self._end(run, run.outcome or Outcome())

    def _end(self, run: Run, outcome: Outcome) -> None:
        progress = self._progress.pop(run.uuid)
        self._waiting.pop(run.uuid, None)
        if progress.timer is not None:
            progress.timer.cancel()
        self._move(replace(run, outcome=outcome, stop_time=self._clock.now()), outcome.status)
        self.fill_slots()

    def fill_slots(self) -> None:
        """Start runs that wait, oldest first, as far as the limits allow. Must be called within a transaction."""
        waiting = [self._state.runs[run_id] for run_id in self._waiting.values()]
        for run in sorted(waiting, key=lambda each: each.sequence):
            if self._is_full():
                return
            if self._has_slot(run):
                self._start(run)

    def _has_slot(self, run: Run) -> bool:
        return not self._is_full() and not self._is_group_full(run.request.get("runGroupId"))

    def _is_full(self) -> bool:
        limit = self._settings.max_concurrent_runs
        return limit is not None and sum(1 for _ in self._active_runs()) >= limit

    def _is_group_full(self, group_id: str | None) -> bool:
        group = self._state.run_groups.get(group_id) if group_id is not None else None
        if group is None or group.max_runs is None:
            return False
        in_group = [run for run in self._active_runs() if run.request.get("runGroupId") == group_id]
        return len(in_group) >= group.max_runs

    def _active_runs(self) -> Iterator[Run]:
        return (run for run in self._state.runs.values() if run.status.holds_resources)

    def add_task(self, run: Run, *, name: str, cpus: int, memory_gib: int) -> str | None:
        """Add a task that runs, when an engine says so; its id, or None when the run no longer runs."""
        with self._state.transaction():
            current = self._running(run)
            if current is None:
                return None
            now = self._clock.now()
            task = Task(
                task_id=self._ids.numeric(),
                uuid=self._ids.uuid(),
                name=name,
                status=TaskStatus.RUNNING,
                cpus=cpus,
                memory_gib=memory_gib,
                creation_time=now,
                start_time=now,
            )
            self._put_task(current, task)
            return task.task_id

    def end_task(self, run: Run, task_id: str, status: TaskStatus, message: str | None) -> None:
        """End a task, when an engine says so."""
        with self._state.transaction():
            current = self._running(run)
            task = current.task(task_id) if current is not None else None
            if current is None or task is None or task.status.is_terminal:
                return
            failed = status is TaskStatus.FAILED
            ended = replace(
                task,
                status=status,
                stop_time=self._clock.now(),
                failure_reason="RUN_TASK_FAILED" if failed else None,
                status_message=message if failed else None,
            )
            self._put_task(current, ended)

    def _running(self, run: Run) -> Run | None:
        current = self._state.current(run)
        return current if current is not None and current.status is RunStatus.RUNNING else None

    def report_outcome(self, run: Run, outcome: Outcome) -> None:
        """Let a run stop, when its engine says that it has finished."""
        self._guarded(run, lambda current: self._finished(current, outcome))

    def _finished(self, run: Run, outcome: Outcome) -> None:
        if run.status is RunStatus.RUNNING:
            self._stop(run, outcome)

    def _put_task(self, run: Run, task: Task) -> Run:
        run = self._state.put_run(run.with_task(task))
        event = task_event(run, task, self._arns, event_id=self._ids.uuid(), now=self._clock.now())
        self._state.after(lambda: self._events.deliver(event))
        return run

    def _move(self, run: Run, status: RunStatus) -> Run:
        if not run.status.may_become(status):
            raise AssertionError(f"a run cannot go from {run.status} to {status}")
        run = self._state.put_run(replace(run, status=status))
        self._announce(run)
        return run

    def _announce(self, run: Run) -> None:
        event = run_event(run, self._arns, event_id=self._ids.uuid(), now=self._clock.now())
        self._state.after(lambda: self._events.deliver(event))

    def _arm(self, run: Run, seconds: float, then: Callable[[Run], None]) -> None:
        """Go on with a run after some time, in whatever state its record is then."""
        progress = self._progress[run.uuid]
        progress.timer = self._clock.call_later(seconds, lambda: self._guarded(run, then, run.status))

    def _guarded(self, run: Run, then: Callable[[Run], None], expected: RunStatus | None = None) -> None:
        with self._state.transaction():
            current = self._state.current(run)
            if current is not None and (expected is None or current.status is expected):
                then(current)

    def _seconds(self, scripted: float | None, usual: float) -> float:
        return self._settings.seconds(usual if scripted is None else scripted)

    @staticmethod
    def _fails_in(script: RunScript, status: RunStatus) -> bool:
        return script.failure_reason is not None and script.fails_in is status

    @staticmethod
    def _scripted_failure(script: RunScript) -> Outcome:
        reason = script.failure_reason or "SERVICE_ERROR"
        return Outcome.failed(reason, script.status_message or f"the run was scripted to fail with {reason}")
