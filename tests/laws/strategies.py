"""What hypothesis may draw. The first choice everywhere is the calm one, so that failures shrink to what matters.

All strategies are made once: making them costs more than drawing from them.
"""

import os
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Final

from hypothesis import strategies as st

from healthomics_run_handler.contract import ON_DELETE_CANCEL, ON_DELETE_VALUES
from laws.chaos import API_CALL, DELIVER, FAULTS, PUT, Chaos, Fault, Kind
from laws.deployment import Options
from laws.healthomics import FAILING, SHORT, HealthOmicsReadings, Life, SameToken
from laws.stack import FailedWithOtherId, InFlight, OldProperties, Readings, RollbackOfReplacement, ShownId
from laws.template import RunTemplate

EXTRAS: Final = frozenset(os.environ.get("LAWS_EXTRAS", "").split())
"""Readings beyond the usual mix, under which the laws need not hold: ``tokens`` (forgotten with the record), ``strip``
(the ledger's tags, by others), ``ever`` (any request of the last hour is delivered again, not only those of the last
operation)."""

LOGICAL_IDS: Final = ("A", "B", "C", "D", "E")

# --- faults -------------------------------------------------------------------------------------------------------

_SECONDS: Final = {
    Kind.SLOW: (4.0, 8.0, 20.0),  # then the handler's client gives up: 5 s to connect, 15 s to read
    Kind.LATE: (1.0, 20.0, 200.0, 1000.0),
    Kind.DUPLICATE: (0.0, 0.3, 5.0, 90.0, 1000.0, 3600.0),  # "also late": up to an hour
    Kind.THROTTLED: (0.0, 7.0),
}
_REPEATABLE: Final = (API_CALL - {Kind.SLOW, Kind.KILLED_BEFORE, Kind.KILLED_AFTER}) | {Kind.REJECTED, Kind.UNREACHABLE}
_kinds: Final = st.sampled_from(
    [(operation, kind) for operation, kinds in FAULTS.items() for kind in sorted(kinds)]
    + [(DELIVER, kind) for kind in sorted(FAULTS[DELIVER])] * 20
    + [(PUT, kind) for kind in sorted(FAULTS[PUT])] * 2
    + [("start_run", kind) for kind in sorted(FAULTS["start_run"])] * 2
    + [("start_run", kind) for kind in (Kind.LOST_RESPONSE, Kind.KILLED_AFTER, Kind.SLOW)] * 4
)
"""Deliveries know few kinds of faults, so each of them counts for more; so does what leaves StartRun's outcome open."""
_skips: Final = st.sampled_from((0, 0, 0, 1, 2, 3))
_times: Final = st.sampled_from((1, 1, 2, 6))
_seconds: Final = {kind: st.sampled_from(seconds) for kind, seconds in _SECONDS.items()}


@st.composite
def _one_fault(draw: st.DrawFn) -> Fault:
    operation, kind = draw(_kinds)
    return Fault(
        operation,
        kind,
        skip=draw(_skips),
        times=draw(_times) if kind in _REPEATABLE or operation == DELIVER else 1,
        seconds=draw(_seconds[kind]) if kind in _seconds else 0.0,
    )


_order: Final = st.lists(st.integers(0, 4), max_size=6).map(tuple)
_mild: Final = st.builds(Chaos, order=_order)
_wild: Final = st.builds(
    Chaos,
    faults=st.lists(_one_fault(), min_size=1, max_size=4).map(tuple),
    order=_order,
    latencies=st.lists(st.sampled_from((0.05, 0.2, 1.5, 12.0)), max_size=4).map(tuple),
    denied_seconds=st.sampled_from((0.0,) * 12 + (5.0, 45.0)),
)
CHAOS: Final = st.one_of(_mild, _wild, _wild)

# --- what AWS leaves open -----------------------------------------------------------------------------------------

