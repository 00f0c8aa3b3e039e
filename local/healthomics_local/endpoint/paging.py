"""Pages of a listing: newest first, with an opaque token for the next page."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from healthomics_local.endpoint.errors import ValidationException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_PAGE_SIZE = 100

# READY2RUN workflows have positions below zero: in a listing they come last.
_POSITION = re.compile(r"after:(-?[0-9]{1,18})")


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

    Raises:
        ValidationException: The token is none of ours.
    """
    begin = position(members) or 0
    if begin < 0:
        raise _invalid_token()
    size = int(members.get("maxItems") or DEFAULT_PAGE_SIZE)
    found = list(islice(after(begin), size + 1))
    shown = found[:size]
    return [to_item(each) for each in shown], _token(shown[-1]) if len(found) > size else None


def _token(record: Sequenced) -> str:
    return base64.urlsafe_b64encode(f"after:{record.sequence}".encode()).decode("ascii")


def _position(token: str) -> int:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = _POSITION.fullmatch(text)
    if found is None:
        raise _invalid_token()
    return int(found[1])


def _invalid_token() -> ValidationException:
    return ValidationException("Invalid startingToken")
