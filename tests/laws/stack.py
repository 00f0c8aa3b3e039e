"""A stack and its resources as CloudFormation keeps them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from laws.template import Properties


class RollbackOfReplacement(StrEnum):
    """What a rollback sends for a resource that was replaced. Sources disagree (facts-cloudformation §3)."""

    UPDATE_OF_NEW_ID = "reverse Update with the new physical id, then Delete of it"  # aws-cdk #27199, PR 29581, #17443
    UPDATE_OF_OLD_ID = "reverse Update with the old physical id, then Delete of the new one"
    DELETE_ONLY = "only Delete of the new physical id"  # AWS knowledge center


class FailedWithOtherId(StrEnum):
    """What becomes of an id that a failed Update answers in place of its own (aws-cdk #22670, #30012)."""

    DELETE = "it is deleted, without a reverse Update"
    ADOPT = "it is the resource's id from then on"


class InFlight(StrEnum):
    """What happens to requests in flight when a sibling fails."""

    CANCEL = "they are cancelled"  # "Resource creation cancelled": coverage-roadmap #1814, #1730
    AWAIT = "they are awaited"


class OldProperties(StrEnum):
    """What counts as a resource's properties after a failed Update: ``OldResourceProperties`` are those "previously
    declared by the template developer" (crpg-ref-requests), which can be read both ways."""

    ATTEMPTED = "those of the failed Update"
    LAST_GOOD = "those of the last successful request"


class ShownId(StrEnum):
    """The physical id that DescribeStackResource shows once a replacement has been answered."""

    AT_ONCE = "the new one"
    AFTER_THE_UPDATE = "the old one until the stack's update is complete"


@dataclass(frozen=True)
class Readings:
    """Everything that AWS leaves open about stacks. The handler has to be right under every combination."""

    replacement: RollbackOfReplacement = RollbackOfReplacement.UPDATE_OF_NEW_ID
    failed_with_other_id: FailedWithOtherId = FailedWithOtherId.DELETE
    in_flight: InFlight = InFlight.CANCEL
    old_properties: OldProperties = OldProperties.LAST_GOOD
    shown_id: ShownId = ShownId.AT_ONCE
    reuses_request_ids: bool = False
    """On the retry of a failed deployment (aws-cdk #35957, PR 35988)."""
    deletes_replaced: bool = True
    """DeleteStack sends a Delete for what a failed update, without a rollback, has replaced; else for the last only."""
    describes_deleted_stacks: bool = True
    """By ARN, for 90 days; else the ValidationError "does not exist"."""


@dataclass(frozen=True)
class Known:
    """A physical id with the properties that belong to it."""

    physical_id: str
    properties: Properties
    undone: bool = False
    """Whether it is what a rollback has taken back, and not what an update has replaced."""


@dataclass(eq=False)
class Resource:
    """One custom resource in a stack."""

    logical_id: str
    properties: Properties
    """Those of the last request, whatever came of it."""
    status: str = ""
    physical_id: str | None = None
    good: Known | None = None
    """What the last successful Create or Update left."""
    stable: Known | None = None
    """What there was when the whole stack was last complete: where a rollback leads to."""
    leftovers: list[Known] = field(default_factory=list)
    """Ids that were replaced and whose cleanup Delete is still to come."""
    failed_with_other_id: bool = False
    """The last Update failed with an id that is not the resource's."""
    touched: bool = False
    """Whether something was sent for it since the stack was last complete."""
    now: Callable[[], float] = lambda: 0.0
    changed: float = 0.0
    """LastUpdatedTimestamp: when the status was last set."""

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name == "status" and "now" in self.__dict__:
            object.__setattr__(self, "changed", self.now())


@dataclass(eq=False)
class Stack:
    """A stack."""

    name: str
    id: str
    status: str = ""
    resources: dict[str, Resource] = field(default_factory=dict)
    updated: float | None = None
    """When its last update began."""
    failing: bool = False
    """The running operation has failed or was cancelled; what was new is not to stay."""

    @property
    def gone(self) -> bool:
        """Whether nothing of it should be left: deleted, or rolled back at its creation."""
        return self.status in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE")
