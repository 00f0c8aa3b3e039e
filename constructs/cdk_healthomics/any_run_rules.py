"""Rules about many runs at once: of a workflow, of a stack, or of an account and Region."""

import json
from collections.abc import Callable, Sequence
from os.path import commonprefix
from typing import Final, Unpack, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from constructs import Construct, IValidation

from cdk_healthomics.choices import RunStatus
from cdk_healthomics.jsii_protocols import RuleTarget
from cdk_healthomics.run_event import status_change_json, status_change_pattern
from cdk_healthomics.run_rules import RunRuleOptions, define_rule
from cdk_healthomics.stack_runs import StackRun, StackRuns
from cdk_healthomics.workflow import Workflow

MATCHES_BY_PREFIX: Final = "@cdk-healthomics/run-rule:matchesByPrefix"

_Json = dict[str, object]

_PATTERN_LIMIT: Final = 2048
"""Characters of an event pattern (EventBridge quotas)."""
_TOKEN_LENGTH: Final = 128
"""A run name has at most as many characters, whatever the deployment makes of it."""


class AnyRunRuleOptions(RunRuleOptions, total=False):
    """What can be said of a rule about the events of many runs.

    Example:
        >>> from cdk_healthomics import AnyRunRuleOptions, Workflow
        >>> options: AnyRunRuleOptions = {"workflow": Workflow.private("1234567")}
    """

    workflow: Workflow
    """Only runs of this workflow, whoever starts them. By default runs of all workflows."""

    stack: cdk.Stack
    """Only runs that the app defines in this stack and in those nested in it; the rule has their names. By default all
    runs of the account and Region, whoever starts them."""

    target: RuleTarget
    """What to do; more can be added to the rule. By default nothing."""


class AnyRunRules:
    """Rules about many runs at once, as methods of ``WorkflowRun``."""

    @staticmethod
    def on_any_status_change(
        scope: Construct, rule_id: str, *, statuses: Sequence[RunStatus] = (), **options: Unpack[AnyRunRuleOptions]
    ) -> events.Rule:
        """Define one rule about changes of the status of many runs.

        Of the runs that it is about, those of its own stack start after it, also if they are defined later. See
        ``on_status_change`` for what a target must not do.

        Args:
            scope: Where the rule belongs in the construct tree; in the account and Region of the runs.
            rule_id: Its id there.
            statuses: Only changes to one of these. By default all.
            **options: Which runs, the target, and more about the rule.

        Raises:
            ValueError: An option cannot be.
        """
        workflow = options.get("workflow")
        return _define(
            options.get("cross_stack_scope", scope),
            rule_id,
            workflow_id=None if workflow is None else workflow.in_stack(cdk.Stack.of(scope)).workflow_id,
            statuses=statuses,
            options=options,
        )

    @staticmethod
    def on_any_completed(scope: Construct, rule_id: str, **options: Unpack[AnyRunRuleOptions]) -> events.Rule:
        """Define one rule about the success of many runs. See ``on_any_status_change``.

        Args:
            scope: Where the rule belongs in the construct tree.
            rule_id: Its id there.
            **options: Which runs, the target, and more about the rule.
        """
        return AnyRunRules.on_any_status_change(scope, rule_id, statuses=[RunStatus.COMPLETED], **options)

    @staticmethod
    def on_any_failed(scope: Construct, rule_id: str, **options: Unpack[AnyRunRuleOptions]) -> events.Rule:
        """Define one rule about the failure of many runs. See ``on_any_status_change``.

        Args:
            scope: Where the rule belongs in the construct tree.
            rule_id: Its id there.
            **options: Which runs, the target, and more about the rule.
        """
        return AnyRunRules.on_any_status_change(scope, rule_id, statuses=[RunStatus.FAILED], **options)

    @staticmethod
    def on_any_cancelled(scope: Construct, rule_id: str, **options: Unpack[AnyRunRuleOptions]) -> events.Rule:
        """Define one rule about the cancellation of many runs. See ``on_any_status_change``.

        Args:
            scope: Where the rule belongs in the construct tree.
            rule_id: Its id there.
            **options: Which runs, the target, and more about the rule.
        """
        return AnyRunRules.on_any_status_change(scope, rule_id, statuses=[RunStatus.CANCELLED], **options)


