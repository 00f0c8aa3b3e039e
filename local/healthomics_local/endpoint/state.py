"""Everything the endpoint remembers, behind one lock."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from healthomics_local.endpoint.errors import ResourceNotFoundException

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from healthomics_local.endpoint.records import Configuration, Run, RunCache, RunGroup, Workflow

logger = logging.getLogger(__name__)

WorkflowKey = tuple[str, str | None]
"""Id and version name; None for the workflow itself."""


class State:
    """The records, and the effects that wait until nobody holds the lock.

    Everything outside this process's memory (engines, event sinks) is an effect: code under the lock
    only notes it down, and it happens when the outermost transaction has ended.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.deleted_runs: list[Run] = []
        self.workflows: dict[WorkflowKey, Workflow] = {}
        self.run_groups: dict[str, RunGroup] = {}
        self.run_caches: dict[str, RunCache] = {}
        self.configurations: dict[str, Configuration] = {}
        self._sequence = 0
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
        finally:
            if outermost:
                self._settle()

    def after(self, effect: Callable[[], None]) -> None:
        """Note an effect down. Must be called within a transaction."""
        self._effects.append(effect)

    def next_sequence(self) -> int:
        """The position of a new record among all."""
        self._sequence += 1
        return self._sequence

    def run(self, run_id: str) -> Run:
        """The stored run with this id.

        Raises:
            ResourceNotFoundException: There is none.
        """
        try:
            return self.runs[run_id]
        except KeyError:
            raise ResourceNotFoundException(f"Run {run_id} not found") from None

    def current(self, run: Run) -> Run | None:
        """The newest record of a run; None when it is gone, even if another run has its id by now."""
        stored = self.runs.get(run.run_id)
        return stored if stored is not None and stored.uuid == run.uuid else None

    def put_run(self, run: Run) -> Run:
        """Store a run's newest record."""
        self.runs[run.run_id] = run
        return run

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
