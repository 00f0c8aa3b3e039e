"""A local AWS starts once, is found again, and goes for sure."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from .conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Machine

pytestmark = [pytest.mark.e2e]


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_starting_twice_starts_one(machine: Machine) -> None:
    first = machine.succeed("up")
    state = machine.state()

    second = machine.succeed("up")

    assert machine.state() == state
    assert "The local AWS is up" in first
    assert "was up already" in second
    machine.succeed("down")
    assert machine.run("status").returncode == 1


def test_other_settings_than_those_it_runs_with_are_refused(machine: Machine) -> None:
    machine.succeed("--region", "eu-west-1", "up")

    error = machine.fail("--region", "us-west-2", "up")

    assert "--region us-west-2 (it has eu-west-1)" in error


def test_export_prints_only_what_a_shell_evaluates(machine: Machine) -> None:
    lines = machine.succeed("up", "--export").splitlines()

    variables = dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in lines)
    assert all(line.startswith("export ") for line in lines)
    assert variables["AWS_ENDPOINT_URL"] == machine.state()["endpoint_url"]


def test_it_listens_on_loopback_only(machine: Machine) -> None:
    machine.succeed("up")

    for name in ("endpoint_url", "omics_endpoint_url"):
        assert machine.state()[name].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_its_supervisor(machine: Machine, number: signal.Signals) -> None:
    machine.succeed("up")

    os.kill(machine.state()["supervisor"]["pid"], number)

    wait_for(lambda: not machine.processes(), 90)
    assert machine.left_over() == []
    # The next one does not stumble over what the first left in the state folder.
    machine.succeed("up")
    urllib.request.urlopen(f"{machine.state()['endpoint_url']}/_ministack/ready").close()


def test_a_supervisor_follows_its_ministack(machine: Machine) -> None:
    machine.succeed("up")

    os.killpg(machine.state()["ministack_group"], signal.SIGKILL)

    wait_for(lambda: not machine.processes(), 90)
    assert machine.run("status").returncode == 1


def test_the_foreground_ends_with_an_interrupt_and_takes_everything_along(machine: Machine) -> None:
    with machine.start("up", "--foreground") as process:
        wait_for((machine.folder / "state" / "state.json").exists)
        time.sleep(0.5)

        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=90) == 0
        process.communicate()
    assert machine.left_over() == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_deployment_leaves_nothing(machine: Machine, number: signal.Signals) -> None:
    with machine.start("deploy", REPOSITORY) as process:
        # The CDK CLI synthesises or deploys the stacks.
        wait_for(lambda: any("--outputs-file" in line for line in machine.processes()))
        time.sleep(2)

        process.send_signal(number)

        assert process.wait(timeout=90) == 130
        _, errors = process.communicate()
    assert "interrupted" in errors
    assert machine.left_over() == []


@pytest.mark.slow
@pytest.mark.parametrize("app", ["slow_run"], indirect=True)
def test_the_tools_of_a_run_do_not_outlive_a_killed_supervisor(machine: Machine, app: Path) -> None:
    with machine.start("deploy", app) as process:
        # The CDK CLI is done, and the run is being followed.
        wait_for(lambda: tools("sleep 361.25"), 120)
        wait_for(lambda: not any("--outputs-file" in line for line in machine.processes()))

        os.kill(machine.state()["supervisor"]["pid"], signal.SIGKILL)

        wait_for(lambda: not tools("sleep 361.25"), 90)
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "the local AWS did not do what was asked of it" in errors
    assert machine.left_over() == []


def tools(command: str) -> list[str]:
    listed = subprocess.run(["ps", "-axww", "-o", "command="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if line.strip() == command]


def test_many_who_start_it_at_once_get_the_same_one(machine: Machine) -> None:
    starts = [machine.start("up") for _ in range(3)]

    outputs = [process.communicate(timeout=180)[0] for process in starts]

    assert [process.returncode for process in starts] == [0, 0, 0]
    assert sum("The local AWS is up" in output for output in outputs) == 1
