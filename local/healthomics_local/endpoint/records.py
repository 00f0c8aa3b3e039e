"""What the endpoint remembers: runs, tasks, workflows and the resources that a run can name.

All of them are immutable: a change is a new record under the same key, so that a reader outside the lock
never sees half of a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

# These two are needed at run time: the type hints say how a record is stored.
from datetime import datetime  # noqa: TC003
from typing import Any

from healthomics_local.endpoint.script import RunScript  # noqa: TC001
from healthomics_local.endpoint.status_text import one_line
from healthomics_local.endpoint.statuses import BatchStatus, RunStatus, TaskStatus, WorkflowStatus

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
        return cls(status=RunStatus.FAILED, failure_reason=reason, status_message=one_line(message) or None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskUsage:
    """What a task was seen to use; None: nobody measured it."""

    cpus_average: float | None = None
    cpus_maximum: float | None = None
    """In the busiest minute."""
    memory_average_gib: float | None = None
    memory_maximum_gib: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task of a run."""

    task_id: str
    uuid: str
    name: str
    status: TaskStatus = TaskStatus.PENDING
    cpus: int = 1
    memory_gib: int = 1
    gpus: int = 0
    creation_time: datetime
    start_time: datetime | None = None
    stop_time: datetime | None = None
    failure_reason: str | None = None
    status_message: str | None = None
    usage: TaskUsage = field(default_factory=TaskUsage)


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
    started_by: str | None = None
    """The ARN of whoever called StartRun, or StartRunBatch for a run of a batch."""

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
class RunProgress:
    """What a run that has not ended needs beside its record, so that it can go on after a restart."""

    script: RunScript
    due: datetime
    """When its present status is over, unless it waits for something else than time."""
    timeout: datetime | None = None
    """When it will have been RUNNING for too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEntry:
    """The first use of a request id."""

    resource: str
    """What the request made; a key that its owner can look up."""
    fingerprint: str
    response: Mapping[str, Any]
    at: datetime


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
    """Members that are read when they are needed, or only handed back: READMEs, registry map, bucket owner."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunBatch:
    """A run batch; its runs' settings are records of their own, because there may be many."""

    batch_id: str
    uuid: str
    arn: str
    sequence: int
    name: str | None = None
    status: BatchStatus = BatchStatus.CREATING
    default_setting: Mapping[str, Any]
    """The members that all runs of the batch share, as the caller sent them."""
    settings_uri: str | None = None
    """Where the settings of the runs lie; None: they came with the request."""
    settings_etag: str | None = None
    """The ETag of that object when the batch was started."""
    workflow: Workflow
    """As it was when the batch was started."""
    total_runs: int | None = None
    """None until the settings have been read."""
    creation_time: datetime
    submitted_time: datetime | None = None
    processed_time: datetime | None = None
    failed_time: datetime | None = None
    failure_reason: str | None = None
    """The category that the event names; None unless the batch is FAILED."""
    failure_message: str | None = None
    tags: Tags = field(default_factory=dict[str, str])
    started_by: str | None = None
    """The ARN of whoever called StartRunBatch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRun:
    """One run of a batch, from its setting to its deletion."""

    batch_id: str
    sequence: int
    """Position in the batch, from 1."""
    setting: Mapping[str, Any]
    """As the caller sent it."""
    run_id: str | None = None
    """None until the run has been started."""
    run_uuid: str | None = None
    run_arn: str | None = None
    attempts: int = 0
    """Starts that failed with an error which is tried again."""
    started: bool | None = None
    """Whether the run could be started; None: not tried yet."""
    cancelled: bool | None = None
    """Whether CancelRunBatch could cancel it; None: not tried."""
    deleted: bool | None = None
    """Whether DeleteRunBatch could delete it; None: not tried."""
    failure_reason: str | None = None
    """The code of the latest error; None: there was none."""
    failure_message: str | None = None

    @property
    def setting_id(self) -> str:
        """What the caller calls this run."""
        return str(self.setting["runSettingId"])

    @property
    def submission_status(self) -> str | None:
        """The outcome of the latest submission: of the deletion, the cancellation, or the start; None before all."""
        for outcome, prefix in ((self.deleted, "DELETE_"), (self.cancelled, "CANCEL_"), (self.started, "")):
            if outcome is not None:
                return f"{prefix}{'SUCCESS' if outcome else 'FAILED'}"
        return None


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
