"""Rules about a run's events, the fields of these events, and metrics of how runs end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import botocore.session
import cfnlint
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns

from cdk_healthomics import IWorkflowRun, RunEvent, RunStatus, WorkflowRun
from healthomics_run_handler import ledger
from template.support import (
    ACCOUNT,
    REGION,
    RUN_TYPE,
    app_of,
    new_stack,
    plain_run,
    resources,
    statements,
    synthesized,
    the,
)

pytestmark = pytest.mark.slow

RULE = "AWS::Events::Rule"
IMPORTED_ARN = f"arn:aws:omics:{REGION}:{ACCOUNT}:run/7654321"
# What the service sends of a failed run; names and values as observed, ids made up.
FAILED_EVENT: dict[str, Any] = {
    "source": "aws.omics",
    "detail-type": "Run Status Change",
    "account": ACCOUNT,
    "time": "2026-11-22T22:07:35Z",
    "detail": {
        "omicsVersion": "1.0.0",
        "arn": IMPORTED_ARN,
        "runId": "7654321",
        "status": "FAILED",
        "uuid": "aecdf624-3440-e174-33c0-7073b55966f6",
        "runOutputUri": "s3://bucket/out/7654321",
        "failureReason": "RUN_TASK_FAILED",
        "statusMessage": "Run failed due to task: call",
        "runCache": f"arn:aws:omics:{REGION}:{ACCOUNT}:runCache/2346659",
        "runCacheBehavior": "CACHE_ON_FAILURE",
        "runName": "Genomics-Run-02dfbdd7",
        "workflowName": "germline",
        "workflowId": "6203849",
        "workflowUuid": "10cde424-d083-9c78-628f-0235207d8e37",
    },
}


def function_in(stack: cdk.Stack, **arguments: Any) -> lambda_.Function:
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    runtime = lambda_.Runtime.PYTHON_3_13
    return lambda_.Function(stack, "Function", code=code, handler="index.handler", runtime=runtime, **arguments)


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether EventBridge would match, for patterns of exact values."""
    return all(
        matches(wanted, event.get(key, {})) if isinstance(wanted, dict) else event.get(key) in wanted
        for key, wanted in pattern.items()
    )


def test_a_rule_knows_a_run_of_the_app_by_its_name_and_account() -> None:
    stack = new_stack()
    run = plain_run(stack)
    run.on_status_change("Rule", statuses=[RunStatus.FAILED, RunStatus.CANCELLED])
    _, rule = the(synthesized(stack), RULE)
    pattern = rule["Properties"]["EventPattern"]
    named = FAILED_EVENT | {"detail": FAILED_EVENT["detail"] | {"runName": run.run_name}}
    completed = named | {"detail": named["detail"] | {"status": "COMPLETED"}}

    assert pattern == {
        "source": ["aws.omics"],
        "detail-type": ["Run Status Change"],
        "account": [ACCOUNT],
        "detail": {"runName": [run.run_name], "status": ["FAILED", "CANCELLED"]},
    }
    assert matches(pattern, named)
    assert not matches(pattern, completed)
    assert not matches(pattern, named | {"account": "210987654321"})
    assert not matches(pattern, named | {"detail": named["detail"] | {"runName": "other"}})


def test_a_rule_knows_an_imported_run_by_its_arn() -> None:
    stack = new_stack()
    WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=IMPORTED_ARN).on_failed("Rule")
    _, rule = the(synthesized(stack), RULE)

    assert rule["Properties"]["EventPattern"]["detail"] == {"arn": [IMPORTED_ARN], "status": ["FAILED"]}
    assert matches(rule["Properties"]["EventPattern"], FAILED_EVENT)


@pytest.mark.parametrize(
    ("method", "statuses"),
    [
        ("on_status_change", None),
        ("on_completed", ["COMPLETED"]),
        ("on_failed", ["FAILED"]),
        ("on_cancelled", ["CANCELLED"]),
    ],
)
def test_each_kind_of_rule_asks_for_its_statuses(method: str, statuses: list[str] | None) -> None:
    stack = new_stack()
    runs: list[IWorkflowRun] = [plain_run(stack), WorkflowRun.from_run_attributes(stack, "Known", run_arn=IMPORTED_ARN)]
    for run in runs:
        assert isinstance(getattr(run, method)("Rule", description="d"), events.Rule)
    rules = resources(synthesized(stack), RULE).values()

    assert len(rules) == 2
    assert all(rule["Properties"]["EventPattern"]["detail"].get("status") == statuses for rule in rules)
    assert all(rule["Properties"]["Description"] == "d" for rule in rules)


