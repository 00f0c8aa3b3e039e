"""Time as a dependency: everything in the endpoint that waits, or reads a date, asks a clock."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class ClockClosed(Exception):  # noqa: N818 - names the event, which is no error of the endpoint
    """The clock was closed while somebody slept on it."""


class Timer:
    """A call that is due at some time, until it is cancelled."""

    def __init__(self, due: datetime, callback: Callable[[], None]) -> None:
        self.due = due
        self.cancelled = False
        self._callback = callback

    def cancel(self) -> None:
        """Forget the call; harmless after it has happened."""
        self.cancelled = True

    def fire(self) -> None:
        """Make the call. A callback that fails must not take the clock with it."""
        if self.cancelled:
            return
        try:
            self._callback()
        except Exception:
            logger.exception("a timer callback failed")


class Clock(Protocol):
    """What the endpoint needs to know about time."""

    def now(self) -> datetime:
        """The current time, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Come back when that much time has passed.

        Raises:
            ClockClosed: The clock was closed before.
        """
        ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back when that much time has passed, in a thread of the clock's choice."""
        ...

    def close(self) -> None:
        """Drop what is still due, wake who sleeps, and wait for a running callback to end."""
        ...


class _Agenda:
    """Timers in the order in which they are due; equal times keep the order in which they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Timer]] = []
        self._order = itertools.count()

    def add(self, timer: Timer) -> None:
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))

    def next_due(self) -> datetime | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self) -> Timer:
        return heapq.heappop(self._heap)[2]

    def clear(self) -> None:
        self._heap.clear()


class RealClock:
    """Wall-clock time; timers are called, one after the other, by a thread that starts with the first timer."""

    def __init__(self, speed: float = 1.0) -> None:
        """Start the clock.

        Args:
            speed: How many times faster than the wall clock it goes from now on; a day can pass in a minute.
        """
        self._speed = speed
        self._began = datetime.now(UTC)
        self._ahead = timedelta()
        self._agenda = _Agenda()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ended = threading.Event()

    @property
    def speed(self) -> float:
        """How many times faster than the wall clock it goes."""
        return self._speed

    def go_on_from(self, moment: datetime) -> None:
        """Go on where an earlier clock has ended, unless this one is later: a fast clock is ahead of the wall clock."""
        self._ahead += max(timedelta(), moment - self.now())

    def now(self) -> datetime:
        """The current time, in UTC."""
        return self._began + self._ahead + (datetime.now(UTC) - self._began) * self._speed

    def sleep(self, seconds: float) -> None:
        """Block the calling thread.

        Raises:
            ClockClosed: The clock was closed before.
        """
        if self._ended.wait(max(0.0, seconds) / self._speed):
            raise ClockClosed("the clock was closed")

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back from the clock's thread; never, once the clock is closed."""
        timer = Timer(self.now() + timedelta(seconds=max(0.0, seconds)), callback)
        with self._changed:
            if not self._closed:
                self._agenda.add(timer)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="healthomics-clock", daemon=True)
                    self._thread.start()
                self._changed.notify()
        return timer

    def close(self) -> None:
        """Wake who sleeps, stop the thread and join it, unless it is the thread that asks."""
        self._ended.set()
        with self._changed:
            self._closed = True
            self._agenda.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        while (timer := self._wait_for_due()) is not None:
            timer.fire()

    def _wait_for_due(self) -> Timer | None:
        with self._changed:
            while not self._closed:
                due = self._agenda.next_due()
                if due is None:
                    self._changed.wait()
                elif (wait := (due - self.now()).total_seconds()) > 0:
                    self._changed.wait(wait / self._speed)
                else:
                    return self._agenda.pop()
        return None


class VirtualClock:
    """Time that stands still until someone advances it; timers are called in the thread that does so.

    >>> clock = VirtualClock()
    >>> calls = []
    >>> timer = clock.call_later(60, lambda: calls.append("minute"))
    >>> clock.advance(59); calls
    []
    >>> clock.advance(1); calls
    ['minute']
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._agenda = _Agenda()
        self._lock = threading.Lock()
        self._advancing = threading.RLock()
        self._closed = False

    def now(self) -> datetime:
        """The time that was last set."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Advance the clock: who sleeps moves time on, so that a test which waits costs nothing."""
        self.advance(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back while a call of `advance` passes the due time."""
        with self._lock:
            timer = Timer(self._now + timedelta(seconds=max(0.0, seconds)), callback)
            if not self._closed:
                self._agenda.add(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Move time on, and make each call that becomes due, at its own time and in order."""
        with self._advancing:
            with self._lock:
                target = self._now + timedelta(seconds=max(0.0, seconds))
            while (timer := self._next_until(target)) is not None:
                timer.fire()

    def run_until_idle(self, limit_seconds: float = 365 * 86400) -> None:
        """Advance from one due time to the next until nothing is due, or the limit has passed."""
        end = self.now() + timedelta(seconds=limit_seconds)
        while (due := self._due()) is not None and due <= end:
            self.advance((due - self.now()).total_seconds())

    def close(self) -> None:
        """Drop what is still due."""
        with self._lock:
            self._closed = True
            self._agenda.clear()

    def _due(self) -> datetime | None:
        with self._lock:
            return self._agenda.next_due()

    def _next_until(self, target: datetime) -> Timer | None:
        with self._lock:
            due = self._agenda.next_due()
            if due is None or due > target:
                # A nested advance, from a callback that sleeps, may already be past this target.
                self._now = max(self._now, target)
                return None
            timer = self._agenda.pop()
            self._now = max(self._now, due)
            return timer
