"""What every runner does: log in lines of JSON, and die with its parent. Only the standard library."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator


class JsonLines(logging.Handler):
    """Writes records to standard output, where the parent reads them.

    So nothing that a tool prints can be taken for the engine's log; the tools get standard error.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, and how far the tools' output is, which tells whose output comes next."""
        message = record.getMessage()
        send(record.levelname, message, **self.details(record, message))

    def details(self, _record: logging.LogRecord, _message: str) -> dict[str, Any]:
        """What else the parent should know at this point."""
        return {}


_writing = threading.Lock()


def send(level: str, message: str, **details: Any) -> None:
    """Send one line to the parent; one without a message is not for the log."""
    document = {"level": level, "message": message, "stderr_bytes": os.fstat(2).st_size, **details}
    # Without a parent there is nobody to tell, but still something to end in good order.
    with _writing, suppress(BrokenPipeError):
        sys.__stdout__.write(json.dumps(document) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


@contextmanager
def ending_with_parent(folder: str, *, grace_seconds: float = 0) -> Generator[None]:
    """End this process group, and remove a folder, as soon as the parent is gone, whatever way it went.

    Args:
        folder: What nobody needs any more then.
        grace_seconds: How long the engine may take after a SIGTERM to end what runs outside of the group.
    """
    orphaned = threading.Event()
    threading.Thread(target=_wait_for_parent, args=(folder, grace_seconds, orphaned), daemon=True).start()
    try:
        yield
    finally:
        if orphaned.is_set():
            _end(folder)


def _wait_for_parent(folder: str, grace_seconds: float, orphaned: threading.Event) -> None:
    # The parent holds standard input open as long as it lives.
    while os.read(0, 1024):
        pass
    orphaned.set()
    if grace_seconds:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_seconds)
    _end(folder)


def _end(folder: str) -> None:
    # A parent that could still do this would have done it.
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
