from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from healthomics_local.endpoint.engines.container_backends import BACKENDS, WdlSupport

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(path: Path, name: str, code: int = 0) -> Path:
    script = path / name
    script.write_text(f"#!/bin/sh\nexit {code}\n")
    script.chmod(0o755)
    return script


def test_the_first_program_that_works_is_taken(path: Path) -> None:
    # Docker without its daemon, as on many machines.
    program(path, "docker", code=1)
    program(path, "apptainer")
    program(path, "udocker")

    backend = WdlSupport.found(str(program(path, "python"))).backend

    assert backend is not None
    assert backend.options["singularity"] == {"exe": ["apptainer"]}


def test_without_a_program_that_works_there_is_no_back_end(path: Path) -> None:
    program(path, "docker", code=1)

    support = WdlSupport.found(str(program(path, "python")))

    assert (support.has_miniwdl, support.backend) == (True, None)


def test_without_miniwdl_nothing_is_looked_for(path: Path) -> None:
    program(path, "podman")

    support = WdlSupport.found(str(program(path, "python", code=1)))

    assert (support.has_miniwdl, support.backend) == (False, None)


def test_this_interpreter_is_asked_without_a_process(path: Path) -> None:
    program(path, "podman")

    support = WdlSupport.found(sys.executable)

    # miniwdl is not in the development environment: see requirements/miniwdl.in.
    assert support.has_miniwdl is False


def test_every_back_end_names_its_kind_to_miniwdl() -> None:
    kinds = {backend.command: backend.options["scheduler"]["container_backend"] for backend in BACKENDS}

    assert kinds == {
        "docker": "docker_swarm",
        "podman": "podman",
        "apptainer": "singularity",
        "singularity": "singularity",
        "udocker": "udocker",
    }
