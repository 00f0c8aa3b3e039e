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

    def __init__(self, function: Callable[[Work], None]) -> None:
        self._function = function
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._processes: list[EngineProcess] = []
        self._folder: Path | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody has cancelled it."""
        return self._cancelled.is_set()

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

    def do(self) -> None:
        """Do the work in this thread, unless it is cancelled, and tidy up."""
        try:
            if not self.is_cancelled:
                self._function(self)
        finally:
            # Whatever went wrong in between: no process, and no zombie, outlives its work.
            for process in self._processes:
                process.kill()
                process.wait()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
