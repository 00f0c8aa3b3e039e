"""The life of a run batch: its settings are checked, its runs are started one by one, and then it waits for them.

As in the life of a run, each entry takes the lock and checks that the batch is still there and in the expected
status. Whatever is not in a record (timers, queues, the runs that a batch waits for) follows from the records, so
that `resume` can go on after a restart.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.batch_request import BatchFailure, check_settings, start_run_members
from healthomics_local.endpoint.batch_settings import read_settings
from healthomics_local.endpoint.batch_summary import BatchSummary, run_of, summarize
from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.errors import ConflictException, InternalServerException, ServiceError
from healthomics_local.endpoint.events import batch_event
from healthomics_local.endpoint.objects import S3Uri
from healthomics_local.endpoint.operations.runs import RunOperations
from healthomics_local.endpoint.records import BatchRun, RunBatch
from healthomics_local.endpoint.status_text import one_line
from healthomics_local.endpoint.statuses import BatchStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.clock import Timer
    from healthomics_local.endpoint.records import Run

logger = logging.getLogger(__name__)

# Between two chunks the lock is free: a batch of 100,000 runs must not stop everybody else.
_CHUNK = 100
# The service tries these again by itself; how often and when is not documented.
_TRANSIENT = frozenset({"ThrottlingException", "RequestTimeoutException", "InternalServerException"})
_MAX_ATTEMPTS = 3
_RETRY_SECONDS = 1.0


@dataclass(kw_only=True, slots=True)
class _Progress:
    """What a batch that is not at rest needs beside its record."""

    timer: Timer | None = None
    queue: deque[int] | None = None
    """Positions of the runs that the present status has still to start, cancel or delete; None: not known yet."""
    awaited: set[str] = field(default_factory=set[str])
    """The uuids of runs that have not ended."""


class BatchLifecycle:
    """Moves run batches from status to status."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._state = backend.state
        self._runs = RunOperations(backend)
        self._progress: dict[str, _Progress] = {}
        self._threads: list[threading.Thread] = []
        backend.lifecycle.watch(self._run_changed)

    def begin(self, batch: RunBatch, settings: Sequence[Mapping[str, Any]]) -> None:
        """Take in a new batch, which is CREATING, with the settings that came with the request, if any.

        Must be called within a transaction.
        """
        if settings:
            batch = self._with_settings(batch, settings)
        self._state.run_batches[batch.batch_id] = batch
        self._announce(batch)
        self._go_on(batch)

    def cancel(self, batch: RunBatch) -> None:
        """Start no more runs, and cancel those that have not ended. Must be called within a transaction.

        Raises:
            ConflictException: The batch is in no status that allows it.
        """
        if not batch.status.may_be_cancelled:
            raise _conflict(batch, "cancelled", [each for each in BatchStatus if each.may_be_cancelled])
        self._go_on(self._move(batch, BatchStatus.STOPPING))

    def delete_runs(self, batch: RunBatch) -> None:
        """Delete the records of the runs. Must be called within a transaction.

        Raises:
            ConflictException: The batch is in no status that allows it.
        """
        if not batch.status.may_delete_its_runs:
            raise _conflict(batch, "deleted with its runs", [each for each in BatchStatus if each.may_delete_its_runs])
        self._go_on(self._move(batch, BatchStatus.RUNS_DELETING))

    def delete(self, batch: RunBatch) -> None:
        """Forget a batch, but not its runs. Must be called within a transaction.

        Raises:
            ConflictException: The batch is not in a terminal status.
        """
        if not batch.status.is_terminal:
            raise _conflict(batch, "deleted", [each for each in BatchStatus if each.is_terminal])
        for entry in list(self.entries(batch)):
            del self._state.batch_runs[batch.batch_id, entry.sequence]
        del self._state.run_batches[batch.batch_id]
        self._progress.pop(batch.uuid, None)

    def resume(self) -> None:
        """Go on with every batch of a state that comes from an earlier process."""
        with self._state.transaction():
            for batch in list(self._state.run_batches.values()):
                self._go_on(batch)

    def close(self) -> None:
        """Wait for the checks that are under way, for some seconds at most."""
        for thread in self._threads:
            thread.join(timeout=10)

    def entries(self, batch: RunBatch, after: int = 0) -> Iterator[BatchRun]:
        """The runs of a batch in their order, from behind a position on. Must be consumed within a transaction."""
        for position in range(after + 1, (batch.total_runs or 0) + 1):
            yield self._state.batch_runs[batch.batch_id, position]

    def summary(self, batch: RunBatch) -> BatchSummary:
        """How the runs of a batch are doing."""
        return summarize(self.entries(batch), self._state.runs)

    def _go_on(self, batch: RunBatch) -> None:
        """Do, now or later, what the status of the batch demands."""
        settings = self._backend.settings
        # Counted from the beginning of the batch, so that a restart takes nothing from it, and adds nothing.
        age = (self._backend.now() - batch.creation_time).total_seconds()
        creating = settings.timings.batch_creating
        match batch.status:
            case BatchStatus.CREATING:
                self._arm(batch, creating - age, lambda batch: self._go_on(self._move(batch, BatchStatus.PENDING)))
            case BatchStatus.PENDING:
                pending = settings.timings.batch_pending
                self._arm(
                    batch, creating + pending - age, lambda batch: self._state.after(lambda: self._check_apart(batch))
                )
            case BatchStatus.SUBMITTING:
                self._arm(batch, 0, self._start_runs)
            case BatchStatus.STOPPING:
                self._arm(batch, 0, self._cancel_runs)
            case BatchStatus.RUNS_DELETING:
                self._arm(batch, 0, self._delete_runs)
            case BatchStatus.INPROGRESS:
                self._end_if_done(batch)
            case _:
                return

    def _check_apart(self, batch: RunBatch) -> None:
        """Check the settings without keeping the clock from other timers; a virtual clock waits for it."""
        if isinstance(self._backend.clock, VirtualClock):
            self._check(batch)
            return
        thread = threading.Thread(target=self._check, args=(batch,), name="healthomics-batch", daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def _check(self, batch: RunBatch) -> None:
        """Read and check the settings, outside the lock: they may lie in another process, and be many."""
        try:
            settings = self._settings(batch)
            check_settings(settings)
        except BatchFailure as failure:
            reason, message = failure.reason, failure.message
            self._guarded(batch, lambda current: self._fail(current, reason, message))
        except Exception:
            # Without an end the batch would be PENDING for ever.
            logger.exception("the settings of run batch %s could not be checked", batch.batch_id)
            message = "The run configurations could not be checked"
            self._guarded(batch, lambda current: self._fail(current, "INTERNAL_SERVER_EXCEPTION", message))
        else:
            self._guarded(batch, lambda current: self._checked(current, settings))

    def _settings(self, batch: RunBatch) -> list[Any]:
        if batch.settings_uri is None:
            with self._state.transaction():
                # None are left of a batch that was cancelled and deleted in between.
                return [entry.setting for entry in self.entries(batch)] if self._unchanged(batch) else []
        role_arn, uri = batch.default_setting["roleArn"], S3Uri.parse(batch.settings_uri)
        return read_settings(self._backend, uri, role_arn=role_arn, etag=batch.settings_etag)

    def _checked(self, batch: RunBatch, settings: Sequence[Mapping[str, Any]]) -> None:
        if batch.total_runs is None:
            batch = self._with_settings(batch, settings)
        self._go_on(self._move(batch, BatchStatus.SUBMITTING))

    def _with_settings(self, batch: RunBatch, settings: Sequence[Mapping[str, Any]]) -> RunBatch:
        for position, setting in enumerate(settings, start=1):
            entry = BatchRun(batch_id=batch.batch_id, sequence=position, setting=setting)
            self._state.batch_runs[batch.batch_id, position] = entry
        return replace(batch, total_runs=len(settings))

    def _fail(self, batch: RunBatch, reason: str, message: str) -> None:
        now = self._backend.now()
        failed = replace(batch, failure_reason=reason, failure_message=one_line(message), failed_time=now)
        self._move(failed, BatchStatus.FAILED)

    def _start_runs(self, batch: RunBatch) -> None:
        rate, now = self._backend.start_run_rate, self._backend.now()
        queue = self._queue(batch, lambda entry: entry.started is None)
        for _ in range(min(_CHUNK, len(queue))):
            if not rate.take(now):
                self._arm(batch, rate.seconds_to_next(now), self._start_runs)
                return
            tried = self._start_run(batch, self._first(batch, queue))
            self._put(tried)
            queue.popleft()
            if tried.started is None:
                queue.append(tried.sequence)
                self._arm(batch, _RETRY_SECONDS, self._start_runs)
                return
        if queue:
            self._arm(batch, 0, self._start_runs)
        else:
            self._go_on(self._move(replace(batch, submitted_time=now), BatchStatus.INPROGRESS))

    def _start_run(self, batch: RunBatch, entry: BatchRun) -> BatchRun:
        try:
            members = start_run_members(batch.default_setting, entry.setting)
            self._raise_injected("StartRun", members)
            run = self._runs.launch(members, started_by=batch.started_by, batch_id=batch.batch_id)
        except ServiceError as error:
            return _not_started(entry, error)
        except Exception:
            logger.exception("run %s of run batch %s could not be started", entry.setting_id, batch.batch_id)
            return _not_started(entry, InternalServerException("an unexpected error in the local endpoint"))
        self._progress_of(batch).awaited.add(run.uuid)
        return replace(entry, started=True, run_id=run.run_id, run_uuid=run.uuid, run_arn=run.arn)

    def _cancel_runs(self, batch: RunBatch) -> None:
        queue = self._queue(batch, lambda entry: entry.cancelled is None and self._active_run(entry) is not None)
        for _ in range(min(_CHUNK, len(queue))):
            # It leaves the queue last: a run that ends at once must not end the batch before it is recorded.
            entry = self._first(batch, queue)
            run = self._active_run(entry)
            if run is not None:
                self._put(self._cancel_run(batch, entry, run))
            queue.popleft()
        if queue:
            self._arm(batch, 0, self._cancel_runs)
        else:
            self._end_if_done(batch)

    def _cancel_run(self, batch: RunBatch, entry: BatchRun, run: Run) -> BatchRun:
        try:
            self._raise_injected("CancelRun", {"id": run.run_id})
            self._backend.lifecycle.cancel(run)
        except ServiceError as error:
            # What could not be cancelled goes on, and the batch does not wait for it.
            self._progress_of(batch).awaited.discard(run.uuid)
            return replace(_failed(entry, error), cancelled=False)
        return replace(entry, cancelled=True)

    def _delete_runs(self, batch: RunBatch) -> None:
        queue = self._queue(batch, lambda entry: entry.deleted is None and entry.run_id is not None)
        for _ in range(min(_CHUNK, len(queue))):
            self._put(self._delete_run(self._first(batch, queue)))
            queue.popleft()
        if queue:
            self._arm(batch, 0, self._delete_runs)
        else:
            failed = any(entry.deleted is False for entry in self.entries(batch))
            self._move(batch, BatchStatus.RUNS_DELETE_FAILED if failed else BatchStatus.RUNS_DELETED)

    def _delete_run(self, entry: BatchRun) -> BatchRun:
        run = run_of(entry, self._state.runs)
        # A run that somebody else has deleted is what the caller wants.
        if run is not None:
            try:
                self._raise_injected("DeleteRun", {"id": run.run_id})
                self._runs.delete(run)
            except ServiceError as error:
                return replace(_failed(entry, error), deleted=False)
        return replace(entry, deleted=True)

    def _raise_injected(self, operation: str, members: Mapping[str, Any]) -> None:
        """Let a fault of the endpoint hit a call that the service itself makes."""
        fault = self._backend.faults.take(operation, members, by_service=True)
        failure = fault.failure() if fault is not None else None
        if failure is not None:
            raise failure

    def _run_changed(self, run: Run) -> None:
        batch = self._state.run_batches.get(run.batch_id) if run.batch_id is not None else None
        if batch is None or not run.status.is_terminal:
            return
        self._progress_of(batch).awaited.discard(run.uuid)
        self._end_if_done(batch)

    def _end_if_done(self, batch: RunBatch) -> None:
        progress = self._progress_of(batch)
        if progress.awaited:
            return
        if batch.status is BatchStatus.INPROGRESS:
            self._move(replace(batch, processed_time=self._backend.now()), BatchStatus.PROCESSED)
        elif batch.status is BatchStatus.STOPPING and progress.queue is not None and not progress.queue:
            self._move(batch, BatchStatus.CANCELLED)

    def _progress_of(self, batch: RunBatch) -> _Progress:
        progress = self._progress.get(batch.uuid)
        if progress is None:
            active = (self._active_run(entry) for entry in self.entries(batch) if entry.cancelled is not False)
            progress = _Progress(awaited={run.uuid for run in active if run is not None})
            self._progress[batch.uuid] = progress
        return progress

    def _queue(self, batch: RunBatch, is_left: Callable[[BatchRun], bool]) -> deque[int]:
        progress = self._progress_of(batch)
        if progress.queue is None:
            progress.queue = deque(entry.sequence for entry in self.entries(batch) if is_left(entry))
        return progress.queue

    def _first(self, batch: RunBatch, queue: deque[int]) -> BatchRun:
        return self._state.batch_runs[batch.batch_id, queue[0]]

    def _active_run(self, entry: BatchRun) -> Run | None:
        run = run_of(entry, self._state.runs)
        return run if run is not None and not run.status.is_terminal else None

    def _put(self, entry: BatchRun) -> None:
        self._state.batch_runs[entry.batch_id, entry.sequence] = entry

    def _move(self, batch: RunBatch, status: BatchStatus) -> RunBatch:
        if not batch.status.may_become(status):
            raise AssertionError(f"a run batch cannot go from {batch.status} to {status}")
        progress = self._progress_of(batch)
        progress.queue = None
        if progress.timer is not None:
            progress.timer.cancel()
        batch = replace(batch, status=status)
        self._state.run_batches[batch.batch_id] = batch
        self._announce(batch)
        return batch

    def _announce(self, batch: RunBatch) -> None:
        backend = self._backend
        event = batch_event(batch, self.summary(batch), backend.arns, event_id=backend.ids.uuid(), now=backend.now())
        self._state.after(lambda: backend.events.deliver(event))

    def _arm(self, batch: RunBatch, seconds: float, then: Callable[[RunBatch], None]) -> None:
        """Go on with a batch after some time, unless its status has changed by then."""
        timer = self._backend.clock.call_later(seconds, lambda: self._guarded(batch, then))
        self._progress_of(batch).timer = timer

    def _guarded(self, batch: RunBatch, then: Callable[[RunBatch], None]) -> None:
        with self._state.transaction():
            current = self._unchanged(batch)
            if current is not None:
                then(current)

    def _unchanged(self, batch: RunBatch) -> RunBatch | None:
        """The newest record of a batch; None when it is gone, or has another status."""
        current = self._state.run_batches.get(batch.batch_id)
        same = current is not None and current.uuid == batch.uuid and current.status is batch.status
        return current if same else None


def _not_started(entry: BatchRun, error: ServiceError) -> BatchRun:
    attempts = entry.attempts + 1
    if error.code in _TRANSIENT and attempts < _MAX_ATTEMPTS:
        return replace(entry, attempts=attempts)
    return replace(_failed(entry, error), attempts=attempts, started=False)


def _failed(entry: BatchRun, error: ServiceError) -> BatchRun:
    return replace(entry, failure_reason=error.code, failure_message=one_line(error.message) or None)


def _conflict(batch: RunBatch, what: str, allowed: Sequence[BatchStatus]) -> ConflictException:
    return ConflictException(
        f"Run batch {batch.batch_id} cannot be {what}: its status is {batch.status}, "
        f"and it must be one of {', '.join(allowed)}"
    )
