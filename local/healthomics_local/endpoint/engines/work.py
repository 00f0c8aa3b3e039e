"""A piece of an engine's work: a thread, a private folder, and processes that can be killed."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.process import EngineProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthomics_local.endpoint.engines.process import Runner


class Cancelled(Exception):  # noqa: N818 - no error: somebody wanted it
    """The work was cancelled."""


class Work:
    """Something that the engine does in a thread, with a private folder and processes that can be killed."""

    def __init__(
        self,
        function: Callable[[Work], None],
        *,
        slots: threading.BoundedSemaphore,
        ended: Callable[[Work], None],
    ) -> None:
        self._function = function
        self._slots = slots
        self._ended = ended
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._processes: list[EngineProcess] = []
        self._folder: Path | None = None
        self._thread = threading.Thread(target=self._work, name="healthomics-engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread, unless it is the one that asks."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def cancel(self) -> None:
        """End the process, and let the thread end at its next step."""
        self._cancelled.set()
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.end()

    def checkpoint(self) -> None:
        """Go on, if nobody has cancelled.

        Raises:
            Cancelled: Somebody has.
        """
        if self._cancelled.is_set():
            raise Cancelled

    def folder(self) -> Path:
        """A folder that nobody else can read, and that goes with the work."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="healthomics-run-")).resolve()
        return self._folder

    def process(self, runner: Runner, arguments: list[str], folder: Path) -> EngineProcess:
        """Start a workflow engine."""
        process = EngineProcess(runner=runner, arguments=arguments, folder=folder, private_folder=self.folder())
        with self._lock:
            self._processes.append(process)
        # Whoever cancelled before the process was known could not end it.
        if self._cancelled.is_set():
            process.end()
        return process

    def _work(self) -> None:
        acquired = False
        try:
            while not self._cancelled.is_set() and not acquired:
                acquired = self._slots.acquire(timeout=0.1)
            if acquired:
                self._function(self)
        finally:
            if acquired:
                self._slots.release()
            # Whatever went wrong in between: no process, and no zombie, outlives its work.
            for process in self._processes:
                process.kill()
                process.wait()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._ended(self)
