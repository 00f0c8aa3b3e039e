"""The states of runs, tasks and workflows, and the transitions that a run may make."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """The status of a run, in the order in which a run passes through them."""

    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    DELETED = "DELETED"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended; only then can it be deleted, and no longer be cancelled."""
        return self in _TERMINAL

    @property
    def holds_resources(self) -> bool:
        """Whether the run counts against the number of concurrent runs."""
        return self in _PROVISIONED

    def may_become(self, other: RunStatus) -> bool:
        """Whether a run can go from this status straight to the other one."""
        return other in _NEXT[self]


class TaskStatus(StrEnum):
    """The status of one task of a run."""

    PENDING = "PENDING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        """Whether the task has ended."""
        return self in {TaskStatus.COMPLETED, TaskStatus.CANCELLED, TaskStatus.FAILED}


class WorkflowStatus(StrEnum):
    """The status of a workflow or of one of its versions."""

    CREATING = "CREATING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
    DELETED = "DELETED"


class BatchStatus(StrEnum):
    """The status of a run batch."""

    CREATING = "CREATING"
    PENDING = "PENDING"
    SUBMITTING = "SUBMITTING"
    INPROGRESS = "INPROGRESS"
    STOPPING = "STOPPING"
    PROCESSED = "PROCESSED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    RUNS_DELETING = "RUNS_DELETING"
    RUNS_DELETED = "RUNS_DELETED"
    RUNS_DELETE_FAILED = "RUNS_DELETE_FAILED"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more happens to the batch by itself; only then can it be deleted."""
        return not _NEXT_OF_BATCH[self] or self in {BatchStatus.PROCESSED, BatchStatus.CANCELLED}

    @property
    def may_be_cancelled(self) -> bool:
        """Whether CancelRunBatch is allowed."""
        return BatchStatus.STOPPING in _NEXT_OF_BATCH[self]

    @property
    def may_delete_its_runs(self) -> bool:
        """Whether DeleteRunBatch is allowed."""
        return BatchStatus.RUNS_DELETING in _NEXT_OF_BATCH[self]

    def may_become(self, other: BatchStatus) -> bool:
        """Whether a batch can go from this status straight to the other one."""
        return other in _NEXT_OF_BATCH[self]


_TERMINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.DELETED})
_PROVISIONED = frozenset({RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING})
_NEXT: dict[RunStatus, frozenset[RunStatus]] = {
    # A run that never got resources has nothing to stop.
    RunStatus.PENDING: frozenset({RunStatus.STARTING, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.STARTING: frozenset({RunStatus.RUNNING, RunStatus.STOPPING}),
    RunStatus.RUNNING: frozenset({RunStatus.STOPPING}),
    RunStatus.STOPPING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset({RunStatus.DELETED}),
    RunStatus.FAILED: frozenset({RunStatus.DELETED}),
    RunStatus.CANCELLED: frozenset({RunStatus.DELETED}),
    RunStatus.DELETED: frozenset(),
}
_NEXT_OF_BATCH: dict[BatchStatus, frozenset[BatchStatus]] = {
    BatchStatus.CREATING: frozenset({BatchStatus.PENDING}),
    BatchStatus.PENDING: frozenset({BatchStatus.SUBMITTING, BatchStatus.FAILED, BatchStatus.STOPPING}),
    BatchStatus.SUBMITTING: frozenset({BatchStatus.INPROGRESS, BatchStatus.STOPPING}),
    BatchStatus.INPROGRESS: frozenset({BatchStatus.PROCESSED, BatchStatus.STOPPING}),
    BatchStatus.STOPPING: frozenset({BatchStatus.CANCELLED}),
    BatchStatus.PROCESSED: frozenset({BatchStatus.RUNS_DELETING}),
    BatchStatus.CANCELLED: frozenset({BatchStatus.RUNS_DELETING}),
    BatchStatus.FAILED: frozenset(),
    BatchStatus.RUNS_DELETING: frozenset({BatchStatus.RUNS_DELETED, BatchStatus.RUNS_DELETE_FAILED}),
    BatchStatus.RUNS_DELETED: frozenset(),
    BatchStatus.RUNS_DELETE_FAILED: frozenset(),
}
