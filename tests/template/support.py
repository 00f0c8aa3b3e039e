"""Synthesized stacks, and the values that CloudFormation would make of their properties."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_healthomics import Workflow, WorkflowRun

Json = Any

RUN_TYPE = "Custom::HealthOmicsRun"
PROVIDER = "HealthOmicsRunProvider"
WAITER = "HealthOmicsRunWaiter"
ACCOUNT = "123456789012"
REGION = "us-east-1"


def new_stack(
    name: str = "Genomics", *, with_env: bool = True, context: Mapping[str, object] | None = None
) -> cdk.Stack:
    """A stack in an app of its own."""
    env = cdk.Environment(account=ACCOUNT, region=REGION) if with_env else None
    return cdk.Stack(cdk.App(context=context), name, env=env)


def plain_run(stack: cdk.Stack, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    """A run of which a test needs to say nothing, or only what it is about."""
    given = {"workflow": Workflow.private("1"), "output_uri": "s3://b"}
    return WorkflowRun(stack, construct_id, **(given | arguments))


def run_role(stack: cdk.Stack, construct_id: str) -> iam.Role:
    """A role that HealthOmics may assume, with no permissions."""
    return iam.Role(stack, construct_id, assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))


def app_of(stack: cdk.Stack) -> cdk.App:
    root = stack.node.root
    assert isinstance(root, cdk.App)
    return root


def synthesized(stack: cdk.Stack) -> dict[str, Json]:
    """The template of a stack, from a synth of its whole app."""
    return app_of(stack).synth().get_stack_artifact(stack.artifact_id).template


def template_of(define: Callable[[cdk.Stack], object], **kwargs: Any) -> dict[str, Json]:
    """The template of a new stack with what ``define`` puts into it."""
    stack = new_stack(**kwargs)
    define(stack)
    return synthesized(stack)


def resources(template: Mapping[str, Json], resource_type: str) -> dict[str, Json]:
    """Logical id -> resource, of one type."""
    return {key: value for key, value in template["Resources"].items() if value["Type"] == resource_type}


def the(template: Mapping[str, Json], resource_type: str) -> tuple[str, Json]:
    """The only resource of a type: logical id, resource."""
    ((logical_id, resource),) = resources(template, resource_type).items()
    return logical_id, resource


def statements(template: Mapping[str, Json], *, of_role: str) -> list[Json]:
    """All statements of the policies of roles whose logical id begins with ``of_role``."""
    found: list[Json] = []
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for policy in resources(template, kind).values():
            roles = [role.get("Ref", "") for role in policy["Properties"].get("Roles", [])]
            if any(role.startswith(of_role) for role in roles):
                found.extend(policy["Properties"]["PolicyDocument"]["Statement"])
    return found


def allowed(template: Mapping[str, Json], *, of_role: str) -> list[tuple[str, str]]:
    """Every (action, resource) pair that the policies of a role allow, as often as they say it."""
    return [
        (action, arn_text(resource))
        for statement in statements(template, of_role=of_role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def arn_text(value: Json) -> str:
    """An ARN, or another text, as one: references in angle brackets."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(arn_text(part) for part in parts)
        case {"Fn::Split": [separator, text]}:
            return arn_text(text).split(separator)  # type: ignore[return-value]
        case {"Fn::Select": [index, items]}:
            parts = arn_text(items) if isinstance(items, dict) else items
            return parts[int(index)] if int(index) < len(parts) else f"<{index} of {parts}>"
        case _:
            raise AssertionError(value)


def deployed(value: Json) -> Json:
    """A property as CloudFormation hands it to the Lambda function: intrinsics resolved, every scalar a string."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case dict() if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return arn_text(value)
        case dict():
            return {key: deployed(item) for key, item in value.items()}
        case list():
            return [deployed(item) for item in value]
        case _:
            return value


def warnings(stack: cdk.Stack) -> list[str]:
    """Path and text of every warning of a synth of the app."""
    return annotations(stack, "warning")


def infos(stack: cdk.Stack) -> list[str]:
    """Path and text of every info of a synth of the app."""
    return annotations(stack, "info")


def annotations(stack: cdk.Stack, level: str) -> list[str]:
    """Path and text of every annotation of a synth of the app.

    From the cloud assembly's files: ``assertions.Annotations`` fails on warnings in jsii 1.142 for Python.
    """
    directory = Path(app_of(stack).synth().directory)
    artifacts = json.loads((directory / "manifest.json").read_text())["artifacts"].values()
    metadata = [artifact.get("metadata", {}) for artifact in artifacts]
    metadata += [
        json.loads((directory / artifact["additionalMetadataFile"]).read_text())
        for artifact in artifacts
        if "additionalMetadataFile" in artifact
    ]
    return [
        f"{path} {entry['data']}"
        for paths in metadata
        for path, entries in paths.items()
        for entry in entries
        if entry["type"] == f"aws:cdk:{level}"
    ]


def run_properties(template: Mapping[str, Json]) -> dict[str, Json]:
    """The properties of the only run of a template, without those of the custom resource framework."""
    _, run = the(template, RUN_TYPE)
    return {key: value for key, value in run["Properties"].items() if key not in {"ServiceToken", "ServiceTimeout"}}


def dashboard_body(template: Mapping[str, Json]) -> dict[str, Json]:
    """What the only dashboard of a template shows; references in angle brackets."""
    _, dashboard = the(template, "AWS::CloudWatch::Dashboard")
    body: dict[str, Json] = json.loads(arn_text(dashboard["Properties"]["DashboardBody"]))
    return body
