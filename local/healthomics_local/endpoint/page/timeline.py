"""When runs and tasks waited and worked, as bars on a scale of time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthomics_local.endpoint.records import Run, Task

MAX_LANES = 5
_STEP_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000),
)
_MAX_TICKS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A stretch of time."""

    begin: datetime
    end: datetime
    status: str
    title: str
    waits: bool = False
    """Whether nothing was done yet in that time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One run, or one task."""

    label: str
    status: str
    bars: tuple[Bar, ...]
    lanes: tuple[tuple[Bar, ...], ...] = ()
    """Tasks of a run, below its bar; those of one lane do not overlap."""
    hidden: int = 0
    """How many tasks found no lane."""
    href: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Rows on one scale."""

    begin: datetime
    end: datetime
    rows: tuple[Row, ...]

    def position(self, time: datetime) -> float:
        """Where a time is on the scale, from 0 to 1."""
        return min(1.0, max(0.0, (time - self.begin) / (self.end - self.begin)))

    def ticks(self) -> list[timedelta]:
        """Round distances from the beginning, at most six beside 0."""
        length = (self.end - self.begin).total_seconds()
        step = next((each for each in _STEP_SECONDS if length / each <= _MAX_TICKS), _STEP_SECONDS[-1])
        return [timedelta(seconds=step * number) for number in range(1, int(length / step) + 1)]


def of_runs(runs: Sequence[Run], now: datetime) -> Timeline | None:
    """A row for each run, in the order given, with its tasks below; None without runs."""
    return _timeline([_run_row(run, now) for run in runs])


def of_tasks(run: Run, now: datetime, *, limit: int) -> Timeline | None:
    """A row for the run, and one for each of its tasks, up to a limit."""
    row = _run_row(run, now)
    whole = replace(row, label="run", lanes=(), hidden=max(0, len(run.tasks) - limit), href=None)
    tasks = [Row(label=task.name, status=task.status, bars=(_task_bar(task, now),)) for task in run.tasks[:limit]]
    return _timeline([whole, *tasks])


def in_lanes(bars: Sequence[Bar]) -> tuple[tuple[tuple[Bar, ...], ...], int]:
    """Bars in as few lanes as overlapping allows, and how many found none."""
    lanes: list[list[Bar]] = []
    hidden = 0
    for bar in sorted(bars, key=lambda each: (each.begin, each.end)):
        free = next((lane for lane in lanes if lane[-1].end <= bar.begin), None)
        if free is not None:
            free.append(bar)
        elif len(lanes) < MAX_LANES:
            lanes.append([bar])
        else:
            hidden += 1
    return tuple(map(tuple, lanes)), hidden


def _timeline(rows: Sequence[Row]) -> Timeline | None:
    bars = [bar for row in rows for bar in row.bars]
    if not bars:
        return None
    begin = min(bar.begin for bar in bars)
    # A scale has a length, even when everything happened at once.
    end = max(begin + timedelta(seconds=1), *(bar.end for bar in bars))
    return Timeline(begin=begin, end=end, rows=tuple(rows))


def _run_row(run: Run, now: datetime) -> Row:
    end = run.stop_time or max(now, run.creation_time)
    name = run.name or run.run_id
    bars: list[Bar] = []
    works_from = run.start_time or end
    if works_from > run.creation_time or run.start_time is None:
        title = f"{name}: waited for resources"
        bars.append(Bar(begin=run.creation_time, end=works_from, status=run.status, title=title, waits=True))
    if run.start_time is not None:
        bars.append(Bar(begin=run.start_time, end=end, status=run.status, title=f"{name}: {run.status}"))
    lanes, hidden = in_lanes([_task_bar(task, now) for task in run.tasks])
    return Row(label=name, status=run.status, bars=tuple(bars), lanes=lanes, hidden=hidden, href=f"/runs/{run.run_id}")


def _task_bar(task: Task, now: datetime) -> Bar:
    begin = task.start_time or task.creation_time
    return Bar(
        begin=begin,
        end=task.stop_time or max(now, begin),
        status=task.status,
        title=f"task {task.name}: {task.status}",
        waits=task.start_time is None,
    )
