"""A CloudWatch dashboard about runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_healthomics.imported_run import IWorkflowRun
from cdk_healthomics.places import Place
from cdk_healthomics.run_base import RunBase

if TYPE_CHECKING:
    from aws_cdk.interfaces import aws_cloudwatch as cloudwatch_refs

_ALARMS_HEIGHT: Final = 3
_WIDTH: Final = 24


class RunDashboard(Construct):
    """A CloudWatch dashboard about one or more runs: statuses, durations, tasks, what they use, logs.

    It is made of queries over the logs that HealthOmics writes and over the events of the runs; what a run's manifest
    says (outcome, tasks, vCPUs and memory) is there once the run has ended.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import RunDashboard, Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> dashboard = RunDashboard(stack, "Runs", runs=[run], alarms=[run.alarm_on_failure("Failed")])
    """

    dashboard: cloudwatch.Dashboard
    """The dashboard, for widgets of your own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        runs: Sequence[IWorkflowRun],
        alarms: "Sequence[cloudwatch_refs.IAlarmRef | cloudwatch.Alarm]" = (),
        history: bool = True,
        dashboard_name: str | None = None,
        default_interval: cdk.Duration | None = None,
    ) -> None:
        """Define a dashboard.

        Args:
            scope: Where the dashboard belongs in the construct tree.
            construct_id: Its id there.
            runs: The runs to show: 1 to 70, of one Region, and of the dashboard's account. However many there are,
                there are as many queries.
            alarms: Alarms whose states are on top. By default none.
            history: Whether the events of the runs are recorded, for their status changes and durations. See
                ``WorkflowRun.record_history``.
            dashboard_name: Letters, digits, hyphens and underscores. By default CloudFormation makes one up.
            default_interval: The time that the dashboard shows when it is opened; logs from before are not found. By
                default a week.

        Raises:
            ValueError: There are no runs, too many, some in another Region, or in another account than the dashboard.
        """
        super().__init__(scope, construct_id)
        account = Place.of(self).account
        # Not a part of a run's public face: only dashboards of this class know their account before their widgets.
        widgets = RunBase._widgets_of(runs, history=history, seen_from=account)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=dashboard_name,
            default_interval=default_interval or cdk.Duration.days(7),
        )
        if alarms:
            self.dashboard.add_widgets(
                cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=_WIDTH, height=_ALARMS_HEIGHT)
            )
        self.dashboard.add_widgets(*widgets)
