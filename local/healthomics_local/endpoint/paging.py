"""Pages of a listing: newest first, with an opaque token for the next page."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from healthomics_local.endpoint.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_PAGE_SIZE = 100


class Sequenced(Protocol):
    """A record that knows its position."""

    @property
    def sequence(self) -> int:
        """Position in the order of creation."""
        ...


_R = TypeVar("_R", bound=Sequenced)


def page(
    records: Iterable[_R],
    members: Mapping[str, Any],
    to_item: Callable[[_R], dict[str, Any]],
    *,
    default_size: int = DEFAULT_PAGE_SIZE,
) -> dict[str, Any]:
    """One page of a listing, as ``items`` and ``nextToken``.

    The token names the last record of the page before, so records that come or go in between neither
    shift nor repeat others.
    """
    token = members.get("startingToken")
    before = _position(token) if token is not None else None
    rest = sorted(
        (each for each in records if before is None or each.sequence < before),
        key=lambda each: each.sequence,
        reverse=True,
    )
    size = int(members.get("maxResults") or default_size)
    shown = rest[:size]
    more = len(rest) > size
    return {"items": [to_item(each) for each in shown], "nextToken": _token(shown[-1]) if more else None}


def _token(record: Sequenced) -> str:
    return base64.urlsafe_b64encode(f"after:{record.sequence}".encode()).decode("ascii")


def _position(token: str) -> int:
    try:
        kind, _, number = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii").partition(":")
        if kind == "after":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise ValidationException("Invalid startingToken")
