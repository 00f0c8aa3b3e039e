"""The command line as a user calls it: a subprocess with a state folder of its own, and nothing left at the end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from healthomics_local.folders import home_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

APPS = Path(__file__).parent / "apps"
REPOSITORY = Path(__file__).parents[2]
CLI = Path(sys.executable).parent / "healthomics-local"


@dataclass(kw_only=True)
class Machine:
    """One user's machine: the folder holds the state, and every process that belongs to it names the folder."""

    folder: Path
    changes: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            **os.environ,
            "HEALTHOMICS_LOCAL_HOME": str(home_folder()),
            "HEALTHOMICS_LOCAL_STATE": str(self.folder / "state"),
            "TMPDIR": str(temporary),
            # What must not reach the deployment.
            "AWS_PROFILE": "a-real-account",
            "AWS_ACCESS_KEY_ID": "real",
            **self.changes,
        }

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [CLI, *map(str, arguments)],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            try:
                output, errors = process.communicate(timeout=400)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=90)
                raise AssertionError(f"still running after 150 s: {output}{errors}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def succeed(self, *arguments: str | Path) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fail(self, *arguments: str | Path) -> str:
        """Run a command that must fail with one paragraph on standard error, and return that."""
        done = self.run(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stderr.startswith("healthomics-local: error: "), done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state" / "state.json").read_text())

    def client(self, service: str) -> Any:
        state = self.state()
        return boto3.client(
            service,
            endpoint_url=state["omics_endpoint_url" if service == "omics" else "endpoint_url"],
            region_name=state["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(inject_host_prefix=False),
        )

    def runs(self) -> list[dict[str, Any]]:
        return self.client("omics").list_runs()["items"]

    def processes(self) -> list[str]:
        """Every process that mentions the folder: supervisor, MiniStack, workers, CDK CLI, tools of runs."""
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
        return [line for line in listed.stdout.splitlines() if str(self.folder) in line and " ps " not in line]

    def left_over(self) -> list[str]:
        """Processes and temporary files that should be gone; MiniStack gets a moment to follow its supervisor."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            left = [*self.processes(), *map(str, (self.folder / "tmp").glob("*"))]
            if not left:
                return []
            time.sleep(0.1)
        return left


def machine_in(folder: Path) -> Iterator[Machine]:
    machine = Machine(folder=folder)
    try:
        yield machine
        machine.run("down")
        assert machine.left_over() == []
    finally:
        machine.run("down")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    yield from machine_in(tmp_path)


@pytest.fixture(scope="module")
def module_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    yield from machine_in(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the app that the test names with ``@pytest.mark.parametrize("app", [...], indirect=True)``."""
    copy = tmp_path / "app"
    shutil.copytree(APPS / request.param, copy)
    # The copy is outside of the repository, where the CLI's node_modules are.
    (tmp_path / "node_modules").symlink_to(REPOSITORY / "node_modules")
    return copy
