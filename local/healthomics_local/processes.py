"""Processes named so that a reused pid is never taken for the one that was meant."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POLL_SECONDS: Final = 0.05
START_TIME_FIELD: Final = 21
"""``starttime`` in ``/proc/<pid>/stat``, counted from 0 (proc(5) counts from 1 and calls it field 22)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessId:
    """A pid together with the time that the process started at, as the system writes it."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Name a process that is running now."""
        return cls(pid=pid, started=start_time(pid) or "")

    def is_running(self) -> bool:
        """Whether this very process still runs."""
        return bool(self.started) and start_time(self.pid) == self.started


def start_time(pid: int) -> str | None:
    """Return when a process started; None if there is none, or only its exit status is left."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The second field is the program's name in parentheses, which may itself hold spaces and
            # parentheses.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[START_TIME_FIELD - 2]
    return _start_time_by_ps(pid)


def _start_time_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - constant
    status, _, started = answer.stdout.strip().partition(" ")
    return started.strip() if started and not status.startswith("Z") else None


def wait_for_end(process: ProcessId, *, seconds: float) -> bool:
    """Wait until a process is gone; False if it is still there after that time."""
    deadline = time.monotonic() + seconds
    while process.is_running():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def signal_process(process: ProcessId, number: signal.Signals) -> None:
    """Send a signal to a process, if it is still the one that is meant."""
    if process.is_running():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def kill_group(group: int) -> None:
    """Kill whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def stop_group(process: "subprocess.Popen[bytes] | subprocess.Popen[str]", *, grace_seconds: float) -> None:
    """End a child that leads its own process group: SIGTERM, then SIGKILL for the whole group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace_seconds)
    kill_group(process.pid)
    process.wait()
