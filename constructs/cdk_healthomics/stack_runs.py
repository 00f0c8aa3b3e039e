"""The runs of a stack, for what is about all of them: those that are there, and those that are still to come."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from constructs import Construct


@dataclass(frozen=True, kw_only=True, slots=True)
class StackRun:
    """A run, as far as rules about several need to know it."""

    name: str
    has_default_name: bool
    stack_paths: tuple[str, ...]
    """Of its stack, and of those that this one is nested in."""

    workflow_id: str | None
    """None for a copy of another run, whose workflow nobody knows."""

    wait_for: Callable[[Construct], None]
    """Has the run started after a construct of its stack."""


class StackRuns:
    """The runs of a stack and of those nested in it."""

    def __init__(self) -> None:
        self._runs: list[StackRun] = []
        self._listeners: list[Callable[[StackRun], None]] = []

    @staticmethod
    def of(stack: cdk.Stack) -> "StackRuns":
        """The runs of a stack."""
        return _RUNS.setdefault(stack, StackRuns())

    @staticmethod
    def add(
        scope: Construct,
        *,
        name: str,
        has_default_name: bool,
        workflow_id: str | None,
        wait_for: Callable[[Construct], None],
    ) -> None:
        """Note a run, for its stack and those that this one is nested in. See ``StackRun``."""
        stacks = list(nesting(cdk.Stack.of(scope)))
        run = StackRun(
            name=name,
            has_default_name=has_default_name,
            stack_paths=tuple(stack.node.path for stack in stacks),
            workflow_id=workflow_id,
            wait_for=wait_for,
        )
        for stack in stacks:
            StackRuns.of(stack).note(run)

    def note(self, run: StackRun) -> None:
        """Count a run among those of the stack."""
        self._runs.append(run)
        for listener in self._listeners:
            listener(run)

    def for_each(self, listener: Callable[[StackRun], None]) -> None:
        """Call a function for every run, now or when it is defined."""
        self._listeners.append(listener)
        for run in self._runs:
            listener(run)


def nesting(stack: cdk.Stack | None) -> Iterator[cdk.Stack]:
    """A stack and those that it is nested in, from the inside."""
    while stack is not None:
        yield stack
        stack = stack.nested_stack_parent


_RUNS: Final[WeakKeyDictionary[cdk.Stack, StackRuns]] = WeakKeyDictionary()