def test_rules_and_the_permissions_of_their_targets_come_before_the_run() -> None:
    """Otherwise the first events, and the only one of a run that fails at once, would be lost."""
    stack = new_stack()
    plain_run(stack).on_completed("Rule", target=targets.LambdaFunction(function_in(stack)))
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)
    rule_id, _ = the(template, RULE)
    permission_id, _ = the(template, "AWS::Lambda::Permission")

    assert {rule_id, permission_id} <= set(run["DependsOn"])


def test_a_rule_changes_no_property_of_the_run() -> None:
    without, with_rule = new_stack(), new_stack()
    plain_run(without)
    run = plain_run(with_rule)
    run.on_failed("Rule")
    run.metric_failed()

    assert (
        the(synthesized(without), RUN_TYPE)[1]["Properties"] == the(synthesized(with_rule), RUN_TYPE)[1]["Properties"]
    )


def test_a_target_may_have_permissions_on_the_run() -> None:
    """The run waits for the rule, the rule for the function, the function for its policy: no circle."""
    stack = new_stack()
    run = plain_run(stack)
    function = function_in(stack)
    run.on_failed("Rule", target=targets.LambdaFunction(function))
    run.grants.read(function)
    run.grants.cancel(function)
    file = Path(app_of(stack).synth().get_stack_artifact(stack.artifact_id).template_full_path)
    findings = cfnlint.lint_file(file, cfnlint.ManualArgs(regions=[REGION], ignore_checks=["W3005"]))

    assert [str(finding) for finding in findings] == []


def test_a_target_that_needs_the_run_is_found_at_synth() -> None:
    """By the CDK's own validation, if the app has it on; else CloudFormation refuses the template."""
    stack = new_stack(context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    run = plain_run(stack)
    run.on_failed("Rule", target=targets.LambdaFunction(function_in(stack, description=run.run_id)))

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        synthesized(stack)
    assert "Circular Dependencies" in (Path(app_of(stack).outdir) / "validation-report.json").read_text()


def test_a_rule_can_be_in_the_stack_of_its_target() -> None:
    stack = new_stack()
    later = cdk.Stack(app_of(stack), "Later", env=cdk.Environment(account=ACCOUNT, region=REGION))
    run = plain_run(stack)
    run.on_failed("Rule", target=targets.SnsTopic(sns.Topic(later, "Topic")), cross_stack_scope=later)
    assembly = app_of(stack).synth()
    _, rule = the(assembly.get_stack_artifact("Later").template, RULE)
    _, resource = the(assembly.get_stack_artifact("Genomics").template, RUN_TYPE)

    assert rule["Properties"]["EventPattern"]["detail"]["runName"] == [run.run_name]
    assert not resources(assembly.get_stack_artifact("Genomics").template, RULE)
    assert not [name for name in resource["DependsOn"] if "Rule" in name]


def test_a_rule_in_the_parent_of_a_nested_run_comes_before_the_nested_stack() -> None:
    stack = new_stack()
    run = plain_run(cdk.NestedStack(stack, "Nested"))
    run.on_failed("Rule", target=targets.LambdaFunction(function_in(stack)), cross_stack_scope=stack)
    template = synthesized(stack)
    _, nested = the(template, "AWS::CloudFormation::Stack")

    assert {the(template, RULE)[0], the(template, "AWS::Lambda::Permission")[0]} <= set(nested["DependsOn"])


@pytest.mark.parametrize("elsewhere", [{"region": "eu-west-1"}, {"account": "210987654321"}], ids=str)
def test_a_rule_that_would_hear_nothing_of_the_run_fails(elsewhere: dict[str, str]) -> None:
    stack = new_stack()
    there = {"account": ACCOUNT, "region": REGION} | elsewhere
    later = cdk.Stack(app_of(stack), "Later", env=cdk.Environment(**there))
    arn = f"arn:aws:omics:{there['region']}:{there['account']}:run/1"
    imported = WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=arn)
    said = f"account {ACCOUNT} and Region {REGION}, so it would never match: define it in a stack of that account and"

    with pytest.raises(ValueError, match=said):
        plain_run(stack).on_failed("Rule", cross_stack_scope=later)
    for ask in (imported.on_failed, imported.alarm_on_failure):
        with pytest.raises(ValueError, match=f"the rule would be in account {ACCOUNT} and Region {REGION}, but"):
            ask("Rule")
    with pytest.raises(ValueError, match=r"where there are no events of it to record: .*history=False"):
        imported.record_history()
    imported.on_failed("Rule", cross_stack_scope=later)


