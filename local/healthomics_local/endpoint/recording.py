"""A bounded record of the calls that reached the endpoint, for tests to look at."""

from __future__ import annotations

import sys
import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.json_values import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedRequest:
    """One call, and how it was answered."""

    operation: str
    input: Mapping[str, Any]
    """The members as they arrived; blobs only by their size."""
    status: int | None
    """The HTTP status; None when the connection was dropped."""
    error: str | None
    """The error's code, or None."""
    at: datetime
    request_id: str
    """The response's x-amzn-RequestId."""
    injected: bool = False
    """Whether a fault made the answer."""

    def to_dict(self) -> dict[str, Any]:
        """The record in JSON form."""
        return {
            "operation": self.operation,
            "input": dict(self.input),
            "status": self.status,
            "error": self.error,
            "at": self.at.isoformat(),
            "requestId": self.request_id,
            "injected": self.injected,
        }


class RequestRecorder:
    """Keeps the latest calls.

    Args:
        limit: How many.
        max_bytes: How much memory their members may take; one call can bring some megabytes.
    """

    def __init__(self, *, limit: int, max_bytes: int) -> None:
        self._requests: deque[tuple[RecordedRequest, int]] = deque()
        self._limit, self._max_bytes = limit, max_bytes
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, request: RecordedRequest) -> None:
        """Record a call; the oldest make room when a limit is reached."""
        size = _memory(request.input)
        if size > self._max_bytes:
            sizes = {name: f"<{_memory(value)} bytes>" for name, value in request.input.items()}
            request, size = replace(request, input=sizes), 0
        with self._lock:
            self._requests.append((request, size))
            self._bytes += size
            while len(self._requests) > self._limit or self._bytes > self._max_bytes:
                self._bytes -= self._requests.popleft()[1]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._requests.clear()
            self._bytes = 0

    def all(self, operation: str | None = None) -> list[RecordedRequest]:
        """The calls of one operation, or of all, oldest first."""
        with self._lock:
            return [each for each, _ in self._requests if operation in {None, each.operation}]


def recordable(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members, with blobs replaced by a word on their size: the record must stay small and printable."""
    return {name: f"<{len(value)} bytes>" if isinstance(value, bytes) else value for name, value in members.items()}


def _memory(value: object) -> int:
    """The bytes of a JSON value in memory, which are some times those of its text."""
    total = 0
    left: list[Any] = [value]
    while left:
        each = left.pop()
        total += sys.getsizeof(each)
        if is_object(each):
            left.extend(each.keys())
            left.extend(each.values())
        elif is_array(each):
            left.extend(each)
    return total
