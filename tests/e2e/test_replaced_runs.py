"""A run is replaced while other stacks use it: they get the new one's ARN, and nothing refuses to change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .conftest import APPS, REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

# Two deployments for the whole module, and a third one in the last test: they run in this order, in one worker.
pytestmark = [pytest.mark.e2e, pytest.mark.slow]


PUBLISHED = ("run-arn", "run-id", "run-uuid", "run-output-uri")


@dataclass(frozen=True, kw_only=True)
class World:
    """What there is after a deployment."""

    runs: dict[str, str]
    """Construct id -> ARN of its run, as the producer's outputs have it."""

    copies: dict[str, str]
    """What the consumers have: parameter -> value."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    machine: Machine
    app: Path

    def deploy(self, step: str, *arguments: str) -> World:
        self.machine.succeed(
            "--speed", "10000", "deploy", self.app, "--", "--app", f"steps/{step}", "--method", "direct", *arguments
        )
        return self.look()

    def look(self) -> World:
        (producer,) = self.machine.client("cloudformation").describe_stacks(StackName="Producer")["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in producer["Outputs"]}
        names = ["/weak", "/outside", "/imported", *(f"/genomics/alignment/{name}" for name in PUBLISHED)]
        parameters = self.machine.client("ssm").get_parameters(Names=names)["Parameters"]
        return World(
            runs={name: outputs[f"{name}RunArn"] for name in ("Run", "V1", "V2") if f"{name}RunArn" in outputs},
            copies={parameter["Name"]: parameter["Value"] for parameter in parameters},
        )

    def start_counts(self) -> dict[str, int]:
        """How many runs each construct has started."""
        names = [run["name"].split("-")[1] for run in self.machine.runs()]
        return {name: names.count(name) for name in names}


@pytest.fixture(scope="module")
def deployed(module_machine: Machine) -> Deployed:
    app = module_machine.folder / "app"
    shutil.copytree(APPS / "replaced_runs", app)
    # The copy is outside of the repository, where the CLI's node_modules are.
    (module_machine.folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    # All steps at once: to start Python and jsii takes longer than to synthesise.
    subprocess.run([sys.executable, "app.py", "steps"], cwd=app, check=True, capture_output=True)
    return Deployed(machine=module_machine, app=app)


@pytest.fixture(scope="module")
def before(deployed: Deployed) -> World:
    return deployed.deploy("first")


@pytest.fixture(scope="module")
def after(deployed: Deployed, before: World) -> World:
    assert before.runs
    return deployed.deploy("moved")


def test_every_consumer_has_the_first_run(before: World) -> None:
    assert before.copies["/weak"].split()[0] == before.copies["/outside"] == before.runs["Run"]
    assert before.copies["/imported"] == before.runs["V1"]


def test_a_weak_reference_gets_the_new_run_with_the_next_deployment(before: World, after: World) -> None:
    """The name of the output that it reads is another one, so the CDK CLI does not pass the stack over."""
    arn, output_uri = after.copies["/weak"].split()

    assert arn == after.runs["Run"] != before.runs["Run"]
    assert output_uri.endswith(f"/{arn.rpartition('/')[2]}")


def test_a_reader_of_the_published_parameters_gets_the_new_run(before: World, after: World) -> None:
    assert after.copies["/genomics/alignment/run-arn"] == after.copies["/outside"] == after.runs["Run"]
    assert before.copies["/outside"] == before.runs["Run"]


def test_all_published_parameters_are_of_the_run_that_is_there(deployed: Deployed, before: World, after: World) -> None:
    for world in (before, after):
        run = deployed.machine.client("omics").get_run(id=world.runs["Run"].rpartition("/")[2])
        published = [world.copies[f"/genomics/alignment/{name}"] for name in PUBLISHED]
        assert published == [run["arn"], run["id"], run["uuid"], run["runOutputUri"]]


def test_an_importer_moves_to_the_export_of_a_second_run(before: World, after: World) -> None:
    """The documented way: CloudFormation would refuse to change the first one's export."""
    assert after.runs["V1"] == before.runs["V1"]
    assert after.copies["/imported"] == after.runs["V2"] != after.runs["V1"]


def test_then_the_first_run_can_go(deployed: Deployed, after: World) -> None:
    removed = deployed.deploy("removed", "Producer", "--exclusively")

    assert removed.runs == {name: arn for name, arn in after.runs.items() if name != "V1"}
    assert removed.copies == after.copies
    exports = deployed.machine.client("cloudformation").list_exports()["Exports"]
    assert {export["Name"] for export in exports if export["Name"].startswith("V")} == {"V2-RunArn", "V2-RunOutputUri"}
    assert deployed.start_counts() == {"Run": 2, "V1": 1, "V2": 1}
