"""The IAM statements of the library: one function for each thing that a role may do.

Sources: service authorization reference of AWS HealthOmics; "Service roles for AWS HealthOmics" and "Cross-service
confused deputy prevention" of its user guide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from cdk_healthomics.jsii_protocols import as_principal, as_resource_with_policy

if TYPE_CHECKING:
    from cdk_healthomics.workflow import SourceRun

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
class BucketAccess:
    """What a run may do with a bucket or with the objects in it."""

    actions: Sequence[str]
    resources: Sequence[str]

    def statement(self) -> iam.PolicyStatement:
        """As a statement of the role's policy."""
        return iam.PolicyStatement(actions=self.actions, resources=self.resources)

    def grant(self, grantee: iam.IGrantable, bucket: s3.IBucket) -> None:
        """To the grantee, and in the bucket's policy too where that belongs to another account."""
        iam.Grant.add_to_principal_or_resource(
            grantee=grantee,
            actions=self.actions,
            resource_arns=self.resources,
            resource=as_resource_with_policy(bucket),
        )


def read_objects(bucket_arn: str, keys: Iterable[str] = ("",)) -> list[BucketAccess]:
    """Read the objects whose keys begin with one of ``keys``, and list the bucket."""
    return [
        BucketAccess(["s3:GetObject"], [f"{bucket_arn}/{beginning}*" for beginning in keys]),
        _list_bucket(bucket_arn),
    ]


def write_objects(bucket_arn: str, prefix: str) -> list[BucketAccess]:
    """Write objects under a prefix, and list the bucket."""
    folder = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    return [
        BucketAccess(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{bucket_arn}/{folder}*"]),
        _list_bucket(bucket_arn),
    ]


def _list_bucket(bucket_arn: str) -> BucketAccess:
    # As the user guide has it, without a condition on the prefix: nobody knows how HealthOmics looks at a bucket.
    return BucketAccess(["s3:ListBucket"], [bucket_arn])


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


def join_vpc() -> iam.PolicyStatement:
    """Have network interfaces in a VPC, as AWSLambdaVPCAccessExecutionRole has it."""
    return iam.PolicyStatement(
        actions=[
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ],
        resources=["*"],
    )


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


def source_run_arns(source: "SourceRun", stack: cdk.Stack) -> list[str]:
    """What a run may be started from when it copies another one, whose settings nobody knows at synth.

    Any workflow of the account and any Ready2Run workflow (unless the workflow is given), and any run group, run cache
    and configuration of the account.
    """
    copied = [
        stack.format_arn(service=_OMICS, resource=resource, resource_name="*")
        for resource in ("configuration", "runCache", "runGroup")
    ]
    if source.workflow is not None:
        return [*source.workflow.arns(stack), *copied]
    workflows = stack.format_arn(service=_OMICS, resource="workflow", resource_name="*")
    ready2run = stack.format_arn(service=_OMICS, account="", resource="workflow", resource_name="*")
    return [workflows, ready2run, *copied]


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
