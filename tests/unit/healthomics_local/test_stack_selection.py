"""Which stacks a deployment is of: those that the user names, else all, those of stages too if there are no others."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.cdk_cli import CdkCli
from healthomics_local.deployment import App, destroy
from healthomics_local.failure import LocalAwsError
from healthomics_local.processes import ProcessId
from healthomics_local.state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    Cdk = Callable[..., App]

STATE = State(
    supervisor=ProcessId(pid=1, started="never"),
    ministack_group=2,
    endpoint_url="http://127.0.0.1:9",
    omics_endpoint_url="http://127.0.0.1:9",
    region="us-east-1",
    account_id="000000000000",
    speed=100.0,
    authorization=False,
    temporary_directory="/nowhere",
    started_at="now",
)
STACK = {"type": "aws:cloudformation:stack"}
STAGE = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
NO_STACK = 'No stack found in the main cloud assembly. Use "list" to print manifest'


@pytest.fixture
def cdk(tmp_path: Path) -> Cdk:
    """Makes an app whose CDK CLI notes what it is asked and, asked for all stacks, says this and fails."""

    def make(*arguments: str, refuses_all: str = "", artifacts: dict[str, Any]) -> App:
        refusal = f'case "$*" in *--all*) echo {shlex.quote(refuses_all)}; exit 1;; esac' if refuses_all else ""
        cli = tmp_path / "cdk"
        cli.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{refusal}\n')
        cli.chmod(0o755)
        app = App(
            folder=tmp_path,
            arguments=arguments,
            cli=CdkCli(executable=cli, node=Path("/usr/bin/node"), node_major=22),
            state_folder=tmp_path / "state",
        )
        for folder, manifest in {"": artifacts, "assembly-Prod": {"Prod-Runs": STACK}}.items():
            (app.assembly / folder).mkdir(parents=True, exist_ok=True)
            (app.assembly / folder / "manifest.json").write_text(json.dumps({"artifacts": manifest}))
        return app

    return make


def asked(app: App) -> list[list[str]]:
    return [line.split() for line in (app.folder / "asked").read_text().splitlines()]


def test_all_stacks_of_an_app_are_asked_for(cdk: Cdk) -> None:
    app = cdk(artifacts={"Runs": STACK, "Prod": STAGE})
    destroy(STATE, app, on_progress=print)
    (command,) = asked(app)

    assert "--all" in command
    assert "**" not in command


def test_those_of_stages_are_asked_for_if_there_are_no_others(cdk: Cdk) -> None:
    app = cdk(refuses_all=NO_STACK, artifacts={"Prod": STAGE})
    destroy(STATE, app, on_progress=print)
    first, second = asked(app)

    assert [argument for argument in first if argument != "--all"] == [each for each in second if each != "**"]
    assert "--all" in first
    assert "**" in second


@pytest.mark.parametrize("arguments", [("Prod/*",), ("--all",)])
def test_stacks_that_are_named_are_asked_for_as_they_are(cdk: Cdk, arguments: tuple[str, ...]) -> None:
    app = cdk(*arguments, artifacts={"Prod": STAGE})
    destroy(STATE, app, on_progress=print)
    (command,) = asked(app)

    assert command.count("--all") == arguments.count("--all")
    assert "**" not in command


@pytest.mark.parametrize(
    ("says", "artifacts"),
    [
        pytest.param(NO_STACK, {}, id="an app without any stack"),
        pytest.param("SyntaxError: invalid syntax", {"Prod": STAGE}, id="an app that fails"),
    ],
)
def test_another_failure_is_told_and_not_tried_again(cdk: Cdk, says: str, artifacts: dict[str, Any]) -> None:
    app = cdk(refuses_all=says, artifacts=artifacts)

    with pytest.raises(LocalAwsError, match=says[:20]):
        destroy(STATE, app, on_progress=print)
    assert len(asked(app)) == 1
