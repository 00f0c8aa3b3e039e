"""How often EventBridge tries to reach a rule's target, and what becomes of an event that did not get there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from cdk_healthomics.jsii_protocols import as_principal

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs

_MOST_RETRIES: Final = 185
_AGE_SECONDS: Final = (60, 24 * 60 * 60)


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleDelivery:
    """What a rule's target gets, whatever class of targets it is; None leaves it to the target, or to EventBridge."""

    retry_attempts: int | None = None
    max_event_age: cdk.Duration | None = None
    dead_letter_queue: "sqs.IQueue | None" = None

    def problems(self, *, has_target: bool) -> Iterator[str]:
        """What cannot be."""
        given = [
            name for name in ("retry_attempts", "max_event_age", "dead_letter_queue") if getattr(self, name) is not None
        ]
        if given and not has_target:
            yield f"{' and '.join(given)} tell how to reach the target, and there is none: give a target"
        attempts = self.retry_attempts
        if attempts is not None and not 0 <= attempts <= _MOST_RETRIES:
            yield f"retry_attempts is {attempts}: EventBridge takes 0 to {_MOST_RETRIES}"
        age = self.max_event_age
        if age is not None and not age.is_unresolved():
            shortest, longest = _AGE_SECONDS
            if not shortest <= age.to_seconds(integral=False) <= longest:
                yield f"max_event_age is {age.to_human_string()}: EventBridge takes 1 minute to 24 hours"

    def apply(self, rule: events.Rule) -> None:
        """Have the rule's first target reached so."""
        resource = cast("events.CfnRule", rule.node.default_child)
        if self.retry_attempts is not None:
            resource.add_property_override("Targets.0.RetryPolicy.MaximumRetryAttempts", self.retry_attempts)
        if self.max_event_age is not None:
            seconds = self.max_event_age.to_seconds()
            resource.add_property_override("Targets.0.RetryPolicy.MaximumEventAgeInSeconds", seconds)
        if self.dead_letter_queue is not None:
            resource.add_property_override("Targets.0.DeadLetterConfig.Arn", self.dead_letter_queue.queue_arn)
            _let_write(rule, self.dead_letter_queue)


def _let_write(rule: events.Rule, queue: "sqs.IQueue") -> None:
    """Let EventBridge put what a rule could not deliver into a queue."""
    events_service = as_principal(iam.ServicePrincipal("events.amazonaws.com"))
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[events_service],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.rule_arn}},
        )
    )
    if queue.encryption_master_key is not None:
        queue.encryption_master_key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[events_service],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # the key itself, in a key policy
                # Not the rule: it waits for the queue, and the queue for its key.
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(rule).account}},
            )
        )
