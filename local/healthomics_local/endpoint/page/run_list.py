"""The page that lists runs."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from healthomics_local.endpoint.page import timeline
from healthomics_local.endpoint.page.elements import Child, Markup, element, joined
from healthomics_local.endpoint.page.gantt import gantt
from healthomics_local.endpoint.page.layout import live, section, table
from healthomics_local.endpoint.page.moments import duration, moment
from healthomics_local.endpoint.page.status_marks import badge, mark
from healthomics_local.endpoint.run_table import RunFilter
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from healthomics_local.endpoint.records import Run

PAGE_SIZE = 50
_STORED = tuple(status for status in RunStatus if status is not RunStatus.DELETED)
_POSITION = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which runs a page lists; this is what its address says."""

    wanted: RunFilter = field(default_factory=RunFilter)
    before: int | None = None
    """Only runs that were started before the one with this position."""

    @classmethod
    def from_query(cls, query: str) -> Selection:
        """Read the query of an address; what cannot be used is left out."""
        given = {name: values[-1].strip() for name, values in parse_qs(query, max_num_fields=20).items()}
        before = given.get("before", "")
        wanted = RunFilter(
            name=given.get("name") or None,
            status=given.get("status") if given.get("status") in _STORED else None,
            group=given.get("group") or None,
            batch=given.get("batch") or None,
        )
        return cls(wanted=wanted, before=int(before) if _POSITION.fullmatch(before) else None)

    def href(self) -> str:
        """The address of the list with this selection."""
        query = {name: value for name, value in asdict(self.wanted).items() if value is not None}
        if self.before is not None:
            query["before"] = str(self.before)
        return f"/?{urlencode(query)}" if query else "/"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """The runs that are shown, newest first, and what is known about the others."""

    runs: Sequence[Run]
    more: bool
    """Whether older runs fit the filter, too."""
    counts: Mapping[RunStatus, int]
    """How many runs of each status are stored, whatever the filter."""


def content(page: RunPage, shown: Selection, *, now: datetime, url: str) -> list[Child]:
    """The main part of the page."""
    total = sum(page.counts.values())
    heading = element("h1", "Runs")
    if total == 0:
        return [heading, _nothing_yet(url)]
    drawn = timeline.of_runs(page.runs, now)
    legend = "Dotted: waiting for resources; thin: tasks."
    drawing = (
        gantt(drawn, title="Timeline of the runs listed below, with their tasks", legend=legend) if drawn else None
    )
    return [
        heading,
        _summary(page.counts, shown),
        _search(shown),
        section("Timeline", drawing, identity="timeline") if drawing is not None else None,
        section("List", _table(page.runs, now), _pager(page, shown), identity="runs", quiet=f"{total} stored"),
    ]


def _summary(counts: Mapping[RunStatus, int], shown: Selection) -> Markup:
    """How many runs there are of each status, which is also the way to see only those."""
    chosen = shown.wanted.status
    links = [_choice("all", sum(counts.values()), _with_status(shown, None), chosen=chosen is None)]
    links += [
        _choice(
            joined(mark(status), status),
            counts.get(status, 0),
            _with_status(shown, status.value),
            chosen=chosen == status,
        )
        for status in _STORED
        if counts.get(status, 0) or chosen == status
    ]
    return element("nav", element("ul", links, class_="choices"), aria_label="Status", **live("statuses"))


def _with_status(shown: Selection, status: str | None) -> Selection:
    return Selection(wanted=replace(shown.wanted, status=status))


def _choice(label: Child, count: int, to: Selection, *, chosen: bool) -> Markup:
    current = "true" if chosen else None
    return element("li", element("a", label, " ", element("b", count), href=to.href(), aria_current=current))


def _search(shown: Selection) -> Markup:
    wanted = shown.wanted
    return element(
        "form",
        element("label", "Name ", element("input", type="search", name="name", value=wanted.name or "")),
        element("label", "Run group ", element("input", type="search", name="group", value=wanted.group or "")),
        element("label", "Batch ", element("input", type="search", name="batch", value=wanted.batch or "")),
        element("input", type="hidden", name="status", value=wanted.status) if wanted.status else None,
        element("button", "Filter"),
        element("a", "Show all", href="/") if shown != Selection() else None,
        action="/",
        role="search",
        aria_label="Runs",
    )


def _table(runs: Sequence[Run], now: datetime) -> Markup:
    if not runs:
        return element("p", "No run fits.")
    columns = ("Run", "Status", "Workflow", "Created", "Took", "Tasks")
    return table("Runs, newest first", columns, [_cells(run, now) for run in runs])


def _cells(run: Run, now: datetime) -> tuple[Child, ...]:
    link = element("a", run.name or run.run_id, href=f"/runs/{run.run_id}", id=f"run-{run.uuid}")
    ended = sum(task.status.is_terminal for task in run.tasks)
    tasks = f"{ended} of {len(run.tasks)} ended" if run.tasks else "none"
    return (
        joined(link, " ", element("small", run.run_id) if run.name else None),
        badge(run.status),
        run.workflow.name or run.workflow_id,
        moment(run.creation_time),
        duration(run.creation_time, run.stop_time or now),
        tasks,
    )


def _pager(page: RunPage, shown: Selection) -> Markup | None:
    links = [
        element("a", "Newest", href=replace(shown, before=None).href()) if shown.before is not None else None,
        element("a", "Older", href=replace(shown, before=page.runs[-1].sequence).href(), rel="next")
        if page.more
        else None,
    ]
    if not any(links):
        return None
    return element("nav", links, class_="pager", aria_label="Pages")


def _nothing_yet(url: str) -> Markup:
    command = (
        f"aws omics start-run --endpoint-url {url} --workflow-id 1234567 \\\n"
        "  --role-arn arn:aws:iam::123456789012:role/run --output-uri s3://bucket/out"
    )
    return section(
        "Nothing here yet",
        element("p", "The list fills as soon as somebody starts a run, for instance with"),
        element("pre", element("code", command)),
        element("p", "and AWS_DISABLE_HOST_PREFIX_INJECTION=true in the environment."),
        identity="runs",
    )