def _define(
    scope: Construct, rule_id: str, *, workflow_id: str | None, statuses: Sequence[str], options: AnyRunRuleOptions
) -> events.Rule:
    stack = options.get("stack")
    own_stack = cdk.Stack.of(scope)
    account = (stack or own_stack).account
    detail = {} if workflow_id is None else {"workflowId": [workflow_id]}
    rule = define_rule(
        scope,
        rule_id,
        status_change_pattern(detail, statuses, account=account),
        target=options.get("target"),
        options=options,
    )

    def put_before(run: StackRun) -> None:
        in_stack = stack is None or stack.node.path in run.stack_paths
        if in_stack and (workflow_id is None or run.workflow_id in {None, workflow_id}):
            run.wait_for(rule)

    if stack is not None:
        named = _NamedRuns(
            rule, stack, lambda names: status_change_json({**detail, "runName": names}, statuses, account=account)
        )
        cast("events.CfnRule", rule.node.default_child).event_pattern = cdk.Lazy.uncached_any(named)
        rule.node.add_validation(named)
        # Of every workflow: the pattern has that too, and another stack may write the same workflow's id otherwise.
        StackRuns.of(stack).for_each(named.add)
    StackRuns.of(own_stack).for_each(put_before)
    return rule


@jsii.implements(cdk.IAnyProducer, IValidation)
class _NamedRuns:
    """The pattern of a rule about the runs of a stack, which are all known only once the app is complete."""

    def __init__(self, rule: events.Rule, stack: cdk.Stack, pattern: Callable[[Sequence[object]], _Json]) -> None:
        self._rule = rule
        self._stack = stack
        self._pattern = pattern
        self._default_names: list[str] = []
        self._given_names: list[str] = []

    def add(self, run: StackRun) -> None:
        """Have the rule know a run."""
        (self._default_names if run.has_default_name else self._given_names).append(run.name)

    def produce(self, context: cdk.IResolveContext) -> object:
        """The pattern."""
        del context
        return self._pattern(self._names())

    def validate(self) -> list[str]:
        """What is wrong with the pattern, and, as an info, that it may match too much."""
        names = self._names()
        if not names:
            return [
                f"the rule is about the runs of {self._stack.node.path}, and it has none: give the stack that has them"
            ]
        if not _fits(self._pattern(names)):
            return [
                f"the rule would name {len(self._given_names)} runs of {self._stack.node.path}, and its pattern be "
                f"longer than the {_PATTERN_LIMIT} characters that EventBridge takes: leave out the names of the runs, "
                "or define rules about the runs or their workflow"
            ]
        if isinstance(names[0], dict):
            cdk.Annotations.of(self._rule).add_info_v2(
                MATCHES_BY_PREFIX,
                f"{self._stack.node.path} has too many runs to name them in one rule, so the rule is about all runs "
                f"with names like {json.dumps(names[0])}: define rules about the workflow, if others have such names",
            )
        return []

    def _names(self) -> Sequence[object]:
        """What the names of the runs must be like: one of those, or, where they are too many, how they begin."""
        names = [*self._default_names, *self._given_names]
        if _fits(self._pattern(names)) or not self._default_names:
            return names
        return [{"prefix": commonprefix(self._default_names)}, *self._given_names]  # noqa: RUF071 - texts, not paths


def _fits(pattern: _Json) -> bool:
    text = json.dumps(pattern, separators=(",", ":"))
    return len(text) + _TOKEN_LENGTH * text.count("${Token[") <= _PATTERN_LIMIT
