"""Rules about many runs at once: of a workflow, of a stack, or of an account and Region."""

import json
from collections.abc import Sequence
from typing import Final, Unpack, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from constructs import Construct, IValidation

from cdk_healthomics.choices import RunStatus
from cdk_healthomics.jsii_protocols import RuleTarget
from cdk_healthomics.named_runs import NamedRuns
from cdk_healthomics.option_names import refuse_unknown_options
from cdk_healthomics.places import Place
from cdk_healthomics.run_event import status_change_pattern
from cdk_healthomics.run_rules import TAKES_STATUSES, RunRuleOptions, define_rule
from cdk_healthomics.run_statuses import known_statuses
from cdk_healthomics.stack_runs import StackRun, StackRuns
from cdk_healthomics.workflow import Workflow

MATCHES_BY_PREFIX: Final = "@cdk-healthomics/run-rule:matchesByPrefix"


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
        scope: Construct,
        rule_id: str,
        *,
        statuses: RunStatus | Sequence[RunStatus] = (),
        **options: Unpack[AnyRunRuleOptions],
    ) -> events.Rule:
        """Define one rule about changes of the status of many runs.

        Of the runs that it is about, those of its own stack start after it, also if they are defined later. See
        ``on_status_change`` for what a target must not do.

        Args:
            scope: Where the rule belongs in the construct tree; in the account and Region of the runs.
            rule_id: Its id there.
            statuses: Only changes to this status, or to one of these. By default all.
            **options: Which runs, the target, and more about the rule.

        Raises:
            ValueError: An option cannot be, or the runs are in another account or Region than the rule would be.
            TypeError: There is no such option.
        """
        return _define(scope, rule_id, statuses, options)

    @staticmethod
    def on_any_completed(scope: Construct, rule_id: str, **options: Unpack[AnyRunRuleOptions]) -> events.Rule:
        """Define one rule about the success of many runs. See ``on_any_status_change``.

        Args:
            scope: Where the rule belongs in the construct tree.
            rule_id: Its id there.
            **options: Which runs, the target, and more about the rule.
        """
        return _define(scope, rule_id, RunStatus.COMPLETED, options)

    @staticmethod
    def on_any_failed(scope: Construct, rule_id: str, **options: Unpack[AnyRunRuleOptions]) -> events.Rule:
        """Define one rule about the failure of many runs. See ``on_any_status_change``.

        Args:
            scope: Where the rule belongs in the construct tree.
            rule_id: Its id there.
            **options: Which runs, the target, and more about the rule.
        """
        return _define(scope, rule_id, RunStatus.FAILED, options)

    @staticmethod
    def on_any_cancelled(scope: Construct, rule_id: str, **options: Unpack[AnyRunRuleOptions]) -> events.Rule:
        """Define one rule about the cancellation of many runs. See ``on_any_status_change``.

        Args:
            scope: Where the rule belongs in the construct tree.
            rule_id: Its id there.
            **options: Which runs, the target, and more about the rule.
        """
        return _define(scope, rule_id, RunStatus.CANCELLED, options)


def _define(scope: Construct, rule_id: str, statuses: str | Sequence[str], options: AnyRunRuleOptions) -> events.Rule:
    scope = options.get("cross_stack_scope", scope)
    where = f"{scope.node.path}/{rule_id}"
    refuse_unknown_options(options, AnyRunRuleOptions, where=where, elsewhere=TAKES_STATUSES)
    wanted = known_statuses(statuses, where=where)
    stack, workflow, own_stack = options.get("stack"), options.get("workflow"), cdk.Stack.of(scope)
    workflow_id = None if workflow is None else workflow.in_stack(own_stack).workflow_id
    account = (stack or own_stack).account
    detail = {} if workflow_id is None else {"workflowId": [workflow_id]}
    rule = define_rule(
        scope,
        rule_id,
        status_change_pattern(detail, wanted, account=account),
        target=options.get("target"),
        options=options,
        runs_in=Place.of(stack or own_stack),
    )

    def put_before(run: StackRun) -> None:
        in_stack = stack is None or stack.node.path in run.stack_paths
        if in_stack and (workflow_id is None or run.workflow_id in {None, workflow_id}):
            run.wait_for(rule)

    if stack is not None:
        named = NamedRuns(wanted, account=account, detail=detail)
        pattern = _PatternOfStack(rule, stack, named)
        cast("events.CfnRule", rule.node.default_child).event_pattern = cdk.Lazy.uncached_any(pattern)
        rule.node.add_validation(pattern)
        # Of every workflow: the pattern has that too, and another stack may write the same workflow's id otherwise.
        StackRuns.of(stack).for_each(lambda run: named.add(run.name, is_default=run.has_default_name))
    StackRuns.of(own_stack).for_each(put_before)
    return rule


@jsii.implements(cdk.IAnyProducer, IValidation)
class _PatternOfStack:
    """The pattern of a rule about the runs of a stack, which are all known only once the app is complete."""

    def __init__(self, rule: events.Rule, stack: cdk.Stack, named: NamedRuns) -> None:
        self._rule = rule
        self._stack = stack
        self._named = named

    def produce(self, context: cdk.IResolveContext) -> object:
        """The pattern."""
        del context
        return self._named.pattern()

    def validate(self) -> list[str]:
        """What is wrong with the pattern, and, as an info, that it may match too much."""
        names, path = self._named.names, self._stack.node.path
        if not names:
            return [f"the rule is about the runs of {path}, and it has none: give the stack that has them"]
        if problem := self._named.problem():
            return [
                f"the rule, about the runs of {path}, {problem}: leave out the names of the runs, "
                "or define rules about the runs or their workflow"
            ]
        if isinstance(names[0], dict):
            cdk.Annotations.of(self._rule).add_info_v2(
                MATCHES_BY_PREFIX,
                f"{path} has too many runs to name them in one rule, so the rule is about all runs with names like "
                f"{json.dumps(names[0])}: define rules about the workflow, if others have such names",
            )
        return []
