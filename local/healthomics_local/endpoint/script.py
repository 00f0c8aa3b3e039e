"""How a run should go, when a test or a demonstration wants to decide it."""

from __future__ import annotations

from dataclasses import dataclass

from healthomics_local.endpoint.statuses import RunStatus

_CAN_FAIL_IN = (RunStatus.PENDING, RunStatus.STARTING, RunStatus.RUNNING)
_LONGEST_REASON = 64
_LONGEST_SECONDS = 100 * 365 * 86_400
"""A hundred years: a date that can still be written down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDemand:
    """One task of a simulated run, and what it needs; run groups limit processors."""

    name: str
    cpus: int = 1
    memory_gib: int = 1
    gpus: int = 0

    def __post_init__(self) -> None:
        if self.cpus < 1 or self.memory_gib < 0 or self.gpus < 0:
            raise ValueError(f"a task needs at least one processor, and nothing below 0, got {self}")


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

    def __post_init__(self) -> None:
        if self.fails_in not in _CAN_FAIL_IN:
            raise ValueError(f"fails_in must be PENDING, STARTING or RUNNING, got {self.fails_in}")
        if self.failure_reason is not None and not 1 <= len(self.failure_reason) <= _LONGEST_REASON:
            raise ValueError(f"failure_reason must have 1 to {_LONGEST_REASON} characters, got {self.failure_reason!r}")
        durations = (self.pending_seconds, self.starting_seconds, self.running_seconds, self.stopping_seconds)
        if any(seconds is not None and not 0 <= seconds <= _LONGEST_SECONDS for seconds in durations):
            raise ValueError(f"seconds must be from 0 to {_LONGEST_SECONDS}, got {durations}")

    def demands(self) -> tuple[TaskDemand, ...]:
        """The tasks; those of which only the name is given need one processor."""
        return tuple(TaskDemand(name=task) if isinstance(task, str) else task for task in self.tasks)
