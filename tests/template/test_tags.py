"""Tags: those of the run, those of the stack, and what the service and the handler keep for themselves."""

import aws_cdk as cdk
import pytest

from cdk_healthomics import InvalidRunError, Workflow, WorkflowRun
from template.support import RUN_TYPE, new_stack, resources, run_properties, synthesized


def test_tags_of_the_run_and_of_its_scopes_reach_it() -> None:
    stack = new_stack()
    run = WorkflowRun(
        stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b", tags={"cohort": "7", "stage": "test"}
    )
    plain = WorkflowRun(stack, "Plain", workflow=Workflow.private("1"), output_uri="s3://b")
    cdk.Tags.of(stack).add("cost-center", "42")
    cdk.Tags.of(run).add("stage", "prod")
    cdk.Tags.of(plain).remove("cost-center", priority=300)
    found = {
        name[:3]: resource["Properties"].get("Tags")
        for name, resource in resources(synthesized(stack), RUN_TYPE).items()
    }

    assert found == {"Run": {"cohort": "7", "stage": "prod", "cost-center": "42"}, "Pla": None}


def test_a_run_can_be_kept_out_by_its_type() -> None:
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    cdk.Tags.of(stack).add("a", "b", exclude_resource_types=[RUN_TYPE])

    assert "Tags" not in run_properties(synthesized(stack))


def test_tags_that_cannot_be_fail_at_once_if_they_are_the_runs_own() -> None:
    with pytest.raises(InvalidRunError, match="begins with cdk-healthomics:"):
        WorkflowRun(
            new_stack(), "Run", workflow=Workflow.private("1"), output_uri="s3://b", tags={"cdk-healthomics:x": ""}
        )


def test_tags_that_cannot_be_fail_at_synth_if_they_come_from_a_scope() -> None:
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    for number in range(39):
        cdk.Tags.of(stack).add(f"k{number}", "v", include_resource_types=[RUN_TYPE])

    with pytest.raises(RuntimeError, match=r"\[Genomics/Run\] the run has 39 tags, but at most 38 are free"):
        synthesized(stack)
