"""Quotas of CloudFormation and IAM that only the whole stack can exceed."""

import re

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from cdk_healthomics import RunProvider, Workflow, WorkflowRun
from template.support import ACCOUNT, PROVIDER, REGION, app_of, new_stack, plain_run, resources, synthesized


def stack_with_outputs(others: int) -> cdk.Stack:
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    for number in range(others):
        cdk.CfnOutput(stack, f"Other{number}", value="x")
    return stack


def test_every_output_of_the_stack_counts() -> None:
    with pytest.raises(
        RuntimeError,
        match=r"the stack has 201 outputs, 2 of them of its runs, but CloudFormation allows 200: pass outp",
    ):
        synthesized(stack_with_outputs(199))


@pytest.mark.parametrize("place", ["stack", "nested"])
def test_outputs_for_other_stacks_count_and_are_named(place: str) -> None:
    stack = new_stack()
    runs_stack = stack if place == "stack" else cdk.NestedStack(stack, "Nested")
    other = cdk.Stack(app_of(stack), "Other", env=cdk.Environment(account=ACCOUNT, region=REGION))
    run = plain_run(runs_stack, outputs=False)
    arns = [run.run_arn, run.run_id, run.run_uuid, run.run_output_uri]
    cdk.CfnResource(other, "Use", type="Test::Of::Reference", properties={"Arns": arns})
    for number in range(196):
        cdk.CfnOutput(stack, f"Other{number}", value="x")
    assert len(synthesized(stack)["Outputs"]) == 200

    cdk.CfnOutput(stack, "Last", value="x")
    path = run.node.path
    said = (
        f"[Genomics] the stack has 201 outputs, 0 of them of its runs and 4 for other stacks, which refer to {path} "
        f"(RunArn), {path} (RunId), {path} (RunUuid) and 1 more, but CloudFormation allows 200: use another stack, or "
        "have the other stacks read parameters (run.publish)"
    )
    with pytest.raises(RuntimeError, match=re.escape(said)):
        app_of(stack).synth(force=True)


def test_a_stack_may_be_full_of_outputs() -> None:
    assert len(synthesized(stack_with_outputs(198))["Outputs"]) == 200


def test_outputs_of_other_stacks_do_not_count() -> None:
    stack = stack_with_outputs(198)
    nested = cdk.NestedStack(stack, "Nested")
    cdk.CfnOutput(nested, "Inner", value="x")
    cdk.CfnResource(nested, "Something", type="AWS::CloudFormation::WaitConditionHandle")

    assert len(synthesized(stack)["Outputs"]) == 200


def test_a_stack_whose_runs_have_no_outputs_is_none_of_our_business() -> None:
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b", outputs=False)
    for number in range(201):
        cdk.CfnOutput(stack, f"Other{number}", value="x")

    assert len(synthesized(stack)["Outputs"]) == 201


def stack_of_runs_that_share_nothing(runs: int, **options: int) -> cdk.Stack:
    stack = new_stack()
    RunProvider.configure(stack, **options)
    for number in range(runs):
        role = iam.Role.from_role_arn(stack, f"Role{number}", f"arn:aws:iam::123456789012:role/{'r' * 60}{number:03}")
        WorkflowRun(
            stack,
            f"Run{number}",
            workflow=Workflow.private(f"{10**17 + number}"),
            run_group=f"{10**17 + number}",
            cache=f"{10**17 + number}",
            output_uri="s3://b",
            role=role,
            outputs=False,
        )
    return stack


@pytest.mark.slow
def test_more_permissions_than_a_role_can_have_fail_with_the_cure() -> None:
    with pytest.raises(
        RuntimeError,
        match=r"needs 1\d managed policies .* IAM attaches 10 to a role: let runs share roles and workflows",
    ):
        synthesized(stack_of_runs_that_share_nothing(110))


@pytest.mark.slow
def test_a_raised_quota_of_policies_is_believed() -> None:
    template = synthesized(stack_of_runs_that_share_nothing(110, managed_policies=20))

    assert 10 < len([name for name in resources(template, "AWS::IAM::ManagedPolicy") if name.startswith(PROVIDER)]) < 20
