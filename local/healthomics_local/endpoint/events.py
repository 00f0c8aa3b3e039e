"""Events in the form in which EventBridge delivers them, and their delivery to a sink.

Field names and order follow the examples of the developer guide and recorded events.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from healthomics_local.endpoint.batch_summary import BatchSummary
    from healthomics_local.endpoint.ids import ArnFormat
    from healthomics_local.endpoint.records import Run, RunBatch, Task, Workflow

logger = logging.getLogger(__name__)

_OMICS_VERSION = "1.0.0"
Event = dict[str, Any]


def run_event(run: Run, arns: ArnFormat, *, event_id: str, now: datetime) -> Event:
    """A Run Status Change. Neither tags nor the requestId are in it, as in AWS."""
    detail = {
        "omicsVersion": _OMICS_VERSION,
        "arn": run.arn,
        "runId": run.run_id,
        "status": run.status.value,
        "uuid": run.uuid,
        "runOutputUri": run.run_output_uri,
        "runName": run.name,
        "workflowId": run.workflow.workflow_id,
        "workflowName": run.workflow.name,
        "workflowUuid": run.workflow.uuid,
    }
    if cache_id := run.request.get("cacheId"):
        detail["runCache"] = arns.of(f"runCache/{cache_id}")
        detail["runCacheBehavior"] = run.request.get("cacheBehavior")
    # The reason is known while the run is still STOPPING, but the service tells it only with FAILED.
    if run.status == "FAILED" and run.outcome is not None:
        detail["failureReason"] = run.outcome.failure_reason
        detail["statusMessage"] = run.outcome.status_message
    return _event("Run Status Change", run.arn, detail, arns, event_id=event_id, now=now)


def task_event(run: Run, task: Task, arns: ArnFormat, *, event_id: str, now: datetime) -> Event:
    """A Task Status Change."""
    arn = arns.of(f"task/{task.task_id}")
    detail = {
        "omicsVersion": _OMICS_VERSION,
        "arn": arn,
        "status": task.status.value,
        "runArn": run.arn,
        "runUuid": run.uuid,
        "runId": run.run_id,
        "runName": run.name,
        "workflowId": run.workflow.workflow_id,
        "workflowName": run.workflow.name,
    }
    return _event("Task Status Change", arn, detail, arns, event_id=event_id, now=now)


def workflow_event(workflow: Workflow, arns: ArnFormat, *, event_id: str, now: datetime) -> Event:
    """A Workflow Status Change."""
    detail = {
        "omicsVersion": _OMICS_VERSION,
        "arn": workflow.arn,
        "status": workflow.status.value,
        "workflowUuid": workflow.uuid,
        "workflowVersionName": workflow.version_name,
    }
    return _event("Workflow Status Change", workflow.arn, detail, arns, event_id=event_id, now=now)


# The guide's table of fields has no counts of cancellations and deletions.
_STARTS = ("successfulStartSubmissionCount", "failedStartSubmissionCount", "pendingStartSubmissionCount")


def batch_event(batch: RunBatch, summary: BatchSummary, arns: ArnFormat, *, event_id: str, now: datetime) -> Event:
    """A RunBatch Status Change. All numbers in it are strings, as in AWS."""
    workflow, default = batch.workflow, batch.default_setting
    cache_id = default.get("cacheId")
    detail: dict[str, Any] = {
        "omicsVersion": _OMICS_VERSION,
        "arn": batch.arn,
        "batchId": batch.batch_id,
        "status": batch.status.value,
        "uuid": batch.uuid,
        "batchName": batch.name,
        "failureReason": batch.failure_reason,
        "failureMessage": batch.failure_message,
        "workflowId": workflow.workflow_id,
        "workflowArn": arns.of(f"workflow/{workflow.workflow_id}", owner=workflow.owner_id),
        "workflowVersionArn": workflow.arn if workflow.version_name is not None else None,
        "workflowOwnerId": workflow.owner_id,
        "runCache": arns.of(f"runCache/{cache_id}") if cache_id is not None else None,
        "runCacheBehavior": default.get("cacheBehavior"),
    }
    if batch.total_runs is not None:
        starts = {name: summary.submissions[name] for name in _STARTS}
        counts = {"totalRuns": batch.total_runs, **starts, **summary.runs}
        detail |= {name: str(count) for name, count in counts.items()}
    return _event("RunBatch Status Change", batch.arn, detail, arns, event_id=event_id, now=now)


def _event(
    detail_type: str, arn: str, detail: dict[str, Any], arns: ArnFormat, *, event_id: str, now: datetime
) -> Event:
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": "aws.omics",
        "account": arns.account_id,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": arns.region,
        "resources": [arn],
        "detail": {name: value for name, value in detail.items() if value is not None},
    }


class EventDelivery:
    """Hands events to a sink, in order, and survives a sink that fails.

    In a thread of its own, a slow sink delays no caller. Without one, events are delivered before the
    call that caused them returns, which is what a test on a virtual clock needs.
    """

    def __init__(self, sink: Callable[[Event], None] | None, *, in_thread: bool) -> None:
        self._sink = sink
        self._in_thread = in_thread
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def deliver(self, event: Event) -> None:
        """Deliver now, or as soon as the thread comes to it. Must not be called by two threads at once."""
        if self._sink is None:
            return
        if not self._in_thread:
            self._hand_over(self._sink, event)
            return
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, args=(self._sink,), name="healthomics-events", daemon=True
            )
            self._thread.start()
        self._queue.put(event)

    def close(self) -> None:
        """Deliver what is left, for some seconds at most, and stop."""
        if self._thread is not None:
            self._queue.put(None)
            if self._thread is not threading.current_thread():
                self._thread.join(timeout=10)

    def _work(self, sink: Callable[[Event], None]) -> None:
        while (event := self._queue.get()) is not None:
            self._hand_over(sink, event)

    @staticmethod
    def _hand_over(sink: Callable[[Event], None], event: Event) -> None:
        try:
            sink(event)
        except Exception:
            logger.exception("the event sink failed on a %s", event["detail-type"])
