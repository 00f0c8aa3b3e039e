"""How the Lambda function behind the runs of a stack is set up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from cdk_healthomics.kinds import Kind, each, has, instance, type_problems, whole

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms

MANAGED_POLICIES: Final = 10
"""Managed policies of a role: IAM's default quota."""

_MANAGED_POLICIES_LIMIT: Final = 20
"""What IAM raises the quota to on request."""

_SHORTEST_TIMEOUT: Final = 60
_LONGEST_TIMEOUT: Final = 900
_SMALLEST_MEMORY: Final = 128
_LARGEST_MEMORY: Final = 10_240


_KINDS: Final = {
    "vpc": Kind(has("vpc_id"), "a Vpc"),
    "vpc_subnets": Kind(instance(ec2.SubnetSelection, Mapping), "an ec2.SubnetSelection"),
    "security_groups": Kind(each(has("security_group_id")), "a list of SecurityGroups", optional=False),
    "log_group": Kind(has("log_group_arn"), "a LogGroup"),
    "log_retention": Kind(instance(logs.RetentionDays), "logs.RetentionDays"),
    "removal_policy": Kind(instance(cdk.RemovalPolicy), "cdk.RemovalPolicy"),
    "environment_encryption": Kind(has("key_arn"), "a Key of KMS"),
    "memory_size": Kind(whole, "a whole number of MiB", optional=False),
    "timeout": Kind(instance(cdk.Duration), "a Duration, such as cdk.Duration.minutes(5)"),
    "permissions_boundary": Kind(has("managed_policy_arn"), "a ManagedPolicy"),
    "tracing": Kind(instance(lambda_.Tracing), "lambda_.Tracing"),
    "reserved_concurrent_executions": Kind(whole, "a whole number"),
    "managed_policies": Kind(whole, "a whole number", optional=False),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderOptions:
    """What ``RunProvider.configure`` takes; the defaults are those of a stack that is not configured."""

    vpc: "ec2.IVpc | None" = None
    vpc_subnets: "ec2.SubnetSelection | None" = None
    security_groups: "tuple[ec2.ISecurityGroup, ...]" = ()
    log_group: "logs.ILogGroup | None" = None
    log_retention: logs.RetentionDays | None = None
    removal_policy: cdk.RemovalPolicy | None = None
    environment_encryption: "kms.IKey | None" = None
    memory_size: int = 256
    timeout: cdk.Duration | None = None
    permissions_boundary: "iam.IManagedPolicy | None" = None
    tracing: lambda_.Tracing | None = None
    reserved_concurrent_executions: int | None = None
    managed_policies: int = MANAGED_POLICIES

    def differences(self, other: "ProviderOptions") -> list[str]:
        """Names of the options that are not the same; constructs are the same if they are one object."""
        return [field.name for field in fields(self) if _plain(self, field.name) != _plain(other, field.name)]

    def problems(self) -> Iterator[str]:
        """What cannot be."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        wrong_types = list(type_problems(values, _KINDS))
        yield from wrong_types or self._value_problems()

    def _value_problems(self) -> Iterator[str]:
        if self.removal_policy == cdk.RemovalPolicy.SNAPSHOT:
            yield "removal_policy is SNAPSHOT, but there are no snapshots of log groups: use RETAIN or DESTROY"
        if self.vpc is None:
            for name in ("vpc_subnets", "security_groups"):
                if getattr(self, name):
                    yield f"{name} is given, but no vpc: give vpc, or drop it"
        if self.log_group is not None:
            for name in ("log_retention", "removal_policy"):
                if getattr(self, name) is not None:
                    yield f"{name} is given, but log_group is not defined here: set it on that log group"
        yield from _range_problem("memory_size (MiB)", self.memory_size, _SMALLEST_MEMORY, _LARGEST_MEMORY)
        yield from _range_problem("managed_policies", self.managed_policies, MANAGED_POLICIES, _MANAGED_POLICIES_LIMIT)
        if self.reserved_concurrent_executions is not None:
            yield from _range_problem("reserved_concurrent_executions", self.reserved_concurrent_executions, 1, None)
        if self.timeout is not None and not self.timeout.is_unresolved():
            yield from _range_problem(
                "timeout (seconds)", int(self.timeout.to_seconds()), _SHORTEST_TIMEOUT, _LONGEST_TIMEOUT
            )


def _range_problem(what: str, value: int, least: int, most: int | None) -> Iterator[str]:
    if cdk.Token.is_unresolved(value):
        return
    if value < least or (most is not None and value > most):
        yield f"{what} is {value:,}: use {least:,} {'or more' if most is None else f'to {most:,}'}"


def _plain(options: ProviderOptions, name: str) -> object:
    """An option as something that can be compared."""
    value: object = getattr(options, name)
    if isinstance(value, cdk.Duration) and not value.is_unresolved():
        return value.to_seconds()
    return value
