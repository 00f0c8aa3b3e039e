"""The run manifest: one JSON object for the run and one for each of its tasks, as HealthOmics logs them. Pure.

The members are those of recorded manifests, which are what AWS's own tools read (``aws-healthomics-tools``:
``run_analyzer``, ``rerun``). Reserved resources are those of the instance type that the service would take for
what a task asks. What was used is told only where the engine has measured it: no member stands for "not measured".
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.instances import instance_for

if TYPE_CHECKING:
    from datetime import datetime

    from healthomics_local.endpoint.ids import ArnFormat
    from healthomics_local.endpoint.records import Run, Task

# Members of StartRun that the manifest has under the same name.
_COPIED = (
    "name",
    "logLevel",
    "outputUri",
    "parameters",
    "priority",
    "retentionMode",
    "roleArn",
    "storageCapacity",
    "storageType",
    "workflowOwnerId",
    "workflowType",
)


def manifest(run: Run, arns: ArnFormat) -> list[str]:
    """The manifest of a run that has ended, the run first; each message is one JSON object."""
    documents = [_run_document(run, arns), *(_task_document(run, task, arns) for task in run.tasks)]
    return [json.dumps(_present(document), separators=(",", ":"), ensure_ascii=False) for document in documents]


def _run_document(run: Run, arns: ArnFormat) -> dict[str, Any]:
    request, workflow = run.request, run.workflow
    versioned = workflow.version_name is not None
    return {name: request.get(name) for name in _COPIED} | {
        "arn": run.arn,
        "uuid": run.uuid,
        "status": run.status.value,
        "creationTime": _time(run.creation_time),
        "startTime": _time(run.start_time),
        "stopTime": _time(run.stop_time),
        "startedBy": run.started_by,
        "digest": workflow.digest,
        "engine": workflow.engine,
        "engineVersion": run.engine_version,
        "parameterTemplate": workflow.parameter_template,
        "workflow": workflow.arn.partition("/version/")[0],
        "workflowVersion": workflow.arn if versioned else None,
        "run": _arn(arns, "run", request.get("runId")),
        "runCache": _arn(arns, "runCache", request.get("cacheId")),
        "runCacheBehavior": request.get("cacheBehavior"),
        "runGroup": _arn(arns, "runGroup", request.get("runGroupId")),
        "failureReason": run.outcome.failure_reason if run.outcome else None,
        "statusMessage": run.outcome.status_message if run.outcome else None,
        "metrics": _present(
            {
                "runningSeconds": _seconds(run.start_time, run.stop_time),
                # Dynamic storage grows with its use: nothing is reserved.
                "storageReservedGiB": request.get("storageCapacity"),
            }
        ),
    }


def _task_document(run: Run, task: Task, arns: ArnFormat) -> dict[str, Any]:
    instance = instance_for(task.cpus, task.memory_gib, task.gpus)
    return {
        "arn": arns.of(f"task/{task.task_id}"),
        "uuid": task.uuid,
        "name": task.name,
        "status": task.status.value,
        "run": run.arn,
        "creationTime": _time(task.creation_time),
        "startTime": _time(task.start_time),
        "stopTime": _time(task.stop_time),
        "cpus": task.cpus,
        "gpus": task.gpus,
        "memory": task.memory_gib,
        "instanceType": instance.name,
        "failureReason": task.failure_reason,
        "statusMessage": task.status_message,
        "metrics": _present(
            {
                "cpusReserved": instance.cpus,
                "gpusReserved": instance.gpus,
                "memoryReservedGiB": instance.memory_gib,
                "runningSeconds": _seconds(task.start_time, task.stop_time),
                "cpusAverage": task.usage.cpus_average,
                "cpusMaximum": task.usage.cpus_maximum,
                "memoryAverageGiB": task.usage.memory_average_gib,
                "memoryMaximumGiB": task.usage.memory_maximum_gib,
            }
        ),
    }


def _arn(arns: ArnFormat, kind: str, resource_id: str | None) -> str | None:
    return None if resource_id is None else arns.of(f"{kind}/{resource_id}")


def _time(time: datetime | None) -> str | None:
    # Milliseconds even when they are zero: run_analyzer's --plot reads no other form.
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(start: datetime | None, stop: datetime | None) -> float | None:
    return None if start is None or stop is None else round((stop - start).total_seconds(), 3)


def _present(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
