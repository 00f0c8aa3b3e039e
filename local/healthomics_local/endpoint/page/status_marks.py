"""A status as a shape and a word: the colour only repeats what both of them say."""

from __future__ import annotations

from healthomics_local.endpoint.page.elements import Markup, element, joined

_RING = element("circle", cx=8, cy=8, r=6, class_="line")
_SHAPES = {
    "PENDING": _RING,
    "STARTING": joined(_RING, element("path", d="M8 2a6 6 0 0 1 0 12z", class_="solid")),
    "RUNNING": element("path", d="M3 2l11 6-11 6z", class_="solid"),
    "STOPPING": element("rect", x=3, y=3, width=10, height=10, class_="line"),
    "COMPLETED": element("path", d="M2 9l4 4 8-10", class_="line"),
    "FAILED": element("path", d="M3 3l10 10M13 3L3 13", class_="line"),
    "CANCELLED": joined(_RING, element("path", d="M4 12l8-8", class_="line")),
}
_DASH = element("path", d="M3 8h10", class_="line")


def badge(status: str) -> Markup:
    """The status in a text."""
    return element("span", mark(status), status, class_="status", data_status=status)


def mark(status: str, *, x: float | str | None = None, y: float | None = None) -> Markup:
    """The shape alone, 12 pixels high; with a position it can stand in another drawing."""
    return element(
        "svg",
        _SHAPES.get(status, _DASH),
        class_="mark",
        viewBox="0 0 16 16",
        width=12,
        height=12,
        x=x,
        y=y,
        data_status=status,
        aria_hidden="true",
    )
