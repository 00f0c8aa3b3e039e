"""Where log lines go: the port, and a store in memory behind it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LOG_GROUP = "/aws/omics/WorkflowLog"
"""The group of all streams, in every account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogEntry:
    """One event of a log stream."""

    stream: str
    timestamp: datetime
    message: str


class LogSink(Protocol):
    """Takes log entries; called by one thread at a time, with the entries of a stream in their order."""

    def write(self, entries: Sequence[LogEntry], /) -> None:
        """Take some entries. Must return at once; what it raises is logged and otherwise ignored."""
        ...


class MemoryLogs:
    """Keeps the latest entries.

    >>> from datetime import UTC, datetime
    >>> logs = MemoryLogs(limit=1000)
    >>> logs.write([LogEntry(stream="run/1", timestamp=datetime.now(UTC), message="Run 1 is PENDING")])
    >>> logs.streams(), logs.messages("run/1")
    (['run/1'], ['Run 1 is PENDING'])
    """

    def __init__(self, *, limit: int) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def write(self, entries: Sequence[LogEntry], /) -> None:
        """Keep the entries; the oldest make room when the limit is reached."""
        with self._lock:
            self._entries.extend(entries)

    def entries(self) -> list[LogEntry]:
        """Everything that is kept, oldest first."""
        with self._lock:
            return list(self._entries)

    def streams(self, prefix: str = "") -> list[str]:
        """The names of the streams that begin with a prefix, sorted."""
        return sorted({entry.stream for entry in self.entries() if entry.stream.startswith(prefix)})

    def messages(self, stream: str) -> list[str]:
        """The messages of one stream, oldest first."""
        return [entry.message for entry in self.entries() if entry.stream == stream]
