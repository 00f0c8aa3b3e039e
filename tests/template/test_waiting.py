"""What a run that is waited for adds to the template, and when a new wait condition takes the place of the old one."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cfnlint
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from cdk_healthomics import InvalidRunError, RunCompletion, RunProvider, RunStatus, Workflow, WorkflowRun
from cdk_healthomics.replacement import REPLACING_PROPERTIES
from healthomics_run_waiter import contract
from template.support import (
    ACCOUNT,
    REGION,
    RUN_TYPE,
    WAITER,
    app_of,
    arn_text,
    new_stack,
    resources,
    statements,
    synthesized,
    template_of,
    the,
    warnings,
)

pytestmark = pytest.mark.slow

WAIT = contract.WAIT_CONDITION_TYPE
COMPLETION = contract.COMPLETION_TYPE
MINUTES = cdk.Duration.minutes


def run_in(stack: cdk.Stack, run_id: str = "Run", **arguments: Any) -> WorkflowRun:
    return WorkflowRun(
        stack, run_id, **({"workflow": Workflow.private("1234567"), "output_uri": "s3://results"} | arguments)
    )


def waited(**arguments: Any) -> Callable[[cdk.Stack], object]:
    return lambda stack: run_in(stack, **arguments).wait_for_completion()


def names(template: Mapping[str, Any]) -> set[str]:
    """Logical ids of everything that is waited for."""
    return {*resources(template, WAIT), *resources(template, COMPLETION)}


def added_by(define: Callable[[WorkflowRun], object]) -> dict[str, Any]:
    """The resources that something adds to a stack with a run."""
    before = template_of(run_in)["Resources"]
    after = template_of(lambda stack: define(run_in(stack)))["Resources"]
    return {name: resource for name, resource in after.items() if name not in before}


def test_what_the_first_wait_of_a_stack_adds() -> None:
    added = added_by(lambda run: run.wait_for_completion())

    assert sorted(resource["Type"] for resource in added.values()) == [
        "AWS::CloudFormation::WaitCondition",
        "AWS::Events::Rule",
        "AWS::Events::Rule",
        "AWS::IAM::Policy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "Custom::HealthOmicsRunCompletion",
        "Custom::HealthOmicsWaiting",
    ]


def test_what_each_further_wait_adds() -> None:
    def define(stack: cdk.Stack) -> None:
        for number in range(3):
            run_in(stack, f"Run{number}").wait_for_completion()

    template = template_of(define)

    assert len(resources(template, WAIT)) == len(resources(template, COMPLETION)) == 3
    assert len(resources(template, "AWS::Lambda::Function")) == 2
    assert len(resources(template, "AWS::Events::Rule")) == 2
    assert len(resources(template, contract.WAITING_TYPE)) == 1


ROLE = f"arn:aws:iam::{ACCOUNT}:role/run"


def with_role(stack: cdk.Stack, **arguments: Any) -> WorkflowRun:
    return run_in(stack, role=iam.Role.from_role_arn(stack, "RunRole", ROLE), **arguments)


def test_the_names_stay() -> None:
    """CloudFormation refuses a custom resource whose function has another name; another digest would wait again."""
    template = template_of(lambda stack: with_role(stack).wait_for_completion())

    assert names(template) == {"RunC4A32B5FWait43200S7175c3392c2fade9", "RunCompletion5E6E73FA7175c3392c2fade9"}
    assert set(resources(template, "AWS::Lambda::Function")) == {
        "HealthOmicsRunProviderFunctionDE8A886A",
        "HealthOmicsRunWaiterFunction2ECCB89C",
    }
    assert set(resources(template, contract.WAITING_TYPE)) == {"HealthOmicsRunWaiterWaitingD5FC2982"}


def test_the_wait_condition_waits_for_a_signal_and_nothing_else() -> None:
    template = template_of(waited())
    run, _ = the(template, RUN_TYPE)
    waiting, _ = the(template, contract.WAITING_TYPE)
    name, wait = the(template, WAIT)

    assert wait == {
        "Type": WAIT,
        "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT12H"}},
        "DependsOn": [waiting, run],
    }
    parsed = contract.parse_wait_id(name)
    assert parsed is not None
    assert (parsed.run, parsed.seconds) == (run, 43_200)


def test_the_completion_has_what_the_function_needs() -> None:
    template = template_of(waited())
    run, _ = the(template, RUN_TYPE)
    wait, _ = the(template, WAIT)
    _, completion = the(template, COMPLETION)
    properties = completion["Properties"]

    assert properties.pop("ServiceToken") == {"Fn::GetAtt": ["HealthOmicsRunWaiterFunction2ECCB89C", "Arn"]}
    assert properties == {
        "ServiceTimeout": "3600",
        "Run": run,
        "RunId": {"Fn::GetAtt": [run, "RunId"]},
        "RunUuid": {"Fn::GetAtt": [run, "RunUuid"]},
        "RunOutputUri": {"Fn::GetAtt": [run, "RunOutputUri"]},
        "Require": ["COMPLETED"],
        "Seconds": 43_200,
        "WaitCondition": {"Ref": wait},
    }


@pytest.mark.parametrize(
    ("timeout", "policy"),
    [(MINUTES(1), "PT8M"), (MINUTES(90), "PT1H37M"), (cdk.Duration.hours(12), "PT12H"), (MINUTES(719), "PT12H")],
)
def test_cloudformation_waits_a_little_longer_than_the_function(timeout: cdk.Duration, policy: str) -> None:
    template = template_of(lambda stack: run_in(stack).wait_for_completion(timeout=timeout))
    _, wait = the(template, WAIT)
    _, completion = the(template, COMPLETION)

    assert wait["CreationPolicy"]["ResourceSignal"]["Timeout"] == policy
    assert completion["Properties"]["Seconds"] == timeout.to_seconds()


# --- permissions and rules ---


def test_the_function_may_look_and_signal_and_switch_its_own_rule() -> None:
    template = template_of(waited())
    allowed = {
        action: arn_text(statement["Resource"])
        for statement in statements(template, of_role=WAITER)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    (schedule,) = (name for name in resources(template, "AWS::Events::Rule") if "Schedule" in name)
    own_stack = "<AWS::StackId>"

    assert {action: arn for action, arn in allowed.items() if not action.startswith("logs:")} == {
        "omics:GetRun": f"arn:<AWS::Partition>:omics:{REGION}:{ACCOUNT}:run/*",
        "cloudformation:DescribeStacks": own_stack,
        "cloudformation:ListStackResources": own_stack,
        "cloudformation:SignalResource": own_stack,
        "events:DisableRule": f"<{schedule}.Arn>",
        "events:EnableRule": f"<{schedule}.Arn>",
    }
    assert {action for action in allowed if action.startswith("logs:")} == {"logs:CreateLogStream", "logs:PutLogEvents"}


def rules(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(WAITER)[:5]: rule["Properties"]
        for name, rule in resources(template, "AWS::Events::Rule").items()
    }


def test_the_schedule_is_off_in_the_template() -> None:
    schedule = rules(template_of(waited()))["Sched"]

    assert schedule["State"] == "DISABLED"
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule["Targets"][0]["InputTransformer"] == {
        "InputPathsMap": {"resources": "$.resources"},
        "InputTemplate": {"Fn::Join": ["", ['{"stackId":"', {"Ref": "AWS::StackId"}, '","ruleArns":<resources>}']]},
    }


def test_the_event_rule_is_about_how_the_waited_for_runs_end() -> None:
    def define(stack: cdk.Stack) -> None:
        run_in(stack, "A", name="alpha").wait_for_completion()
        run_in(stack, "B", name="beta").wait_for_completion()
        run_in(stack, "C", name="gamma")

    ended = rules(template_of(define))["Ended"]

    assert ended["EventPattern"] == {
        "source": ["aws.omics"],
        "detail-type": ["Run Status Change"],
        "account": [ACCOUNT],
        "detail": {"status": ["COMPLETED", "FAILED", "CANCELLED", "DELETED"], "runName": ["alpha", "beta"]},
    }
    assert ended["Targets"][0]["InputTransformer"]["InputTemplate"] == {
        "Fn::Join": [
            "",
            ['{"stackId":"', {"Ref": "AWS::StackId"}, '","runId":<detail-runId>,"runUuid":<detail-uuid>}'],
        ]
    }


def test_a_long_list_of_names_becomes_their_common_beginning() -> None:
    def define(stack: cdk.Stack) -> None:
        for number in range(50):
            run_in(stack, f"RunWithQuiteALongName{number}").wait_for_completion()

    pattern = rules(template_of(define))["Ended"]["EventPattern"]

    assert pattern["detail"]["runName"] == [{"prefix": "Genomics-RunWithQuiteALongName"}]
    assert len(json.dumps(pattern)) <= 2048


def test_a_chosen_name_among_many_is_kept_apart() -> None:
    def define(stack: cdk.Stack) -> None:
        for number in range(50):
            run_in(stack, f"RunWithQuiteALongName{number}").wait_for_completion()
        run_in(stack, "Odd", name="odd").wait_for_completion()

    pattern = rules(template_of(define))["Ended"]["EventPattern"]

    assert pattern["detail"]["runName"] == [{"prefix": "Genomics-RunWithQuiteALongName"}, "odd"]


def test_the_rule_comes_before_the_run_and_the_switch_before_the_wait() -> None:
    template = template_of(waited())
    _, run = the(template, RUN_TYPE)
    _, waiting = the(template, contract.WAITING_TYPE)

    assert [name for name in run["DependsOn"] if name.startswith(f"{WAITER}Ended")]
    assert [name for name in waiting["DependsOn"] if name.startswith(f"{WAITER}Switch")]
    assert [name for name in waiting["DependsOn"] if name.startswith(f"{WAITER}Schedule")]


def test_the_options_of_the_provider_hold_for_the_waiter() -> None:
    def define(stack: cdk.Stack) -> None:
        RunProvider.configure(stack, memory_size=512, reserved_concurrent_executions=3)
        run_in(stack).wait_for_completion()

    functions = resources(template_of(define), "AWS::Lambda::Function").values()

    assert [function["Properties"]["MemorySize"] for function in functions] == [512, 512]
    assert [function["Properties"]["ReservedConcurrentExecutions"] for function in functions] == [3, 3]
    assert {function["Properties"]["Handler"] for function in functions} == {
        "healthomics_run_handler.index.handler",
        contract.LAMBDA_HANDLER,
    }


# --- when there is something new to wait for ---


def workflow_of(definition: str, **properties: Any) -> Callable[[cdk.Stack], dict[str, Any]]:
    return lambda stack: {
        "workflow": Workflow.from_ref(omics.CfnWorkflow(stack, "Workflow", definition_uri=definition, **properties))
    }


def version_of(version: str, definition: str = "s3://data/w.zip") -> Callable[[cdk.Stack], dict[str, Any]]:
    def arguments(stack: cdk.Stack) -> dict[str, Any]:
        workflow = omics.CfnWorkflow(stack, "Workflow", definition_uri=definition)
        resource = omics.CfnWorkflowVersion(stack, "Version", version_name=version, workflow_id=workflow.attr_id)
        return {"workflow": Workflow.from_version_ref(resource)}

    return arguments


def cache_at(uri: str) -> Callable[[cdk.Stack], dict[str, Any]]:
    return lambda stack: {"cache": omics.CfnRunCache(stack, "Cache", cache_s3_location=uri)}


def bucket_named(name: str) -> Callable[[cdk.Stack], dict[str, Any]]:
    return lambda stack: {"parameters": {"out": s3.Bucket(stack, "Bucket", bucket_name=name).s3_url_for_object("x")}}


def tagged(value: str) -> Callable[[cdk.Stack], dict[str, Any]]:
    def arguments(stack: cdk.Stack) -> dict[str, Any]:
        cdk.Tags.of(stack).add("Cohort", value)
        return {"tags": {"cohort": value}}

    return arguments


def role_that(description: str) -> Callable[[cdk.Stack], dict[str, Any]]:
    return lambda stack: {
        "role": iam.Role(stack, "R", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"), description=description)
    }


def plain(**arguments: Any) -> Callable[[cdk.Stack], dict[str, Any]]:
    return lambda _: arguments


def names_with(arguments: Callable[[cdk.Stack], dict[str, Any]]) -> set[str]:
    return names(template_of(lambda stack: run_in(stack, **arguments(stack)).wait_for_completion()))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(plain(parameters={"a": 1}), plain(parameters={"a": 2}), id="parameters"),
        pytest.param(plain(), plain(rerun_on="x"), id="rerun_on"),
        pytest.param(plain(), plain(workflow=Workflow.private("7654321")), id="workflow"),
        pytest.param(workflow_of("s3://data/1.zip"), workflow_of("s3://data/2.zip"), id="definition of the workflow"),
        pytest.param(version_of("1"), version_of("2"), id="version"),
        pytest.param(version_of("1"), version_of("1", "s3://data/2.zip"), id="definition behind the version"),
        pytest.param(cache_at("s3://caches/1"), cache_at("s3://caches/2"), id="place of the cache"),
        pytest.param(bucket_named("data-1"), bucket_named("data-2"), id="bucket among the parameters"),
    ],
)
def test_another_run_is_another_wait(
    before: Callable[[cdk.Stack], dict[str, Any]], after: Callable[[cdk.Stack], dict[str, Any]]
) -> None:
    assert names_with(before).isdisjoint(names_with(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(plain(), plain(), id="nothing"),
        pytest.param(tagged("7"), tagged("8"), id="tags"),
        pytest.param(plain(), plain(on_delete="LEAVE"), id="on_delete"),
        pytest.param(plain(), plain(outputs=False), id="outputs"),
        pytest.param(role_that("one"), role_that("another"), id="description of the role"),
        pytest.param(
            workflow_of("s3://data/w.zip", name="a"),
            workflow_of("s3://data/w.zip", name="b"),
            id="name of the workflow",
        ),
    ],
)
def test_the_same_run_is_the_same_wait(
    before: Callable[[cdk.Stack], dict[str, Any]], after: Callable[[cdk.Stack], dict[str, Any]]
) -> None:
    assert names_with(before) == names_with(after)


@pytest.mark.parametrize("direct", [False, True], ids=["by the completion", "by the run"])
def test_a_run_that_uses_another_ones_outputs_is_waited_for_anew_with_it(direct: bool) -> None:  # noqa: FBT001
    def waits(rerun_on: str) -> set[str]:
        def define(stack: cdk.Stack) -> None:
            first = run_in(stack, "First", rerun_on=rerun_on)
            outputs = first.run_output_uri if direct else first.wait_for_completion().outputs_uri
            second = run_in(stack, "Second", parameters={"from": outputs})
            run_in(stack, "Third", parameters={"from": second.run_output_uri}).wait_for_completion()

        return set(resources(template_of(define), WAIT))

    assert waits("1") == waits("1")
    assert waits("1").isdisjoint(waits("2"))


def test_a_changed_wait_is_another_one() -> None:
    def wait(**arguments: Any) -> set[str]:
        return names(template_of(lambda stack: run_in(stack).wait_for_completion(**arguments)))

    assert wait().isdisjoint(wait(timeout=MINUTES(10)))
    assert wait().isdisjoint(wait(require=[RunStatus.COMPLETED, RunStatus.FAILED]))


def test_the_schedule_is_switched_on_when_there_is_something_new() -> None:
    def digest(**arguments: Any) -> str:
        _, waiting = the(template_of(waited(**arguments)), contract.WAITING_TYPE)
        return str(waiting["Properties"]["Waits"])

    assert digest() == digest(tags={"a": "b"})
    assert digest() != digest(rerun_on="x")


def test_the_properties_that_replace_a_resource_are_those_of_its_schema() -> None:
    for resource_type, ours in REPLACING_PROPERTIES.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
        theirs = {_snake(path.removeprefix("/properties/")) for path in schema.get("createOnlyProperties", ())}

        assert theirs - NOT_IN_THE_CDK <= set(ours) <= theirs, resource_type


NOT_IN_THE_CDK = {"bucket_name_prefix", "bucket_namespace", "readme_path", "readme_uri"}
"""Properties that have no part in what a run does, or that the oldest aws-cdk-lib does not know."""


def _snake(name: str) -> str:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.removeprefix("_").replace("s3_", "s3_")


# --- other stacks, and what depends on it ---


def test_what_depends_on_the_completion_comes_after_it() -> None:
    def define(stack: cdk.Stack) -> None:
        completion = run_in(stack).wait_for_completion()
        cdk.CfnResource(stack, "Next", type="AWS::SNS::Topic").node.add_dependency(completion)
        cdk.CfnResource(stack, "Reader", type="AWS::SNS::Topic", properties={"TopicName": completion.outputs_uri})

    template = template_of(define)
    completion, _ = the(template, COMPLETION)
    wait, _ = the(template, WAIT)

    assert set(template["Resources"]["Next"]["DependsOn"]) == {completion, wait}
    assert template["Resources"]["Reader"]["Properties"] == {"TopicName": {"Fn::GetAtt": [completion, "OutputsUri"]}}


@pytest.mark.parametrize("nested", [False, True], ids=["", "of a nested stack"])
def test_other_stacks_hold_on_to_it_weakly_and_hear_of_a_new_one(nested: bool) -> None:  # noqa: FBT001
    def reader(rerun_on: str) -> Any:
        stack = new_stack()
        scope = cdk.NestedStack(stack, "Nested") if nested else stack
        completion = run_in(scope, rerun_on=rerun_on).wait_for_completion()  # type: ignore[arg-type]
        other = cdk.Stack(app_of(stack), "Other", env=cdk.Environment(account=ACCOUNT, region=REGION))
        cdk.CfnOutput(other, "Uri", value=cdk.Fn.join("", ["see ", completion.outputs_uri]))
        assert warnings(stack) == []
        return synthesized(other)["Outputs"]["Uri"]["Value"]

    assert "Fn::GetStackOutput" in json.dumps(reader("1"))
    assert reader("1") == reader("1")
    # The CDK CLI does not deploy a stack whose template is the same.
    assert reader("1") != reader("2")


def test_each_nested_stack_waits_for_itself() -> None:
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    run_in(stack).wait_for_completion()
    run_in(nested).wait_for_completion()

    own = synthesized(stack)
    inner = json.loads((Path(app_of(stack).outdir) / nested.template_file).read_text())
    for template in (own, inner):
        run, _ = the(template, RUN_TYPE)
        wait, condition = the(template, WAIT)
        assert contract.parse_wait_id(wait).run == run  # type: ignore[union-attr]
        assert condition["DependsOn"] == [the(template, contract.WAITING_TYPE)[0], run]
        assert the(template, COMPLETION)[1]["Properties"]["WaitCondition"] == {"Ref": wait}
        assert len(resources(template, "AWS::Lambda::Function")) == 2
        assert rules(template)["Ended"]["EventPattern"]["detail"]["runName"] == [run_name(template)]


def run_name(template: Mapping[str, Any]) -> str:
    """Name of the only run."""
    return str(the(template, RUN_TYPE)[1]["Properties"]["Name"])


def test_a_stage_waits_too() -> None:
    app = cdk.App()
    stage = cdk.Stage(app, "Prod", env=cdk.Environment(account=ACCOUNT, region=REGION))
    run_in(cdk.Stack(stage, "Genomics")).wait_for_completion()

    (template,) = (each.template for each in app.synth().get_nested_assembly("assembly-Prod").stacks)
    assert len(resources(template, WAIT)) == 1


def test_cfn_lint_finds_no_circle() -> None:
    template = template_of(waited())
    findings = cfnlint.lint(json.dumps(template), config=cfnlint.ManualArgs(regions=[REGION], ignore_checks=["W3005"]))

    assert [str(finding) for finding in findings] == []


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"timeout": cdk.Duration.hours(13)}, "timeout is 46,800 seconds: use 1 minute to 12 hours"),
        ({"timeout": cdk.Duration.seconds(59)}, "timeout is 59 seconds: use 1 minute to 12 hours"),
        ({"timeout": cdk.Duration.millis(60_500)}, "timeout is 60.5 seconds: use whole seconds"),
        (
            {"timeout": cdk.Duration.seconds(cdk.Token.as_number({"Ref": "T"}))},
            "timeout is a token, but the template has it as text",
        ),
        ({"timeout": 3600}, r"timeout is 3600: give a duration, such as cdk.Duration.hours\(6\)"),
        ({"timeout": None}, "timeout is None: give a duration"),
        ({"require": "FAILD"}, "require has FAILD, but a run ends as one of COMPLETED, FAILED, CANCELLED"),
        ({"require": []}, "require is empty"),
        (
            {"require": [RunStatus.RUNNING]},
            "require has RUNNING, but a run ends as one of COMPLETED, FAILED, CANCELLED",
        ),
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], said: str) -> None:
    stack = new_stack()
    run = run_in(stack)

    with pytest.raises(InvalidRunError, match=said):
        run.wait_for_completion(**arguments)

    assert resources(synthesized(stack), "AWS::Events::Rule") == {}


def test_a_second_wait_is_the_first_or_a_mistake() -> None:
    run = run_in(new_stack())
    completion = run.wait_for_completion(timeout=cdk.Duration.hours(2), require=RunStatus.COMPLETED)

    assert isinstance(completion, RunCompletion)
    assert run.wait_for_completion(timeout=MINUTES(120), require=[RunStatus.COMPLETED]) is completion
    with pytest.raises(InvalidRunError, match="is waited for already, with other arguments"):
        run.wait_for_completion()


def test_an_imported_run_cannot_be_waited_for() -> None:
    stack = new_stack()
    imported = WorkflowRun.from_run_attributes(stack, "Run", run_arn=f"arn:aws:omics:{REGION}:{ACCOUNT}:run/1")

    assert not hasattr(imported, "wait_for_completion")
