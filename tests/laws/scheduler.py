"""A deterministic discrete-event scheduler: one task at a time, on virtual time.

Tasks are greenlets, so that the code under test stays ordinary synchronous code: wherever it would block it calls
``sleep`` or ``wait``, the next due task runs, and the clock jumps. Nothing here looks at the real time or at a
random source; the only freedom is the order of events that fall on the same instant, and ``choose`` decides it.
"""

import heapq
from collections.abc import Callable
from math import inf
from typing import Any, Final, Generic, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

Choose = Callable[[int], int]
"""Which of ``n`` simultaneous events goes first; 0 is the one that was posted first."""


def first_come_first_served(_: int) -> int:
    return 0


class Killed(BaseException):
    """The task's process is gone. Not an ``Exception``: no handler code may outlive its process."""


class Task:
    """One thread of control."""

    __slots__ = ("done", "greenlet", "killed", "name", "wake")

    def __init__(self, name: str, done: "Future[None]") -> None:
        self.name = name
        self.done = done
        self.killed = False
        self.wake: _Wake | None = None
        self.greenlet: greenlet | None = None


class _Wake:
    """An entry of the agenda. Withdrawn entries stay in their bucket, dead."""

    __slots__ = ("task",)

    def __init__(self, task: Task) -> None:
        self.task: Task | None = task


class Future(Generic[T]):
    """A value that tasks can wait for. The first ``resolve`` wins."""

    __slots__ = ("_scheduler", "_waiters", "done", "value")

    def __init__(self, scheduler: "Scheduler") -> None:
        self._scheduler: Final = scheduler
        self._waiters: list[Task] = []
        self.done = False
        self.value: T | None = None

    def resolve(self, value: T) -> bool:
        """Set the value; False if it was set before."""
        if self.done:
            return False
        self.done = True
        self.value = value
        for task in self._waiters:
            self._scheduler._resume(task, self._scheduler.now)
        self._waiters.clear()
        return True


class Scheduler:
    """The agenda, the clock and the tasks."""

    def __init__(self, *, now: float = 0.0, choose: Choose = first_come_first_served) -> None:
        self.now = now
        self.choose = choose
        self.current: Task | None = None
        self._hub: Final = getcurrent()
        self._times: list[float] = []
        self._buckets: dict[float, list[_Wake]] = {}
        self._tasks: set[Task] = set()
        self._crash: BaseException | None = None

    def future(self) -> Future[Any]:
        return Future(self)

    def spawn(self, function: Callable[..., object], *arguments: object, delay: float = 0.0) -> Task:
        """Start a task, now or later. An exception that escapes it ends ``run``."""
        task = Task(getattr(function, "__qualname__", "task"), Future(self))

        def body() -> None:
            try:
                if not task.killed:
                    function(*arguments)
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001 - handed to the caller of run()
                self._crash = self._crash or error
            self._tasks.discard(task)
            task.done.resolve(None)

        task.greenlet = greenlet(body, parent=self._hub)
        self._tasks.add(task)
        self._resume(task, self.now + delay)
        return task

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the current task; other tasks run meanwhile."""
        task = self._running()
        self._resume(task, self.now + max(0.0, seconds))
        self._pause(task)

    def wait(self, future: Future[T], *, timeout: float = inf) -> bool:
        """Wait until the future is resolved; False if the time ran out first."""
        task = self._running()
        if future.done:
            return True
        future._waiters.append(task)
        if timeout < inf:
            self._resume(task, self.now + timeout)
        self._pause(task)
        if not future.done:
            future._waiters.remove(task)
        return future.done

    def join(self, tasks: list[Task]) -> None:
        for task in tasks:
            self.wait(task.done)

    def kill(self, task: Task) -> None:
        """End a task at the point where it waits. A task that kills itself does not return from here."""
        if task.done.done:
            return
        task.killed = True
        if task is self.current:
            raise Killed
        if task.greenlet:
            self._resume(task, self.now)
            return
        if task.wake is not None:  # it has not begun
            task.wake.task = None
        self._tasks.discard(task)
        task.done.resolve(None)

    def run(self, until: float = inf, *, stop: Future[Any] | None = None) -> None:
        """Run what is due until ``until``, until nothing is left to do, or until ``stop`` is resolved."""
        while self._times and self._times[0] <= until:
            if stop is not None and stop.done:
                return
            when = self._times[0]
            bucket = self._buckets[when]
            wake = bucket.pop(self.choose(len(bucket)) if len(bucket) > 1 else 0)
            if not bucket:
                heapq.heappop(self._times)
                del self._buckets[when]
            task = wake.task
            if task is None:
                continue
            self.now = max(self.now, when)
            self._switch_to(task)
        if until < inf and not (stop is not None and stop.done):
            self.now = max(self.now, until)

    @property
    def idle(self) -> bool:
        """Whether no task is left."""
        return not self._tasks

    def close(self) -> None:
        """Kill everything that still runs, so that no greenlet outlives the test."""
        for task in list(self._tasks):
            self.kill(task)
        while self._tasks:
            self._switch_to(next(iter(self._tasks)))

    def _switch_to(self, task: Task) -> None:
        assert task.greenlet is not None
        task.wake = None
        self.current = task
        task.greenlet.switch()
        self.current = None
        if self._crash is not None:
            crash, self._crash = self._crash, None
            raise crash

    def _resume(self, task: Task, when: float) -> None:
        """Put the task on the agenda, in place of the entry that it may have there."""
        if task.done.done:  # a future that a killed task waited for
            return
        if task.wake is not None:
            task.wake.task = None
        task.wake = wake = _Wake(task)
        bucket = self._buckets.get(when)
        if bucket is None:
            self._buckets[when] = [wake]
            heapq.heappush(self._times, when)
        else:
            bucket.append(wake)

    def _pause(self, task: Task) -> None:
        self._hub.switch()
        if task.killed:
            raise Killed

    def _running(self) -> Task:
        task = self.current
        assert task is not None, "only a task can wait"
        if task.killed:  # a `finally` of killed code: its process is gone, it gets nothing done any more
            raise Killed
        return task
