"""The head of an HTTP request, read more strictly than the standard library reads it.

Python's parser ends the head where a line is no header, or where the connection ends. Taken at its word, a request
that was cut in its head would be executed, and what stands behind a bad line would be the next request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from healthomics_local.endpoint.errors import RequestEntityTooLargeException, SerializationException

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedIOBase

_END_OF_HEAD = (b"\r\n", b"\n")
_HEADER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r?\n")
_AUTHORITY = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_LONGEST_NUMBER = 19
"""Digits. Python refuses to read numbers of some thousand digits, and nobody has such bodies."""


class HeaderLines:
    """What the base class reads the head from: passes on lines that are headers, and the one that ends them."""

    def __init__(self, reader: BufferedIOBase) -> None:
        self._reader = reader

    def readline(self, limit: int = -1) -> bytes:
        """The next line.

        Raises:
            SerializationException: It is no header line, or the connection ended before the head did.
        """
        line = self._reader.readline(limit)
        # A line that is too long is the caller's to refuse.
        if line in _END_OF_HEAD or len(line) == limit or _HEADER.fullmatch(line):
            return line
        if not line.endswith(b"\n"):
            raise SerializationException("the request ended within its head")
        raise SerializationException("a header line must have a name, a colon and a value of printable characters")


def origin_form(target: str) -> str:
    """The path and query of a request target, which may be a whole URL.

    Raises:
        SerializationException: It is neither a path nor a URL.
    """
    if target.startswith("/"):
        return target
    authority = _AUTHORITY.match(target)
    if authority is None:
        raise SerializationException("the request line must name a path or a URL")
    path = target[authority.end() :]
    return path if path.startswith("/") else f"/{path}"


def body_length(values: Sequence[str]) -> int:
    """The length that the Content-Length headers of a request declare; 0, where there is none.

    Raises:
        SerializationException: It is no number, or there are several.
        RequestEntityTooLargeException: It is a number beyond all numbers.
    """
    if not values:
        return 0
    if len(set(values)) > 1:
        raise SerializationException("a request must have one Content-Length")
    (text,) = set(values)
    if not text.isascii() or not text.isdigit():
        raise SerializationException("Content-Length must be a number")
    if len(text) > _LONGEST_NUMBER:
        raise RequestEntityTooLargeException(f"a Content-Length of {len(text)} digits is more than any body can have")
    return int(text)
