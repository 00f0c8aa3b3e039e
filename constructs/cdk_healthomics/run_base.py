"""What can be done with any run: permissions on it, rules about its events, metrics, alarms and dashboards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

from cdk_healthomics.choices import RunStatus
from cdk_healthomics.jsii_protocols import AlarmAction, RuleTarget, as_alarm_action
from cdk_healthomics.option_names import refuse_unknown_options
from cdk_healthomics.places import Place
from cdk_healthomics.run_event import status_change_pattern
from cdk_healthomics.run_history import RunHistory
from cdk_healthomics.run_rules import TAKES_STATUSES, RunRuleOptions, define_rule
from cdk_healthomics.run_statuses import known_statuses
from cdk_healthomics.run_widgets import ShownRun, refuse_runs_out_of_sight, run_widgets

if TYPE_CHECKING:
    from cdk_healthomics.imported_run import IWorkflowRun
    from cdk_healthomics.run_grants import WorkflowRunGrants

_METRIC_PERIOD: Final = cdk.Duration.minutes(5)
_HISTORY_RULE: Final = "RecordedHistory"


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


class RunAlarmOptions(TypedDict, total=False):
    """What else can be said of an alarm about a run.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import RunAlarmOptions
        >>> options: RunAlarmOptions = {"alarm_name": "alignment-failed", "period": cdk.Duration.minutes(1)}
    """

    alarm_name: str
    """Name of the alarm; by default CloudFormation makes one up."""

    alarm_description: str
    """What the alarm is for; by default it names the run."""

    period: cdk.Duration
    """How soon the alarm notices, and how long it lasts; by default five minutes."""


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

    @property
    def _place(self) -> Place:
        """Where the run is, and so its events and logs."""
        return Place.of(self)

    def _comes_first(self, construct: Construct) -> None:
        """What was defined about the run is to be there before it."""

    def on_status_change(
        self,
        rule_id: str,
        *,
        target: RuleTarget | None = None,
        statuses: RunStatus | Sequence[RunStatus] = (),
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
            statuses: Only changes to this status, or to one of these. By default all.
            **options: More about the rule.

        Raises:
            ValueError: An option cannot be, or the events are in another account or Region than the rule would be.
            TypeError: There is no such option.
        """
        return self._rule(rule_id, statuses, target, options)

    def on_completed(
        self, rule_id: str, *, target: RuleTarget | None = None, **options: Unpack[RunRuleOptions]
    ) -> events.Rule:
        """Define a rule about the run's success. See ``on_status_change``.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do. By default nothing.
            **options: More about the rule.
        """
        return self._rule(rule_id, RunStatus.COMPLETED, target, options)

    def on_failed(
        self, rule_id: str, *, target: RuleTarget | None = None, **options: Unpack[RunRuleOptions]
    ) -> events.Rule:
        """Define a rule about the run's failure. See ``on_status_change``.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do. By default nothing.
            **options: More about the rule.
        """
        return self._rule(rule_id, RunStatus.FAILED, target, options)

    def on_cancelled(
        self, rule_id: str, *, target: RuleTarget | None = None, **options: Unpack[RunRuleOptions]
    ) -> events.Rule:
        """Define a rule about the run's cancellation, by somebody or by its replacement. See ``on_status_change``.

        Args:
            rule_id: Id of the rule, as a construct below the run.
            target: What to do. By default nothing.
            **options: More about the rule.
        """
        return self._rule(rule_id, RunStatus.CANCELLED, target, options)

    def _rule(
        self, rule_id: str, statuses: str | Sequence[str], target: RuleTarget | None, options: RunRuleOptions
    ) -> events.Rule:
        where = f"{self.node.path}/{rule_id}"
        refuse_unknown_options(options, RunRuleOptions, where=where, elsewhere=TAKES_STATUSES)
        wanted = known_statuses(statuses, where=where)
        subject = self._event_subject
        rule = define_rule(
            options.get("cross_stack_scope", self),
            rule_id,
            status_change_pattern(subject.detail, wanted, account=subject.account),
            target=target,
            options=options,
            runs_in=self._place,
        )
        self._comes_first(rule)
        return rule

    def alarm_on_failure(
        self,
        alarm_id: str,
        *,
        action: AlarmAction | None = None,
        statuses: RunStatus | Sequence[RunStatus] = RunStatus.FAILED,
        **options: Unpack[RunAlarmOptions],
    ) -> cloudwatch.Alarm:
        """Define an alarm that goes off when the run fails.

        It counts events, as ``metric_failed`` does, and is there before a run of the app. It goes back to OK when
        nothing more has happened for a period. As with a rule's target, the action must not need the run.

        Args:
            alarm_id: Id of the alarm, as a construct below the run.
            action: What to do, such as ``aws_cloudwatch_actions.SnsAction``; more can be added to the alarm. By default
                nothing.
            statuses: What counts as a failure. By default FAILED; add CANCELLED to hear of cancellations, those by a
                replacement of the run included.
            **options: More about the alarm.

        Raises:
            ValueError: There is no status to look for, or no such one; or the run is in another account or Region than
                the alarm would be.
            TypeError: There is no such option.
        """
        where = f"{self.node.path}/{alarm_id}"
        refuse_unknown_options(options, RunAlarmOptions, where=where)
        wanted = known_statuses(statuses, where=where)
        if not wanted:
            raise ValueError(
                f"{self.node.path}: the alarm {alarm_id} has no statuses, so it could never go off: give at least one, "
                "or leave statuses out for FAILED"
            )
        words = " or ".join(wanted)
        alarm = self._metric(wanted, {"period": options.get("period", _METRIC_PERIOD)}).create_alarm(
            self,
            alarm_id,
            alarm_name=options.get("alarm_name"),
            alarm_description=options.get("alarm_description", f"The HealthOmics run {self.node.path} is {words}"),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if action is not None:
            alarm.add_alarm_action(as_alarm_action(action))
        self._comes_first(alarm)
        return alarm

    def record_history(self) -> RunHistory:
        """Keep the run's events in a log group of its stack, which dashboards query.

        Defines a rule for the run, and a log group for the first run of the stack. A second call changes nothing.

        Raises:
            ValueError: The run is in another account or Region than the log group would be.
        """
        here = Place.of(self)
        if here.is_elsewhere(self._place):
            raise ValueError(
                f"{self.node.path}: the run is in {self._place}, and its stack in {here}, where there are no events "
                "of it to record: import it in a stack of that account and Region, or show it with history=False"
            )
        history = RunHistory.of(self)
        if self.node.try_find_child(_HISTORY_RULE) is None:
            self.on_status_change(
                _HISTORY_RULE, target=history.target, description="Keeps the status changes of the run"
            )
        return history

    def dashboard_widgets(self, *, history: bool = True) -> list[cloudwatch.IWidget]:
        """Widgets about the run for a dashboard of yours; ``RunDashboard`` is one with nothing else.

        The widgets fill rows of 24 columns: ``dashboard.add_widgets(*run.dashboard_widgets())``.

        Args:
            history: Whether the run's events are recorded, for its status changes and duration. See
                ``record_history``.
        """
        return RunBase.widgets_of([self], history=history)

    @staticmethod
    def widgets_of(runs: "Sequence[IWorkflowRun | RunBase]", *, history: bool = True) -> list[cloudwatch.IWidget]:
        """Widgets about several runs for a dashboard of yours, as many as about one. See ``dashboard_widgets``.

        Args:
            runs: The runs: 1 to 70, of one account and Region.
            history: Whether the events of the runs are recorded.

        Raises:
            ValueError: There are no runs, too many, or some in another account or Region.
        """
        return RunBase._widgets_of(runs, history=history, seen_from=None)

    @staticmethod
    def _widgets_of(
        runs: "Sequence[IWorkflowRun | RunBase]", *, history: bool, seen_from: str | None
    ) -> list[cloudwatch.IWidget]:
        """The widgets, on a dashboard of some account; None if nobody knows which one it will be."""
        known: list[RunBase] = []
        for run in runs:
            if not isinstance(run, RunBase):
                raise TypeError(
                    f"{run!r} is no run: give WorkflowRuns, or what WorkflowRun.from_run_attributes returns"
                )
            known.append(run)
        shown = [replace(run._shown, account=run._place.account) for run in known]  # noqa: SLF001 - of this class
        refuse_runs_out_of_sight(shown, seen_from=seen_from)
        if history:
            groups = [run.record_history().log_group_name for run in known]
            shown = [replace(run, history=group) for run, group in zip(shown, groups, strict=True)]
        return run_widgets(shown)

    @property
    def _shown(self) -> ShownRun:
        """The run as dashboards show it, without a history."""
        raise NotImplementedError

    def metric_completed(self, **options: Unpack[RunMetricOptions]) -> cloudwatch.Metric:
        """How often the run has completed. See ``metric_failed``.

        Args:
            **options: More about the metric.
        """
        return self._metric([RunStatus.COMPLETED], options)

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
        return self._metric([RunStatus.FAILED], options)

    def metric_cancelled(self, **options: Unpack[RunMetricOptions]) -> cloudwatch.Metric:
        """How often the run was cancelled. See ``metric_failed``.

        Args:
            **options: More about the metric.
        """
        return self._metric([RunStatus.CANCELLED], options)

    def _metric(self, statuses: Sequence[str], options: RunMetricOptions) -> cloudwatch.Metric:
        refuse_unknown_options(options, RunMetricOptions, where=self.node.path)
        wanted = [status for status in RunStatus if status in statuses]  # in an order that does not matter to the id
        rule_id = "Metric" + "".join(status.capitalize() for status in wanted)
        rule = self.node.try_find_child(rule_id)
        if not isinstance(rule, events.Rule):
            rule = self.on_status_change(
                rule_id, statuses=wanted, description=f"Counts for a metric how often the run is {' or '.join(wanted)}"
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
