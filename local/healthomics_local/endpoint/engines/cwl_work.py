"""A piece of the CWL engine's work: a thread, a private folder, and processes that can be killed."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from healthomics_local.endpoint.engines.cwl_process import CwlProcess

if TYPE_CHECKING:
    from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818 - no error: somebody wanted it
    """The work was cancelled."""


class CwlWork:
    """Something that the engine does in a thread, with a private folder and processes that can be killed."""

    def __init__(
        self,
        function: Callable[[CwlWork], None],
        *,
        slots: threading.BoundedSemaphore,
        ended: Callable[[CwlWork], None],
    ) -> None:
        self._function = function
        self._slots = slots
        self._ended = ended
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._processes: list[CwlProcess] = []
        self._folder: Path | None = None
        self._thread = threading.Thread(target=self._work, name="healthomics-cwl", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread, unless it is the one that asks."""
        if self._thread is not threading.current_thread():
            self._thread.join()

    def cancel(self) -> None:
        """Kill the process, and let the thread end at its next step."""
        self._cancelled.set()
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.kill()

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
            self._folder = Path(tempfile.mkdtemp(prefix="healthomics-cwl-")).resolve()
        return self._folder

    def process(self, python: str, arguments: list[str], folder: Path) -> CwlProcess:
        """Start cwltool."""
        process = CwlProcess(python=python, arguments=arguments, folder=folder, private_folder=self.folder())
        with self._lock:
            self._processes.append(process)
        # Whoever cancelled before the process was known could not kill it.
        if self._cancelled.is_set():
            process.kill()
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
