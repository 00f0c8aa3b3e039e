"""What a user reads when a run cannot be: the construct's path, and everything that is wrong."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_healthomics import InvalidRunError, Workflow, WorkflowRun
from template.support import ACCOUNT, REGION, app_of, new_stack, plain_run, synthesized

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


def test_of_a_policy_document_what_is_known_is_measured() -> None:
    stack = new_stack()
    long = iam.PolicyStatement(actions=["logs:*"], resources=[f"arn:{stack.partition}:{'x' * 2048}"])
    document = iam.PolicyDocument(statements=[long])
    WorkflowRun(stack, "Run", workflow=PRIVATE, output_uri="s3://b", session_policy=document)

    with pytest.raises(RuntimeError, match="session_policy has 2142 characters"):
        synthesized(stack)


def test_a_policy_document_that_stays_empty_fails_at_synth() -> None:
    """The run would have all that its role allows."""
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=PRIVATE, output_uri="s3://b", session_policy=iam.PolicyDocument())

    with pytest.raises(RuntimeError, match=r"\[Genomics/Run\] session_policy has no statement"):
        synthesized(stack)


def test_names_of_exports_need_outputs() -> None:
    with pytest.raises(InvalidRunError, match="outputs is False, so that there is nothing to export"):
        plain_run(new_stack(), outputs=False, export_name_prefix="x-")


def test_what_a_run_uses_is_within_its_reach() -> None:
    stack = new_stack()
    abroad = cdk.Stack(app_of(stack), "Abroad", env=cdk.Environment(account=ACCOUNT, region="eu-west-1"))
    foreign = cdk.Stack(app_of(stack), "Foreign", env=cdk.Environment(account="210987654321", region=REGION))
    bucket = s3.Bucket.from_bucket_attributes(stack, "There", bucket_name="results", region="eu-west-1")
    uses: dict[str, tuple[dict[str, Any], str]] = {
        "Bucket": (
            {"output_uri": None, "output_bucket": bucket},
            "output_bucket is in Region eu-west-1, but the run is in us-east-1",
        ),
        "Role": (
            {"role": iam.Role.from_role_arn(stack, "Theirs", "arn:aws:iam::210987654321:role/x")},
            "role is of account 210987654321, but the run is in 123456789012",
        ),
        "Group": ({"run_group": omics.CfnRunGroup(abroad, "Group")}, "run_group is in Region eu-west-1"),
        "Cache": (
            {"cache": omics.CfnRunCache(foreign, "Cache", cache_s3_location="s3://caches/x")},
            "cache is in account 210987654321, but the run is in 123456789012",
        ),
        "Network": (
            {"configuration": omics.CfnConfiguration(foreign, "N", name="n", run_configurations={})},
            "configuration is in account 210987654321",
        ),
    }
    for name, (arguments, message) in uses.items():
        with pytest.raises(InvalidRunError, match=message) as caught:
            plain_run(stack, name, **arguments)
        assert len(caught.value.problems) == 1


def test_a_policy_document_that_grew_too_long_fails_at_synth() -> None:
    stack = new_stack()
    document = iam.PolicyDocument()
    WorkflowRun(stack, "Run", workflow=PRIVATE, output_uri="s3://b", session_policy=document)
    document.add_statements(iam.PolicyStatement(actions=["logs:*"], resources=[f"arn:{'x' * 2048}"]))

    with pytest.raises(RuntimeError, match=r"\[Genomics/Run\] session_policy has \d+ characters"):
        synthesized(stack)
