"""What the runs of a run group use together, and whether its limits leave room. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthomics_local.endpoint.statuses import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from healthomics_local.endpoint.records import Run, RunGroup, Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What active runs use together."""

    runs: int
    cpus: int
    """Of tasks that run; those that wait use none."""
    gpus: int


def load_of(runs: Collection[Run]) -> Load:
    """The load of runs that hold resources."""
    tasks = [task for run in runs for task in run.tasks if task.status is TaskStatus.RUNNING]
    return Load(runs=len(runs), cpus=sum(task.cpus for task in tasks), gpus=sum(task.gpus for task in tasks))


def has_room_for_run(group: RunGroup, load: Load) -> bool:
    """Whether one more run may start: a run stays PENDING while any maximum of its group is reached."""
    limits = ((group.max_runs, load.runs), (group.max_cpus, load.cpus), (group.max_gpus, load.gpus))
    return all(limit is None or used < limit for limit, used in limits)


def has_room_for_task(group: RunGroup, load: Load, task: Task) -> bool:
    """Whether a task may run beside the others."""
    limits = ((group.max_cpus, load.cpus + task.cpus), (group.max_gpus, load.gpus + task.gpus))
    return all(limit is None or used <= limit for limit, used in limits)
