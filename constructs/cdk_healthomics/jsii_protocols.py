"""CDK objects as the interfaces that they implement.

In Python jsii's interfaces are protocols, and some classes name a parameter otherwise than the protocol does; a strict
type checker then refuses what works. The casts are here, and nowhere else.
"""

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_events as events
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_s3 as s3
    from aws_cdk.interfaces import aws_events as events_refs
    from constructs import Construct


class RuleTarget(Protocol):
    """What a rule invokes: every class of ``aws_events_targets``."""

    def bind(self, rule: "events_refs.IRuleRef", rule_id: str | None = None, /) -> "events.RuleTargetConfig":
        """As ``events.IRuleTarget`` has it, whatever the parameters are called."""
        ...


class AlarmAction(Protocol):
    """What an alarm does: every class of ``aws_cloudwatch_actions``."""

    def bind(self, scope: "Construct", alarm: "cloudwatch.IAlarm", /) -> "cloudwatch.AlarmActionConfig":
        """As ``cloudwatch.IAlarmAction`` has it, whatever the parameters are called."""
        ...


def as_role(role: "iam.Role | iam.IRole") -> "iam.IRole":
    """A role as IRole."""
    return cast("iam.IRole", role)


def as_principal(principal: "iam.PrincipalBase") -> "iam.IPrincipal":
    """A principal as IPrincipal."""
    return cast("iam.IPrincipal", principal)


def as_resource_with_policy(bucket: "s3.IBucket") -> "iam.IResourceWithPolicyV2":
    """A bucket as a resource with a policy."""
    return cast("iam.IResourceWithPolicyV2", bucket)


def as_rule_target(target: RuleTarget) -> "events.IRuleTarget":
    """A target as IRuleTarget."""
    return cast("events.IRuleTarget", target)


def as_alarm_action(action: AlarmAction) -> "cloudwatch.IAlarmAction":
    """An action as IAlarmAction."""
    return cast("cloudwatch.IAlarmAction", action)


def as_function(function: "lambda_.Function") -> "lambda_.IFunction":
    """A function as IFunction."""
    return cast("lambda_.IFunction", function)


def as_key(key: "kms.Key | kms.IKey") -> "kms.IKey":
    """A key as IKey."""
    return cast("kms.IKey", key)
