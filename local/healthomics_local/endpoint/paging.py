"""Pages of a listing: newest first, with an opaque token for the next page."""

from __future__ import annotations

import base64
import binascii
from itertools import islice
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
    before = position(members)
    rest = sorted(
        (each for each in records if before is None or each.sequence < before),
        key=lambda each: each.sequence,
        reverse=True,
    )
    return first_page(rest, members, to_item, default_size=default_size)


def first_page(
    newest: Iterable[_R],
    members: Mapping[str, Any],
    to_item: Callable[[_R], dict[str, Any]],
    *,
    default_size: int = DEFAULT_PAGE_SIZE,
) -> dict[str, Any]:
    """The beginning of a listing that is in its order, and starts where the page before has ended."""
    size = int(members.get("maxResults") or default_size)
    found = list(islice(newest, size + 1))
    shown = found[:size]
    more = len(found) > size
    return {"items": [to_item(each) for each in shown], "nextToken": _token(shown[-1]) if more else None}


def position(members: Mapping[str, Any]) -> int | None:
    """The position that the page before has ended with; None for the first page.

    Raises:
        ValidationException: The token is none of ours.
    """
    token = members.get("startingToken")
    return _position(token) if token is not None else None


def page_in_order(
    after: Callable[[int], Iterable[_R]], members: Mapping[str, Any], to_item: Callable[[_R], dict[str, Any]]
) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a listing that may be long, oldest first; and the token for the next page.

    Args:
        after: Gives the records behind a position, in order.
        members: The request's members, of which ``startingToken`` and ``maxItems`` count.
        to_item: Describes a record.
    """
    token = members.get("startingToken")
    size = int(members.get("maxItems") or DEFAULT_PAGE_SIZE)
    found = list(islice(after(_position(token) if token is not None else 0), size + 1))
    shown = found[:size]
    return [to_item(each) for each in shown], _token(shown[-1]) if len(found) > size else None


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