def test_a_place_that_only_the_deployment_knows_may_be_the_right_one() -> None:
    stack = new_stack()
    anywhere = cdk.Stack(app_of(stack), "Anywhere")
    arn = cdk.CfnParameter(stack, "Arn").value_as_string
    plain_run(stack).on_failed("Rule", cross_stack_scope=anywhere)
    WorkflowRun.from_run_attributes(anywhere, "Earlier", run_arn=IMPORTED_ARN).on_failed("Rule")
    WorkflowRun.from_run_attributes(stack, "Unknown", run_arn=arn).on_failed("Rule")


def test_a_single_status_is_enough() -> None:
    stack = new_stack()
    plain_run(stack).on_status_change("Rule", statuses=RunStatus.FAILED)
    _, rule = the(synthesized(stack), RULE)

    assert rule["Properties"]["EventPattern"]["detail"]["status"] == ["FAILED"]


def test_a_status_that_there_is_not_fails() -> None:
    run = plain_run(new_stack())

    with pytest.raises(ValueError, match=r"^Genomics/Run/Rule: statuses has 'FAILD', but a run is one of PENDING, "):
        run.on_status_change("Rule", statuses=["FAILD"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"^Genomics/Run/Alarm: statuses has 'FAILD' and 'BAD', but a run is one of"):
        run.alarm_on_failure("Alarm", statuses=["FAILD", "FAILED", "BAD"])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda run: run.on_failed("Rule", retrys=3), "^Genomics/Run/Rule: there is no option retrys: use cross_st.*"),
        (lambda run: run.on_failed("Rule", statuses=[]), "no option statuses: .*give statuses to on_status_change"),
        (lambda run: run.alarm_on_failure("Alarm", name="n"), "Run/Alarm: there is no option name: use alarm_descr"),
        (lambda run: run.metric_failed(unit="n"), "Genomics/Run: there is no option unit: use color, label, period"),
    ],
)
def test_an_option_that_there_is_not_fails(ask: Callable[[Any], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ask(plain_run(new_stack()))


def test_options_of_a_rule() -> None:
    stack = new_stack()
    plain_run(stack).on_failed("Rule", rule_name="failures", enabled=False, description="tells the laboratory")
    _, rule = the(synthesized(stack), RULE)

    assert rule["Properties"] | {"EventPattern": None} == {
        "Name": "failures",
        "State": "DISABLED",
        "Description": "tells the laboratory",
        "EventPattern": None,
    }


def test_fields_of_an_event_reach_the_target() -> None:
    fields = {name: value for name, value in vars(RunEvent).items() if not name.startswith("_")}
    stack = new_stack()
    message = events.RuleTargetInput.from_object(fields)
    plain_run(stack).on_failed("Rule", target=targets.SnsTopic(sns.Topic(stack, "Topic"), message=message))
    _, rule = the(synthesized(stack), RULE)
    (target,) = rule["Properties"]["Targets"]
    paths = target["InputTransformer"]["InputPathsMap"]
    text = target["InputTransformer"]["InputTemplate"]
    for name, path in paths.items():
        value: Any = FAILED_EVENT
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", json.dumps(value))

    assert json.loads(text) == {
        "run_arn": IMPORTED_ARN,
        "run_id": "7654321",
        "run_uuid": "aecdf624-3440-e174-33c0-7073b55966f6",
        "run_name": "Genomics-Run-02dfbdd7",
        "run_output_uri": "s3://bucket/out/7654321",
        "status": "FAILED",
        "status_message": "Run failed due to task: call",
        "failure_reason": "RUN_TASK_FAILED",
        "workflow_id": "6203849",
        "workflow_name": "germline",
        "run_cache_arn": f"arn:aws:omics:{REGION}:{ACCOUNT}:runCache/2346659",
        "time": "2026-11-22T22:07:35Z",
    }


def test_the_statuses_are_those_of_the_service() -> None:
    model = botocore.session.get_session().get_service_model("omics")

    assert {str(status) for status in RunStatus} == set(model.shape_for("RunStatus").enum) - {"DELETED"}


def test_a_metric_counts_how_often_the_rule_of_its_status_has_matched() -> None:
    stack = new_stack()
    run = plain_run(stack)
    run.metric_failed(period=cdk.Duration.hours(1), label="failures")
    metrics = {"FAILED": run.metric_failed(), "COMPLETED": run.metric_completed(), "CANCELLED": run.metric_cancelled()}
    for status, metric in metrics.items():
        metric.create_alarm(
            stack,
            status,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
    template = synthesized(stack)
    rules = resources(template, RULE)

    assert len(rules) == 3
    for logical_id, alarm in resources(template, "AWS::CloudWatch::Alarm").items():
        (dimension,) = alarm["Properties"]["Dimensions"]
        rule = rules[dimension["Value"]["Ref"]]["Properties"]
        assert dimension["Name"] == "RuleName"
        assert (alarm["Properties"]["Namespace"], alarm["Properties"]["MetricName"]) == ("AWS/Events", "TriggeredRules")
        assert (alarm["Properties"]["Statistic"], alarm["Properties"]["Period"]) == ("Sum", 300)
        assert logical_id.startswith(rule["EventPattern"]["detail"]["status"][0])
        assert "Targets" not in rule


def test_an_imported_run_has_metrics() -> None:
    stack = new_stack()
    WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=IMPORTED_ARN).metric_failed()
    _, rule = the(synthesized(stack), RULE)

    assert rule["Properties"]["EventPattern"]["detail"]["arn"] == [IMPORTED_ARN]


def test_a_run_may_publish_what_its_tasks_use() -> None:
    stack = new_stack()
    cloudwatch.Metric.grant_put_metric_data(plain_run(stack))
    template = synthesized(stack)

    assert "cloudwatch:PutMetricData" in str(statements(template, of_role="RunRole"))
    assert {name for name in resources(template, "AWS::IAM::Policy") if name.startswith("RunRole")} <= set(
        the(template, RUN_TYPE)[1]["DependsOn"]
    )


def test_grants_on_an_imported_run_name_its_arn() -> None:
    stack = new_stack()
    role = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    run: IWorkflowRun = WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=IMPORTED_ARN)
    run.grants.read(role)
    run.grants.cancel(role)
    found = statements(synthesized(stack), of_role="Reader")

    assert [(each["Action"], each["Resource"]) for each in found[1:]] == [
        (["omics:GetRun", "omics:GetRunTask", "omics:ListRunTasks"], IMPORTED_ARN),
        ("omics:CancelRun", IMPORTED_ARN),
    ]
    assert found[0]["Action"] == "omics:GetRunTask"
    assert str(found[0]["Resource"]).endswith(":task/*']]}")
    assert not any("Condition" in each for each in found)


def test_grants_on_a_run_of_the_app_are_for_whatever_run_the_resource_stands_for() -> None:
    stack = new_stack()
    role = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    grant = plain_run(stack).grants.cancel(role)
    template = synthesized(stack)
    run_id, _ = the(template, RUN_TYPE)
    (statement,) = statements(template, of_role="Reader")

    assert grant.success
    assert statement["Action"] == "omics:CancelRun"
    assert str(statement["Resource"]).endswith(f":omics:{REGION}:{ACCOUNT}:run/*']]}}")
    assert statement["Condition"]["StringEquals"] == {"aws:ResourceTag/cdk-healthomics:logical-id": run_id}
    (stack_arn,) = statement["Condition"]["StringLike"].values()
    assert str(stack_arn).endswith(f":cloudformation:{REGION}:{ACCOUNT}:stack/Genomics/*']]}}")
    assert run_id not in str(statement["Resource"])


def test_the_tags_of_the_condition_are_those_that_the_handler_gives() -> None:
    assert (ledger.STACK_ID, ledger.LOGICAL_ID) == ("cdk-healthomics:stack-id", "cdk-healthomics:logical-id")


def test_grants_from_another_stack_need_no_reference_to_the_run() -> None:
    stack = new_stack()
    other = cdk.Stack(app_of(stack), "Other", env=cdk.Environment(account=ACCOUNT, region=REGION))
    role = iam.Role(other, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    plain_run(stack, outputs=False).grants.read(role)
    assembly = app_of(stack).synth()

    assert "Outputs" not in assembly.get_stack_artifact("Genomics").template
    assert len(statements(assembly.get_stack_artifact("Other").template, of_role="Reader")) == 2


def test_grants_on_a_run_in_a_nested_stack_name_that_stack() -> None:
    nested = cdk.NestedStack(new_stack("Parent"), "Nested")
    role = iam.Role(nested, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    plain_run(nested).grants.cancel(role)
    (statement,) = statements(cdk.assertions.Template.from_stack(nested).to_json(), of_role="Reader")

    assert list(statement["Condition"]["StringLike"].values()) == [{"Ref": "AWS::StackId"}]
