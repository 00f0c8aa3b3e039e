"""What CloudFormation says of the stack, and what the stack waits for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from healthomics_run_handler.contract import RESOURCE_TYPE
from healthomics_run_handler.identity import RunIdentity, parse_physical_id
from healthomics_run_waiter import contract

_FORWARD = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_PAUSED = ("CREATE_FAILED", "UPDATE_FAILED")


@dataclass(frozen=True, kw_only=True, slots=True)
class StackState:
    """The stack itself."""

    status: str
    began_at: float
    """When its last operation began, in epoch seconds."""

    @property
    def goes_forward(self) -> bool:
        """Whether resources are being created or updated: only then can anything wait."""
        return self.status in _FORWARD

    @property
    def rests(self) -> bool:
        """Whether nothing can wait before another deployment begins.

        A deployment that failed without a rollback does not rest: going on with it may wait without any change of the
        template that could switch the schedule on.
        """
        return not self.status.endswith("_IN_PROGRESS") and self.status not in _PAUSED


@dataclass(frozen=True, kw_only=True, slots=True)
class StackResource:
    """One resource of the stack."""

    logical_id: str
    resource_type: str
    status: str
    physical_id: str
    changed_at: float
    """When its status changed last, in epoch seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """A wait condition that waits."""

    logical_id: str
    run: RunIdentity
    """What it waits for: the run that the stack holds."""
    gives_up_at: float
    """Epoch seconds."""


def open_waits(resources: Iterable[StackResource]) -> list[Wait]:
    """Find the wait conditions of ours that wait for a signal."""
    listed = list(resources)
    runs = held_runs(listed)
    waits: list[Wait] = []
    for resource in listed:
        if resource.resource_type != contract.WAIT_CONDITION_TYPE or resource.status != "CREATE_IN_PROGRESS":
            continue
        name = contract.parse_wait_id(resource.logical_id)
        if name is None or name.run not in runs:
            continue
        gives_up_at = resource.changed_at + contract.gives_up_after(name.seconds)
        waits.append(Wait(logical_id=resource.logical_id, run=runs[name.run], gives_up_at=gives_up_at))
    return waits


def held_runs(resources: Iterable[StackResource]) -> dict[str, RunIdentity]:
    """Return the runs of the stack by the names of their resources."""
    runs: dict[str, RunIdentity] = {}
    for resource in resources:
        identity = parse_physical_id(resource.physical_id)
        if resource.resource_type == RESOURCE_TYPE and isinstance(identity, RunIdentity):
            runs[contract.run_name(resource.logical_id)] = identity
    return runs


def may_come_to_wait(resources: Iterable[StackResource], state: StackState, *, uuid: str, logical_id: str) -> bool:
    """Whether a wait for a run that has ended may begin in a moment: the stack holds it, or is about to.

    Args:
        resources: Of the stack, none of which waits for the run now.
        state: Of the stack.
        uuid: Of the run.
        logical_id: Of its resource; empty if nothing tells any more.
    """
    listed = list(resources)
    for resource in listed:
        identity = parse_physical_id(resource.physical_id)
        if resource.resource_type == RESOURCE_TYPE and isinstance(identity, RunIdentity) and identity.uuid == uuid:
            return not _was_waited_for(listed, resource, since=max(state.began_at, resource.changed_at))
    return any(resource.logical_id == logical_id and resource.status.endswith("_IN_PROGRESS") for resource in listed)


def _was_waited_for(resources: Iterable[StackResource], run: StackResource, *, since: float) -> bool:
    """Whether a wait for a run is done. One that was done before ``since`` is that of the run before."""
    name = contract.run_name(run.logical_id)
    return any(
        (wait := contract.parse_wait_id(resource.logical_id)) is not None
        and wait.run == name
        and resource.resource_type == contract.WAIT_CONDITION_TYPE
        and resource.status == "CREATE_COMPLETE"
        and resource.changed_at >= since
        for resource in resources
    )


def changed_in_this_operation(resources: Iterable[StackResource], logical_id: str, state: StackState) -> bool:
    """Whether a resource was created or updated since the stack's operation began; True if nothing tells."""
    changed_at = [resource.changed_at for resource in resources if resource.logical_id == logical_id]
    return not changed_at or max(changed_at) >= state.began_at
