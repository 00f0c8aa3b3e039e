"""The life of a run: what happens when, and what it causes.

Timers and engines call in from their own threads. Each entry takes the lock, checks that the run it was
meant for is still there and in the expected status, and notes effects down for after the lock.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from healthomics_local.endpoint.clock import RealClock
from healthomics_local.endpoint.engines.engine import Job, LimitedEngine, ResumableEngine
from healthomics_local.endpoint.errors import ConflictException
from healthomics_local.endpoint.events import run_event, task_event
from healthomics_local.endpoint.logs.lines import Severity
from healthomics_local.endpoint.records import Outcome, Run, RunProgress, Task
from healthomics_local.endpoint.run_queue import EngineSlots, RunQueue, WaitingTask
from healthomics_local.endpoint.run_reporter import RunReporter
from healthomics_local.endpoint.script import TaskDemand
from healthomics_local.endpoint.status_text import one_line
from healthomics_local.endpoint.statuses import RunStatus, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from healthomics_local.endpoint.authorization.run_access import RunAccess
    from healthomics_local.endpoint.clock import Clock, Timer
    from healthomics_local.endpoint.engines.engine import Engine, Execution, TaskEnd
    from healthomics_local.endpoint.events import EventDelivery
    from healthomics_local.endpoint.ids import ArnFormat, IdSource
    from healthomics_local.endpoint.logs.run_logs import RunLogs
    from healthomics_local.endpoint.records import Workflow
    from healthomics_local.endpoint.script import RunScript
    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.state import State
    from healthomics_local.endpoint.storage_check import StorageCheck

logger = logging.getLogger(__name__)

# Dates end with the year 9999, which a fast clock could reach.
_LONGEST_SECONDS = 100 * 365 * 86400.0
_ENGINE_IS_GONE = "The local endpoint was restarted while it executed the run, whose processes are gone: start it again"


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
        logs: RunLogs,
        engine_for: Callable[[Workflow], Engine],
        storage: StorageCheck,
        access: RunAccess | None = None,
    ) -> None:
        self._state = state
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._arns = arns
        self._events = events
        self._logs = logs
        self._engine_for = engine_for
        self._storage = storage
        self._access = access
        self._progress: dict[str, _Progress] = {}
        self._queue = RunQueue(state, settings)
        self._watchers: list[Callable[[Run], None]] = []

    def watch(self, watcher: Callable[[Run], None]) -> None:
        """Call this, within the transaction, with each run that has a new status."""
        self._watchers.append(watcher)

    def begin(self, run: Run, script: RunScript) -> None:
        """Take in a new run, which is PENDING. Must be called within a transaction."""
        self._state.put_run(run)
        self._progress[run.uuid] = _Progress(script=script)
        self._announce(run)
        seconds = _either(script.pending_seconds, self._settings.timings.pending)
        self._state.progress[run.uuid] = RunProgress(script=script, due=self._clock.now())
        self._arm(run, seconds, self._pending_is_over)

    def resume(self) -> None:
        """Go on with every run of an earlier process that has not ended. Must be called within a transaction."""
        active = [run for run in self._state.runs.values() if not run.status.is_terminal]
        for run in active:
            self._progress[run.uuid] = _Progress(script=self._state.progress[run.uuid].script)
            self._queue.moved(run)
        for run in active:
            self._go_on(run)

    def _go_on(self, run: Run) -> None:
        kept = self._state.progress[run.uuid]
        match run.status:
            case RunStatus.PENDING:
                self._arm_until(run, kept.due, self._pending_is_over)
            case RunStatus.STARTING:
                self._arm_until(run, kept.due, self._starting_is_over)
            case RunStatus.RUNNING:
                progress = self._progress[run.uuid]
                self._state.after(lambda: self._execute(run, progress, again=True))
            case _:
                self._arm_until(run, kept.due, self._stopping_is_over)

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
            self._stop(run, outcome, self._settings.timings.cancelling)

    def delete(self, run: Run) -> None:
        """Delete the record of a run that has ended. Must be called within a transaction.

        Raises:
            ConflictException: It has not ended.
        """
        if not run.status.is_terminal:
            raise ConflictException(f"Run {run.run_id} cannot be deleted: its status is {run.status}")
        deleted = self._move(run, RunStatus.DELETED)
        del self._state.runs[run.run_id]
        self._state.deleted_runs[deleted.uuid] = deleted

    def _pending_is_over(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        if self._fails_in(progress.script, RunStatus.PENDING):
            self._end(run, self._scripted_failure(progress.script))
        else:
            self._state.after(lambda: self._let_wait(run))

    def _let_wait(self, run: Run) -> None:
        """Let a run wait for its resources; which engine it needs may take time to find out, so outside the lock."""
        slots: EngineSlots | None = None
        try:
            engine = self._engine_for(run.workflow)
        except Exception:
            logger.exception("there is no engine for run %s, which fails when it is to be executed", run.run_id)
        else:
            if isinstance(engine, LimitedEngine):
                slots = EngineSlots(engine=id(engine), count=engine.slots)

        def wait(current: Run) -> None:
            self._queue.add_run(current, slots)
            self.fill_slots()

        self._guarded(run, wait, expected=RunStatus.PENDING)

    def _start(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        run = self._move(run, RunStatus.STARTING)
        seconds = _either(progress.script.starting_seconds, self._settings.timings.starting)
        self._arm(run, seconds, self._starting_is_over)

    def _starting_is_over(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        if self._fails_in(progress.script, RunStatus.STARTING):
            self._stop(run, self._scripted_failure(progress.script))
        elif self._settings.check_run_role is None and self._access is None and not self._storage.is_on:
            self._run(run)
        else:
            self._state.after(lambda: self._admit(run))

    def _admit(self, run: Run) -> None:
        """Let a run go on if nothing speaks against it; whoever knows may take time, so this is outside the lock."""
        try:
            refusal = self._refusal(run)
        except Exception:
            logger.exception("nobody could say whether run %s may go on", run.run_id)
            refusal = Outcome.failed("SERVICE_ERROR", "The role and the output bucket of the run could not be checked")
        self._guarded(
            run, self._run if refusal is None else lambda now: self._stop(now, refusal), expected=RunStatus.STARTING
        )

    def _refusal(self, run: Run) -> Outcome | None:
        check_role = self._settings.check_run_role or (self._access.role_problem if self._access is not None else None)
        problem = check_role(run) if check_role is not None else None
        if problem is not None:
            return Outcome.failed("ASSUME_ROLE_FAILED", f"IAM role is invalid or inaccessible: {problem}")
        problem = self._access.log_problem(run) if self._access is not None else None
        if problem is not None:
            # The developer guide wants these permissions, but does not say what becomes of a run without them.
            return Outcome.failed("WORKFLOW_RUN_FAILED", f"The logs of the run cannot be written: {problem}")
        return self._storage.output_failure(run)

    def _run(self, run: Run) -> None:
        progress = self._progress[run.uuid]
        run = self._move(replace(run, start_time=self._clock.now()), RunStatus.RUNNING)
        self._state.after(lambda: self._execute(run, progress))

    def _limit(self, run: Run, progress: _Progress, engine: Engine) -> None:
        """Let a run fail when it has been RUNNING for too long."""
        with self._state.transaction():
            current = self._running(run)
            if current is None or current.start_time is None:
                return
            kept = self._state.progress[run.uuid]
            limit = timedelta(seconds=min(self._limit_seconds(current, engine), _LONGEST_SECONDS))
            # One that an earlier process has set stays as it is.
            timeout = kept.timeout or current.start_time + limit
            self._state.progress[run.uuid] = replace(kept, timeout=timeout)
            seconds = (timeout - self._clock.now()).total_seconds()
            progress.timeout = self._clock.call_later(seconds, lambda: self._guarded(run, self._run_is_too_long))

    def _limit_seconds(self, run: Run, engine: Engine) -> float:
        limit = self._settings.max_run_seconds
        group = self._state.run_groups.get(str(run.request.get("runGroupId")))
        if group is not None and group.max_duration_minutes is not None:
            limit = min(limit, group.max_duration_minutes * 60)
        if isinstance(engine, LimitedEngine) and isinstance(self._clock, RealClock):
            # What is really executed takes real time, however fast the clock goes.
            limit *= self._clock.speed
        return limit

    def _execute(self, run: Run, progress: _Progress, *, again: bool = False) -> None:
        """Start the engine, outside the lock; the run may have been cancelled in between.

        Args:
            run: The run.
            progress: Its progress.
            again: An earlier process has started the engine, and has ended since.
        """
        objects = self._access.objects(run) if self._access is not None else None
        job = Job(run=run, script=progress.script, objects=objects)
        reporter = RunReporter(self, run)
        try:
            engine = self._engine_for(run.workflow)
            self._limit(run, progress, engine)
            if not again:
                execution = engine.start(job, reporter)
            elif isinstance(engine, ResumableEngine):
                execution = engine.resume(job, reporter)
            else:
                self.report_outcome(run, Outcome.failed("SERVICE_ERROR", _ENGINE_IS_GONE))
                return
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
            seconds = _either(progress.script.stopping_seconds, self._settings.timings.stopping)
        self._arm(run, seconds, self._stopping_is_over)
        self.fill_slots()

    def _stopping_is_over(self, run: Run) -> None:
        self._end(run, run.outcome or Outcome())

    def _end(self, run: Run, outcome: Outcome) -> None:
        progress = self._progress.pop(run.uuid)
        del self._state.progress[run.uuid]
        if progress.timer is not None:
            progress.timer.cancel()
        self._move(replace(run, outcome=outcome, stop_time=self._clock.now()), outcome.status)
        self.fill_slots()

    def fill_slots(self) -> None:
        """Start runs and tasks that wait, as far as the limits allow. Must be called within a transaction."""
        while (run := self._queue.next_run()) is not None:
            self._start(run)
        while (waiting := self._queue.pop_task()) is not None:
            self._start_task(waiting)

    def _start_task(self, waiting: WaitingTask) -> None:
        run = self._state.runs[waiting.run.run_id]
        task = run.task(waiting.task_id)
        if task is not None:
            self._put_task(run, replace(task, status=TaskStatus.RUNNING, start_time=self._clock.now()))
            self._state.after(lambda: waiting.ready(waiting.task_id))

    def add_task(self, run: Run, *, name: str, cpus: int, memory_gib: int) -> str | None:
        """Add a task that runs, when an engine says so; its id, or None when the run no longer runs."""
        with self._state.transaction():
            current = self._running(run)
            if current is None:
                return None
            task = replace(
                self._new_task(TaskDemand(name=name, cpus=cpus, memory_gib=memory_gib)),
                status=TaskStatus.RUNNING,
                start_time=self._clock.now(),
            )
            self._put_task(current, task)
            return task.task_id

    def queue_task(self, run: Run, demand: TaskDemand, ready: Callable[[str], None]) -> None:
        """Add a task that is PENDING until the run's group has room for it; nothing when the run no longer runs.

        Args:
            run: The run.
            demand: What the task is, and what it needs.
            ready: Is called with the task's id, outside any transaction, when the task is RUNNING.
        """
        with self._state.transaction():
            current = self._running(run)
            if current is None:
                return
            task = self._new_task(demand)
            current = self._put_task(current, task)
            self._queue.add_task(WaitingTask(run=current, task_id=task.task_id, ready=ready))
            self.fill_slots()

    def wait_again(self, run: Run, task_id: str, ready: Callable[[str], None]) -> None:
        """Let a PENDING task of an earlier process wait again, as `queue_task` does with a new one."""
        with self._state.transaction():
            current = self._running(run)
            if current is not None:
                self._queue.add_task(WaitingTask(run=current, task_id=task_id, ready=ready))
                self.fill_slots()

    def _new_task(self, demand: TaskDemand) -> Task:
        return Task(
            task_id=self._ids.numeric(),
            uuid=self._ids.uuid(),
            name=demand.name,
            cpus=demand.cpus,
            memory_gib=demand.memory_gib,
            gpus=demand.gpus,
            creation_time=self._clock.now(),
        )

    def log(self, run: Run, message: str, *, failed: bool) -> None:
        """Write a line of a run's engine log, unless the run's record is gone."""
        severity = Severity.ERROR if failed else Severity.INFO
        with self._state.transaction():
            current = self._state.current(run)
            if current is not None:
                now = self._clock.now()
                self._state.after(lambda: self._logs.engine_said(current, message, severity, now))

    def end_task(self, run: Run, task_id: str, end: TaskEnd) -> None:
        """End a task, when an engine says so."""
        with self._state.transaction():
            current = self._running(run)
            task = current.task(task_id) if current is not None else None
            if current is None or task is None or task.status.is_terminal:
                return
            failed = end.status is TaskStatus.FAILED
            ended = replace(
                task,
                status=end.status,
                stop_time=self._clock.now(),
                failure_reason="RUN_TASK_FAILED" if failed else None,
                status_message=one_line(end.message) or None if failed and end.message else None,
                usage=end.usage,
            )
            self._put_task(current, ended, end.output)
            self.fill_slots()

    def _running(self, run: Run) -> Run | None:
        current = self._state.current(run)
        return current if current is not None and current.status is RunStatus.RUNNING else None

    def report_outcome(self, run: Run, outcome: Outcome) -> None:
        """Let a run stop, when its engine says that it has finished."""
        self._guarded(run, lambda current: self._finished(current, outcome))

    def _finished(self, run: Run, outcome: Outcome) -> None:
        if run.status is RunStatus.RUNNING:
            self._stop(run, outcome)

    def _put_task(self, run: Run, task: Task, output: Sequence[str] = ()) -> Run:
        run = self._state.put_run(run.with_task(task))
        now = self._clock.now()
        event = task_event(run, task, self._arns, event_id=self._ids.uuid(), now=now)
        self._state.after(lambda: self._events.deliver(event))
        self._state.after(lambda: self._logs.task_changed(run, task, now, output))
        return run

    def _move(self, run: Run, status: RunStatus) -> Run:
        if not run.status.may_become(status):
            raise AssertionError(f"a run cannot go from {run.status} to {status}")
        run = self._state.put_run(replace(run, status=status))
        self._announce(run)
        return run

    def _announce(self, run: Run) -> None:
        now = self._clock.now()
        event = run_event(run, self._arns, event_id=self._ids.uuid(), now=now)
        self._state.after(lambda: self._events.deliver(event))
        self._state.after(lambda: self._logs.run_changed(run, now))
        self._queue.moved(run)
        for watcher in self._watchers:
            watcher(run)

    def _arm(self, run: Run, seconds: float, then: Callable[[Run], None]) -> None:
        """Go on with a run after some time, in whatever state its record is then."""
        self._arm_until(run, self._clock.now() + timedelta(seconds=seconds), then)

    def _arm_until(self, run: Run, due: datetime, then: Callable[[Run], None]) -> None:
        self._state.progress[run.uuid] = replace(self._state.progress[run.uuid], due=due)
        seconds = (due - self._clock.now()).total_seconds()
        progress = self._progress[run.uuid]
        progress.timer = self._clock.call_later(seconds, lambda: self._guarded(run, then, run.status))

    def _guarded(self, run: Run, then: Callable[[Run], None], expected: RunStatus | None = None) -> None:
        with self._state.transaction():
            current = self._state.current(run)
            if current is not None and (expected is None or current.status is expected):
                then(current)

    @staticmethod
    def _fails_in(script: RunScript, status: RunStatus) -> bool:
        return script.failure_reason is not None and script.fails_in is status

    @staticmethod
    def _scripted_failure(script: RunScript) -> Outcome:
        reason = script.failure_reason or "SERVICE_ERROR"
        return Outcome.failed(reason, script.status_message or f"the run was scripted to fail with {reason}")


def _either(scripted: float | None, usual: float) -> float:
    return usual if scripted is None else scripted
