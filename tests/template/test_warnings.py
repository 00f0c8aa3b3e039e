"""Warnings and infos at synth, with stable ids, and they can be acknowledged.

No warning for usual runs, one for each costly choice; an info for what defaults mean, once in a stack.
"""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from constructs import Construct

from cdk_healthomics import LogLevel, RetentionMode, Workflow, WorkflowRun
from template.support import app_of, infos, new_stack, warnings

ID = "@cdk-healthomics/workflow-run:logsOff"
RETAINED = "@cdk-healthomics/workflow-run:runsAreRetained"
NO_GROUP = "@cdk-healthomics/workflow-run:noRunGroup"


def run_in(scope: Construct, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    return WorkflowRun(scope, construct_id, workflow=Workflow.private("1"), output_uri="s3://b", **arguments)


def given(stack: cdk.Stack) -> list[tuple[str, str]]:
    """Path and id of the infos of the app."""
    return [(info.partition(" ")[0], info.rpartition("[ack: ")[2].rstrip("]")) for info in infos(stack)]


def test_a_usual_run_warns_of_nothing() -> None:
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")

    assert warnings(stack) == []


def test_a_costly_choice_warns_under_a_stable_id_that_can_be_acknowledged() -> None:
    stack = new_stack()
    WorkflowRun(stack, "Loud", workflow=Workflow.private("1"), output_uri="s3://b", log_level=LogLevel.OFF)
    quiet = WorkflowRun(stack, "Quiet", workflow=Workflow.private("1"), output_uri="s3://b", log_level=LogLevel.OFF)
    cdk.Annotations.of(quiet).acknowledge_warning(ID, "this run never fails")
    (warning,) = warnings(stack)

    assert warning.startswith("/Genomics/Loud log_level is OFF")
    assert f"[ack: {ID}]" in warning


def test_what_the_defaults_mean_is_said_once_in_each_stack() -> None:
    stack = new_stack()
    other = cdk.Stack(app_of(stack), "Other")
    for number in range(3):
        run_in(stack, f"Run{number}")
    run_in(other)

    assert sorted(given(stack)) == sorted(
        (path, info) for path in ("/Genomics", "/Other") for info in (RETAINED, NO_GROUP)
    )
    assert warnings(stack) == []


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({"retention_mode": RetentionMode.REMOVE}, {NO_GROUP}),
        ({"retention_mode": RetentionMode.RETAIN}, {NO_GROUP}),
        ({"run_group": "7"}, {RETAINED}),
        ({"retention_mode": "REMOVE", "run_group": "7"}, set()),
        ({"additional_start_run_parameters": {"retentionMode": "A_NEW_ONE"}}, {NO_GROUP}),
    ],
)
def test_a_choice_is_not_commented_on(arguments: dict[str, Any], left: set[str]) -> None:
    stack = new_stack()
    run_in(stack, **arguments)

    assert {info for _, info in given(stack)} == left


def test_a_copy_has_the_settings_of_the_copied_run() -> None:
    stack = new_stack()
    role = iam.Role.from_role_name(stack, "Role", "runs")
    WorkflowRun.duplicate(stack, "Again", run_id="7", role=role, output_uri="s3://b")

    assert given(stack) == []


@pytest.mark.parametrize("first", ["acknowledge", "run"])
def test_an_info_can_be_acknowledged_for_the_stack(first: str) -> None:
    stack = new_stack()
    if first == "run":
        run_in(stack, "First")
    cdk.Annotations.of(stack).acknowledge_info(RETAINED, "we delete records by a schedule")
    run_in(stack, "Second")

    assert given(stack) == [("/Genomics", NO_GROUP)]


def ids(stack: cdk.Stack) -> list[str]:
    """Ids of the warnings of the app."""
    return [each.rpartition("[ack: ")[2].rstrip("]") for each in warnings(stack)]


def test_a_policy_document_without_logs_warns_once_it_is_complete() -> None:
    without, completed, quiet = new_stack(), new_stack(), new_stack()
    reading = iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"])
    document = iam.PolicyDocument(statements=[reading])
    run_in(without, session_policy=iam.PolicyDocument(statements=[reading]))
    run_in(completed, session_policy=document)
    document.add_statements(iam.PolicyStatement(actions=["logs:*"], resources=["*"]))
    run = run_in(quiet, session_policy=iam.PolicyDocument(statements=[reading]))
    cdk.Annotations.of(run).acknowledge_warning("@cdk-healthomics/workflow-run:sessionPolicyWithoutLogs")

    assert ids(without) == ["@cdk-healthomics/workflow-run:sessionPolicyWithoutLogs"]
    assert ids(completed) == ids(quiet) == []


def test_a_cache_that_nobody_knows_at_synth_warns_if_the_role_is_the_librarys() -> None:
    named, additional, known, own_role = new_stack(), new_stack(), new_stack(), new_stack()
    run_in(named, cache="5")
    run_in(additional, additional_start_run_parameters={"cacheId": "5"})
    run_in(known, cache=omics.CfnRunCache(known, "Cache", cache_s3_location="s3://caches/x"))
    run_in(own_role, cache="5", role=iam.Role.from_role_name(own_role, "Role", "runs"))

    assert ids(named) == ids(additional) == ["@cdk-healthomics/workflow-run:cacheNotGranted"]
    assert ids(known) == ids(own_role) == []
