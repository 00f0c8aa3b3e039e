"""Widgets of a CloudWatch dashboard about runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_healthomics import console_links, log_queries
from cdk_healthomics.log_queries import LoggedRun
from cdk_healthomics.permissions import RUN_LOG_GROUP
from cdk_healthomics.tokens import is_string_token

_WIDTH: Final = 24
"""Columns of a dashboard."""

_TABLE: Final = cloudwatch.LogQueryVisualizationType.TABLE
_BARS: Final = cloudwatch.LogQueryVisualizationType.BAR

_OVERVIEW_LIMIT: Final = 8
"""Height of the table of runs; it scrolls beyond that."""

RUNS_LIMIT: Final = 70
"""Runs of one set of widgets: a query has room for 10,000 characters, and a run's name may take 128."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRun:
    """A run as a dashboard shows it; all texts but the title may be tokens."""

    title: str
    region: str
    logs: LoggedRun
    output_uri: str | None
    """None if nobody knows it."""

    event_detail: Mapping[str, Sequence[str]]
    """Members of the events' detail, and the values that are the run's."""

    history: str | None = None
    """The log group that keeps the run's events; None if none does."""

    account: str | None = None
    """None if only the deployment knows it."""


def refuse_runs_out_of_sight(runs: Sequence[ShownRun], *, seen_from: str | None) -> None:
    """Refuse what the queries of a dashboard would not find.

    Args:
        runs: The runs.
        seen_from: The account of the dashboard; None if nobody knows it yet.

    Raises:
        ValueError: There are no runs, too many, some in several Regions or accounts (a query is of one), or all in
            another account than the dashboard.
    """
    if not 1 <= len(runs) <= RUNS_LIMIT:
        raise ValueError(
            f"{len(runs)} runs are to be on a dashboard, but a query names 1 to {RUNS_LIMIT}: use several dashboards"
        )
    regions = sorted({run.region for run in runs if not is_string_token(run.region)})
    if len(regions) > 1:
        raise ValueError(
            f"the runs of a dashboard are in {', '.join(regions)}, but a query is of one Region: "
            "use a dashboard for each"
        )
    accounts = sorted({run.account for run in runs if run.account is not None})
    if len(accounts) > 1:
        raise ValueError(
            f"the runs of a dashboard are in accounts {', '.join(accounts)}, but a query is of one account: "
            "use a dashboard for each, in a stack of that account"
        )
    if seen_from is not None and accounts not in ([], [seen_from]):
        raise ValueError(
            f"the dashboard is in account {seen_from}, and its runs in {accounts[0]}, whose logs its queries do not "
            "see: define it in a stack of that account"
        )


def run_widgets(runs: Sequence[ShownRun]) -> list[cloudwatch.IWidget]:
    """The widgets about some runs, each with its place in rows of 24 columns.

    However many runs there are, there are as many queries.
    """
    region, logged, half = runs[0].region, [run.logs for run in runs], _WIDTH // 2
    logs = _Queries(region, [RUN_LOG_GROUP])
    return [
        cloudwatch.TextWidget(markdown=_overview(runs), width=_WIDTH, height=min(2 + len(runs), _OVERVIEW_LIMIT)),
        *_history(runs, region),
        logs.widget("Runs that have ended", log_queries.outcomes(logged), width=_WIDTH, height=5),
        logs.widget("Tasks", log_queries.tasks(logged), width=_WIDTH),
        logs.widget("vCPUs of tasks: reserved and used", log_queries.processors(logged), width=half, view=_BARS),
        logs.widget("Memory of tasks, GiB: reserved and used", log_queries.memory(logged), width=half, view=_BARS),
        logs.widget("Log of run and engine", log_queries.run_log(logged), width=half),
        logs.widget("Logs of tasks", log_queries.task_logs(logged), width=half),
    ]


@dataclass(frozen=True, slots=True)
class _Queries:
    """Widgets that query log groups."""

    region: str
    log_groups: Sequence[str]

    def widget(
        self,
        title: str,
        commands: list[str],
        *,
        width: int,
        height: int = 6,
        view: cloudwatch.LogQueryVisualizationType = _TABLE,
    ) -> cloudwatch.LogQueryWidget:
        return cloudwatch.LogQueryWidget(
            title=title,
            log_group_names=self.log_groups,
            query_lines=commands,
            region=self.region,
            view=view,
            width=width,
            height=height,
        )


def _history(runs: Sequence[ShownRun], region: str) -> list[cloudwatch.IWidget]:
    recorded = {run.history: None for run in runs if run.history is not None}
    if not recorded:
        return []
    details = [run.event_detail for run in runs if run.history is not None]
    events = _Queries(region, list(recorded))
    return [
        events.widget("Status changes", log_queries.status_changes(details), width=14),
        events.widget("Durations", log_queries.durations(details), width=10),
    ]


def _overview(runs: Sequence[ShownRun]) -> str:
    rows = ["run | in HealthOmics | logs | outputs", "--- | --- | --- | ---"]
    for run in runs:
        page = console_links.run_page(run.region, run.logs.run_id)
        links = (
            ("run", console_links.log_stream(run.region, run.logs.run_stream)),
            ("engine", console_links.log_stream(run.region, run.logs.engine_stream)),
            ("tasks", console_links.log_streams(run.region, run.logs.task_prefix)),
            ("manifest", console_links.log_streams(run.region, run.logs.manifest_prefix)),
        )
        rows.append(
            " | ".join(
                (
                    f"**{run.title}**",
                    f"[{run.logs.run_id}]({page})",
                    ", ".join(f"[{text}]({link})" for text, link in links),
                    "" if run.output_uri is None else f"`{run.output_uri}`",
                )
            )
        )
    return "\n".join(rows)
