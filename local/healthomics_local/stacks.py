"""What a deployment left in the local CloudFormation: stacks, outputs, runs, and why something failed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from healthomics_run_handler.contract import RESOURCE_TYPE
from healthomics_run_handler.identity import RunIdentity, parse_physical_id

TOOLKIT_STACK: Final = "CDKToolkit"
OPERATION_STARTS: Final = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
CONSEQUENCES: Final = ("Resource creation cancelled", "Resource update cancelled")
"""Reasons of resources that failed only because another one did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """The first thing that went wrong in a stack's last operation."""

    stack: str
    logical_id: str
    resource_type: str
    status: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRun:
    """A HealthOmics run that a stack owns."""

    stack: str
    logical_id: str
    identity: RunIdentity


def describe(cloudformation: Any, names: Iterable[str]) -> list[dict[str, Any]]:
    """Describe the stacks that exist, in the order of their names as given."""
    found: list[dict[str, Any]] = []
    for name in names:
        try:
            found += cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
    return found


def all_names(cloudformation: Any) -> list[str]:
    """Name every stack but the CDK's own, oldest first."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    stacks = [stack for page in pages for stack in page["Stacks"]]
    existing = [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    ordered = sorted(existing, key=lambda stack: stack["CreationTime"])
    return [stack["StackName"] for stack in ordered if stack["StackName"] != TOOLKIT_STACK]


def runs_of(cloudformation: Any, stack_names: Sequence[str]) -> list[StackRun]:
    """List the HealthOmics runs that the stacks own, and those that are nested in them; each once."""
    runs: dict[RunIdentity, StackRun] = {}
    names = list(stack_names)
    for name in names:
        resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        for resource in resources:
            physical_id = resource.get("PhysicalResourceId") or ""
            identity = parse_physical_id(physical_id)
            if resource["ResourceType"] == RESOURCE_TYPE and isinstance(identity, RunIdentity):
                run = StackRun(stack=name, logical_id=resource["LogicalResourceId"], identity=identity)
                runs.setdefault(identity, run)
            elif resource["ResourceType"] == "AWS::CloudFormation::Stack" and physical_id:
                nested = physical_id.split("/")[1] if physical_id.startswith("arn:") else physical_id
                if nested not in names:
                    names.append(nested)
    return list(runs.values())


def first_failure(cloudformation: Any, stack_names: Iterable[str]) -> Failure | None:
    """Find what made the last operation of one of the stacks fail; None if nothing did."""
    for stack in describe(cloudformation, stack_names):
        if "FAILED" not in stack["StackStatus"] and "ROLLBACK" not in stack["StackStatus"]:
            continue
        pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"])
        failure = failure_in([event for page in pages for event in page["StackEvents"]])
        if failure is not None:
            return failure
    return None


def failure_in(events: Sequence[dict[str, Any]]) -> Failure | None:
    """Find the first failure of the last operation. Pure.

    Args:
        events: a stack's events, newest first, as CloudFormation lists them.
    """
    first: dict[str, Any] | None = None
    for event in events:
        reason = event.get("ResourceStatusReason") or ""
        if event["ResourceStatus"].endswith("_FAILED") and not reason.startswith(CONSEQUENCES):
            first = event
        is_stack = event.get("PhysicalResourceId") == event["StackId"]
        if is_stack and event["ResourceStatus"] in OPERATION_STARTS:
            break
    if first is None:
        return None
    return Failure(
        stack=first["StackName"],
        logical_id=first["LogicalResourceId"],
        resource_type=first["ResourceType"],
        status=first["ResourceStatus"],
        reason=first.get("ResourceStatusReason") or "no reason given",
    )
