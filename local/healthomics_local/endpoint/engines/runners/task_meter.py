"""What the processes below this one use while a task runs. Needs psutil, which cwltool brings along."""

from __future__ import annotations

import resource
import threading
import time
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 1.0
_MINUTE = 60.0
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the processes."""

    time: float
    cpu_seconds: float
    """Of all processes so far, also of those that have ended."""
    memory_bytes: int | None
    """Resident memory of those that live; None: none does."""


class TaskMeter:
    """Measures one task at a time.

    Processor time is exact, because the system counts it. Memory is looked at often at first and every second
    later, so the memory of a task that ends within some milliseconds is not known.
    """

    def __init__(self) -> None:
        self._samples: list[Sample] = []
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """A task begins; one that nobody has ended is forgotten."""
        self.end()
        self._done = done = threading.Event()
        self._samples = samples = [_look()]
        self._thread = threading.Thread(target=_watch, args=(samples, done), daemon=True)
        self._thread.start()

    def end(self) -> dict[str, float]:
        """The task has ended; what it used, in processors and GiB."""
        if self._thread is None:
            return {}
        self._done.set()
        self._thread.join()
        self._thread = None
        return usage([*self._samples, _look()])


def usage(samples: list[Sample]) -> dict[str, float]:
    """The use between the first sample and the last one. Pure."""
    first, last = samples[0], samples[-1]
    seconds = last.time - first.time
    if seconds <= 0:
        return {}
    average = max(0.0, last.cpu_seconds - first.cpu_seconds) / seconds
    measured = {"cpus_average": average, "cpus_maximum": max([average, *_by_minute(samples)])}
    memory = [sample.memory_bytes for sample in samples if sample.memory_bytes is not None]
    if memory:
        measured["memory_average_gib"] = sum(memory) / len(memory) / _GIB
        measured["memory_maximum_gib"] = max(memory) / _GIB
    return {name: round(value, 6) for name, value in measured.items()}


def _by_minute(samples: list[Sample]) -> list[float]:
    """The processors in use during each full minute."""
    rates: list[float] = []
    start = samples[0]
    for sample in samples[1:]:
        seconds = sample.time - start.time
        if seconds >= _MINUTE:
            rates.append((sample.cpu_seconds - start.cpu_seconds) / seconds)
            start = sample
    return rates


def _watch(samples: list[Sample], done: threading.Event) -> None:
    pause = _FIRST_PAUSE
    while not done.wait(pause):
        samples.append(_look())
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _look() -> Sample:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds, memory = ended.ru_utime + ended.ru_stime, None
    for process in psutil.Process().children(recursive=True):
        try:
            with process.oneshot():
                # The children of a child that have ended count with their parent.
                cpu_seconds += sum(process.cpu_times()[:4])
                memory = (memory or 0) + process.memory_info().rss
        except psutil.Error:
            continue
    return Sample(time.monotonic(), cpu_seconds, memory)
