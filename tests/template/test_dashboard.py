"""Dashboards about runs, and the history that they query."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_healthomics import IWorkflowRun, RunDashboard, RunHistory, WorkflowRun
from template.support import (
    ACCOUNT,
    REGION,
    RUN_TYPE,
    app_of,
    arn_text,
    dashboard_body,
    new_stack,
    plain_run,
    resources,
    synthesized,
    the,
)

pytestmark = pytest.mark.slow

DASHBOARD = "AWS::CloudWatch::Dashboard"
RULE = "AWS::Events::Rule"
LOG_GROUP = "AWS::Logs::LogGroup"
IMPORTED_ARN = f"arn:aws:omics:{REGION}:{ACCOUNT}:run/7654321"
RUN_ID = "RunC4A32B5F"
TITLES = [
    "Runs that have ended",
    "Tasks",
    "vCPUs of tasks: reserved and used",
    "Memory of tasks, GiB: reserved and used",
    "Log of run and engine",
    "Logs of tasks",
]


def body_of(stack: cdk.Stack) -> dict[str, Any]:
    return dashboard_body(synthesized(stack))


def queries(body: dict[str, Any]) -> dict[str, str]:
    """Title -> query."""
    return {
        widget["properties"]["title"]: widget["properties"]["query"]
        for widget in body["widgets"]
        if widget["type"] == "log"
    }


def history_groups(template: dict[str, Any]) -> list[Any]:
    return [group for name, group in resources(template, LOG_GROUP).items() if name.startswith("HealthOmicsRunHistory")]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """A run with an alarm, on a dashboard of its own."""
    stack = new_stack()
    run = plain_run(stack)
    RunDashboard(stack, "Dashboard", runs=[run], alarms=[run.alarm_on_failure("Failed")])
    return synthesized(stack)


def test_a_dashboard_shows_the_history_outcome_tasks_and_logs_of_a_run(template: dict[str, Any]) -> None:
    body = dashboard_body(template)
    logs = queries(body)

    assert body["start"] == "-P7D"
    assert list(logs) == ["Status changes", "Durations", *TITLES]
    assert f'@logStream in ["manifest/run/<{RUN_ID}.RunId>/<{RUN_ID}.RunUuid>"]' in logs["Tasks"]
    assert {widget["properties"]["region"] for widget in body["widgets"] if widget["type"] == "log"} == {REGION}


def test_the_widgets_fill_the_rows_and_do_not_overlap(template: dict[str, Any]) -> None:
    widgets = dashboard_body(template)["widgets"]
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    assert len(cells) == len(set(cells)) == 24 * (1 + max(y for _, y in cells))
    assert max(x for x, _ in cells) == 23
    assert [widget["type"] for widget in widgets[:3]] == ["alarm", "text", "log"]


def test_the_overview_links_to_the_run_and_to_its_logs(template: dict[str, Any]) -> None:
    (text,) = [widget for widget in dashboard_body(template)["widgets"] if widget["type"] == "text"]
    markdown = text["properties"]["markdown"]
    console = f"https://{REGION}.console.aws.amazon.com"
    run_id, uuid = f"<{RUN_ID}.RunId>", f"<{RUN_ID}.RunUuid>"
    group = f"{console}/cloudwatch/home?region={REGION}#logsV2:log-groups/log-group/$252Faws$252Fomics$252FWorkflowLog"

    assert f"({console}/omics/home?region={REGION}#/runs/{run_id})" in markdown
    assert f"[run]({group}/log-events/run$252F{run_id})" in markdown
    assert f"[engine]({group}/log-events/run$252F{run_id}$252Fengine)" in markdown
    assert f"[tasks]({group}$3FlogStreamNameFilter$3Drun$252F{run_id}$252Ftask$252F)" in markdown
    assert f"[manifest]({group}$3FlogStreamNameFilter$3Dmanifest$252Frun$252F{run_id}$252F{uuid})" in markdown
    assert f"`<{RUN_ID}.RunOutputUri>`" in markdown


def test_the_history_keeps_the_events_of_the_run_from_the_first_on(template: dict[str, Any]) -> None:
    _, run = the(template, RUN_TYPE)
    ((rule_id, rule),) = [each for each in resources(template, RULE).items() if "Targets" in each[1]["Properties"]]
    (group_id,) = [name for name in resources(template, LOG_GROUP) if name.startswith("HealthOmicsRunHistory")]
    (target,) = rule["Properties"]["Targets"]

    assert rule["Properties"]["EventPattern"]["detail"] == {"runName": [run["Properties"]["Name"]]}
    assert arn_text(target["Arn"]) == f"arn:<AWS::Partition>:logs:{REGION}:{ACCOUNT}:log-group:<{group_id}>"
    assert {"Arn", "Id"} == set(target)
    assert rule_id in run["DependsOn"]


def test_the_log_group_lets_rules_of_the_account_write_and_nobody_else(template: dict[str, Any]) -> None:
    (group,) = history_groups(template)
    name = group["Properties"]["LogGroupName"]
    (statement,) = group["Properties"]["ResourcePolicyDocument"]["Statement"]

    assert name.startswith("/aws/events/Genomics-HealthOmicsRunHistory-")
    assert group["Properties"]["RetentionInDays"] == 365
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert arn_text(statement["Resource"]) == f"arn:<AWS::Partition>:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"
    assert {
        test: {key: arn_text(value) for key, value in keys.items()} for test, keys in statement["Condition"].items()
    } == {"ArnLike": {"aws:SourceArn": f"arn:<AWS::Partition>:events:{REGION}:{ACCOUNT}:rule/*"}}


def test_a_stack_has_one_history_and_a_run_one_rule_however_often_they_are_asked_for() -> None:
    stack = new_stack()
    runs = [plain_run(stack, name) for name in ("One", "Two")]
    RunDashboard(stack, "First", runs=runs)
    RunDashboard(stack, "Second", runs=runs)
    for run in runs:
        assert run.record_history() is RunHistory.of(stack)
    template = synthesized(stack)

    assert len(history_groups(template)) == 1
    assert len(resources(template, RULE)) == 2


def test_without_a_history_there_is_nothing_but_the_dashboard() -> None:
    stack = new_stack()
    RunDashboard(stack, "Dashboard", runs=[plain_run(stack)], history=False)
    template = synthesized(stack)

    assert history_groups(template) == []
    assert resources(template, RULE) == {}
    assert list(queries(dashboard_body(template))) == TITLES


def test_several_runs_need_no_more_queries() -> None:
    stack = new_stack()
    RunDashboard(stack, "Dashboard", runs=[plain_run(stack, f"Run{number}") for number in range(3)])
    body = body_of(stack)
    logs = queries(body)

    assert len(logs) == 8
    assert all(query.count(".RunId>") in (3, 6) for title, query in logs.items() if title in TITLES)


@pytest.mark.parametrize("count", [0, 71])
def test_the_number_of_runs_is_limited(count: int) -> None:
    stack = new_stack()
    runs = [WorkflowRun.from_run_attributes(stack, f"R{number}", run_arn=IMPORTED_ARN) for number in range(count)]

    with pytest.raises(ValueError, match=f"{count} runs are to be on a dashboard, but a query names 1 to 70"):
        RunDashboard(stack, "Dashboard", runs=runs)


def test_runs_of_several_regions_are_refused() -> None:
    stack = new_stack()
    other = WorkflowRun.from_run_attributes(
        stack,
        "Other",
        run_arn=f"arn:aws:omics:eu-west-1:{ACCOUNT}:run/1",
        run_uuid="153893cd-097a-40ec-aec7-838a97cd2b21",
    )

    with pytest.raises(ValueError, match="in eu-west-1, us-east-1, but a query is of one Region"):
        RunDashboard(stack, "Dashboard", runs=[plain_run(stack), other])


def test_runs_of_several_accounts_are_refused() -> None:
    stack = new_stack()
    partner = cdk.Stack(app_of(stack), "Partner", env=cdk.Environment(account="210987654321", region=REGION))
    runs = [plain_run(stack), plain_run(partner)]

    with pytest.raises(ValueError, match=f"in accounts {ACCOUNT}, 210987654321, but a query is of one account: use a"):
        WorkflowRun.widgets_of(runs)
    assert resources(synthesized(stack), RULE) == {}


def test_a_dashboard_in_another_account_is_refused() -> None:
    stack = new_stack()
    partner = cdk.Stack(app_of(stack), "Partner", env=cdk.Environment(account="210987654321", region=REGION))

    with pytest.raises(ValueError, match=f"is in account 210987654321, and its runs in {ACCOUNT}, whose logs its"):
        RunDashboard(partner, "Dashboard", runs=[plain_run(stack)])


def test_a_run_of_another_region_can_be_shown_but_not_recorded() -> None:
    stack = new_stack()
    run = WorkflowRun.from_run_attributes(stack, "There", run_arn=f"arn:aws:omics:eu-west-1:{ACCOUNT}:run/1")
    RunDashboard(stack, "Dashboard", runs=[run], history=False)

    assert {widget["properties"].get("region") for widget in body_of(stack)["widgets"]} == {None, "eu-west-1"}
    with pytest.raises(ValueError, match="where there are no events of it to record"):
        RunDashboard(stack, "Recorded", runs=[run])


def test_a_region_that_only_the_deployment_knows_may_be_any() -> None:
    stack = new_stack(with_env=False)
    imported = WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=IMPORTED_ARN)
    RunDashboard(stack, "Dashboard", runs=[plain_run(stack), imported])

    assert {widget["properties"].get("region") for widget in body_of(stack)["widgets"]} == {None, "<AWS::Region>"}


def test_something_else_than_a_run_is_refused() -> None:
    stack = new_stack()

    with pytest.raises(TypeError, match="is no run: give WorkflowRuns"):
        RunDashboard(stack, "Dashboard", runs=[stack])  # type: ignore[list-item]


def test_an_imported_run_is_shown_by_what_is_known_of_it() -> None:
    stack = new_stack()
    run: IWorkflowRun = WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=IMPORTED_ARN)
    RunDashboard(stack, "Dashboard", runs=[run])
    logs = queries(body_of(stack))

    assert 'filter @logStream like "manifest/run/7654321/"' in logs["Tasks"]
    assert f'filter detail.arn in ["{IMPORTED_ARN}"]' in logs["Status changes"]


def test_a_run_whose_arn_only_the_deployment_knows_is_in_the_region_of_its_stack() -> None:
    stack = new_stack()
    arns = [cdk.CfnParameter(stack, name).value_as_string for name in ("First", "Second")]
    runs = [WorkflowRun.from_run_attributes(stack, f"Run{i}", run_arn=arn) for i, arn in enumerate(arns)]
    RunDashboard(stack, "Dashboard", runs=runs)

    assert {widget["properties"].get("region", REGION) for widget in body_of(stack)["widgets"]} == {REGION}


def test_a_dashboard_may_be_in_a_later_stack() -> None:
    """Its runs are recorded in their own stack: a history in the later one would miss their first events."""
    stack = new_stack()
    later = cdk.Stack(app_of(stack), "Later", env=cdk.Environment(account=ACCOUNT, region=REGION))
    RunDashboard(later, "Dashboard", runs=[plain_run(stack)])
    assembly = app_of(stack).synth()
    first, second = (assembly.get_stack_artifact(name).template for name in ("Genomics", "Later"))
    (group,) = history_groups(first)

    assert len(resources(first, RULE)) == 1
    assert set(resources(second, DASHBOARD)) == set(second["Resources"])
    assert group["Properties"]["LogGroupName"] in json.dumps(second)


def test_widgets_can_be_put_on_a_dashboard_of_ones_own() -> None:
    stack = new_stack()
    runs = [plain_run(stack, name) for name in ("One", "Two")]
    dashboard = cloudwatch.Dashboard(stack, "Mine", dashboard_name="mine")
    dashboard.add_widgets(cloudwatch.TextWidget(markdown="# Mine", width=24, height=1))
    dashboard.add_widgets(*runs[0].dashboard_widgets(history=False))
    dashboard.add_widgets(*WorkflowRun.widgets_of(runs, history=False))
    logs = [widget["properties"] for widget in body_of(stack)["widgets"] if widget["type"] == "log"]

    assert [log["title"] for log in logs] == [*TITLES, *TITLES]
    assert ["Two" in log["query"] for log in logs] == [False] * len(TITLES) + [True] * len(TITLES)


def test_options_of_a_dashboard() -> None:
    stack = new_stack()
    dashboard = RunDashboard(
        stack, "Dashboard", runs=[plain_run(stack)], dashboard_name="runs", default_interval=cdk.Duration.days(30)
    )
    dashboard.dashboard.add_widgets(cloudwatch.TextWidget(markdown="mine", width=24, height=1))
    template = synthesized(stack)
    _, resource = the(template, DASHBOARD)
    body = dashboard_body(template)

    assert resource["Properties"]["DashboardName"] == "runs"
    assert body["start"] == "-P30D"
    assert body["widgets"][-1]["properties"]["markdown"] == "mine"
