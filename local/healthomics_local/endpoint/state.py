"""Everything the endpoint remembers, behind one lock."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ResourceNotFoundException
from healthomics_local.endpoint.records import (
    BatchRun,
    Configuration,
    LedgerEntry,
    Run,
    RunBatch,
    RunCache,
    RunGroup,
    RunProgress,
    Workflow,
)
from healthomics_local.endpoint.run_table import RunTable
from healthomics_local.endpoint.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from healthomics_local.endpoint.state_file import StateFile

logger = logging.getLogger(__name__)

WorkflowKey = tuple[str, str | None]
"""Id and version name; None for the workflow itself."""

BatchRunKey = tuple[str, int]
"""Id of the batch, and position in it."""

RequestKey = tuple[str, str]
"""Operation and requestId."""

_SEQUENCE = "sequence"


class State:
    """The records, and the effects that wait until nobody holds the lock.

    Everything outside this process's memory (engines, event sinks) is an effect: code under the lock
    only notes it down, and it happens when the outermost transaction has ended.

    What is in a table survives a restart, where there is a file; nothing else does.
    """

    def __init__(self) -> None:
        self.runs = RunTable()
        self.progress: Table[str, RunProgress] = Table("progress", key=str, value=RunProgress)
        """By the uuids of runs that have not ended."""
        self.deleted_runs: Table[str, Run] = Table("deletedRuns", key=str, value=Run, part="tasks")
        """By uuid: ids are used again."""
        self.workflows: Table[WorkflowKey, Workflow] = Table("workflows", key=WorkflowKey, value=Workflow)
        self.run_batches: Table[str, RunBatch] = Table("runBatches", key=str, value=RunBatch)
        self.batch_runs: Table[BatchRunKey, BatchRun] = Table("batchRuns", key=BatchRunKey, value=BatchRun)
        self.run_groups: Table[str, RunGroup] = Table("runGroups", key=str, value=RunGroup)
        self.run_caches: Table[str, RunCache] = Table("runCaches", key=str, value=RunCache)
        self.configurations: Table[str, Configuration] = Table("configurations", key=str, value=Configuration)
        self.requests: Table[RequestKey, LedgerEntry] = Table("requests", key=RequestKey, value=LedgerEntry)
        self.taken_ids: Table[str, None] = Table("takenIds", key=str, value=None)
        self.returned_ids: Table[str, None] = Table("returnedIds", key=str, value=None)
        self.counters: Table[str, int] = Table("counters", key=str, value=int)
        self._file: StateFile | None = None
        self._now: Callable[[], datetime] | None = None
        self._lock = threading.RLock()
        self._depth = 0
        self._effects: deque[Callable[[], None]] = deque()
        self._settling = threading.Lock()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Hold the lock; the effects of the block happen after it, in order."""
        outermost = False
        try:
            with self._lock:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                    outermost = self._depth == 0
                    if outermost:
                        self._save()
        finally:
            if outermost:
                self._settle()

    def keep_in(self, file: StateFile, now: Callable[[], datetime]) -> None:
        """Take in what a file holds, and from now on write the changes of each transaction to it.

        Raises:
            StateFileError: The file holds something that cannot be understood.
        """
        tables: list[Table[Any, Any]] = [each for each in vars(self).values() if isinstance(each, Table)]
        file.load(tables)
        for table in tables:
            table.track_changes()
        self._file, self._now = file, now

    def keep_time(self) -> None:
        """Write down how late it is, on a clock that somebody has just advanced."""
        with self._lock:
            if self._file is not None and self._now is not None:
                self._file.save_time(self._now())

    def close(self) -> None:
        """Keep nothing any more: what happens while the endpoint ends is not part of its state."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def after(self, effect: Callable[[], None]) -> None:
        """Note an effect down. Must be called within a transaction."""
        self._effects.append(effect)

    def next_sequence(self) -> int:
        """The position of a new record among all."""
        sequence = self.counters.get(_SEQUENCE, 0) + 1
        self.counters[_SEQUENCE] = sequence
        return sequence

    def run(self, run_id: str) -> Run:
        """The stored run with this id.

        Raises:
            ResourceNotFoundException: There is none.
        """
        try:
            return self.runs[run_id]
        except KeyError:
            raise ResourceNotFoundException(f"Run {run_id} not found") from None

    def run_ever(self, run_uuid: str) -> Run:
        """The run with this uuid, even if it was deleted."""
        run_id = self.runs.id_of(run_uuid)
        return self.deleted_runs[run_uuid] if run_id is None else self.runs[run_id]

    def current(self, run: Run) -> Run | None:
        """The newest record of a run; None when it is gone, even if another run has its id by now."""
        stored = self.runs.get(run.run_id)
        return stored if stored is not None and stored.uuid == run.uuid else None

    def put_run(self, run: Run) -> Run:
        """Store a run's newest record."""
        self.runs[run.run_id] = run
        return run

    def _save(self) -> None:
        # With the lock, so that nobody sees what may not be there after a restart.
        if self._file is not None and self._now is not None:
            self._file.save(now=self._now())

    def _settle(self) -> None:
        # One thread at a time, so that effects keep their order; a thread that finds another one at work
        # leaves its effects to it. The second look closes the gap between "empty" and "released".
        while self._effects and self._settling.acquire(blocking=False):
            try:
                while self._effects:
                    _perform(self._effects.popleft())
            finally:
                self._settling.release()


def _perform(effect: Callable[[], None]) -> None:
    # Whoever settles is a caller with an affair of its own: it must not fail over somebody else's effect.
    try:
        effect()
    except Exception:
        logger.exception("an effect failed")
