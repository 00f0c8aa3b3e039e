"""What can be done with any run: permissions on it, rules about its events, metrics of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

from cdk_healthomics.choices import RunStatus
from cdk_healthomics.jsii_protocols import RuleTarget, as_rule_target
from cdk_healthomics.run_event import status_change_pattern

if TYPE_CHECKING:
    from cdk_healthomics.run_grants import WorkflowRunGrants

_METRIC_PERIOD: Final = cdk.Duration.minutes(5)


class RunRuleOptions(TypedDict, total=False):
    """What else can be said of a rule about a run's events.

    Example:
        >>> from cdk_healthomics import RunRuleOptions
        >>> options: RunRuleOptions = {"description": "Tells the laboratory", "enabled": False}
    """

    description: str
    """What the rule is for."""

    rule_name: str
    """Name of the rule; by default CloudFormation makes one up."""

    enabled: bool
    """Whether the rule is on; by default it is."""

    cross_stack_scope: Construct
    """Where to define the rule, if it is to be in the target's stack: that stack comes after the run's, and so does the
    rule."""


class RunMetricOptions(TypedDict, total=False):
    """What else can be said of a metric of a run.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import RunMetricOptions
        >>> options: RunMetricOptions = {"period": cdk.Duration.hours(1), "label": "Failed"}
    """

    period: cdk.Duration
    """The time that one value is for; by default five minutes."""

    statistic: str
    """By default ``Sum``."""

    label: str
    """What a graph calls it."""

    color: str
    """Its colour in a graph, such as ``#d62728``."""


@dataclass(frozen=True, slots=True)
class EventSubject:
    """What tells the events of a run from those of others."""

    detail: Mapping[str, Sequence[str]]
    """Members of the events' detail, and the values that are the run's."""

    account: str | None = None
    """The account of the run, if the detail does not say it."""


class RunBase(Construct):
    """A run of this app or an imported one."""

    @property
    def grants(self) -> "WorkflowRunGrants":
        """Permissions on the run, for those who look after it."""
        raise NotImplementedError

    @property
    def _event_subject(self) -> EventSubject:
        raise NotImplementedError

    def _rule_added(self, rule: events.Rule) -> None:
        """A rule about the run was defined."""

    def on_status_change(
        self,
        rule_id: str,
        *,
        target: RuleTarget | None = None,
        statuses: Sequence[RunStatus] = (),
        **options: Unpack[RunRuleOptions],
    ) -> events.Rule:
        """Define a rule about changes of the run's status.

        On a run of the app the rule knows the run by its name and is there before it, so it sees every event from
        PENDING on, and those of the run's replacements. It also sees those of other runs of that name, if you gave the
        run a ``name`` that others have too. The target must not need the run itself, for example by an environment
        variable with ``run.run_id``, or the two would wait for each other: ``RunEvent`` has what the event knows.

        On an imported run the rule knows the run by its ARN.

        EventBridge delivers the events of HealthOmics as well as it can, and promises nothing.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do; more can be added to the rule. By default nothing.
            statuses: Only changes to one of these. By default all.
            **options: More about the rule.
        """
        scope = options.pop("cross_stack_scope", self)
        subject = self._event_subject
        rule = events.Rule(
            scope,
            rule_id,
            event_pattern=status_change_pattern(subject.detail, statuses, account=subject.account),
            targets=None if target is None else [as_rule_target(target)],
            **options,
        )
        self._rule_added(rule)
        return rule

    def on_completed(
        self, rule_id: str, *, target: RuleTarget | None = None, **options: Unpack[RunRuleOptions]
    ) -> events.Rule:
        """Define a rule about the run's success. See ``on_status_change``.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do. By default nothing.
            **options: More about the rule.
        """
        return self.on_status_change(rule_id, target=target, statuses=[RunStatus.COMPLETED], **options)

    def on_failed(
        self, rule_id: str, *, target: RuleTarget | None = None, **options: Unpack[RunRuleOptions]
    ) -> events.Rule:
        """Define a rule about the run's failure. See ``on_status_change``.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do. By default nothing.
            **options: More about the rule.
        """
        return self.on_status_change(rule_id, target=target, statuses=[RunStatus.FAILED], **options)

    def on_cancelled(
        self, rule_id: str, *, target: RuleTarget | None = None, **options: Unpack[RunRuleOptions]
    ) -> events.Rule:
        """Define a rule about the run's cancellation, by somebody or by its replacement. See ``on_status_change``.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do. By default nothing.
            **options: More about the rule.
        """
        return self.on_status_change(rule_id, target=target, statuses=[RunStatus.CANCELLED], **options)

    def metric_completed(self, **options: Unpack[RunMetricOptions]) -> cloudwatch.Metric:
        """How often the run has completed. See ``metric_failed``.

        Args:
            **options: More about the metric.
        """
        return self._metric(RunStatus.COMPLETED, options)

    def metric_failed(self, **options: Unpack[RunMetricOptions]) -> cloudwatch.Metric:
        """How often the run has failed.

        HealthOmics has no metric of the outcome of a run. This one is of EventBridge, namespace ``AWS/Events``: how
        often a rule has matched, which this method defines, once for each run. There is no value while nothing happens,
        so let an alarm treat missing data as ``NOT_BREACHING``.

        What the tasks of a run use (processors, memory, storage) HealthOmics writes to CloudWatch itself, if the run's
        role may: ``cloudwatch.Metric.grant_put_metric_data(run)``. Those metrics are of OpenTelemetry, to be queried
        with PromQL.

        Args:
            **options: More about the metric.
        """
        return self._metric(RunStatus.FAILED, options)

    def metric_cancelled(self, **options: Unpack[RunMetricOptions]) -> cloudwatch.Metric:
        """How often the run was cancelled. See ``metric_failed``.

        Args:
            **options: More about the metric.
        """
        return self._metric(RunStatus.CANCELLED, options)

    def _metric(self, status: RunStatus, options: RunMetricOptions) -> cloudwatch.Metric:
        rule_id = f"Metric{status.capitalize()}"
        rule = self.node.try_find_child(rule_id)
        if not isinstance(rule, events.Rule):
            rule = self.on_status_change(
                rule_id, statuses=[status], description=f"Counts for a metric how often the run is {status}"
            )
        # Not Invocations: that one is about targets, and the rule has none.
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="TriggeredRules",
            dimensions_map={"RuleName": rule.rule_name},
            statistic=options.get("statistic", "Sum"),
            period=options.get("period", _METRIC_PERIOD),
            label=options.get("label"),
            color=options.get("color"),
        )
