"""Deployments that wait for runs, by the real CDK CLI: they go on with the outputs, or say what went wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from healthomics_local.cdk_cli import cdk_environment, find_cdk, write_python_shims
from healthomics_local.endpoint import LocalHealthOmics, RunScript, Settings
from healthomics_local.endpoint.clock import RealClock
from healthomics_local.event_forwarder import EventForwarder
from healthomics_local.folders import home_folder
from healthomics_local.ministack_environment import ensure_environment
from healthomics_local.ministack_process import MiniStackProcess, MiniStackSettings, listen
from healthomics_local.processes import ProcessId
from healthomics_local.state import State

from .conftest import APPS, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ACCOUNT, REGION = "000000000000", "eu-west-1"
SPEED = 3000.0
"""The endpoint's clock, and EventBridge's schedules, are so much faster than the wall clock."""
LONG_SECONDS = 11.9 * 3600
MANY = 50


def script(members: Mapping[str, Any]) -> RunScript | None:
    """How the runs of the stacks go: that of Long takes nearly all the time that a deployment may wait."""
    return RunScript(running_seconds=LONG_SECONDS) if members["name"].startswith("Long-") else None


@dataclass(kw_only=True)
class LossyEvents:
    """Forwards events, but for those that get lost."""

    forward: EventForwarder
    lost: list[str] = field(default_factory=list)

    def __call__(self, event: dict[str, Any]) -> None:
        if event["detail"].get("runName", "").startswith("Lost-"):
            self.lost.append(event["detail"]["status"])
        else:
            self.forward(event)


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A local AWS whose clock runs fast, and an app to deploy to it."""

    state: State
    omics: LocalHealthOmics
    events: LossyEvents
    folder: Path

    def cdk(self, *arguments: str) -> subprocess.Popen[str]:
        cli = find_cdk(REPOSITORY, path=os.environ["PATH"])
        environment = cdk_environment(self.state, inherited=os.environ, shims=write_python_shims(self.folder), cli=cli)
        return subprocess.Popen(
            [cli.executable, "--no-notices", "--no-color", *arguments],
            cwd=self.folder,
            env={**environment, "TMPDIR": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def deploy(self, *stacks: str, assembly: str) -> subprocess.Popen[str]:
        options = ["--require-approval", "never", "--concurrency", "8", "--progress", "events"]
        return self.cdk("deploy", "--app", assembly, *options, *stacks)

    def synth(self) -> str:
        """Synthesise the app; return the assembly's folder."""
        assembly = self.folder / "assembly"
        done, said = ended(self.cdk("synth", "--quiet", "--output", str(assembly)))
        assert done == 0, said
        return str(assembly)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.state.endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def outputs(self, stack: str) -> dict[str, str]:
        (described,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def object(self, uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def runs_of(self, stack: str) -> list[Any]:
        return [run for run in self.omics.runs() if (run.name or "").startswith(f"{stack}-")]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and output of a command."""
    with process:
        said, _ = process.communicate(timeout=600)
    return process.returncode, said


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("waiting") / "app"
    shutil.copytree(APPS / "waiting", folder)
    listener = listen(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    events = LossyEvents(forward=EventForwarder(endpoint_url=url, region=REGION))
    settings = Settings(
        region=REGION,
        account_id=ACCOUNT,
        clock=RealClock(SPEED),
        aws_endpoint_url=url,
        event_sink=events,
        script=script,
        cwl_python=sys.executable,
    )
    with LocalHealthOmics(settings) as omics:
        process = MiniStackProcess(
            listener,
            MiniStackSettings(
                python=ensure_environment(home_folder()),
                region=REGION,
                account_id=ACCOUNT,
                omics_endpoint_url=omics.url,
                speed=SPEED,
                log_file=folder.parent / "ministack.log",
                temporary_directory=tmp_path_factory.mktemp("temporary"),
            ),
        )
        try:
            process.wait_until_ready()
            events.forward.start()
            state = State(
                supervisor=ProcessId.of(os.getpid()),
                ministack_group=process.group,
                endpoint_url=process.url,
                omics_endpoint_url=omics.url,
                region=REGION,
                account_id=ACCOUNT,
                speed=SPEED,
                authorization=False,
                temporary_directory=str(folder),
                started_at="",
            )
            cloud = Cloud(state=state, omics=omics, events=events, folder=folder)
            done, said = ended(cloud.cdk("bootstrap", "--app", "", f"aws://{ACCOUNT}/{REGION}"))
            assert done == 0, said
            yield cloud
        finally:
            events.forward.stop()
            process.stop()


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What the CLI said of two deployments that went on at the same time."""

    failing: tuple[int, str]
    others: tuple[int, str]


@pytest.fixture(scope="module")
def deployed(cloud: Cloud) -> Deployed:
    assembly = cloud.synth()
    others = cloud.deploy("Chain", "Long", "Lost", "Many", assembly=assembly)
    failing = ended(cloud.deploy("Failing", assembly=assembly))
    return Deployed(failing=failing, others=ended(others))


def test_a_consumer_reads_the_outputs_of_the_run_that_it_waited_for(cloud: Cloud, deployed: Deployed) -> None:
    assert deployed.others[0] == 0, deployed.others[1]

    outputs = cloud.outputs("Chain")
    assert outputs["SecondStatus"] == "COMPLETED"
    # What the second run has read is what the first one wrote at its end.
    assert "said.txt" in cloud.object(outputs["SecondRunOutputUri"] + "/out/seen.json")


def test_the_terminal_says_which_run_failed_and_why_and_where_its_log_is(cloud: Cloud, deployed: Deployed) -> None:
    status, said = deployed.failing

    assert status == 1
    (run,) = cloud.runs_of("Failing")
    text = re.sub(r"\s+", " ", said)
    assert f"Run {run.run_id} FAILED with RUN_TASK_FAILED. Log: https://{REGION}.console.aws.amazon.com/" in text
    assert f"run$252F{run.run_id}$252Fengine" in text


def test_a_deployment_waits_for_nearly_twelve_hours(cloud: Cloud, deployed: Deployed) -> None:
    assert deployed.others[0] == 0, deployed.others[1]

    (run,) = cloud.runs_of("Long")
    assert (run.stop_time - run.start_time).total_seconds() >= LONG_SECONDS
    assert cloud.outputs("Long")["RunStatus"] == "COMPLETED"
    assert cloud.outputs("Long")["RunStopTime"].startswith(run.stop_time.isoformat(timespec="seconds")[:19])


def test_a_run_whose_events_get_lost_is_found_by_the_schedule(cloud: Cloud, deployed: Deployed) -> None:
    assert deployed.others[0] == 0, deployed.others[1]

    assert cloud.events.lost[-1] == "COMPLETED"
    assert cloud.outputs("Lost")["RunStatus"] == "COMPLETED"


def test_fifty_runs_are_waited_for_in_one_stack(cloud: Cloud, deployed: Deployed) -> None:
    assert deployed.others[0] == 0, deployed.others[1]

    assert [run.status for run in cloud.runs_of("Many")] == ["COMPLETED"] * MANY
    listed = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="Many")
    types = [resource["ResourceType"] for page in listed for resource in page["StackResourceSummaries"]]
    assert types.count("AWS::CloudFormation::WaitCondition") == MANY
    assert types.count("AWS::Events::Rule") == 2
