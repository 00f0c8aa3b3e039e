"""Every member of StartRun that botocore knows can be set through the construct, and reaches the handler as given."""

from typing import Any

import aws_cdk as cdk
import botocore.session
import pytest
from aws_cdk import aws_iam as iam

from cdk_healthomics import (
    CacheBehavior,
    EngineSettings,
    LogLevel,
    NetworkingMode,
    OutputUriPrefixMode,
    RetentionMode,
    ScratchStorageMode,
    Storage,
    Workflow,
    WorkflowRun,
)
from healthomics_run_handler import contract
from healthomics_run_handler.spec import parse_spec
from template.support import RUN_TYPE, deployed, new_stack, synthesized

ROLE_ARN = "arn:aws:iam::123456789012:role/run"
POLICY = {"Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
STATIC = Storage.static(cdk.Size.gibibytes(2400))

TABLE: dict[str, tuple[dict[str, Any], Any]] = {
    "workflowId": ({"workflow": Workflow.private("12")}, "12"),
    "workflowType": ({"workflow": Workflow.ready2run("12")}, "READY2RUN"),
    "workflowOwnerId": ({"workflow": Workflow.shared("12", owner_id="210987654321")}, "210987654321"),
    "workflowVersionName": ({"workflow": Workflow.private("12", version_name="v1")}, "v1"),
    "runId": ({}, "7654321"),
    "roleArn": ({}, ROLE_ARN),
    "name": ({"name": "näme"}, "näme"),
    "cacheId": ({"cache": "34"}, "34"),
    "cacheBehavior": ({"cache": "34", "cache_behavior": CacheBehavior.CACHE_ALWAYS}, "CACHE_ALWAYS"),
    "runGroupId": ({"run_group": "56"}, "56"),
    "priority": ({"priority": 9}, 9),
    "parameters": ({"parameters": {"a": [1, 2.5, True, None]}}, {"a": [1, 2.5, True, None]}),
    "storageCapacity": ({"storage": STATIC}, 2400),
    "storageType": ({"storage": STATIC}, "STATIC"),
    "outputUri": ({"output_uri": "s3://bucket/prefix"}, "s3://bucket/prefix"),
    "outputUriPrefixMode": (
        {"output_uri_prefix_mode": OutputUriPrefixMode.NONE_WITH_OVERWRITE},
        "NONE_WITH_OVERWRITE",
    ),
    "logLevel": ({"log_level": LogLevel.FATAL}, "FATAL"),
    "retentionMode": ({"retention_mode": RetentionMode.REMOVE}, "REMOVE"),
    "networkingMode": ({"networking_mode": NetworkingMode.VPC, "configuration": "net"}, "VPC"),
    "configurationName": ({"networking_mode": NetworkingMode.VPC, "configuration": "net"}, "net"),
    "engineSettings": ({"engine_settings": EngineSettings(engine_version="25.10")}, {"engineVersion": "25.10"}),
    "scratchStorageMode": ({"scratch_storage_mode": ScratchStorageMode.LOCAL}, "LOCAL"),
    "sessionPolicy": (
        {"session_policy": POLICY},
        '{"Statement":[{"Action":"logs:*","Effect":"Allow","Resource":"*"}]}',
    ),
    "tags": ({"tags": {"cohort": "7"}}, {"cohort": "7"}),
}
HANDLER_SETS = {"requestId"}


@pytest.fixture(scope="module")
def requests() -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """StartRun member -> the request (and tags) of the run whose argument sets it."""
    stack = new_stack()
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN)
    for member, (arguments, _) in TABLE.items():
        if member == "runId":
            WorkflowRun.duplicate(stack, member, run_id="7654321", role=role, output_uri="s3://b", outputs=False)
            continue
        defaults = {"workflow": Workflow.private("12"), "output_uri": "s3://b", "role": role, "outputs": False}
        WorkflowRun(stack, member, **(defaults | arguments))
    WorkflowRun(
        stack,
        "additional",
        workflow=Workflow.private("12"),
        output_uri="s3://b",
        role=role,
        additional_start_run_parameters={"futureMember": {"a": [1.0]}, "logLevel": "NEW"},
        log_level=LogLevel.ALL,
    )
    found: dict[str, tuple[dict[str, Any], dict[str, str]]] = {}
    for logical_id, resource in synthesized(stack)["Resources"].items():
        if resource["Type"] == RUN_TYPE:
            spec = parse_spec(deployed(resource["Properties"]))
            found[logical_id[:-8]] = (dict(spec.start_run), dict(spec.tags))
    return found


def test_the_table_names_every_member_that_botocore_knows() -> None:
    shape = botocore.session.get_session().get_service_model("omics").operation_model("StartRun").input_shape
    unknown = set(shape.members) - set(TABLE) - HANDLER_SETS

    assert not unknown, (
        f"StartRun has the new members {sorted(unknown)}: for each, add a property to START_RUN_MEMBERS in "
        "healthomics_run_handler/contract.py (an addition is no update of the runs that are deployed), an argument to "
        "WorkflowRun and RunOverrides, a field to RunSettings, its rules to validation.py, and a row to this table; "
        "until then additional_start_run_parameters sets them"
    )


def test_the_contract_names_the_same_members() -> None:
    assert set(contract.START_RUN_MEMBERS.values()) == set(TABLE) - {"tags"}


@pytest.mark.parametrize("member", TABLE)
def test_a_member_reaches_the_handler_as_given(
    member: str, requests: dict[str, tuple[dict[str, Any], dict[str, str]]]
) -> None:
    request, tags = requests[member]

    assert (tags if member == "tags" else request[member]) == TABLE[member][1]


def test_members_of_the_future_lie_over_the_rest(
    requests: dict[str, tuple[dict[str, Any], dict[str, str]]],
) -> None:
    request, _ = requests["additional"]

    assert request["futureMember"] == {"a": [1.0]}
    assert request["logLevel"] == "NEW"
