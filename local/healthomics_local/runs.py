"""Follows HealthOmics runs to their end. What they wrote is read by :mod:`healthomics_local.results`."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from healthomics_local.stacks import StackRun

TERMINAL: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED", "DELETED"})
POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class RunView:
    """One run as it is shown."""

    run: StackRun
    name: str
    status: str
    duration: timedelta | None
    """From start to stop; None before it stopped."""
    reason: str
    """Why it failed; empty unless it did."""
    output_uri: str
    tasks: Mapping[str, int]
    """How many tasks are in each status."""

    @property
    def is_over(self) -> bool:
        """Whether the status is final."""
        return self.status in TERMINAL

    def progress(self) -> str:
        """Describe the run in one short line."""
        tasks = ", ".join(f"{count} {status.lower()}" for status, count in sorted(self.tasks.items()))
        return f"run {self.run.identity.run_id} {self.status}{f' (tasks: {tasks})' if tasks else ''}"


def view(omics: Any, run: StackRun) -> RunView:
    """Look at one run. A run whose record is gone (retention REMOVE) is shown as DELETED."""
    try:
        described = omics.get_run(id=run.identity.run_id)
    except omics.exceptions.ResourceNotFoundException:
        described = {"status": "DELETED"}
    tasks: dict[str, int] = {}
    if described["status"] not in {"DELETED", "PENDING"}:
        for page in omics.get_paginator("list_run_tasks").paginate(id=run.identity.run_id):
            for task in page["items"]:
                tasks[task["status"]] = tasks.get(task["status"], 0) + 1
    return view_of(run, described, tasks)


def view_of(run: StackRun, described: Mapping[str, Any], tasks: Mapping[str, int]) -> RunView:
    """Make a view of what GetRun and ListRunTasks told. Pure."""
    started: datetime | None = described.get("startTime") or described.get("creationTime")
    stopped: datetime | None = described.get("stopTime")
    reason = described.get("statusMessage") or described.get("failureReason") or ""
    return RunView(
        run=run,
        name=described.get("name", ""),
        status=described["status"],
        duration=stopped - started if started and stopped else None,
        reason=reason if described["status"] == "FAILED" else "",
        output_uri=described.get("runOutputUri") or run.identity.output_uri,
        tasks=tasks,
    )


def follow(
    omics: Any,
    runs: Sequence[StackRun],
    *,
    on_change: Callable[[RunView], None],
    sleep: Callable[[float], None] = time.sleep,
) -> list[RunView]:
    """Wait until every run is over and return how they ended, in the order given.

    Args:
        omics: a boto3 client.
        runs: the runs to wait for.
        on_change: called with each run that looks different from before.
        sleep: how to wait between two looks.
    """
    last: dict[str, RunView] = {}  # by uuid: only that identifies a run
    while True:
        for run in runs:
            known = last.get(run.identity.uuid)
            if known is not None and known.is_over:
                continue
            seen = view(omics, run)
            if known is None or known.progress() != seen.progress():
                on_change(seen)
            last[run.identity.uuid] = seen
        if all(seen.is_over for seen in last.values()):
            return [last[run.identity.uuid] for run in runs]
        sleep(POLL_SECONDS)
