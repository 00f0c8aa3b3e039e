"""The port between the life cycle of a run and whatever executes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from healthomics_local.endpoint.records import Outcome, Run, Workflow
    from healthomics_local.endpoint.script import RunScript
    from healthomics_local.endpoint.statuses import TaskStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One run to execute."""

    run: Run
    script: RunScript


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


class Reporter(Protocol):
    """Where an engine tells about the progress of one job; every method may be called from any thread."""

    def task_started(self, name: str, *, cpus: int = 1, memory_gib: int = 1) -> str:
        """A task runs. The task id that the service gives it is returned."""
        ...

    def task_ended(self, task_id: str, status: TaskStatus, message: str | None = None) -> None:
        """A task ended; only FAILED takes a message."""
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
