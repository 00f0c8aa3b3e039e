"""Work that is done in the order in which it came, so much of it at a time."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class WorkQueue:
    """Starts a thread for each piece of work, as soon as one of the slots is free."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._lock = threading.Lock()
        self._waiting: deque[Work] = deque()
        self._threads: dict[Work, threading.Thread] = {}
        self._closed = False

    def add(self, function: Callable[[Work], None]) -> Work:
        """Let a piece of work wait for its turn; none comes, once the queue is closed."""
        work = Work(function)
        with self._lock:
            if not self._closed:
                self._waiting.append(work)
                self._fill()
        return work

    def close(self) -> None:
        """Forget what waits, end what is under way, and join its threads but for the one that asks."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            threads = dict(self._threads)
        for work in threads:
            work.cancel()
        for thread in threads.values():
            if thread is not threading.current_thread():
                thread.join()

    def _fill(self) -> None:
        while self._waiting and len(self._threads) < self.slots:
            work = self._waiting.popleft()
            if not work.is_cancelled:
                thread = threading.Thread(target=self._do, args=(work,), name="healthomics-engine", daemon=True)
                self._threads[work] = thread
                thread.start()

    def _do(self, work: Work) -> None:
        try:
            work.do()
        except Exception:
            logger.exception("a workflow engine's work failed")
        finally:
            with self._lock:
                del self._threads[work]
                self._fill()
