"""How the runs of a batch are doing, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from healthomics_local.endpoint.records import BatchRun, Run


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSummary:
    """Counts under the names that the API gives them."""

    submissions: Mapping[str, int]
    """The members of SubmissionSummary."""
    runs: Mapping[str, int]
    """The members of RunSummary."""


def summarize(entries: Iterable[BatchRun], runs: Mapping[str, Run]) -> BatchSummary:
    """Count the runs of a batch.

    Args:
        entries: The runs as the batch knows them.
        runs: All stored runs, by id.
    """
    starts: Counter[bool | None] = Counter()
    cancels: Counter[bool | None] = Counter()
    deletes: Counter[bool | None] = Counter()
    statuses: Counter[RunStatus] = Counter()
    for entry in entries:
        starts[entry.started] += 1
        cancels[entry.cancelled] += 1
        deletes[entry.deleted] += 1
        if entry.run_id is not None:
            run = run_of(entry, runs)
            statuses[RunStatus.DELETED if run is None else run.status] += 1
    return BatchSummary(
        submissions={
            "successfulStartSubmissionCount": starts[True],
            "failedStartSubmissionCount": starts[False],
            "pendingStartSubmissionCount": starts[None],
            "successfulCancelSubmissionCount": cancels[True],
            "failedCancelSubmissionCount": cancels[False],
            "successfulDeleteSubmissionCount": deletes[True],
            "failedDeleteSubmissionCount": deletes[False],
        },
        runs={f"{status.value.lower()}RunCount": statuses[status] for status in RunStatus},
    )


def run_of(entry: BatchRun, runs: Mapping[str, Run]) -> Run | None:
    """The record of a started run; None when it is gone, even if another run has its id by now."""
    run = runs.get(entry.run_id) if entry.run_id is not None else None
    return run if run is not None and run.uuid == entry.run_uuid else None
