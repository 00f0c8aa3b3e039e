"""ListRunTasks and GetRunTask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ResourceNotFoundException
from healthomics_local.endpoint.instances import instance_for
from healthomics_local.endpoint.paging import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.records import Task


class TaskOperations:
    """The operations on the tasks of a run."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def list_run_tasks(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The tasks of a run, newest first."""
        run = self._backend.state.run(members["id"])
        status = members.get("status")
        positioned = [
            _PositionedTask(index, task) for index, task in enumerate(run.tasks) if status in {None, task.status}
        ]
        return page(positioned, members, lambda each: _listed(each.task))

    def get_run_task(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one task."""
        run = self._backend.state.run(members["id"])
        task = run.task(members["taskId"])
        if task is None:
            raise ResourceNotFoundException(f"Task {members['taskId']} of run {run.run_id} not found")
        stream = self._backend.arns.log_stream(f"run/{run.run_id}/task/{task.task_id}")
        return _listed(task) | {
            "statusMessage": task.status_message,
            "failureReason": task.failure_reason,
            "logStream": stream,
        }


class _PositionedTask:
    def __init__(self, sequence: int, task: Task) -> None:
        self.sequence = sequence
        self.task = task


def _listed(task: Task) -> dict[str, Any]:
    return {
        "taskId": task.task_id,
        "uuid": task.uuid,
        "status": task.status.value,
        "name": task.name,
        "cpus": task.cpus,
        "memory": task.memory_gib,
        "gpus": task.gpus,
        "cacheHit": False,
        "instanceType": instance_for(task.cpus, task.memory_gib, task.gpus).name,
        "creationTime": task.creation_time,
        "startTime": task.start_time,
        "stopTime": task.stop_time,
    }