READINGS: Final = st.builds(
    Readings,
    replacement=st.sampled_from(RollbackOfReplacement),
    failed_with_other_id=st.sampled_from(FailedWithOtherId),
    in_flight=st.sampled_from(InFlight),
    old_properties=st.sampled_from(OldProperties),
    shown_id=st.sampled_from(ShownId),
    reuses_request_ids=st.sampled_from((False, True, True)),
    describes_deleted_stacks=st.sampled_from((True, False)),
    deletes_replaced=st.sampled_from((True, True, False)),
)
OMICS_READINGS: Final = st.builds(
    HealthOmicsReadings,
    same_token=st.sampled_from(SameToken),
    listing_lag=st.sampled_from((0.0, 5.0, 30.0)),
    lives=st.lists(st.sampled_from((Life(), SHORT, FAILING, Life(stopping=100))), min_size=1, max_size=3).map(tuple),
    removal_delay=st.sampled_from((30.0, 0.0, 600.0)),
    cancels_stopping=st.sampled_from((True, False)),
    forgets_tokens=st.sampled_from((False, True) if "tokens" in EXTRAS else (False,)),
)

# --- templates ----------------------------------------------------------------------------------------------------


def _run(logical_id: str) -> st.SearchStrategy[RunTemplate]:
    return st.builds(
        RunTemplate,
        name=st.sampled_from((f"run-{logical_id}", f"run-{logical_id}", "shared")),
        removes_itself=st.sampled_from((False, False, True)),
        on_delete=st.sampled_from((ON_DELETE_CANCEL,) * 3 + ON_DELETE_VALUES),
        service_timeout=st.sampled_from((3600, 3600, 600, 240)),
    )


_runs: Final = [_run(logical_id) for logical_id in LOGICAL_IDS]
TEMPLATES: Final = st.sampled_from((1, 1, 2, 1, 2, 3, len(LOGICAL_IDS))).flatmap(
    lambda count: st.tuples(*_runs[:count]).map(lambda runs: dict(zip(LOGICAL_IDS, runs, strict=False)))
)


@dataclass(frozen=True)
class Change:
    """One setting of one run; the position counts round the template."""

    position: int
    setting: str
    value: Any

    def applied(self, template: dict[str, RunTemplate]) -> dict[str, RunTemplate]:
        logical_id = sorted(template)[self.position % len(template)]
        return {**template, logical_id: replace(template[logical_id], **{self.setting: self.value})}


_positions: Final = st.integers(0, len(LOGICAL_IDS) - 1)


def _changes(**settings: tuple[Any, ...]) -> st.SearchStrategy[list[Change]]:
    pairs = st.sampled_from([(setting, value) for setting, values in settings.items() for value in values])

    @st.composite
    def change(draw: st.DrawFn) -> Change:
        return Change(draw(_positions), *draw(pairs))

    return st.lists(change(), min_size=1, max_size=4)


SPEC_CHANGES: Final = _changes(sample=(1, 0, 2), rerun_on=("1", None, "2"), name=("renamed", "shared"))
"""Another run: A to B, and back to A."""
OTHER_CHANGES: Final = _changes(
    tags=({"project": "1"}, {}, {"project": "2", "cost": "1"}, {"cost": "2"}),
    release=(2, 3),
    service_timeout=(900, 3600),
    on_delete=ON_DELETE_VALUES,
)
"""The same run: tags, settings of the resource, a later release of the library."""

TOUCHES: Final = st.sampled_from(("cancel", "delete", "tag", *(("strip",) if "strip" in EXTRAS else ())))
"""What somebody else may do to a run."""

# --- deployments --------------------------------------------------------------------------------------------------

OPTIONS: Final = st.builds(
    Options,
    sibling_fails_after=st.sampled_from((None,) * 5 + (0.0, 1.3, 6.0, 40.0, 300.0)),
    rollback=st.sampled_from((True, True, False)),
    shares_request_id=st.sampled_from((False, False, True)),
)
BIRTHS: Final = st.sampled_from((None, *[Options()] * 6, *[Options(sibling_fails_after=0.7, rollback=False)] * 2))
LAMBDA_TIMEOUTS: Final = st.sampled_from((900.0, 900.0, 900.0, 180.0))
WAITS: Final = st.sampled_from((inf, inf, 0.5, 3.0, 30.0, 400.0))
"""How long to look on before the next step: to the end, or not."""
