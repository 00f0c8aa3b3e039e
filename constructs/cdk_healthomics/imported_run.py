"""Runs that something else started, for code that takes any run."""

import re
from typing import TYPE_CHECKING, Final, Protocol, Unpack, cast, runtime_checkable

import aws_cdk as cdk

from cdk_healthomics.choices import RunStatus
from cdk_healthomics.errors import InvalidRunError, UnknownAttributeError
from cdk_healthomics.log_queries import LoggedRun
from cdk_healthomics.places import Place
from cdk_healthomics.run_base import EventSubject, RunAlarmOptions, RunBase, RunMetricOptions
from cdk_healthomics.run_grants import RunResources, WorkflowRunGrants, task_arns
from cdk_healthomics.run_rules import RunRuleOptions
from cdk_healthomics.run_widgets import ShownRun
from cdk_healthomics.tokens import is_one_token, is_string_token, split_around_tokens

if TYPE_CHECKING:
    from abc import ABCMeta
    from collections.abc import Iterator, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_events as events
    from constructs import Construct, Node

    from cdk_healthomics.jsii_protocols import AlarmAction, RuleTarget
    from cdk_healthomics.run_history import RunHistory

_ARN_PARTS: Final = tuple(
    re.compile(part) for part in ("arn", "aws[a-z-]*", "omics", "[a-z0-9-]+", "[0-9]{12}", "run/[0-9]{1,18}")
)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_OUTPUT_URI: Final = re.compile(r"s3://[A-Za-z0-9._-]+(/.*)?")


@runtime_checkable
class IWorkflowRun(Protocol):
    """A workflow run: one of this app, or an imported one.

    Example:
        >>> import aws_cdk as cdk
        >>> from aws_cdk import aws_ssm as ssm
        >>> from cdk_healthomics import IWorkflowRun, WorkflowRun
        >>> def publish(run: IWorkflowRun, name: str) -> None:
        ...     ssm.StringParameter(run, "Arn", parameter_name=name, string_value=run.run_arn)
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> arn = "arn:aws:omics:us-east-1:123456789012:run/7654321"
        >>> publish(WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=arn), "/runs/earlier")
    """

    @property
    def node(self) -> "Node":
        """The construct's node."""
        ...

    @property
    def run_arn(self) -> str:
        """ARN of the run."""
        ...

    @property
    def run_id(self) -> str:
        """Id of the run. HealthOmics gives the ids of deleted runs to new ones."""
        ...

    @property
    def run_uuid(self) -> str:
        """UUID of the run, which no other run ever has."""
        ...

    @property
    def run_output_uri(self) -> str:
        """S3 URI of the run's own outputs."""
        ...

    @property
    def grants(self) -> WorkflowRunGrants:
        """Permissions on the run, for those who look after it."""
        ...

    def on_status_change(
        self,
        rule_id: str,
        *,
        target: "RuleTarget | None" = None,
        statuses: "RunStatus | Sequence[RunStatus]" = (),
        **options: Unpack[RunRuleOptions],
    ) -> "events.Rule":
        """Define a rule about changes of the run's status."""
        ...

    def on_completed(
        self, rule_id: str, *, target: "RuleTarget | None" = None, **options: Unpack[RunRuleOptions]
    ) -> "events.Rule":
        """Define a rule about the run's success."""
        ...

    def on_failed(
        self, rule_id: str, *, target: "RuleTarget | None" = None, **options: Unpack[RunRuleOptions]
    ) -> "events.Rule":
        """Define a rule about the run's failure."""
        ...

    def on_cancelled(
        self, rule_id: str, *, target: "RuleTarget | None" = None, **options: Unpack[RunRuleOptions]
    ) -> "events.Rule":
        """Define a rule about the run's cancellation."""
        ...

    def alarm_on_failure(
        self,
        alarm_id: str,
        *,
        action: "AlarmAction | None" = None,
        statuses: "RunStatus | Sequence[RunStatus]" = RunStatus.FAILED,
        **options: Unpack[RunAlarmOptions],
    ) -> "cloudwatch.Alarm":
        """Define an alarm that goes off when the run fails."""
        ...

    def record_history(self) -> "RunHistory":
        """Keep the run's events in a log group of its stack."""
        ...

    def dashboard_widgets(self, *, history: bool = True) -> "list[cloudwatch.IWidget]":
        """Widgets about the run for a dashboard of yours."""
        ...

    def metric_completed(self, **options: Unpack[RunMetricOptions]) -> "cloudwatch.Metric":
        """How often the run has completed."""
        ...

    def metric_failed(self, **options: Unpack[RunMetricOptions]) -> "cloudwatch.Metric":
        """How often the run has failed."""
        ...

    def metric_cancelled(self, **options: Unpack[RunMetricOptions]) -> "cloudwatch.Metric":
        """How often the run was cancelled."""
        ...


