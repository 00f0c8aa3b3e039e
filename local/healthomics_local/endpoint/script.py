"""How a run should go, when a test or a demonstration wants to decide it."""

from __future__ import annotations

from dataclasses import dataclass

from healthomics_local.endpoint.statuses import RunStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDemand:
    """One task of a simulated run, and what it needs; run groups limit processors."""

    name: str
    cpus: int = 1
    memory_gib: int = 1
    gpus: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunScript:
    """The course of one run; whatever is left out goes as the settings say.

    A failure that AWS finds out late, such as a role that cannot be assumed, is
    ``RunScript(failure_reason="ASSUME_ROLE_FAILED", fails_in=RunStatus.STARTING)``.
    """

    failure_reason: str | None = None
    """One of the service's failure reasons; None: the run completes."""
    status_message: str | None = None
    fails_in: RunStatus = RunStatus.RUNNING
    """PENDING, STARTING or RUNNING: the status after whose time the run fails."""
    pending_seconds: float | None = None
    starting_seconds: float | None = None
    running_seconds: float | None = None
    stopping_seconds: float | None = None
    tasks: tuple[str | TaskDemand, ...] = ("main",)
    """The tasks of a simulated run, one after the other; the last one is the one that fails."""

    def demands(self) -> tuple[TaskDemand, ...]:
        """The tasks; those of which only the name is given need one processor."""
        return tuple(TaskDemand(name=task) if isinstance(task, str) else task for task in self.tasks)
