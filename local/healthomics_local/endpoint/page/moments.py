"""Times and durations in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from healthomics_local.endpoint.page.elements import Markup, element

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS: Sequence[tuple[int, str]] = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def moment(time: datetime | None) -> Markup | None:
    """A time in UTC, to the second."""
    if time is None:
        return None
    time = time.astimezone(UTC)
    return element("time", f"{time:%Y-%m-%d %H:%M:%S}", datetime=time.isoformat(timespec="seconds"))


def duration(begin: datetime | None, end: datetime | None) -> str | None:
    """How long something took, in its two largest units."""
    return None if begin is None or end is None else in_words(end - begin)


def in_words(length: timedelta) -> str:
    """A length of time in its two largest units.

    >>> in_words(timedelta(seconds=3720)), in_words(timedelta(seconds=0.4))
    ('1 h 2 min', '0 s')
    """
    left = max(0, round(length.total_seconds()))
    parts: list[str] = []
    for seconds, unit in _UNITS:
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
