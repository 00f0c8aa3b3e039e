"""What the waiter needs from outside. Every call raises :class:`~healthomics_run_handler.errors.ApiError`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from healthomics_run_handler.ports import Clock, Log, Random
from healthomics_run_waiter.stack_state import StackResource, StackState


class Runs(Protocol):
    """HealthOmics."""

    def get_run(self, run_id: str, /) -> Mapping[str, Any]:
        """Call GetRun."""
        ...


class Stacks(Protocol):
    """CloudFormation, about the own stack only."""

    def state(self, stack_id: str, /) -> StackState:
        """Call DescribeStacks."""
        ...

    def resources(self, stack_id: str, /) -> Sequence[StackResource]:
        """Call ListStackResources, page after page."""
        ...

    def signal(self, stack_id: str, logical_id: str, unique_id: str, /) -> None:
        """Call SignalResource: success."""
        ...


class Schedule(Protocol):
    """EventBridge, about the own rule only."""

    def enable(self, rule_name: str, /) -> None:
        """Call EnableRule."""
        ...

    def disable(self, rule_name: str, /) -> None:
        """Call DisableRule."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """All of them."""

    runs: Runs
    stacks: Stacks
    schedule: Schedule
    clock: Clock
    random: Random
    log: Log
