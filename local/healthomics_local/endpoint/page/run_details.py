"""The page about one run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.logs.lines import run_stream
from healthomics_local.endpoint.logs.sink import LOG_GROUP
from healthomics_local.endpoint.page import timeline
from healthomics_local.endpoint.page.elements import Child, Markup, element, joined
from healthomics_local.endpoint.page.gantt import gantt
from healthomics_local.endpoint.page.layout import definitions, live, section, table
from healthomics_local.endpoint.page.moments import duration, moment
from healthomics_local.endpoint.page.run_list import Selection
from healthomics_local.endpoint.page.status_marks import badge
from healthomics_local.endpoint.run_table import RunFilter
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from healthomics_local.endpoint.page.outputs import Outputs
    from healthomics_local.endpoint.records import Run

MAX_DRAWN_TASKS = 200
_CANCELLABLE = frozenset({RunStatus.PENDING, RunStatus.STARTING, RunStatus.RUNNING})


def content(run: Run, outputs: Outputs, *, now: datetime, token: str) -> list[Child]:
    """The main part of the page."""
    heading = element("h1", run.name or f"Run {run.run_id}", " ", element("span", badge(run.status), **live("status")))
    drawn = timeline.of_tasks(run, now, limit=MAX_DRAWN_TASKS)
    legend = "Dotted: waiting for resources."
    drawing = gantt(drawn, title="Timeline of the tasks listed below", legend=legend) if drawn else None
    return [
        heading,
        _failure(run),
        _cancel(run, token),
        section("Timeline", drawing, identity="timeline"),
        section("Tasks", _tasks(run, now), identity="tasks", quiet=len(run.tasks)),
        section("Parameters", _parameters(run.request.get("parameters") or {}), identity="parameters"),
        section("Outputs", _outputs(run, outputs), identity="outputs"),
        section("Run", _details(run, now), identity="details"),
    ]


def _failure(run: Run) -> Markup:
    """Why the run failed; without a failure an empty part, which the script can fill."""
    outcome = run.outcome
    if run.status is not RunStatus.FAILED or outcome is None:
        return element("div", **live("failure"))
    reason = element("strong", outcome.failure_reason)
    return element("div", element("p", reason, " ", outcome.status_message, class_="failure"), **live("failure"))


def _cancel(run: Run, token: str) -> Markup:
    """A button behind a question, which needs no script: a run that was cancelled cannot be continued."""
    if run.status not in _CANCELLABLE:
        return element("div", **live("cancel"))
    form = element(
        "form",
        element("input", type="hidden", name="token", value=token),
        element("input", type="hidden", name="uuid", value=run.uuid),
        element("p", "A run that was cancelled cannot be continued."),
        element("button", "Cancel this run", class_="danger", id="cancel-button"),
        method="post",
        action=f"/runs/{run.run_id}/cancel",
    )
    question = element("details", element("summary", "Cancel …", id="cancel-question"), form, id="cancel-details")
    return element("div", question, **live("cancel"))


def _tasks(run: Run, now: datetime) -> Markup:
    if not run.tasks:
        return element("p", "No task has been started.")
    columns = ("Task", "Status", "CPUs", "Memory", "Started", "Took", "Message")
    rows: list[tuple[Child, ...]] = [
        (
            joined(task.name, " ", element("small", task.task_id)),
            badge(task.status),
            task.cpus,
            f"{task.memory_gib} GiB",
            moment(task.start_time),
            duration(task.start_time, task.stop_time or now),
            task.status_message or task.failure_reason,
        )
        for task in run.tasks
    ]
    return table("Tasks, in the order in which they were started", columns, rows)


def _parameters(parameters: Mapping[str, Any]) -> Markup:
    if not parameters:
        return element("p", "The run has no parameters.")
    rows: list[tuple[Child, ...]] = [(name, _value(value)) for name, value in sorted(parameters.items())]
    return table("Parameters of the run", ("Parameter", "Value"), rows)


def _value(value: object) -> Markup:
    if isinstance(value, dict | list):
        return element("pre", element("code", json.dumps(value, indent=2, ensure_ascii=False)))
    return element("code", json.dumps(value, ensure_ascii=False))


def _outputs(run: Run, outputs: Outputs) -> Markup:
    where = definitions([("Output URI", element("code", run.run_output_uri))])
    if outputs.text is None:
        return joined(where, element("p", outputs.missing))
    source = element("p", "From ", element("code", outputs.uri))
    return joined(where, source, element("pre", element("code", outputs.text), tabindex=0, aria_label="Outputs"))


def _details(run: Run, now: datetime) -> Markup:
    request, workflow = run.request, run.workflow
    name = f"{workflow.name} " if workflow.name else ""
    version = f", version {workflow.version_name}" if workflow.version_name else ""
    entries: list[tuple[str, Child]] = [
        ("Id", run.run_id),
        ("UUID", run.uuid),
        ("ARN", element("code", run.arn)),
        ("Workflow", f"{name}{workflow.workflow_id}{version} ({workflow.engine}, {workflow.workflow_type})"),
        ("Created", moment(run.creation_time)),
        ("Started", moment(run.start_time)),
        ("Stopped", moment(run.stop_time)),
        ("Took", duration(run.creation_time, run.stop_time or now)),
        ("Role", element("code", request.get("roleArn"))),
        ("Storage", _storage(request)),
        ("Priority", request.get("priority")),
        ("Run group", _runs_with(RunFilter(group=request.get("runGroupId")), request.get("runGroupId"))),
        ("Batch", _runs_with(RunFilter(batch=run.batch_id), run.batch_id)),
        ("Run cache", request.get("cacheId")),
        ("Cache behavior", request.get("cacheBehavior")),
        ("Networking", request.get("networkingMode")),
        ("Log level", request.get("logLevel")),
        ("Retention", request.get("retentionMode")),
        ("Logs", element("code", f"{LOG_GROUP} {run_stream(run)}") if run.start_time is not None else None),
        ("Tags", _tags(run.tags)),
    ]
    return definitions(entries)


def _storage(request: Mapping[str, Any]) -> str | None:
    capacity = request.get("storageCapacity")
    return request.get("storageType") if capacity is None else f"{request.get('storageType')}, {capacity} GiB"


def _runs_with(wanted: RunFilter, text: str | None) -> Markup | None:
    return element("a", text, href=Selection(wanted=wanted).href()) if text else None


def _tags(tags: Mapping[str, str]) -> Markup | None:
    if not tags:
        return None
    return element("ul", (element("li", element("code", f"{key} = {value}")) for key, value in sorted(tags.items())))
