"""One workflow engine in a process group of its own, which does not outlive the endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from healthomics_local.endpoint.engines.task_output import last_lines, output_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RUNNERS = Path(__file__).with_name("runners")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
_NOT_PASSED_ON = ("AWS_", "MINIWDL_", "PYTHON")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of a workflow engine's log."""

    level: str
    message: str
    stderr_bytes: int = 0
    """How much the tools had written to standard error by then."""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the runner tells beside it."""

    @property
    def is_error(self) -> bool:
        """Whether it is about something that went wrong."""
        return self.level in {"ERROR", "CRITICAL"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Runner:
    """How a workflow engine is run."""

    python: str
    """The interpreter that has the engine."""
    script: str
    """In the folder ``runners``."""
    shares_environment: bool = False
    """Whether the engine gets the user's environment, but for AWS settings; False: tools see next to nothing of it, so
    that a run depends on the definition and its inputs."""
    grace_seconds: float = 0
    """How long the engine may take to end what does not end with its process group."""

    def environment(self, folder: Path) -> dict[str, str]:
        """The environment of a process in a folder."""
        private = {"TMPDIR": str(folder / "tmp"), "PYTHONUTF8": "1"}
        if self.shares_environment:
            kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
            return kept | private
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return passed_on | private | {"HOME": str(folder / "home")}


class EngineProcess:
    """A workflow engine at work in a folder.

    Args:
        runner: How it is run.
        arguments: The script's arguments, after the folder and the file for the output.
        folder: The working directory; ``home``, ``tmp``, ``output`` and ``stderr`` are made in it.
        private_folder: What must not outlive the endpoint, should that be killed; has the working directory in it.
    """

    def __init__(self, *, runner: Runner, arguments: Sequence[str], folder: Path, private_folder: Path) -> None:
        self._runner = runner
        self._folder = folder
        self.output_path = folder / "output"
        self.stderr_path = folder / "stderr"
        for name in ("home", "tmp"):
            (folder / name).mkdir(exist_ok=True)
        script = str(_RUNNERS / runner.script)
        self._lock = threading.Lock()
        self._reaped = False
        with self.stderr_path.open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - running a workflow is the purpose
                [runner.python, "-s", "-E", script, str(private_folder), str(self.output_path), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env=runner.environment(folder),
                start_new_session=True,
            )

    def log_lines(self) -> Iterator[LogLine]:
        """The log, line by line, until the process ends."""
        if self._process.stdout is None:
            raise AssertionError("standard output is a pipe")
        for line in self._process.stdout:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                document = cast("dict[str, Any]", json.loads(line))
                yield LogLine(
                    level=str(document.pop("level")),
                    # Where the folder lies is nobody's business who reads a log.
                    message=str(document.pop("message")).replace(f"{self._folder}/", ""),
                    stderr_bytes=int(document.pop("stderr_bytes")),
                    details=document,
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

    def end(self) -> None:
        """End the process soon: at once, or after the time that its engine may take."""
        if not self._runner.grace_seconds:
            self.kill()
            return
        with self._lock:
            if not self._reaped:
                # Only the engine itself: it knows in which order to end the rest.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(self._process.pid, signal.SIGTERM)
        timer = threading.Timer(self._runner.grace_seconds, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """Kill the whole process group, at once."""
        with self._lock:
            if not self._reaped:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def last_stderr(self) -> str:
        """The last of what was written to standard error, in one line."""
        return " ".join(last_lines(self.stderr_between(0, self.stderr_path.stat().st_size)))

    def stderr_between(self, start: int, end: int) -> list[str]:
        """The lines that were written to standard error between two offsets."""
        return [line.replace(f"{self._folder}/", "") for line in output_lines(self.stderr_path, start, end)]
