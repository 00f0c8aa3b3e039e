"""The runs and tasks that wait for resources, and who is next.

Within a run group, and among the runs that are in none, a higher priority comes first, and of equal ones the run
that was started first. Nobody is overtaken by a smaller one of the same group: then a big task might wait for ever.
Only a run that waits for a slot of its engine is overtaken, by runs of other engines.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthomics_local.endpoint.group_limits import has_room_for_run, has_room_for_task, load_of
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthomics_local.endpoint.records import Run, RunGroup
    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.state import State

_Rank = tuple[int, int, str]
"""Priority, position and id of a run: the smallest is next."""

_Queue = tuple[str, "EngineSlots | None"]
"""A run group, and the engine whose slots its runs need; None: they need none."""

# Above every priority that the model allows.
_LAST = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSlots:
    """An engine that executes only so many runs at a time."""

    engine: int
    """Tells engines apart."""
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingTask:
    """A task that waits for processors."""

    run: Run
    """As it was when the task was queued."""
    task_id: str
    ready: Callable[[str], None]
    """What to call, with the task's id, when it runs."""


class RunQueue:
    """Knows, of all runs and tasks, which ones hold resources and which ones wait for them."""

    def __init__(self, state: State, settings: Settings) -> None:
        self._state = state
        self._settings = settings
        self._active: dict[str, dict[str, str]] = defaultdict(dict)
        self._runs: dict[_Queue, list[_Rank]] = defaultdict(list)
        self._engines: dict[str, EngineSlots] = {}
        self._executing: dict[EngineSlots, set[str]] = defaultdict(set)
        self._tasks: dict[str, list[tuple[_Rank, int, WaitingTask]]] = defaultdict(list)
        self._order = 0

    def moved(self, run: Run) -> None:
        """Take note of a run's status. Only PENDING runs wait, and only RUNNING ones have tasks that do."""
        group_id = _group_id(run)
        if run.status.holds_resources:
            self._active[group_id][run.uuid] = run.run_id
        else:
            self._active[group_id].pop(run.uuid, None)
        engine = self._engines.get(run.uuid)
        if engine is not None and run.status in {RunStatus.STARTING, RunStatus.RUNNING}:
            self._executing[engine].add(run.uuid)
        elif engine is not None and run.status is not RunStatus.PENDING:
            self._executing[engine].discard(run.uuid)
        if run.status.is_terminal:
            self._engines.pop(run.uuid, None)
        if run.status is not RunStatus.PENDING:
            waiting, rank = self._runs[group_id, engine], self._rank(run)
            index = bisect_left(waiting, rank)
            if waiting[index : index + 1] == [rank]:
                del waiting[index]
        if run.status is not RunStatus.RUNNING:
            self._tasks[group_id] = [each for each in self._tasks[group_id] if each[2].run.uuid != run.uuid]

    def add_run(self, run: Run, engine: EngineSlots | None = None) -> None:
        """Let a PENDING run wait for resources.

        Args:
            run: The run.
            engine: The engine of which it needs a slot while it is STARTING and RUNNING; None: it needs none.
        """
        if engine is not None:
            self._engines[run.uuid] = engine
        insort(self._runs[_group_id(run), engine], self._rank(run))

    def add_task(self, task: WaitingTask) -> None:
        """Let a task of a RUNNING run wait for processors."""
        self._order += 1
        waiting = self._tasks[_group_id(task.run)]
        insort(waiting, (self._rank(task.run), self._order, task), key=lambda each: each[:2])

    def next_run(self) -> Run | None:
        """The run that may start now; None when all have to wait."""
        limit = self._settings.max_concurrent_runs
        if limit is not None and sum(map(len, self._active.values())) >= limit:
            return None
        heads = [
            self._state.runs[waiting[0][2]]
            for (group_id, engine), waiting in self._runs.items()
            if waiting and self._has_slot(engine) and self._may_start_run(group_id)
        ]
        return min(heads, key=lambda run: run.sequence, default=None)

    def pop_task(self) -> WaitingTask | None:
        """The task that may run now, which waits no longer; None when all have to wait."""
        for group_id, waiting in self._tasks.items():
            if waiting and self._may_run(group_id, waiting[0][2]):
                return waiting.pop(0)[2]
        return None

    def _has_slot(self, engine: EngineSlots | None) -> bool:
        return engine is None or len(self._executing[engine]) < engine.count

    def _may_start_run(self, group_id: str) -> bool:
        group = self._group(group_id)
        return group is None or has_room_for_run(group, load_of(self._active_runs(group_id)))

    def _may_run(self, group_id: str, waiting: WaitingTask) -> bool:
        group = self._group(group_id)
        task = self._state.runs[waiting.run.run_id].task(waiting.task_id)
        return group is None or task is None or has_room_for_task(group, load_of(self._active_runs(group_id)), task)

    def _group(self, group_id: str) -> RunGroup | None:
        return self._state.run_groups.get(group_id)

    def _active_runs(self, group_id: str) -> list[Run]:
        return [self._state.runs[run_id] for run_id in self._active[group_id].values()]

    def _rank(self, run: Run) -> _Rank:
        priority = run.request.get("priority")
        if not self._settings.lowest_priority_first:
            return -(priority or 0), run.sequence, run.run_id
        return _LAST if priority is None else priority, run.sequence, run.run_id


def _group_id(run: Run) -> str:
    return str(run.request.get("runGroupId", ""))
