"""What a user reads when a run cannot be: the construct's path, and everything that is wrong."""

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_healthomics import InvalidRunError, Workflow, WorkflowRun
from template.support import new_stack, synthesized

PRIVATE = Workflow.private("1")


def test_an_error_names_the_construct_and_every_problem() -> None:
    scope = Construct(new_stack(), "Cohort")

    with pytest.raises(InvalidRunError) as caught:
        WorkflowRun(
            scope, "Run", workflow=PRIVATE, output_uri="s3://b", priority=-1, log_level="LOUD", export_name_prefix="_"
        )

    assert caught.value.path == "Genomics/Cohort/Run"
    assert len(caught.value.problems) == 3
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == ["Genomics/Cohort/Run"] * 3
    assert isinstance(caught.value, ValueError)


def test_a_run_has_exactly_one_place_for_its_outputs() -> None:
    stack = new_stack()
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "results")

    with pytest.raises(InvalidRunError, match="neither is given: give output_uri or output_bucket"):
        WorkflowRun(stack, "Neither", workflow=PRIVATE)
    with pytest.raises(InvalidRunError, match="both are given"):
        WorkflowRun(stack, "Both", workflow=PRIVATE, output_uri="s3://b", output_bucket=bucket)
    with pytest.raises(InvalidRunError, match="it belongs to output_bucket: put it into output_uri"):
        WorkflowRun(stack, "Prefix", workflow=PRIVATE, output_uri="s3://b", output_prefix="p")
    with pytest.raises(InvalidRunError, match="leave out the slash before it"):
        WorkflowRun(stack, "Slash", workflow=PRIVATE, output_bucket=bucket, output_prefix="/p")


def test_a_bucket_without_a_prefix_is_a_place_for_outputs() -> None:
    stack = new_stack()
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "results")
    WorkflowRun(stack, "Root", workflow=PRIVATE, output_bucket=bucket)
    template = synthesized(stack)

    assert [
        resource["Properties"]["OutputUri"]
        for resource in template["Resources"].values()
        if resource["Type"] == "Custom::HealthOmicsRun"
    ] == ["s3://results"]


def test_a_role_with_a_long_path_fails() -> None:
    stack = new_stack()
    arn = f"arn:aws:iam::123456789012:role/{'path/' * 20}run"

    with pytest.raises(InvalidRunError, match="has 134 characters, but HealthOmics takes at most 128"):
        WorkflowRun(
            stack, "Run", workflow=PRIVATE, output_uri="s3://b", role=iam.Role.from_role_arn(stack, "Role", arn)
        )


def test_a_policy_document_whose_length_only_the_deployment_knows_is_not_measured() -> None:
    stack = new_stack()
    long = iam.PolicyStatement(actions=["logs:*"], resources=[f"arn:{stack.partition}:{'x' * 2048}"])
    document = iam.PolicyDocument(statements=[long])
    WorkflowRun(stack, "Run", workflow=PRIVATE, output_uri="s3://b", session_policy=document)

    synthesized(stack)


def test_a_policy_document_that_grew_too_long_fails_at_synth() -> None:
    stack = new_stack()
    document = iam.PolicyDocument()
    WorkflowRun(stack, "Run", workflow=PRIVATE, output_uri="s3://b", session_policy=document)
    document.add_statements(iam.PolicyStatement(actions=["logs:*"], resources=[f"arn:{'x' * 2048}"]))

    with pytest.raises(RuntimeError, match=r"\[Genomics/Run\] session_policy has \d+ characters"):
        synthesized(stack)
