"""Rules about many runs at once, and how the events of a rule reach its target."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_omics as omics
from aws_cdk import aws_sqs as sqs

from cdk_healthomics import AnyRunRuleOptions, RunRuleOptions, RunStatus, Workflow, WorkflowRun
from template.support import ACCOUNT, REGION, RUN_TYPE, app_of, infos, new_stack, resources, synthesized, the

pytestmark = pytest.mark.slow

RULE = "AWS::Events::Rule"


def run_in(scope: cdk.Stack, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    defaults: dict[str, Any] = {"workflow": Workflow.private("1"), "output_uri": "s3://b", "outputs": False}
    return WorkflowRun(scope, construct_id, **(defaults | arguments))


def function_in(stack: cdk.Stack, **arguments: Any) -> lambda_.Function:
    code = lambda_.Code.from_inline("def handler(event, context): ...")
    runtime = lambda_.Runtime.PYTHON_3_13
    return lambda_.Function(stack, "Function", code=code, handler="index.handler", runtime=runtime, **arguments)


def detail(template: dict[str, Any]) -> Any:
    """The detail of the pattern of the only rule."""
    return the(template, RULE)[1]["Properties"]["EventPattern"].get("detail")


def test_a_rule_about_a_stack_names_all_its_runs_and_comes_before_them() -> None:
    stack = new_stack()
    runs = [run_in(stack, "First")]
    WorkflowRun.on_any_failed(stack, "Rule", stack=stack, target=targets.LambdaFunction(function_in(stack)))
    runs.append(run_in(stack, "Second", name="chosen"))
    nested = cdk.NestedStack(stack, "Nested")
    runs.append(run_in(nested, "Third"))
    run_in(cdk.Stack(app_of(stack), "Other"))
    template = synthesized(stack)
    rule_id, rule = the(template, RULE)
    permission_id, _ = the(template, "AWS::Lambda::Permission")

    assert rule["Properties"]["EventPattern"] == {
        "source": ["aws.omics"],
        "detail-type": ["Run Status Change"],
        "account": [ACCOUNT],
        "detail": {"runName": [runs[0].run_name, runs[2].run_name, "chosen"], "status": ["FAILED"]},
    }
    after = [*resources(template, RUN_TYPE).values(), *resources(template, "AWS::CloudFormation::Stack").values()]
    assert len(after) == 3
    assert all({rule_id, permission_id} <= set(each["DependsOn"]) for each in after)


def test_a_rule_about_a_nested_stack_does_not_see_the_runs_around_it() -> None:
    stack = new_stack()
    run_in(stack, "Around")
    nested = cdk.NestedStack(stack, "Nested")
    inner = run_in(nested)
    WorkflowRun.on_any_status_change(stack, "Rule", stack=nested)
    template = synthesized(stack)
    (nested_resource,) = resources(template, "AWS::CloudFormation::Stack").values()

    assert detail(template) == {"runName": [inner.run_name]}
    assert the(template, RULE)[0] in nested_resource["DependsOn"]
    assert the(template, RULE)[0] not in the(template, RUN_TYPE)[1]["DependsOn"]


def test_a_rule_about_a_workflow_comes_before_its_runs() -> None:
    stack = new_stack()
    workflow = Workflow.from_ref(omics.CfnWorkflow(stack, "Workflow"))
    WorkflowRun.on_any_completed(stack, "Rule", workflow=workflow)
    run_in(stack, "Its", workflow=workflow)
    run_in(stack, "Others")
    template = synthesized(stack)
    rule_id, _ = the(template, RULE)
    runs = resources(template, RUN_TYPE)

    assert detail(template) == {"workflowId": [{"Ref": "Workflow"}], "status": ["COMPLETED"]}
    assert {name[:3] for name, run in runs.items() if rule_id in run["DependsOn"]} == {"Its"}


def test_a_rule_can_be_about_the_runs_of_a_workflow_in_another_stack() -> None:
    stack = new_stack()
    later = cdk.Stack(app_of(stack), "Later", env=cdk.Environment(account=ACCOUNT, region=REGION))
    workflow = Workflow.from_ref(omics.CfnWorkflow(stack, "Workflow"))
    run = run_in(stack, workflow=workflow)
    WorkflowRun.on_any_cancelled(later, "Rule", workflow=workflow, stack=stack)
    assembly = app_of(stack).synth()
    found = detail(assembly.get_stack_artifact("Later").template)

    assert set(found) == {"workflowId", "runName", "status"}
    assert found["workflowId"][0]["Fn::GetStackOutput"]["StackName"] == "Genomics"
    assert (found["runName"], found["status"]) == ([run.run_name], ["CANCELLED"])


def test_a_rule_in_another_stack_holds_on_to_the_workflow_weakly() -> None:
    stack = new_stack()
    later = cdk.Stack(app_of(stack), "Later", env=cdk.Environment(account=ACCOUNT, region=REGION))
    workflow = Workflow.from_ref(omics.CfnWorkflow(stack, "Workflow"))
    WorkflowRun.on_any_failed(stack, "Rule", workflow=workflow, cross_stack_scope=later)
    assembly = app_of(stack).synth()
    found = detail(assembly.get_stack_artifact("Later").template)
    outputs = assembly.get_stack_artifact("Genomics").template["Outputs"].values()

    assert found["workflowId"][0]["Fn::GetStackOutput"]["StackName"] == "Genomics"
    # An export would keep the workflow from being replaced.
    assert [output for output in outputs if "Export" in output] == []


@pytest.mark.parametrize("elsewhere", [{"region": "eu-west-1"}, {"account": "210987654321"}], ids=str)
def test_a_rule_that_would_hear_nothing_of_the_stack_fails(elsewhere: dict[str, str]) -> None:
    stack = new_stack()
    there = cdk.Environment(**({"account": ACCOUNT, "region": REGION} | elsewhere))
    later = cdk.Stack(app_of(stack), "Later", env=there)

    with pytest.raises(ValueError, match=rf"^Later/Rule: the rule would be in account {there.account} and Region"):
        WorkflowRun.on_any_failed(later, "Rule", stack=stack)
    with pytest.raises(ValueError, match="so it would never match: define it in a stack of that account and Region"):
        WorkflowRun.on_any_failed(stack, "Rule", stack=stack, cross_stack_scope=later)


def test_a_single_status_is_enough() -> None:
    stack = new_stack()
    run_in(stack)
    WorkflowRun.on_any_status_change(stack, "Rule", statuses=RunStatus.FAILED)

    assert detail(synthesized(stack)) == {"status": ["FAILED"]}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"stac": 1},
            TypeError,
            "^Genomics/Rule: there is no option stac: use cross_stack_scope, dead_l",
        ),
        ({"statuses": []}, TypeError, "no option statuses: .*, and give statuses to on_status_change or on_any_status"),
    ],
)
def test_an_option_that_there_is_not_fails(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        WorkflowRun.on_any_failed(new_stack(), "Rule", **options)


def test_a_status_that_there_is_not_fails() -> None:
    with pytest.raises(ValueError, match=r"^Genomics/Rule: statuses has 'FAILD', but a run is one of PENDING, .*CANC"):
        WorkflowRun.on_any_status_change(new_stack(), "Rule", statuses=["FAILD"])  # type: ignore[list-item]


def test_a_rule_can_be_about_all_runs_of_the_account_and_region() -> None:
    stack = new_stack()
    WorkflowRun.on_any_status_change(stack, "Rule")
    WorkflowRun.on_any_status_change(stack, "Some", statuses=[RunStatus.FAILED, RunStatus.CANCELLED])
    run_in(stack)
    template = synthesized(stack)
    some, every = (
        each["Properties"]["EventPattern"]
        for _, each in sorted(resources(template, RULE).items(), key=lambda item: "Rule" in item[0])
    )

    # EventBridge takes no empty objects.
    assert every == {"source": ["aws.omics"], "detail-type": ["Run Status Change"], "account": [ACCOUNT]}
    assert some == {**every, "detail": {"status": ["FAILED", "CANCELLED"]}}
    assert set(resources(template, RULE)) <= set(the(template, RUN_TYPE)[1]["DependsOn"])


def test_many_names_are_matched_by_how_they_begin_and_the_app_is_told() -> None:
    """A pattern has at most 2,048 characters."""
    stack = new_stack()
    role = run_in(stack, "Sample0", name="chosen").role
    for number in range(1, 80):
        run_in(stack, f"Sample{number}", role=role)
    WorkflowRun.on_any_failed(stack, "Rule", stack=stack)

    assert detail(synthesized(stack)) == {"runName": [{"prefix": "Genomics-Sample"}, "chosen"], "status": ["FAILED"]}
    (info,) = (each for each in infos(stack) if "matchesByPrefix" in each)
    assert 'so the rule is about all runs with names like {"prefix": "Genomics-Sample"}' in info


def test_too_many_chosen_names_fail() -> None:
    stack = new_stack()
    role = run_in(stack, "Run0").role
    for number in range(30):
        run_in(stack, f"Sample{number}", role=role, name=f"{number:03}-{'n' * 90}")
    WorkflowRun.on_any_failed(stack, "Rule", stack=stack)

    with pytest.raises(RuntimeError, match="about the runs of Genomics, would name 30 runs, and its pattern be longer"):
        synthesized(stack)


def test_a_rule_about_a_stack_without_runs_fails() -> None:
    stack = new_stack()
    WorkflowRun.on_any_failed(stack, "Rule", stack=stack)

    with pytest.raises(RuntimeError, match="the rule is about the runs of Genomics, and it has none"):
        synthesized(stack)


@pytest.mark.parametrize("one", [True, False])
def test_how_events_reach_the_target(*, one: bool) -> None:
    stack = new_stack()
    queue = sqs.Queue(stack, "Lost", encryption=sqs.QueueEncryption.KMS)
    options: RunRuleOptions = {
        "retry_attempts": 3,
        "max_event_age": cdk.Duration.hours(2),
        "dead_letter_queue": queue,
    }
    target = targets.LambdaFunction(function_in(stack))
    run = run_in(stack)
    if one:
        run.on_failed("Rule", target=target, **options)
    else:
        about: AnyRunRuleOptions = {"stack": stack, "target": target, **options}
        WorkflowRun.on_any_failed(stack, "Rule", **about)
    template = synthesized(stack)
    rule_id, rule = the(template, RULE)
    queue_arn = {"Fn::GetAtt": [the(template, "AWS::SQS::Queue")[0], "Arn"]}
    (statement,) = the(template, "AWS::SQS::QueuePolicy")[1]["Properties"]["PolicyDocument"]["Statement"]
    (*_, of_key) = the(template, "AWS::KMS::Key")[1]["Properties"]["KeyPolicy"]["Statement"]

    (found,) = rule["Properties"]["Targets"]
    assert found["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 7200}
    assert found["DeadLetterConfig"] == {"Arn": queue_arn}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Resource"] == queue_arn
    assert statement["Principal"] == of_key["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]}}}
    assert of_key["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert of_key["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_a_targets_own_delivery_stays() -> None:
    stack = new_stack()
    run_in(stack).on_failed("Rule", target=targets.LambdaFunction(function_in(stack), retry_attempts=7))
    _, rule = the(synthesized(stack), RULE)

    assert rule["Properties"]["Targets"][0]["RetryPolicy"] == {"MaximumRetryAttempts": 7}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retry_attempts": -1}, "Genomics/Run/Rule: retry_attempts is -1: EventBridge takes 0 to 185"),
        ({"retry_attempts": 186}, "retry_attempts is 186"),
        ({"max_event_age": cdk.Duration.seconds(59)}, "max_event_age is 59 seconds: EventBridge takes 1 minute to 24"),
        ({"max_event_age": cdk.Duration.hours(25)}, "max_event_age is 1 day 1 hour"),
    ],
)
def test_a_delivery_that_eventbridge_would_refuse_fails(options: RunRuleOptions, message: str) -> None:
    stack = new_stack()
    target = targets.LambdaFunction(function_in(stack))

    with pytest.raises(ValueError, match=message):
        run_in(stack).on_failed("Rule", target=target, **options)


def test_a_delivery_without_a_target_fails() -> None:
    stack = new_stack()

    with pytest.raises(ValueError, match="retry_attempts and max_event_age tell how to reach the target, and there is"):
        WorkflowRun.on_any_failed(stack, "Rule", retry_attempts=1, max_event_age=cdk.Duration.hours(1))


def test_the_bounds_of_a_delivery_are_allowed() -> None:
    stack = new_stack()
    target = targets.LambdaFunction(function_in(stack))
    run = run_in(stack)
    run.on_failed("Least", target=target, retry_attempts=0, max_event_age=cdk.Duration.minutes(1))
    run.on_failed("Most", target=target, retry_attempts=185, max_event_age=cdk.Duration.hours(24))
    found = [each["Properties"]["Targets"][0]["RetryPolicy"] for each in resources(synthesized(stack), RULE).values()]

    assert found == [
        {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
        {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400},
    ]
