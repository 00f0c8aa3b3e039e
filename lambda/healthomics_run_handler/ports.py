"""What the protocol needs from outside: HealthOmics, CloudFormation, time. Every one is an argument."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Clock(Protocol):
    """Time in epoch seconds."""

    def now(self) -> float:
        """Return the time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Omics(Protocol):
    """The HealthOmics calls that the handler makes. Each raises :class:`~.errors.ApiError`."""

    def start_run(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call StartRun."""
        ...

    def get_run(self, run_id: str) -> Mapping[str, Any]:
        """Call GetRun."""
        ...

    def list_runs(self, *, name: str, status: str | None) -> Iterator[Mapping[str, Any]]:
        """Call ListRuns, page after page."""
        ...

    def cancel_run(self, run_id: str) -> None:
        """Call CancelRun."""
        ...

    def delete_run(self, run_id: str) -> None:
        """Call DeleteRun."""
        ...

    def tag_run(self, arn: str, tags: Mapping[str, str]) -> None:
        """Call TagResource."""
        ...

    def untag_run(self, arn: str, keys: Sequence[str]) -> None:
        """Call UntagResource."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourceState:
    """What CloudFormation knows about the resource (DescribeStackResource)."""

    status: str
    """For example ``CREATE_IN_PROGRESS``; ``DELETE_COMPLETE`` also when stack or resource are not there."""
    physical_id: str | None
    changed: float | None = None
    """Epoch seconds at which CloudFormation last changed the resource's state; None if it does not tell."""


class Stacks(Protocol):
    """The CloudFormation calls that the handler makes, on its own stack only. Each raises ``ApiError``."""

    def resource(self, stack_id: str, logical_id: str) -> ResourceState:
        """Call DescribeStackResource."""
        ...

    def stack_status(self, stack_id: str) -> str:
        """Call DescribeStacks."""
        ...

    def last_update(self, stack_id: str) -> float | None:
        """Call DescribeStacks for when the stack was updated last, in epoch seconds; None if it never was."""
        ...


class Random(Protocol):
    """Chance, for the jitter."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between a and b."""
        ...


class Log(Protocol):
    """Structured log lines. Never give it a URL, a credential, a parameter value or a service's message."""

    def info(self, message: str, /, **fields: str | float | None) -> None:
        """Write a line."""
        ...

    def problem(self, message: str, /, **fields: str | float | None) -> None:
        """Write a line about something that went wrong."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """All of them."""

    omics: Omics
    stacks: Stacks
    clock: Clock
    random: Random
    log: Log
