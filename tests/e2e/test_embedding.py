"""Runs in a stage, in a nested stack and in another stack, each of which needs the outputs of the first one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# Whose stack it is that the run belongs to, as far as the app names it.
STACKS = {
    "first": "Prod-Runs/",
    "second": "Prod-Runs/",
    "nested": "Prod-Runs-NestedNestedStack",
    "consumer": "Prod-Consumer/",
}


@pytest.mark.parametrize("app", ["embedding"], indirect=True)
def test_runs_take_the_outputs_of_another_run_wherever_they_are(machine: Machine, app: Path) -> None:
    # The app has a stage only: for the CDK CLI alone, nothing to deploy.
    machine.succeed("--speed", "10000", "deploy", app)

    omics = machine.client("omics")
    started = machine.runs()
    assert Counter(run["name"] for run in started) == dict.fromkeys(STACKS, 1)
    runs = {run["name"]: omics.get_run(id=run["id"]) for run in started}
    assert {name: run["status"] for name, run in runs.items()} == dict.fromkeys(STACKS, "COMPLETED")

    reads = f"{runs['first']['runOutputUri']}/out/reads.fq.gz"
    assert runs["first"]["parameters"] == {"name": "first"}
    for name in ("second", "nested", "consumer"):
        assert runs[name]["parameters"] == {"name": name, "reads": reads}
        assert runs[name]["creationTime"] > runs["first"]["creationTime"]

    for name, stack in STACKS.items():
        tags = runs[name]["tags"]
        owner, logical_id = tags["cdk-healthomics:stack-id"], tags["cdk-healthomics:logical-id"]
        assert owner.split(":stack/")[1].startswith(stack)
        resource = machine.client("cloudformation").describe_stack_resource(
            StackName=owner, LogicalResourceId=logical_id
        )["StackResourceDetail"]
        assert resource["ResourceStatus"] == "CREATE_COMPLETE"
        assert runs[name]["id"] in resource["PhysicalResourceId"]
