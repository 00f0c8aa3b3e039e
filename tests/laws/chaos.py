"""What goes wrong, and when: faults as plain data, so that a failing sequence reads well and shrinks well."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Final


class Kind(StrEnum):
    """One way for one call to go wrong."""

    LOST_REQUEST = "lost request"  # a connection error before the service saw the call
    LOST_RESPONSE = "lost response"  # the service did the work, the caller sees a connection error
    THROTTLED = "throttled"  # 429
    SERVER_ERROR = "server error"  # 500, nothing done
    SERVER_ERROR_AFTER = "server error after the work"
    REQUEST_TIMEOUT = "request timeout"  # 408, nothing done
    REQUEST_TIMEOUT_AFTER = "request timeout after the work"
    DENIED = "denied"  # 403: a role or a policy that is not known everywhere yet
    REFUSED = "refused"  # 400 or 402: a permanent error of StartRun
    KILLED_BEFORE = "killed before the call"  # the Lambda process dies
    KILLED_AFTER = "killed after the call"
    SLOW = "slow"  # the call takes long, perhaps beyond the Lambda's deadline
    UNREACHABLE = "unreachable"  # PUT: a connection error, nothing stored
    REJECTED = "rejected"  # PUT: S3 answers 503, nothing stored
    DUPLICATE = "duplicate"  # the event is delivered once more
    LATE = "late"  # the event is delivered late


READS: Final = ("get_run", "list_runs")
WRITES: Final = ("start_run", "cancel_run", "delete_run", "tag_run", "untag_run")
DESCRIBES: Final = ("describe_resource", "describe_stack")
PUT: Final = "put"
DELIVER: Final = "deliver"

ANY_CALL: Final = frozenset({Kind.KILLED_BEFORE, Kind.KILLED_AFTER, Kind.SLOW})
API_CALL: Final = ANY_CALL | {
    Kind.LOST_REQUEST,
    Kind.LOST_RESPONSE,
    Kind.THROTTLED,
    Kind.SERVER_ERROR,
    Kind.REQUEST_TIMEOUT,
    Kind.DENIED,
}
AFTER_THE_WORK: Final = frozenset({Kind.SERVER_ERROR_AFTER, Kind.REQUEST_TIMEOUT_AFTER})

FAULTS: Final[dict[str, frozenset[Kind]]] = {
    **dict.fromkeys((*READS, *DESCRIBES), API_CALL),
    **dict.fromkeys(WRITES, API_CALL | AFTER_THE_WORK),
    "start_run": API_CALL | AFTER_THE_WORK | {Kind.REFUSED},
    PUT: ANY_CALL | {Kind.UNREACHABLE, Kind.LOST_RESPONSE, Kind.REJECTED},
    DELIVER: frozenset({Kind.DUPLICATE, Kind.LATE}),
}
"""Which faults each operation knows."""

DIES: Final = frozenset({Kind.KILLED_BEFORE, Kind.KILLED_AFTER})


@dataclass(frozen=True)
class Fault:
    """``kind`` befalls ``times`` calls of ``operation``, after ``skip`` calls went well.

    ``seconds`` is the delay of a SLOW, LATE or DUPLICATE fault, and the retry-after of a THROTTLED one (0: none).
    """

    operation: str
    kind: Kind
    skip: int = 0
    times: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class Chaos:
    """Everything that one step leaves to chance. The empty one is a calm day."""

    faults: tuple[Fault, ...] = ()
    order: tuple[int, ...] = ()
    """Which of several simultaneous events goes first, again and again from the start; empty: in order."""
    latencies: tuple[float, ...] = ()
    """Seconds of the calls, again and again from the start; empty: all alike."""
    denied_seconds: float = 0.0
    """For so long every call is denied: IAM is eventually consistent."""

    @property
    def calm(self) -> bool:
        return not self.faults and not self.denied_seconds and max(self.latencies, default=0.0) <= 1.0


CALM: Final = Chaos()
LATENCY: Final = 0.05


class FaultInjector:
    """Hands out the faults that are due, and counts them."""

    def __init__(self, tally: Counter[str]) -> None:
        self._tally = tally
        self._pending: list[list[int]] = []
        self._faults: list[Fault] = []
        self._order = cycle((0,))
        self._latencies = cycle((LATENCY,))
        self.denied_until = 0.0

    def prepare(self, chaos: Chaos, now: float) -> None:
        """Take the faults of the next step; those of the step before are over."""
        self._faults = list(chaos.faults)
        self._pending = [[fault.skip, fault.times] for fault in chaos.faults]
        self._order = cycle(chaos.order or (0,))
        self._latencies = cycle(chaos.latencies or (LATENCY,))
        self.denied_until = now + chaos.denied_seconds if chaos.denied_seconds else 0.0

    def choose(self, count: int) -> int:
        return next(self._order) % count

    def latency(self) -> float:
        return next(self._latencies)

    def take(self, operation: str, *, spared: Iterable[Kind] = ()) -> Fault | None:
        """The fault that this call meets, if any. ``spared``: kinds that would break the bounds of the model."""
        hit: Fault | None = None
        for fault, pending in zip(self._faults, self._pending, strict=True):
            if fault.operation != operation or not pending[1]:
                continue
            if pending[0]:
                pending[0] -= 1
            elif hit is None and fault.kind not in spared:
                pending[1] -= 1
                hit = fault
        if hit is not None:
            self._tally[f"fault: {hit.kind}"] += 1
            self._tally["faults"] += 1
        return hit
