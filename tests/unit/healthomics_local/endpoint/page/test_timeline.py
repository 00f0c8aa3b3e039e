"""Where the bars are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint.page.moments import in_words
from healthomics_local.endpoint.page.timeline import MAX_LANES, Bar, Timeline, in_lanes, of_runs, of_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthomics_local.endpoint import Service

START = datetime(2026, 1, 1, tzinfo=UTC)


def bar(begin: float, end: float) -> Bar:
    return Bar(
        begin=START + timedelta(seconds=begin), end=START + timedelta(seconds=end), status="RUNNING", title="task"
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=40))
def test_bars_of_one_lane_do_not_overlap_and_none_is_lost(stretches: list[tuple[int, int]]) -> None:
    bars = [bar(min(each), max(each)) for each in stretches]

    lanes, hidden = in_lanes(bars)

    assert len(lanes) <= MAX_LANES
    assert sum(map(len, lanes)) + hidden == len(bars)
    assert all(one.end <= other.begin for lane in lanes for one, other in pairwise(lane))


def test_as_many_lanes_as_tasks_at_once() -> None:
    lanes, hidden = in_lanes([bar(0, 10), bar(5, 15), bar(10, 20)])
    assert ([len(lane) for lane in lanes], hidden) == ([2, 1], 0)

    lanes, hidden = in_lanes([bar(0, 10)] * (MAX_LANES + 3))
    assert (len(lanes), hidden) == (MAX_LANES, 3)


@given(st.floats(1, 1e9))
def test_a_scale_has_one_to_six_round_ticks(seconds: float) -> None:
    timeline = Timeline(begin=START, end=START + timedelta(seconds=seconds), rows=())

    ticks = timeline.ticks()

    assert 1 <= len(ticks) <= 31 if seconds > 1.5e8 else 1 <= len(ticks) <= 6
    assert all(0 < timeline.position(START + tick) <= 1 for tick in ticks)
    assert len({in_words(tick) for tick in ticks}) == len(ticks)


def test_what_goes_on_ends_now(service: Service, start_run: Callable[..., dict[str, Any]]) -> None:
    start_run(service, name="first")
    service.advance(100)
    run = service.runs()[0]

    timeline = of_runs([run], service.clock.now())

    assert timeline is not None
    (row,) = timeline.rows
    assert [(each.begin, each.end, each.waits) for each in row.bars] == [
        (START, START + timedelta(seconds=29), True),
        (START + timedelta(seconds=29), START + timedelta(seconds=100), False),
    ]
    assert [[each.end for each in lane] for lane in row.lanes] == [[START + timedelta(seconds=100)]]


def test_the_timeline_of_one_run_has_a_row_for_each_task_up_to_a_limit(
    service: Service, start_run: Callable[..., dict[str, Any]]
) -> None:
    start_run(service)
    service.run_until_idle()
    run = service.runs()[0]

    full, cut = of_tasks(run, service.clock.now(), limit=5), of_tasks(run, service.clock.now(), limit=0)

    assert full is not None
    assert cut is not None
    assert [(row.label, row.status, row.hidden) for row in full.rows] == [
        ("run", "COMPLETED", 0),
        ("main", "COMPLETED", 0),
    ]
    assert [(row.label, row.hidden) for row in cut.rows] == [("run", 1)]


def test_no_runs_have_no_timeline_and_a_new_one_has_a_scale(
    service: Service, start_run: Callable[..., dict[str, Any]]
) -> None:
    start_run(service)

    assert of_runs([], START) is None
    timeline = of_runs(service.runs(), service.clock.now())
    assert timeline is not None
    assert timeline.end > timeline.begin
