"""What goes wrong is said in one paragraph with the cure, and nothing is left running."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from .conftest import APPS, Machine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e]


def test_an_unknown_app_folder(machine: Machine, tmp_path: Path) -> None:
    error = machine.fail("deploy", tmp_path / "none")

    assert f"no such CDK app folder: {tmp_path / 'none'}" in error
    assert "give the folder that holds the app's cdk.json" in error


def test_a_folder_without_a_cdk_json(machine: Machine, tmp_path: Path) -> None:
    assert "it has no cdk.json" in machine.fail("deploy", tmp_path)


def test_a_missing_node(machine: Machine, tmp_path: Path) -> None:
    machine.changes["PATH"] = str(tmp_path / "empty")

    error = machine.fail("deploy", APPS / "parameters")

    assert "Node.js was not found on the PATH" in error
    assert "install it from" in error


def test_a_port_in_use(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        error = machine.fail("--port", str(port), "up")

    assert f"port {port} on 127.0.0.1 cannot be used" in error
    assert "choose another port with --port" in error
    assert machine.left_over() == []


@pytest.mark.slow
@pytest.mark.parametrize("app", ["broken"], indirect=True)
def test_an_app_that_cannot_be_synthesised(machine: Machine, app: Path) -> None:
    error = machine.fail("deploy", app)

    assert "No module named 'package_that_nobody_has'" in error
    assert "Cure: install the missing package" in error
    assert machine.left_over() == []


@pytest.mark.slow
@pytest.mark.parametrize("app", ["unknown_workflow"], indirect=True)
def test_a_workflow_that_does_not_exist(machine: Machine, app: Path) -> None:
    error = machine.fail("deploy", app)

    assert "(Custom::HealthOmicsRun) in stack UnknownWorkflow" in error
    assert "7654321" in error
    assert "Cure: check the workflow id" in error
    assert machine.left_over() == []


@pytest.mark.slow
@pytest.mark.parametrize("app", ["failing_run"], indirect=True)
def test_a_run_that_fails_in_a_local_aws_that_was_up_before(machine: Machine, app: Path) -> None:
    machine.succeed("up")

    error = machine.fail("deploy", app)

    assert "in stack FailingRun) ended as FAILED" in error
    assert "Cure: correct the workflow or its parameters" in error
    # It was not started for this deployment, so it stays, and its logs can be read.
    assert machine.runs()[0]["status"] == "FAILED"
