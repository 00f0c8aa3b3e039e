"""A Lambda function that works for the runs of a stack, with its role and its log group, as the options ask for it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from cdk_healthomics import linters, permissions
from cdk_healthomics.jsii_protocols import as_principal, as_role
from cdk_healthomics.linters import acknowledge_wildcards
from cdk_healthomics.provider_options import ProviderOptions

LONGEST_TIMEOUT: Final = cdk.Duration.minutes(15)
"""Lambda's limit."""

_RUNTIME: Final = lambda_.Runtime.PYTHON_3_14
_NETWORK_REASON: Final = (
    "Lambda gives the function its network interfaces, and knows them only then; to describe them has no resource; "
    "a subnet or a security group may be one that another account shares"
)
_TRACES_REASON: Final = "X-Ray has no resource for the traces of a function"


class StackFunction:
    """The function and what belongs to it, as children of the construct that it is for.

    The ids of the children are a permanent contract: CloudFormation refuses to update a custom resource whose function
    has another logical id.
    """

    function: lambda_.Function
    retries: IDependable
    """How often Lambda delivers an event again; the first event must not come before it is set."""
    role: iam.Role
    log_group: logs.ILogGroup

    def __init__(
        self,
        scope: Construct,
        options: ProviderOptions,
        *,
        what_for: str,
        code: Path,
        handler: str,
        timeout: cdk.Duration,
        statements: Iterable[iam.PolicyStatement],
        reason: str,
    ) -> None:
        """Define the function.

        Args:
            scope: Whose children the resources are.
            options: How the functions of the stack are set up.
            what_for: What the function does, as a sentence without its end.
            code: Folder with the code.
            handler: Lambda's handler.
            timeout: Of the function.
            statements: What the function may do, beside writing its logs.
            reason: Why a statement names resources with a wildcard.
        """
        self.log_group = options.log_group or _new_log_group(scope, options)
        self.role = iam.Role(
            scope,
            "Role",
            assumed_by=as_principal(iam.ServicePrincipal("lambda.amazonaws.com")),
            description=f"{what_for} (cdk-healthomics)",
            permissions_boundary=options.permissions_boundary,
        )
        linters.acknowledge_inline_policy(self.role)
        for statement in (permissions.write_handler_logs(self.log_group.log_group_arn), *statements):
            self.allow(statement, reason)
        self.function = lambda_.Function(
            scope,
            "Function",
            description=f"{what_for} (cdk-healthomics)",
            code=lambda_.Code.from_asset(str(code)),
            handler=handler,
            runtime=_RUNTIME,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=options.memory_size,
            timeout=timeout,
            role=as_role(self.role),
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            vpc=options.vpc,
            vpc_subnets=options.vpc_subnets,
            security_groups=list(options.security_groups) or None,
            environment_encryption=options.environment_encryption,
            tracing=options.tracing,
            reserved_concurrent_executions=options.reserved_concurrent_executions,
            # Safe, because an event that is delivered again does nothing twice; and without a retry a crash would leave
            # CloudFormation waiting for an hour.
            retry_attempts=2,
            max_event_age=cdk.Duration.hours(1),
        )
        # The function may be otherwise than it was asked to be: property injectors change what constructs are given.
        if self.function.is_bound_to_vpc:
            for statement in _join_vpc(self.function, options):
                self.allow(statement, _NETWORK_REASON)
        if options.tracing not in (None, lambda_.Tracing.DISABLED):
            acknowledge_wildcards(self.role, ["*"], _TRACES_REASON)
        linters.acknowledge_function(
            self.function,
            in_vpc=self.function.is_bound_to_vpc,
            reserved_concurrency=options.reserved_concurrent_executions is not None,
        )
        self.retries = self.function.node.try_find_child("EventInvokeConfig") or self.function

    def allow(self, statement: iam.PolicyStatement, reason: str) -> None:
        """Let the function do something; ``reason`` is for the resources with a wildcard."""
        self.role.add_to_policy(statement)
        acknowledge_wildcards(self.role, statement.resources, reason)


def _join_vpc(function: lambda_.Function, options: ProviderOptions) -> list[iam.PolicyStatement]:
    # A VPC that a property injector has given is not among the options, and the function does not tell its subnets.
    subnets: list[str] = []
    if options.vpc is not None:
        chosen = options.vpc_subnets or ec2.SubnetSelection()
        subnets = options.vpc.select_subnets(
            availability_zones=chosen.availability_zones,
            one_per_az=chosen.one_per_az,
            subnet_filters=chosen.subnet_filters,
            subnet_group_name=chosen.subnet_group_name,
            subnets=chosen.subnets,
            subnet_type=chosen.subnet_type,
        ).subnet_ids
    return permissions.join_vpc(
        cdk.Stack.of(function),
        subnet_ids=subnets,
        security_group_ids=[group.security_group_id for group in function.connections.security_groups],
    )


def _new_log_group(scope: Construct, options: ProviderOptions) -> logs.ILogGroup:
    log_group = logs.LogGroup(
        scope,
        "Logs",
        retention=options.log_retention or logs.RetentionDays.ONE_MONTH,
        removal_policy=options.removal_policy or cdk.RemovalPolicy.DESTROY,
    )
    linters.acknowledge_log_group(log_group, linters.HANDLER_LOGS_REASON)
    return log_group
