"""A timeline as an SVG drawing, whose width is that of the window: everything across is in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.page.elements import Attribute, Markup, element, joined
from healthomics_local.endpoint.page.moments import in_words, moment
from healthomics_local.endpoint.page.status_marks import mark

if TYPE_CHECKING:
    from datetime import timedelta

    from healthomics_local.endpoint.page.timeline import Bar, Row, Timeline

_LABEL_HEIGHT = 18
_BAR_HEIGHT = 12
_LANE_HEIGHT = 5
_LANE_GAP = 2
_ROW_GAP = 8
_AXIS_HEIGHT = 20
_MAX_LABEL = 60
# A tick this near to the right edge would put its words outside.
_LAST_TICK = 0.93
# A rectangle without a width is not drawn at all; its outline makes this one visible.
_SHORTEST = 0.0005


def gantt(timeline: Timeline, *, title: str, legend: str) -> Markup:
    """The drawing of a timeline, with its scale in the caption."""
    heights = [_height(row) for row in timeline.rows]
    height = _AXIS_HEIGHT + sum(heights)
    tops = [_AXIS_HEIGHT + sum(heights[:index]) for index in range(len(heights))]
    drawing = element(
        "svg",
        element("defs", _hatching()),
        (_tick(timeline, tick, height) for tick in timeline.ticks()),
        (_row(timeline, row, top) for row, top in zip(timeline.rows, tops, strict=True)),
        class_="gantt",
        width="100%",
        height=height,
        role="group",
        aria_label=title,
    )
    scale = joined("From ", moment(timeline.begin), " to ", moment(timeline.end), " UTC. ", legend)
    return element("figure", drawing, element("figcaption", scale))


def _height(row: Row) -> int:
    return _LABEL_HEIGHT + _BAR_HEIGHT + len(row.lanes) * (_LANE_HEIGHT + _LANE_GAP) + _ROW_GAP


def _tick(timeline: Timeline, tick: timedelta, height: int) -> Markup | None:
    at = timeline.position(timeline.begin + tick)
    if at > _LAST_TICK:
        return None
    x = _per_cent(at)
    return joined(
        element("line", x1=x, x2=x, y1=_AXIS_HEIGHT - 6, y2=height, class_="tick"),
        element("text", f"+{in_words(tick)}", x=x, y=11, class_="scale", text_anchor="middle"),
    )


def _row(timeline: Timeline, row: Row, top: int) -> Markup:
    bar_top = top + _LABEL_HEIGHT
    words = row.label if len(row.label) <= _MAX_LABEL else f"{row.label[: _MAX_LABEL - 1]}…"
    more = f" · {row.hidden} more tasks" if row.hidden else ""
    drawn = joined(
        mark(row.status, x=0, y=top + 2),
        element("text", element("tspan", words), f" {row.status}{more}", x=17, y=top + 12, class_="label"),
        (_bar(timeline, bar, bar_top, _BAR_HEIGHT) for bar in row.bars),
        (
            _bar(timeline, bar, bar_top + _BAR_HEIGHT + _LANE_GAP + lane * (_LANE_HEIGHT + _LANE_GAP), _LANE_HEIGHT)
            for lane, bars in enumerate(row.lanes)
            for bar in bars
        ),
    )
    if row.href is None:
        return element("g", drawn, class_="row")
    # The table has the same links: with the keyboard, one way is enough.
    return element("a", drawn, href=row.href, class_="row", tabindex=-1, aria_label=f"{row.label} {row.status}")


def _bar(timeline: Timeline, bar: Bar, top: int, height: int) -> Markup:
    begin, end = timeline.position(bar.begin), timeline.position(bar.end)
    place: dict[str, Attribute] = {
        "x": _per_cent(begin),
        "width": _per_cent(max(_SHORTEST, end - begin)),
        "y": top,
        "height": height,
        "rx": 2,
    }
    title = element("title", f"{bar.title}, {in_words(bar.end - bar.begin)}")
    kind = "bar waits" if bar.waits else "bar"
    drawn = element("rect", title, **place, class_=kind, data_status=bar.status)
    if bar.status == "FAILED" and not bar.waits:
        # Not by the colour alone.
        return joined(drawn, element("rect", **place, class_="hatched"))
    return drawn


def _hatching() -> Markup:
    lines = element("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", class_="hatching")
    return element("pattern", lines, id="hatching", width=6, height=6, patternUnits="userSpaceOnUse")


def _per_cent(part: float) -> str:
    return f"{part * 100:.3f}%"
