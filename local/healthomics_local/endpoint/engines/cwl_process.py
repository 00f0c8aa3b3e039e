"""One cwltool process in a process group of its own, which does not outlive the endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RUNNER = Path(__file__).with_name("cwl_runner.py")
# Tools see nothing else of the environment, so that a run depends on the definition and its inputs.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of cwltool's log."""

    level: str
    message: str
    stderr_bytes: int
    """How much the tools had written to standard error by then."""


class CwlProcess:
    """cwltool at work in a folder.

    Args:
        python: The interpreter that has cwltool.
        arguments: cwltool's arguments.
        folder: The working directory; ``home``, ``tmp``, ``output`` and ``stderr`` are made in it.
        private_folder: What must not outlive the endpoint, should that be killed; has the working directory in it.
    """

    def __init__(self, *, python: str, arguments: Sequence[str], folder: Path, private_folder: Path) -> None:
        self._folder = folder
        self.output_path = folder / "output"
        self.stderr_path = folder / "stderr"
        for name in ("home", "tmp"):
            (folder / name).mkdir(exist_ok=True)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONUTF8": "1"}
        self._lock = threading.Lock()
        self._reaped = False
        with self.stderr_path.open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - running a workflow is the purpose
                [python, "-I", str(_RUNNER), str(private_folder), str(self.output_path), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )

    def log_lines(self) -> Iterator[LogLine]:
        """The log, line by line, until the process ends."""
        if self._process.stdout is None:
            raise AssertionError("standard output is a pipe")
        for line in self._process.stdout:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                document = cast("dict[str, object]", json.loads(line))
                yield LogLine(
                    level=str(document["level"]),
                    # Where the folder lies is nobody's business who reads a log.
                    message=str(document["message"]).replace(f"{self._folder}/", ""),
                    stderr_bytes=int(str(document["stderr_bytes"])),
                )

    def wait(self) -> int:
        """Wait for the end; the exit code. What the process has left behind in its group is killed."""
        code = self._process.wait()
        # A group's id stays taken as long as one of its processes lives, so this hits only what is left of it.
        self.kill()
        with self._lock:
            self._reaped = True
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return code

    def kill(self) -> None:
        """Kill the whole process group, at once."""
        with self._lock:
            if not self._reaped:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def stderr_from(self, offset: int, *, lines: int) -> list[str]:
        """The last lines that the tools have written to standard error since some offset."""
        with self.stderr_path.open("rb") as stderr:
            stderr.seek(offset)
            text = stderr.read().decode(errors="replace").replace(f"{self._folder}/", "")
        return [line for line in text.splitlines() if line.strip()][-lines:]
