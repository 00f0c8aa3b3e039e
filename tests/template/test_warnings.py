"""Warnings at synth: none for usual runs, one with a stable id for a costly choice, and they can be acknowledged."""

import aws_cdk as cdk

from cdk_healthomics import LogLevel, Workflow, WorkflowRun
from template.support import new_stack, warnings

ID = "@cdk-healthomics/workflow-run:logsOff"


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
