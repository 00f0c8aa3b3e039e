"""Stacks full of runs."""

import json

import pytest
from aws_cdk import aws_iam as iam

from cdk_healthomics import InvalidRunError, Workflow, WorkflowRun
from template.support import PROVIDER, RUN_TYPE, new_stack, resources, synthesized

pytestmark = pytest.mark.slow

RESOURCES_LIMIT = 500
TEMPLATE_LIMIT = 1_000_000
INLINE_POLICY_LIMIT = 10_240
MANAGED_POLICY_LIMIT = 6_144
MANAGED_POLICIES_LIMIT = 10


@pytest.mark.slow
def test_a_stack_has_room_for_490_runs() -> None:
    stack = new_stack()
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))
    for number in range(490):
        WorkflowRun(
            stack,
            f"Sample{number}",
            workflow=Workflow.private("1234567"),
            output_uri=f"s3://results/cohort/sample-{number}",
            role=role,
            parameters={"sample": f"NA{number:05}", "reads": [f"s3://data/{number}_{end}.fq.gz" for end in (1, 2)]},
            outputs=False,
        )
    template = synthesized(stack)

    assert len(resources(template, RUN_TYPE)) == 490
    assert len(template["Resources"]) <= RESOURCES_LIMIT
    assert len(json.dumps(template)) < TEMPLATE_LIMIT / 2


@pytest.mark.slow
def test_policies_stay_within_the_limits_of_iam_for_as_many_runs_with_roles_as_a_stack_takes() -> None:
    stack = new_stack()
    for number in range(160):
        WorkflowRun(stack, f"S{number}", workflow=Workflow.private("1234567"), output_uri="s3://results", outputs=False)
    template = synthesized(stack)
    managed = resources(template, "AWS::IAM::ManagedPolicy")
    inline = resources(template, "AWS::IAM::Policy")
    (function,) = resources(template, "AWS::Lambda::Function").values()

    assert len(template["Resources"]) <= RESOURCES_LIMIT
    assert 0 < len(managed) <= MANAGED_POLICIES_LIMIT
    assert set(managed) <= set(function["DependsOn"])
    # An ARN of a role has 80 characters where the template has a reference of 45 to it.
    assert all(len(json.dumps(policy["Properties"])) * 2 < MANAGED_POLICY_LIMIT for policy in managed.values())
    assert all(
        len(json.dumps(policy["Properties"])) * 2 < INLINE_POLICY_LIMIT
        for name, policy in inline.items()
        if name.startswith(PROVIDER)
    )


def test_more_outputs_than_a_stack_may_have_fail_with_the_cure() -> None:
    stack = new_stack()
    role = iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/run")
    for number in range(100):
        WorkflowRun(stack, f"R{number}", workflow=Workflow.private("1"), output_uri="s3://b", role=role)

    with pytest.raises(InvalidRunError, match=r"at most 200 outputs.*pass outputs=False"):
        WorkflowRun(stack, "TooMany", workflow=Workflow.private("1"), output_uri="s3://b", role=role)
    WorkflowRun(stack, "Silent", workflow=Workflow.private("1"), output_uri="s3://b", role=role, outputs=False)
