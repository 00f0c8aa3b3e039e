"""Rules about the status changes of runs, and what can be said of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypedDict

import aws_cdk as cdk
from aws_cdk import aws_events as events
from constructs import Construct

from cdk_healthomics.jsii_protocols import RuleTarget, as_rule_target
from cdk_healthomics.places import Place
from cdk_healthomics.rule_delivery import RuleDelivery

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs

TAKES_STATUSES: Final[Mapping[str, str]] = {"statuses": "give statuses to on_status_change or on_any_status_change"}
"""What to say to who gives statuses to a method that is about one status."""


class RunRuleOptions(TypedDict, total=False):
    """What else can be said of a rule about the events of runs.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import RunRuleOptions
        >>> options: RunRuleOptions = {"description": "Tells the laboratory", "max_event_age": cdk.Duration.hours(2)}
    """

    description: str
    """What the rule is for."""

    rule_name: str
    """Name of the rule; by default CloudFormation makes one up."""

    enabled: bool
    """Whether the rule is on; by default it is."""

    cross_stack_scope: Construct
    """Where to define the rule, if it is to be in the target's stack: that stack comes after the run's, and so does the
    rule. In the account and Region of the run, where its events are."""

    retry_attempts: int
    """How often EventBridge tries again to reach ``target``, 0 to 185; by default what the target says, or 185."""

    max_event_age: cdk.Duration
    """How long EventBridge tries to reach ``target``: 1 minute to 24 hours; by default what the target says, or 24
    hours."""

    dead_letter_queue: "sqs.IQueue"
    """Where events go that did not reach ``target``: a standard queue of the rule's account and Region. The rule is
    allowed to write to it, and to use its key. By default they are lost, if the target does not say otherwise."""


def define_rule(
    scope: Construct,
    rule_id: str,
    pattern: events.EventPattern,
    *,
    target: RuleTarget | None,
    options: RunRuleOptions,
    runs_in: Place,
) -> events.Rule:
    """Define a rule.

    Args:
        scope: Where it belongs in the construct tree.
        rule_id: Its id there.
        pattern: What events it is about.
        target: What to do; None for nothing.
        options: More about it.
        runs_in: Where the events are.

    Raises:
        ValueError: An option cannot be, or there are no such events in the account and Region of the scope.
    """
    here = Place.of(scope)
    if here.is_elsewhere(runs_in):
        raise ValueError(
            f"{scope.node.path}/{rule_id}: the rule would be in {here}, but HealthOmics tells of the runs in "
            f"{runs_in}, so it would never match: define it in a stack of that account and Region (an "
            "event bus of another one can be its target)"
        )
    delivery = RuleDelivery(
        retry_attempts=options.get("retry_attempts"),
        max_event_age=options.get("max_event_age"),
        dead_letter_queue=options.get("dead_letter_queue"),
    )
    if problems := list(delivery.problems(has_target=target is not None)):
        raise ValueError("\n".join(f"{scope.node.path}/{rule_id}: {problem}" for problem in problems))
    rule = events.Rule(
        scope,
        rule_id,
        event_pattern=pattern,
        targets=None if target is None else [as_rule_target(target)],
        description=options.get("description"),
        rule_name=options.get("rule_name"),
        enabled=options.get("enabled"),
    )
    delivery.apply(rule)
    return rule
