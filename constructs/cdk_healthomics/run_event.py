"""What HealthOmics tells EventBridge when the status of a run changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aws_cdk import aws_events as events

SOURCE: Final = "aws.omics"
STATUS_CHANGE: Final = "Run Status Change"


class RunEvent:
    """Fields of a run's events, for the input of a rule's target.

    Each is a text that EventBridge replaces by the event's value; nothing is left of a field that an event lacks.

    Example:
        >>> import aws_cdk as cdk
        >>> from aws_cdk import aws_events as events, aws_events_targets as targets, aws_sns as sns
        >>> from cdk_healthomics import RunEvent, Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> message = events.RuleTargetInput.from_text(f"run {RunEvent.run_id} failed: {RunEvent.status_message}")
        >>> rule = run.on_failed("Tell", target=targets.SnsTopic(sns.Topic(stack, "Failures"), message=message))

    Source: "Using EventBridge with AWS HealthOmics" of its user guide, and events as the service sends them.
    """

    run_arn: Final[str] = events.EventField.from_path("$.detail.arn")
    """ARN of the run."""

    run_id: Final[str] = events.EventField.from_path("$.detail.runId")
    """Id of the run."""

    run_uuid: Final[str] = events.EventField.from_path("$.detail.uuid")
    """UUID of the run, which no other run ever has."""

    run_name: Final[str] = events.EventField.from_path("$.detail.runName")
    """Name of the run."""

    run_output_uri: Final[str] = events.EventField.from_path("$.detail.runOutputUri")
    """S3 URI of the run's own outputs."""

    status: Final[str] = events.EventField.from_path("$.detail.status")
    """The status that the run has now; one of ``RunStatus``."""

    status_message: Final[str] = events.EventField.from_path("$.detail.statusMessage")
    """More about the status, in words; of failed runs only."""

    failure_reason: Final[str] = events.EventField.from_path("$.detail.failureReason")
    """Why the run failed, as one word such as ``RUN_TASK_FAILED``; of failed runs only."""

    workflow_id: Final[str] = events.EventField.from_path("$.detail.workflowId")
    """Id of the workflow."""

    workflow_name: Final[str] = events.EventField.from_path("$.detail.workflowName")
    """Name of the workflow."""

    run_cache_arn: Final[str] = events.EventField.from_path("$.detail.runCache")
    """ARN of the run cache, if the run has one."""

    time: Final[str] = events.EventField.from_path("$.time")
    """When the status changed, such as ``2026-11-22T22:07:35Z``."""


def status_change_pattern(
    detail: Mapping[str, Sequence[object]], statuses: Iterable[str], *, account: str | None
) -> events.EventPattern:
    """The pattern of status changes of a run.

    Args:
        detail: What tells the run from others: members of the event's ``detail``.
        statuses: The statuses of interest; none for all of them.
        account: The account of the run, if the detail does not say it: events that others forward do not match.
    """
    return events.EventPattern(
        source=[SOURCE],
        detail_type=[STATUS_CHANGE],
        account=None if account is None else [account],
        detail=_with_statuses(detail, statuses) or None,  # EventBridge takes no empty one
    )


def status_change_json(
    detail: Mapping[str, Sequence[object]], statuses: Iterable[str], *, account: str
) -> dict[str, object]:
    """The same pattern as a template has it. See ``status_change_pattern``."""
    return {
        "source": [SOURCE],
        "detail-type": [STATUS_CHANGE],
        "account": [account],
        "detail": _with_statuses(detail, statuses),
    }


def _with_statuses(detail: Mapping[str, Sequence[object]], statuses: Iterable[str]) -> dict[str, Sequence[object]]:
    wanted = [str(status) for status in statuses]
    return {**detail, **({"status": wanted} if wanted else {})}
