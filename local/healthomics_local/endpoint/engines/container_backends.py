"""What miniwdl can run containers with on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 10.0
HELP: Final = (
    "WDL needs miniwdl (`pip install cdk-healthomics[wdl]`) and Docker, Podman, Apptainer, Singularity or udocker "
    "on the PATH; with engine='simulated' nothing is executed"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerBackend:
    """One way to run containers."""

    command: str
    """The program; it must be on the PATH."""
    check: tuple[str, ...]
    """Arguments with which the program succeeds only where it can run containers."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """miniwdl's configuration for it."""

    def works(self) -> bool:
        """Whether containers can be run with it."""
        return _succeeds([self.command, *self.check])


# miniwdl calls Apptainer by its old name, and Podman with sudo unless it is told otherwise.
BACKENDS: Final = (
    ContainerBackend(
        command="docker",
        check=("info",),
        options={"scheduler": {"container_backend": "docker_swarm"}},
    ),
    ContainerBackend(
        command="podman",
        check=("info",),
        options={"scheduler": {"container_backend": "podman"}, "podman": {"exe": ["podman"]}},
    ),
    ContainerBackend(
        command="apptainer",
        check=("--version",),
        options={"scheduler": {"container_backend": "singularity"}, "singularity": {"exe": ["apptainer"]}},
    ),
    ContainerBackend(
        command="singularity",
        check=("--version",),
        options={"scheduler": {"container_backend": "singularity"}},
    ),
    ContainerBackend(
        command="udocker",
        check=("--version",),
        options={
            "scheduler": {"container_backend": "udocker"},
            "udocker": {"exe": ["udocker", *(["--allow-root"] if os.geteuid() == 0 else [])]},
        },
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class WdlSupport:
    """What there is to execute WDL with."""

    python: str
    has_miniwdl: bool
    """Whether that interpreter has miniwdl."""
    backend: ContainerBackend | None
    """The first that works; None: none does, or nobody could use it."""

    @classmethod
    def found(cls, python: str) -> WdlSupport:
        """Look for it, which takes a moment where miniwdl is installed."""
        has_miniwdl = _has_miniwdl(python)
        backend = next((each for each in BACKENDS if each.works()), None) if has_miniwdl else None
        return cls(python=python, has_miniwdl=has_miniwdl, backend=backend)


def _has_miniwdl(python: str) -> bool:
    if python == sys.executable:
        return find_spec("WDL") is not None
    return _succeeds([python, "-s", "-E", "-c", "import WDL"])


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
