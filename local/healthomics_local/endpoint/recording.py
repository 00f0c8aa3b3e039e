"""A bounded record of the calls that reached the endpoint, for tests to look at."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    """Keeps the latest calls."""

    def __init__(self, *, limit: int) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def add(self, request: RecordedRequest) -> None:
        """Record a call; the oldest makes room when the limit is reached."""
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._requests.clear()

    def all(self, operation: str | None = None) -> list[RecordedRequest]:
        """The calls of one operation, or of all, oldest first."""
        with self._lock:
            return [each for each in self._requests if operation in {None, each.operation}]


def recordable(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members, with blobs replaced by a word on their size: the record must stay small and printable."""
    return {name: f"<{len(value)} bytes>" if isinstance(value, bytes) else value for name, value in members.items()}
