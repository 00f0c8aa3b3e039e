"""Does CloudFormation still want what a request asks for? Pure.

A request can outlive its wish: a sibling fails while this Create waits out a throttle, its Delete arrives first, or
Lambda delivers an event once more an hour later. The event does not tell; the resource's state in its stack does.
Where AWS leaves open what the state shows, the answer is the one that cancels nothing.
"""

from enum import Enum

from healthomics_run_handler.identity import RunIdentity, parse_physical_id
from healthomics_run_handler.ports import ResourceState

CLOCKS_DIFFER_BY = 10.0
"""Seconds by which a resource may seem to have changed after the sending that belongs to the change: dates are whole
seconds, and clocks differ. Between two Creates of one resource lies a Delete; one that finds no run takes 40 s."""

_GOING_FORWARD = ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")


class Verdict(Enum):
    """The answer."""

    WANTED = "wanted"
    UNWANTED = "unwanted"
    OWNED_BY_ANOTHER = "owned by another"
    """Unwanted, but the stack holds another run: perhaps this one's replacement, and its Delete comes anyway."""


def judge_create(state: ResourceState, run_uuid: str | None, sent: float | None = None) -> Verdict:
    """Judge a Create.

    Args:
        state: The resource.
        run_uuid: The run that the Create started, None before StartRun.
        sent: When CloudFormation sent it, in epoch seconds; None if unknown.
    """
    if state.status == "CREATE_IN_PROGRESS":
        # In progress may be a newer Create of the same resource, and this one a delivery of an old one.
        return Verdict.UNWANTED if is_later(state, sent, by=CLOCKS_DIFFER_BY) else Verdict.WANTED
    if (verdict := _by_owner(state, run_uuid)) is not None:
        return verdict
    if run_uuid is not None and state.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE") and not state.physical_id:
        return Verdict.WANTED  # nothing is said about the owner
    return Verdict.UNWANTED


def judge_update(state: ResourceState, stack_status: str, *, event_physical_id: str, run_uuid: str | None) -> Verdict:
    """Judge an Update that starts a run. ``event_physical_id`` is the id that the event names."""
    still_held = state.physical_id in (None, "", event_physical_id)
    if not still_held and (verdict := _by_owner(state, run_uuid)) is not None:
        return verdict
    if is_rollback(stack_status) or not still_held:
        return Verdict.UNWANTED
    if state.status == "UPDATE_IN_PROGRESS":
        return Verdict.WANTED
    if run_uuid is not None and state.status == "UPDATE_COMPLETE" and stack_status in _GOING_FORWARD:
        # The answer may be in, and the new owner not shown before the whole stack is done, which it may be by the time
        # at which its status is read.
        return Verdict.WANTED
    return Verdict.UNWANTED


def is_later(state: ResourceState, sent: float | None, *, by: float = 0.0) -> bool:
    """Whether the resource has surely changed since a request was sent, by so many seconds; never without the times."""
    return state.changed is not None and sent is not None and state.changed > sent + by


def is_rollback(stack_status: str) -> bool:
    """Whether the stack goes, or went, back to its earlier state."""
    return "ROLLBACK" in stack_status


def is_rolling_back(stack_status: str) -> bool:
    """Whether the stack goes back now: only then is an Update one that takes another back."""
    return "ROLLBACK_IN_PROGRESS" in stack_status


def owner(state: ResourceState) -> RunIdentity | None:
    """Return the run that the stack holds, if its physical id names one."""
    identity = parse_physical_id(state.physical_id or "")
    return identity if isinstance(identity, RunIdentity) else None


def _by_owner(state: ResourceState, run_uuid: str | None) -> Verdict | None:
    held = owner(state)
    if run_uuid is None or held is None or state.status.startswith("DELETE_"):
        return None
    return Verdict.WANTED if held.uuid == run_uuid else Verdict.OWNED_BY_ANOTHER
