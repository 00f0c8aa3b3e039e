"""The status changes of a stack's runs, kept in a log group."""

from typing import Final

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk.interfaces import aws_events as events_refs
from constructs import Construct

from cdk_healthomics import linters
from cdk_healthomics.jsii_protocols import RuleTarget
from cdk_healthomics.names import default_run_name
from cdk_healthomics.permissions import log_group_arn, record_events

_CONSTRUCT_ID: Final = "HealthOmicsRunHistory"
_PREFIX: Final = "/aws/events/"
"""The console of EventBridge offers the log groups that begin so, and no others."""


class RunHistory(Construct):
    """A log group of a stack that keeps the events of its runs, for dashboards and for queries of your own.

    ``RunHistory.of(scope)`` finds or defines the one of a stack. A run is in it if it is on a dashboard, or if
    ``run.record_history()`` was called.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import RunHistory, Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> history = run.record_history()
        >>> history is RunHistory.of(stack)
        True
    """

    log_group: logs.LogGroup
    """Keeps each event as JSON for a year, and is deleted with the stack."""

    log_group_name: str
    """Name of the log group as other stacks can say it too: ``/aws/events/<stack>-<construct>-<digest>``."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        self.log_group_name = f"{_PREFIX}{default_run_name(self)}"
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=self.log_group_name,
            retention=logs.RetentionDays.ONE_YEAR,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        # A policy of the group itself: of those that are an account's, there can be ten in a Region.
        resource = self.log_group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - of the CDK's own construct
        resource.resource_policy_document = iam.PolicyDocument(statements=[record_events(stack, self.log_group_name)])
        linters.acknowledge_log_group(self.log_group, linters.HISTORY_REASON)

    @staticmethod
    def of(scope: Construct) -> "RunHistory":
        """The history of the scope's stack; defines it if there is none yet."""
        stack = cdk.Stack.of(scope)
        found = stack.node.try_find_child(_CONSTRUCT_ID)
        return found if isinstance(found, RunHistory) else RunHistory(stack, _CONSTRUCT_ID)

    @property
    def target(self) -> RuleTarget:
        """The log group as the target of a rule, for events that are to be kept too."""
        return _LogGroupTarget(self.log_group)


@jsii.implements(events.IRuleTarget)
class _LogGroupTarget:
    """A log group that lets EventBridge write.

    ``aws_events_targets.CloudWatchLogGroup`` brings a custom resource with a function of its own for the permission.
    """

    def __init__(self, log_group: logs.LogGroup) -> None:
        self._log_group = log_group

    def bind(
        self,
        rule: events_refs.IRuleRef,
        rule_id: str | None = None,
    ) -> events.RuleTargetConfig:
        """Have the rule write to the log group."""
        del rule, rule_id  # the log group's policy is for every rule
        arn = log_group_arn(cdk.Stack.of(self._log_group), self._log_group.log_group_name)
        return events.RuleTargetConfig(arn=arn, target_resource=self._log_group)
