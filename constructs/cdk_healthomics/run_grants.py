"""Permissions on a run, for functions, users and state machines that look after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_healthomics.linters import acknowledge_wildcards
from cdk_healthomics.permissions import runs_arn
from healthomics_run_handler import ledger

_OMICS: Final = "omics"
_REASON: Final = (
    "the statement's condition leaves only the runs of one resource; naming the run would make the permission wait for "
    "it, and the run waits for the rules whose targets need the permission. A task's ARN exists only once it has "
    "started, and reading one takes permission on its run too"
)

Conditions = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResources:
    """How a policy names a run."""

    run_arns: str
    """The run's ARN, or every run that the conditions leave."""

    task_arns: str
    """The tasks of these runs, and others: tasks are named by ids of their own."""

    conditions: Conditions
    """What else must hold, operator -> condition key -> value."""


class WorkflowRunGrants:
    """Permissions on a run. ``run.grants`` has them.

    On a run of the app they are for whatever run the resource stands for, so they stay right when it is replaced: the
    condition is on the tags that the handler gives its runs. On an imported run they are for its ARN.

    Example:
        >>> import aws_cdk as cdk
        >>> from aws_cdk import aws_iam as iam
        >>> from cdk_healthomics import Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> operators = iam.Group(stack, "Operators")
        >>> grants = [run.grants.read(operators), run.grants.cancel(operators)]
    """

    def __init__(self, resources: RunResources) -> None:
        self._resources = resources

    def read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody look at the run and at its tasks.

        Args:
            grantee: Who may: a role, a user, a function, …

        Returns:
            The grant, of ``omics:GetRun``, ``ListRunTasks`` and ``GetRunTask``.
        """
        tasks = self._grant(grantee, ["omics:GetRunTask"], self._resources.task_arns, {})
        return self._on_run(grantee, ["omics:GetRun", "omics:GetRunTask", "omics:ListRunTasks"]).combine(tasks)

    def cancel(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody cancel the run.

        A cancelled run stays cancelled: CloudFormation does not notice, and starts no other.

        Args:
            grantee: Who may: a role, a user, a function, …

        Returns:
            The grant, of ``omics:CancelRun``.
        """
        return self._on_run(grantee, ["omics:CancelRun"])

    def _on_run(self, grantee: iam.IGrantable, actions: Sequence[str]) -> iam.Grant:
        return self._grant(grantee, actions, self._resources.run_arns, self._resources.conditions)

    def _grant(self, grantee: iam.IGrantable, actions: Sequence[str], arn: str, conditions: Conditions) -> iam.Grant:
        principal = grantee.grant_principal
        if isinstance(principal, iam.Role):
            acknowledge_wildcards(principal, [arn], _REASON)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=actions,
            resource_arns=[arn],
            conditions=conditions or None,
        )


def task_arns(stack: cdk.Stack) -> str:
    """Every task of the stack's account and Region."""
    return stack.format_arn(service=_OMICS, resource="task", resource_name="*")


def runs_of(resource: cdk.CustomResource) -> RunResources:
    """Every run that a resource has started, by the tags that the handler gives them.

    Not by the run's ARN: whoever names that waits for the run, and the run waits for the rules about it, whose targets
    may be the ones to get the permission.
    """
    stack = cdk.Stack.of(resource)
    logical_id = cast("cdk.CfnElement", resource.node.default_child).logical_id
    if stack.nested_stack_parent is None:
        # With the name, which other stacks can say without an export. Nobody but AWS puts what follows it.
        stack_arn = stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{stack.stack_name}/*")
    else:
        stack_arn = stack.stack_id
    return RunResources(
        run_arns=runs_arn(stack),
        task_arns=task_arns(stack),
        conditions={
            "StringEquals": {f"aws:ResourceTag/{ledger.LOGICAL_ID}": logical_id},
            "StringLike": {f"aws:ResourceTag/{ledger.STACK_ID}": stack_arn},
        },
    )
