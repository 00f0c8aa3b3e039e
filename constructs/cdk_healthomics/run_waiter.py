"""What a stack needs to wait for runs: one function, two rules and a switch, however many runs are waited for."""

import hashlib
from collections.abc import Callable
from typing import Final, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from cdk_healthomics import linters, permissions
from cdk_healthomics.handler_asset import staged_waiter
from cdk_healthomics.jsii_protocols import as_function, as_role, as_rule_target
from cdk_healthomics.named_runs import NamedRuns
from cdk_healthomics.provider import RunProvider
from cdk_healthomics.run_event import SOURCE, RunEvent
from cdk_healthomics.stack_function import LONGEST_TIMEOUT, StackFunction
from healthomics_run_waiter import contract

_CONSTRUCT_ID: Final = "HealthOmicsRunWaiter"
"""A permanent contract, as the run provider's."""

_REASON: Final = "a run's ARN exists only once it has started"
_SERVICE_TIMEOUT: Final = cdk.Duration.minutes(15)


class RunWaiter(Construct):
    """Waits for the runs of a stack. ``RunWaiter.of(scope)`` finds or defines the one of a stack.

    The function looks when a run has ended (an event) and, while a deployment waits, every five minutes (the schedule,
    which the template has as disabled): events are best effort.
    """

    function: lambda_.Function
    """Signals wait conditions, and says how runs have ended."""

    retries: IDependable
    """How often Lambda delivers an event again."""

    rule: events.Rule
    """Tells the function that a run has ended; to be there before the run."""

    waiting: cdk.CustomResource
    """Switches the schedule on when a deployment has something new to wait for; to come before every wait."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self._named = NamedRuns(contract.EVENT_STATUSES, account=stack.account)
        self._wait_ids: list[Callable[[cdk.IResolveContext], str]] = []
        with staged_waiter() as folder:
            made = StackFunction(
                self,
                RunProvider.of(self).options,
                what_for="Lets deployments wait for the HealthOmics runs of the stack",
                code=folder,
                handler=contract.LAMBDA_HANDLER,
                timeout=LONGEST_TIMEOUT,
                statements=permissions.wait_for_runs(stack),
                reason=_REASON,
            )
        self.function, self.retries = made.function, made.retries
        self.rule = self._event_rule(stack)
        schedule = self._schedule(stack)
        switch = iam.Policy(
            self, "Switch", roles=[as_role(made.role)], statements=[permissions.switch(schedule.rule_arn)]
        )
        linters.acknowledge_inline_policy(switch)
        self.waiting = cdk.CustomResource(
            self,
            "Waiting",
            service_token=self.function.function_arn,
            service_timeout=_SERVICE_TIMEOUT,
            resource_type=contract.WAITING_TYPE,
            properties={
                contract.RULE_NAME: schedule.rule_name,
                contract.WAITS: cdk.Lazy.uncached_string(_Digest(self._wait_ids)),
            },
        )
        # The permission to switch is a policy of its own, because the function comes before the rule.
        self.waiting.node.add_dependency(self.retries, switch, schedule)

    @staticmethod
    def of(scope: Construct) -> "RunWaiter":
        """The waiter of the scope's stack; defines it if there is none yet."""
        stack = cdk.Stack.of(scope)
        found = stack.node.try_find_child(_CONSTRUCT_ID)
        return found if isinstance(found, RunWaiter) else RunWaiter(stack, _CONSTRUCT_ID)

    def listen_for(self, run_name: str, *, is_default: bool) -> None:
        """Look when a run of that name has ended.

        Args:
            run_name: The name.
            is_default: Whether the library made it up.
        """
        self._named.add(run_name, is_default=is_default)

    def add(self, wait_id: Callable[[cdk.IResolveContext], str]) -> None:
        """Know of a wait condition; its logical id is known once the app is complete."""
        self._wait_ids.append(wait_id)

    def _event_rule(self, stack: cdk.Stack) -> events.Rule:
        told = {
            contract.STACK_ID: stack.stack_id,
            contract.EVENT_RUN_ID: RunEvent.run_id,
            contract.EVENT_RUN_UUID: RunEvent.run_uuid,
        }
        rule = events.Rule(
            self,
            "Ended",
            description="A run that a deployment may wait for has ended (cdk-healthomics)",
            event_pattern=events.EventPattern(source=[SOURCE]),  # a rule wants one; the next line has what it is
            targets=[as_rule_target(self._target(told))],
        )
        cast("events.CfnRule", rule.node.default_child).event_pattern = cdk.Lazy.uncached_any(_Pattern(self._named))
        return rule

    def _schedule(self, stack: cdk.Stack) -> events.Rule:
        told = {contract.STACK_ID: stack.stack_id, contract.RULE_ARNS: events.EventField.from_path("$.resources")}
        return events.Rule(
            self,
            "Schedule",
            description="Looks after runs while a deployment waits for them; otherwise switched off (cdk-healthomics)",
            enabled=False,
            schedule=events.Schedule.rate(cdk.Duration.seconds(contract.TICK_SECONDS)),
            targets=[as_rule_target(self._target(told))],
        )

    def _target(self, told: dict[str, str]) -> targets.LambdaFunction:
        return targets.LambdaFunction(as_function(self.function), event=events.RuleTargetInput.from_object(told))


@jsii.implements(cdk.IStringProducer)
class _Digest:
    """Of everything that the stack waits for; another one switches the schedule on."""

    def __init__(self, wait_ids: list[Callable[[cdk.IResolveContext], str]]) -> None:
        self._wait_ids = wait_ids

    def produce(self, context: cdk.IResolveContext) -> str:
        """The digest."""
        names = sorted(wait_id(context) for wait_id in self._wait_ids)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]


@jsii.implements(cdk.IAnyProducer)
class _Pattern:
    """The event pattern of the runs that are waited for.

    The function goes by what it finds, so a pattern that matches too much only costs invocations.
    """

    def __init__(self, named: NamedRuns) -> None:
        self._named = named

    def produce(self, context: cdk.IResolveContext) -> object:
        """The pattern."""
        del context
        return self._named.loose_pattern()