class ImportedRun(RunBase):
    """A run that is known by its attributes. ``WorkflowRun.from_run_attributes`` makes it."""

    def __init__(
        self,
        scope: "Construct",
        construct_id: str,
        *,
        run_arn: str,
        run_uuid: str | None,
        run_output_uri: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        problems = list(import_problems(run_arn=run_arn, run_uuid=run_uuid, run_output_uri=run_output_uri))
        if problems:
            raise InvalidRunError(self.node.path, problems)
        self._run_arn = run_arn
        self._run_uuid = run_uuid
        self._run_output_uri = run_output_uri

    @property
    def grants(self) -> WorkflowRunGrants:
        """Permissions on the run, for those who look after it."""
        return WorkflowRunGrants(
            RunResources(run_arns=self._run_arn, task_arns=task_arns(cdk.Stack.of(self)), conditions={})
        )

    @property
    def _event_subject(self) -> EventSubject:
        return EventSubject({"arn": [self._run_arn]})

    @property
    def _place(self) -> Place:
        return Place.of_arn(self._run_arn)

    @property
    def _shown(self) -> ShownRun:
        return ShownRun(
            title=self.node.path,
            region=self._place.region or cdk.Stack.of(self).region,
            logs=LoggedRun(run_id=self.run_id, run_uuid=self._run_uuid),
            output_uri=self._run_output_uri,
            event_detail=self._event_subject.detail,
        )

    @property
    def run_arn(self) -> str:
        """ARN of the run."""
        return self._run_arn

    @property
    def run_id(self) -> str:
        """Id of the run, from its ARN."""
        if is_string_token(self._run_arn):
            return cdk.Fn.select(1, cdk.Fn.split("/", self._run_arn))
        return self._run_arn.rpartition("/")[2]

    @property
    def run_uuid(self) -> str:
        """UUID of the run.

        Raises:
            UnknownAttributeError: The run was imported without it. A ``ValueError``.
        """
        return self._given("run_uuid", self._run_uuid)

    @property
    def run_output_uri(self) -> str:
        """S3 URI of the run's own outputs.

        Raises:
            UnknownAttributeError: The run was imported without it. A ``ValueError``.
        """
        return self._given("run_output_uri", self._run_output_uri)

    def _given(self, attribute: str, value: str | None) -> str:
        if value is None:
            raise UnknownAttributeError(
                f"{self.node.path}: {attribute} is unknown: give it to WorkflowRun.from_run_attributes"
            )
        return value


# Python 3.11 reads every attribute for ``isinstance``, and those that an imported run lacks fail.
cast("ABCMeta", IWorkflowRun).register(ImportedRun)


def import_problems(*, run_arn: object, run_uuid: object, run_output_uri: object) -> "Iterator[str]":
    """Where the attributes of a run are not written as those of a run are; tokens are passed over.

    Args:
        run_arn: ARN of the run.
        run_uuid: Its UUID; None for one that nobody knows.
        run_output_uri: Its output URI; None for one that nobody knows.
    """
    if not _is_run_arn(run_arn):
        yield f"run_arn is {run_arn!r}: give arn:<partition>:omics:<region>:<account>:run/<id>"
    if run_uuid is not None and not _matches(run_uuid, _UUID):
        yield f"run_uuid is {run_uuid!r}: give a UUID, such as 153893cd-097a-40ec-aec7-838a97cd2b21, or leave it out"
    if run_output_uri is not None and not _matches(run_output_uri, _OUTPUT_URI):
        yield f"run_output_uri is {run_output_uri!r}: give s3://bucket/prefix, or leave it out"


def _matches(value: object, form: re.Pattern[str]) -> bool:
    return is_string_token(value) or (isinstance(value, str) and form.fullmatch(value) is not None)


def _is_run_arn(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if is_one_token(value):
        return True
    parts = split_around_tokens(value, ":")
    return len(parts) == len(_ARN_PARTS) and all(
        _matches(part, form) for part, form in zip(parts, _ARN_PARTS, strict=True)
    )
