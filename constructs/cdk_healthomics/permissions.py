"""The IAM statements of the library: one function for each thing that a role may do.

Sources: service authorization reference of AWS HealthOmics; "Service roles for AWS HealthOmics" and "Cross-service
confused deputy prevention" of its user guide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_healthomics.jsii_protocols import as_principal, as_resource_with_policy

OMICS_PRINCIPAL: Final = "omics.amazonaws.com"

PULL_IMAGES: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What a run needs of the repository of an image."""

_OMICS: Final = "omics"
RUN_LOG_GROUP: Final = "/aws/omics/WorkflowLog"
"""The log group of all runs of an account and Region."""


def log_group_arn(stack: cdk.Stack, name: str) -> str:
    """A log group of the stack's account and Region."""
    return stack.format_arn(
        service="logs", resource="log-group", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )


def runs_arn(stack: cdk.Stack) -> str:
    """Every run of the stack's account and Region."""
    return stack.format_arn(service=_OMICS, resource="run", resource_name="*")


# The run role: what HealthOmics may do on behalf of a run.


def run_role_principal(stack: cdk.Stack) -> iam.IPrincipal:
    """HealthOmics, for runs of this account and Region only: nobody else's run can make it use the role."""
    return as_principal(
        iam.ServicePrincipal(
            OMICS_PRINCIPAL,
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": runs_arn(stack)},
            },
        )
    )


def write_run_logs(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    """What a run needs for its logs; the log group is the service's, one for the account and Region."""
    log_group = log_group_arn(stack, RUN_LOG_GROUP)
    return [
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[f"{log_group}:log-stream:*"],
        ),
        iam.PolicyStatement(actions=["logs:CreateLogGroup"], resources=[f"{log_group}:*"]),
    ]


@dataclass(frozen=True, slots=True)
class Access:
    """What a run may do with a bucket, with objects in it, or with a repository."""

    actions: Sequence[str]
    resources: Sequence[str]

    def grant_on(self, bucket: s3.IBucket, grantee: iam.IGrantable) -> None:
        """To the grantee, and in the bucket's policy too where that belongs to another account."""
        iam.Grant.add_to_principal_or_resource(
            grantee=grantee,
            actions=self.actions,
            resource_arns=self.resources,
            resource=as_resource_with_policy(bucket),
        )


def read_objects(bucket_arn: str, keys: Iterable[str] = ("",)) -> list[Access]:
    """Read the objects whose keys begin with one of ``keys``, and list the bucket.

    What begins with a key is more than one object: the index beside a file (``.fai``, ``.tbi``), a folder's content.
    """
    return [
        Access(["s3:GetObject"], [f"{bucket_arn}/{beginning}*" for beginning in keys]),
        _list_bucket(bucket_arn),
    ]


def write_objects(bucket_arn: str, key: str) -> list[Access]:
    """Write objects whose keys begin with ``key``, and list the bucket."""
    return [
        Access(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{bucket_arn}/{key}*"]),
        _list_bucket(bucket_arn),
    ]


def _list_bucket(bucket_arn: str) -> Access:
    # As the user guide has it, without a condition on the prefix: nobody knows how HealthOmics looks at a bucket.
    return Access(["s3:ListBucket"], [bucket_arn])


def pull_images_of(stack: cdk.Stack) -> iam.PolicyStatement:
    """For the policy of a repository: HealthOmics may pull, for this account and Region only."""
    return iam.PolicyStatement(
        principals=[as_principal(iam.ServicePrincipal(OMICS_PRINCIPAL))],
        actions=list(PULL_IMAGES),
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.format_arn(service=_OMICS, resource="*")},
        },
    )


# The provider's role: what the handler may do.


