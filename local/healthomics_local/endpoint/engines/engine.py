"""The port between the life cycle of a run and whatever executes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from healthomics_local.endpoint.records import TaskUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Outcome, Run, Workflow
    from healthomics_local.endpoint.script import RunScript, TaskDemand
    from healthomics_local.endpoint.statuses import TaskStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One run to execute."""

    run: Run
    script: RunScript
    objects: ObjectStore | None = None
    """The objects that the run may read and write; None: all that the engine knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What an engine finds in a workflow definition."""

    error: str | None = None
    """Why the definition cannot be run; None: it can."""
    parameter_template: Mapping[str, Mapping[str, Any]] | None = None
    """The inputs that the definition declares; None: not known."""
    main: str | None = None
    """The main definition file that was found."""
    digest: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEnd:
    """How a task ended, and what it leaves behind."""

    status: TaskStatus
    message: str | None = None
    """Why it failed; only FAILED takes one."""
    output: tuple[str, ...] = ()
    """The lines that it wrote to standard output and standard error."""
    usage: TaskUsage = field(default_factory=TaskUsage)


class Reporter(Protocol):
    """Where an engine tells about the progress of one job; every method may be called from any thread."""

    def log(self, message: str, *, failed: bool = False) -> None:
        """A line for the engine log; `failed` marks what went wrong."""
        ...

    def task_started(self, name: str, *, cpus: int = 1, memory_gib: int = 1) -> str:
        """A task runs. The task id that the service gives it is returned."""
        ...

    def task_queued(self, demand: TaskDemand, ready: Callable[[str], None]) -> None:
        """A task could run. When its run group has room for it, `ready` is called with its task id, from any thread.

        Only for an engine that can hold a task back; `ready` is never called once the run has been cancelled.
        """
        ...

    def task_waits(self, task_id: str, ready: Callable[[str], None]) -> None:
        """A task that an earlier process has queued, and that is still PENDING, could run."""
        ...

    def task_ended(self, task_id: str, end: TaskEnd) -> None:
        """A task ended."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """The job ended. Only the first call counts, and none after a cancellation."""
        ...


class Execution(Protocol):
    """A job that was started."""

    def cancel(self) -> None:
        """End the job soon; harmless after it has ended. Returns without waiting."""
        ...


class Engine(Protocol):
    """Executes jobs."""

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        """Look into a workflow's definition, and hand over what was found, now or later, from any thread."""
        ...

    def start(self, job: Job, reporter: Reporter) -> Execution:
        """Start a job. Must return at once; what goes wrong is reported, not raised."""
        ...

    def close(self) -> None:
        """End everything that was started, and return when it has ended."""
        ...


@runtime_checkable
class LimitedEngine(Protocol):
    """An engine that executes so many jobs at a time; the life cycle does not start more runs than that."""

    @property
    def slots(self) -> int:
        """How many."""
        ...


@runtime_checkable
class ResumableEngine(Protocol):
    """An engine whose jobs do not end with the process that started them."""

    def resume(self, job: Job, reporter: Reporter) -> Execution:
        """Go on with a job that an earlier process has started; its run has the tasks that were known then."""
        ...
