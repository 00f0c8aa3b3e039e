"""What the endpoint remembers: runs, tasks, workflows and the resources that a run can name.

All of them are immutable: a change is a new record under the same key, so that a reader outside the lock
never sees half of a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.statuses import RunStatus, TaskStatus, WorkflowStatus

if TYPE_CHECKING:
    from datetime import datetime

Tags = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ends: COMPLETED, FAILED with a reason, or CANCELLED."""

    status: RunStatus = RunStatus.COMPLETED
    failure_reason: str | None = None
    status_message: str | None = None

    @classmethod
    def failed(cls, reason: str, message: str) -> Outcome:
        """The outcome of a run that failed, for one of the service's failure reasons."""
        return cls(status=RunStatus.FAILED, failure_reason=reason, status_message=message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task of a run."""

    task_id: str
    uuid: str
    name: str
    status: TaskStatus = TaskStatus.PENDING
    cpus: int = 1
    memory_gib: int = 1
    creation_time: datetime
    start_time: datetime | None = None
    stop_time: datetime | None = None
    failure_reason: str | None = None
    status_message: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run, from StartRun to DeleteRun."""

    run_id: str
    """Unique among the stored runs; the service uses ids of deleted runs again."""
    uuid: str
    """Unique for ever."""
    arn: str
    sequence: int
    """Position in the order in which runs were started."""
    request: Mapping[str, Any]
    """The members that took effect: what the caller sent, what was copied from another run, the defaults."""
    run_output_uri: str
    status: RunStatus = RunStatus.PENDING
    tags: Tags = field(default_factory=dict[str, str])
    creation_time: datetime
    start_time: datetime | None = None
    stop_time: datetime | None = None
    outcome: Outcome | None = None
    """Set as soon as it is known how the run will end, which is before it is terminal."""
    tasks: tuple[Task, ...] = ()
    workflow: Workflow
    """As it was when the run was started."""
    engine_version: str | None = None
    configuration: Configuration | None = None
    batch_id: str | None = None

    @property
    def name(self) -> str | None:
        """The name that the caller gave."""
        return self.request.get("name")

    @property
    def workflow_id(self) -> str:
        """The id of the run's workflow."""
        return self.workflow.workflow_id

    def with_task(self, task: Task) -> Run:
        """The run with this task added, or in the place of its earlier record."""
        others = [each for each in self.tasks if each.task_id != task.task_id]
        index = next((i for i, each in enumerate(self.tasks) if each.task_id == task.task_id), len(others))
        return replace(self, tasks=(*others[:index], task, *others[index:]))

    def task(self, task_id: str) -> Task | None:
        """The task with this id, or None."""
        return next((task for task in self.tasks if task.task_id == task_id), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A workflow's definition: the zip archive itself, or where it lies."""

    archive: bytes | None = None
    uri: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """One workflow, or one version of a workflow."""

    workflow_id: str
    uuid: str
    arn: str
    sequence: int
    version_name: str | None = None
    """None for the workflow itself, which is its own default version."""
    status: WorkflowStatus = WorkflowStatus.ACTIVE
    status_message: str | None = None
    workflow_type: str = "PRIVATE"
    owner_id: str | None = None
    """The account that shares the workflow; None for the endpoint's own account and for READY2RUN."""
    name: str | None = None
    description: str | None = None
    engine: str = "WDL"
    main: str | None = None
    digest: str | None = None
    definition: Definition = field(default_factory=Definition)
    parameter_template: Mapping[str, Mapping[str, Any]] | None = None
    """None: unknown, so the parameters of a run are not compared with it."""
    storage_type: str | None = None
    storage_capacity: int | None = None
    accelerators: str | None = None
    creation_time: datetime
    tags: Tags = field(default_factory=dict[str, str])
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Members that are only handed back: readme path, container registry map, repository."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunGroup:
    """A run group and its limits."""

    group_id: str
    arn: str
    sequence: int
    name: str | None = None
    max_cpus: int | None = None
    max_runs: int | None = None
    max_duration_minutes: int | None = None
    max_gpus: int | None = None
    creation_time: datetime
    tags: Tags = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCache:
    """A run cache. The endpoint keeps its record only: nothing is ever cached."""

    cache_id: str
    arn: str
    sequence: int
    cache_behavior: str = "CACHE_ON_FAILURE"
    cache_s3_uri: str
    bucket_owner_id: str | None = None
    name: str | None = None
    description: str | None = None
    creation_time: datetime
    tags: Tags = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """A configuration, which is what a run in VPC networking mode names."""

    name: str
    arn: str
    uuid: str
    sequence: int
    status: str = "ACTIVE"
    description: str | None = None
    vpc_config: Mapping[str, Any] | None = None
    creation_time: datetime
    tags: Tags = field(default_factory=dict[str, str])