def manage_runs(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    """What every event may need: start, look up, tag and cancel runs, and look at the own stack."""
    return [
        iam.PolicyStatement(
            actions=[
                "omics:CancelRun",
                "omics:GetRun",
                "omics:StartRun",
                "omics:TagResource",
                "omics:UntagResource",
            ],
            resources=[runs_arn(stack)],
        ),
        # The service has no resource for it.
        iam.PolicyStatement(actions=["omics:ListRuns"], resources=["*"]),
        iam.PolicyStatement(
            actions=["cloudformation:DescribeStackResource", "cloudformation:DescribeStacks"],
            resources=[stack.stack_id],
        ),
    ]


def wait_for_runs(stack: cdk.Stack) -> list[iam.PolicyStatement]:
    """What a deployment that waits for runs needs: look at runs and at the own stack, and let it go on."""
    return [
        iam.PolicyStatement(actions=["omics:GetRun"], resources=[runs_arn(stack)]),
        iam.PolicyStatement(
            actions=[
                "cloudformation:DescribeStacks",
                "cloudformation:ListStackResources",
                "cloudformation:SignalResource",
            ],
            resources=[stack.stack_id],
        ),
    ]


def switch(rule_arn: str) -> iam.PolicyStatement:
    """Switch a rule on and off."""
    return iam.PolicyStatement(actions=["events:DisableRule", "events:EnableRule"], resources=[rule_arn])


def write_handler_logs(log_group_arn: str) -> iam.PolicyStatement:
    """Write to the function's own log group."""
    return iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group_arn])


def join_vpc(
    stack: cdk.Stack, *, subnet_ids: Iterable[str], security_group_ids: Iterable[str]
) -> list[iam.PolicyStatement]:
    """Have network interfaces in a VPC: what AWSLambdaVPCAccessExecutionRole has, on what is known of the VPC.

    Args:
        stack: The stack of the function.
        subnet_ids: Where the interfaces are; empty if nobody knows at synth.
        security_group_ids: What they are in; empty if nobody knows.
    """
    interfaces = stack.format_arn(service="ec2", resource="network-interface", resource_name="*")

    def arns(resource: str, ids: Iterable[str]) -> list[str]:
        # Subnets and security groups may be shared by another account, which is then the one in their ARNs.
        return [
            stack.format_arn(service="ec2", account="*", resource=resource, resource_name=each) for each in ids or ["*"]
        ]

    return [
        iam.PolicyStatement(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[interfaces],
        ),
        iam.PolicyStatement(
            actions=["ec2:CreateNetworkInterface"],
            resources=[*arns("subnet", subnet_ids), *arns("security-group", security_group_ids)],
        ),
        # The service has no resource for these.
        iam.PolicyStatement(actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"], resources=["*"]),
    ]


def start_from() -> iam.PolicyStatement:
    """Start runs from the workflows, run groups, caches and configurations that are added as its resources."""
    return iam.PolicyStatement(actions=["omics:StartRun"])


def pass_run_roles() -> iam.PolicyStatement:
    """Hand the roles that are added as its resources to HealthOmics, and to nobody else."""
    return iam.PolicyStatement(
        actions=["iam:PassRole"], conditions={"StringEquals": {"iam:PassedToService": OMICS_PRINCIPAL}}
    )


def delete_run_records(stack: cdk.Stack) -> iam.PolicyStatement:
    """Delete the records of runs."""
    return iam.PolicyStatement(actions=["omics:DeleteRun"], resources=[runs_arn(stack)])


def any_of_account(stack: cdk.Stack, kind: str) -> list[str]:
    """Any HealthOmics resource of a kind in the account, for a run that copies another one, of which nobody knows."""
    return [stack.format_arn(service=_OMICS, resource=kind, resource_name="*")]


def any_workflow(stack: cdk.Stack) -> list[str]:
    """Any workflow of the account and any Ready2Run workflow. See ``any_of_account``."""
    ready2run = stack.format_arn(service=_OMICS, account="", resource="workflow", resource_name="*")
    return [*any_of_account(stack, "workflow"), ready2run]


# What EventBridge may do with the log group that keeps the events of runs.


def record_events(stack: cdk.Stack, log_group_name: str) -> iam.PolicyStatement:
    """Write to the log group, for rules of this account and Region."""
    return iam.PolicyStatement(
        principals=[as_principal(iam.ServicePrincipal("events.amazonaws.com"))],
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[f"{log_group_arn(stack, log_group_name)}:*"],
        conditions={
            "ArnLike": {"aws:SourceArn": stack.format_arn(service="events", resource="rule", resource_name="*")}
        },
    )
