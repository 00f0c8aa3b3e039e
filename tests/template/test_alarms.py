"""Alarms that go off when a run fails."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from cdk_healthomics import IWorkflowRun, RunStatus, WorkflowRun
from template.support import RUN_TYPE, new_stack, plain_run, resources, synthesized, the

ALARM = "AWS::CloudWatch::Alarm"
RULE = "AWS::Events::Rule"
IMPORTED_ARN = "arn:aws:omics:us-east-1:123456789012:run/7654321"


def rule_of(template: dict[str, Any], alarm: dict[str, Any]) -> dict[str, Any]:
    """The rule that an alarm counts."""
    (dimension,) = alarm["Properties"]["Dimensions"]
    assert dimension["Name"] == "RuleName"
    rule: dict[str, Any] = resources(template, RULE)[dimension["Value"]["Ref"]]
    return rule


def test_an_alarm_counts_the_failures_of_the_run() -> None:
    stack = new_stack()
    run = plain_run(stack)
    alarm = run.alarm_on_failure("Failed")
    template = synthesized(stack)
    _, resource = the(template, ALARM)

    assert isinstance(alarm, cloudwatch.Alarm)
    assert rule_of(template, resource)["Properties"]["EventPattern"]["detail"] == {
        "runName": [run.run_name],
        "status": ["FAILED"],
    }
    assert {key: value for key, value in resource["Properties"].items() if key != "Dimensions"} == {
        "AlarmDescription": "The HealthOmics run Genomics/Run is FAILED",
        "Namespace": "AWS/Events",
        "MetricName": "TriggeredRules",
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 1,
        "TreatMissingData": "notBreaching",
    }


def test_alarm_and_rule_come_before_the_run() -> None:
    """Otherwise a run that fails at once would fail unheard."""
    stack = new_stack()
    plain_run(stack).alarm_on_failure("Failed")
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)

    assert {the(template, ALARM)[0], the(template, RULE)[0]} <= set(run["DependsOn"])


def test_an_alarm_has_an_action_and_options() -> None:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    alarm = plain_run(stack).alarm_on_failure(
        "Failed",
        action=actions.SnsAction(topic),
        alarm_name="alignment",
        alarm_description="call us",
        period=cdk.Duration.minutes(1),
    )
    other = sns.Topic(stack, "Other")
    alarm.add_alarm_action(actions.SnsAction(other))
    _, resource = the(synthesized(stack), ALARM)
    topics = [stack.resolve(each.topic_arn) for each in (topic, other)]

    assert resource["Properties"]["AlarmActions"] == topics
    assert resource["Properties"]["AlarmName"] == "alignment"
    assert resource["Properties"]["AlarmDescription"] == "call us"
    assert resource["Properties"]["Period"] == 60


def test_cancellations_may_count_as_failures() -> None:
    stack = new_stack()
    run = plain_run(stack)
    run.alarm_on_failure("Ended", statuses=[RunStatus.CANCELLED, RunStatus.FAILED])
    run.alarm_on_failure("EndedToo", statuses=[RunStatus.FAILED, RunStatus.CANCELLED])
    template = synthesized(stack)
    alarms = resources(template, ALARM).values()
    (rule,) = resources(template, RULE).values()

    assert [rule_of(template, alarm) for alarm in alarms] == [rule, rule]
    assert rule["Properties"]["EventPattern"]["detail"]["status"] == ["FAILED", "CANCELLED"]


def test_an_alarm_and_a_metric_share_their_rule() -> None:
    stack = new_stack()
    run = plain_run(stack)
    run.metric_failed()
    run.alarm_on_failure("Failed")

    assert len(resources(synthesized(stack), RULE)) == 1


def test_an_alarm_without_statuses_is_refused() -> None:
    run = plain_run(new_stack())

    with pytest.raises(ValueError, match=r"Genomics/Run: the alarm Never has no statuses.*leave statuses out"):
        run.alarm_on_failure("Never", statuses=[])


def test_a_single_status_is_enough() -> None:
    stack = new_stack()
    alarm = plain_run(stack).alarm_on_failure("Cancelled", statuses=RunStatus.CANCELLED)
    template = synthesized(stack)
    _, resource = the(template, ALARM)

    assert alarm.node.id == "Cancelled"
    assert rule_of(template, resource)["Properties"]["EventPattern"]["detail"]["status"] == ["CANCELLED"]
    assert resource["Properties"]["AlarmDescription"] == "The HealthOmics run Genomics/Run is CANCELLED"


def test_an_imported_run_has_alarms() -> None:
    stack = new_stack()
    run: IWorkflowRun = WorkflowRun.from_run_attributes(stack, "Earlier", run_arn=IMPORTED_ARN)
    run.alarm_on_failure("Failed")
    template = synthesized(stack)
    _, alarm = the(template, ALARM)

    assert rule_of(template, alarm)["Properties"]["EventPattern"]["detail"] == {
        "arn": [IMPORTED_ARN],
        "status": ["FAILED"],
    }


def test_an_alarm_changes_no_property_of_the_run() -> None:
    without, with_alarm = new_stack(), new_stack()
    plain_run(without)
    plain_run(with_alarm).alarm_on_failure("Failed")

    assert (
        the(synthesized(without), RUN_TYPE)[1]["Properties"] == the(synthesized(with_alarm), RUN_TYPE)[1]["Properties"]
    )
