"""Stack outputs of a run, attributes for the rest of the app, and references from other stacks."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk_healthomics import InvalidRunError, IWorkflowRun, Workflow, WorkflowRun
from template.support import ACCOUNT, app_of, new_stack, plain_run, resources, synthesized, template_of, warnings

PRIVATE = Workflow.private("1")
UUID = "153893cd-097a-40ec-aec7-838a97cd2b21"
TOKEN = "${Token[TOKEN.1]}"


def run_in(scope: Construct, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    return WorkflowRun(scope, construct_id, workflow=PRIVATE, output_uri="s3://b", **arguments)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = new_stack()
    run_in(Construct(stack, "Cohort-7"), "Alignment", export_name_prefix="cohort-7:")
    run_in(stack, "Silent", outputs=False)
    return synthesized(stack)


def test_a_run_has_two_outputs_with_ids_that_stay(template: dict[str, Any]) -> None:
    (alignment, _) = resources(template, "Custom::HealthOmicsRun")

    assert template["Outputs"] == {
        "Cohort7AlignmentRunArn": {
            "Description": "ARN of the HealthOmics run",
            "Value": {"Fn::GetAtt": [alignment, "RunArn"]},
            "Export": {"Name": "cohort-7:RunArn"},
        },
        "Cohort7AlignmentRunOutputUri": {
            "Description": "S3 URI of the outputs of the HealthOmics run",
            "Value": {"Fn::GetAtt": [alignment, "RunOutputUri"]},
            "Export": {"Name": "cohort-7:RunOutputUri"},
        },
    }


def test_outputs_of_the_same_name_fail() -> None:
    stack = new_stack()
    run_in(stack, "A-B")

    with pytest.raises(InvalidRunError, match="the output ABRunArn is the one of Genomics/A-B too"):
        run_in(stack, "AB")
    run_in(stack, "AB2", outputs=False)


@pytest.mark.parametrize("prefix", ["", "under_score", "p" * 244])
def test_a_prefix_that_exports_cannot_have_fails(prefix: str) -> None:
    with pytest.raises(InvalidRunError, match="1 to 243 letters, digits, colons and hyphens"):
        run_in(new_stack(), export_name_prefix=prefix)


def test_the_longest_prefix_of_exports_is_accepted() -> None:
    run_in(new_stack(), export_name_prefix="p" * 243)
    run_in(new_stack(), export_name_prefix=cdk.Token.as_string({"Ref": "Prefix"}))


def test_the_attributes_are_those_of_the_contract() -> None:
    stack = new_stack()
    run = run_in(stack, outputs=False)
    attributes = [run.run_arn, run.run_id, run.run_uuid, run.run_output_uri, run.run_status]
    names = [value["Fn::GetAtt"][1] for value in stack.resolve(attributes)]

    assert names == ["RunArn", "RunId", "RunUuid", "RunOutputUri", "RunStatus"]
    assert run.run_name.startswith("Genomics-Run-")
    assert run_in(stack, "Named", name="mine").run_name == "mine"


def test_other_stacks_refer_to_a_run_without_holding_it() -> None:
    """A strong reference would be an export, which CloudFormation refuses to change: the run could not be replaced."""
    producer = new_stack("Producer", context={"@aws-cdk/core:defaultCrossStackReferences": "strong"})
    consumer = cdk.Stack(app_of(producer), "Consumer", env=cdk.Environment(account=ACCOUNT, region="us-east-1"))
    run = run_in(producer, outputs=False)
    ssm.StringParameter(consumer, "Arn", string_value=run.run_arn)
    ssm.StringParameter(consumer, "Uri", string_value=f"{run.run_output_uri}/logs")
    assembly = app_of(producer).synth()
    outputs = assembly.get_stack_artifact("Producer").template["Outputs"]
    text = str(assembly.get_stack_artifact("Consumer").template)

    assert not [output for output in outputs.values() if "Export" in output]
    assert "Fn::ImportValue" not in text
    assert text.count("Fn::GetStackOutput") == 2
    assert [stack.id for stack in assembly.get_stack_artifact("Consumer").dependencies if "assets" not in stack.id] == [
        "Producer"
    ]
    assert warnings(producer) == []


def test_an_imported_run_is_a_run() -> None:
    stack = new_stack()
    arn = "arn:aws:omics:us-east-1:123456789012:run/7654321"
    imported = WorkflowRun.from_run_attributes(stack, "Imported", run_arn=arn, run_uuid=UUID, run_output_uri="s3://b/7")
    token = WorkflowRun.from_run_attributes(stack, "Token", run_arn=cdk.Token.as_string({"Ref": "Arn"}))

    assert isinstance(imported, IWorkflowRun)
    assert (imported.run_arn, imported.run_id) == (arn, "7654321")
    assert (imported.run_uuid, imported.run_output_uri) == (UUID, "s3://b/7")
    assert stack.resolve(token.run_id) == {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Arn"}]}]}
    with pytest.raises(ValueError, match="Genomics/Token: run_uuid is unknown: give it to WorkflowRun"):
        _ = token.run_uuid
    with pytest.raises(ValueError, match="run_output_uri is unknown"):
        _ = token.run_output_uri


def test_a_run_of_the_app_is_a_run() -> None:
    assert isinstance(run_in(new_stack()), IWorkflowRun)


def test_a_run_in_a_nested_stack_has_its_provider_and_outputs_there() -> None:
    parent = new_stack("Parent")
    nested = cdk.NestedStack(parent, "Nested")
    run_in(Construct(nested, "Cohort"))
    run_in(parent, "Beside")
    template = synthesized(parent)
    inner = cdk.assertions.Template.from_stack(nested).to_json()

    assert set(inner["Outputs"]) == {"CohortRunRunArn", "CohortRunRunOutputUri"}
    assert set(template["Outputs"]) == {"BesideRunArn", "BesideRunOutputUri"}
    assert len(resources(inner, "AWS::Lambda::Function")) == len(resources(template, "AWS::Lambda::Function")) == 1
    (run,) = resources(inner, "Custom::HealthOmicsRun").values()
    assert run["Properties"]["Name"].startswith("Parent-Nested-Cohort-Run-")


def test_a_run_in_a_stage_is_like_any_other() -> None:
    app = cdk.App()
    run_in(cdk.Stack(cdk.Stage(app, "Prod"), "Genomics"))
    stage = app.synth().nested_assemblies[0].nested_assembly
    (artifact,) = stage.stacks
    (run,) = resources(artifact.template, "Custom::HealthOmicsRun").values()

    assert run["Properties"]["Name"].startswith("Prod-Genomics-Run-")
    assert set(artifact.template["Outputs"]) == {"RunRunArn", "RunRunOutputUri"}


def test_a_stack_without_an_environment_synthesizes() -> None:
    template = template_of(run_in, with_env=False)

    assert len(resources(template, "Custom::HealthOmicsRun")) == 1


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        pytest.param({"run_arn": "nonsense"}, "run_arn is 'nonsense': give arn:", id="no ARN"),
        pytest.param({"run_arn": "7654321"}, "run_arn is '7654321'", id="an id"),
        pytest.param({"run_arn": None}, "run_arn is None", id="nothing"),
        pytest.param({"run_arn": "arn:aws:omics:us-east-1:123456789012:workflow/1"}, "run_arn is 'arn:", id="workflow"),
        pytest.param({"run_arn": "arn:aws:omics:us-east-1::run/1"}, "run_arn is 'arn:", id="no account"),
        pytest.param({"run_arn": f"arn:aws:{TOKEN}:run/1"}, "run_arn is 'arn:", id="parts missing beside a token"),
        pytest.param({"run_uuid": "7654321"}, "run_uuid is '7654321': give a UUID", id="no UUID"),
        pytest.param({"run_output_uri": "bucket/x"}, "run_output_uri is 'bucket/x': give s3://", id="no URI"),
    ],
)
def test_attributes_that_are_not_a_runs_are_refused(attributes: dict[str, Any], message: str) -> None:
    given = {"run_arn": "arn:aws:omics:us-east-1:123456789012:run/1"} | attributes

    with pytest.raises(InvalidRunError) as caught:
        WorkflowRun.from_run_attributes(new_stack(), "Imported", **given)
    (problem,) = caught.value.problems
    assert message in problem


def test_parts_of_an_arn_may_be_tokens() -> None:
    stack = new_stack(with_env=False)
    arn = f"arn:{stack.partition}:omics:{stack.region}:{stack.account}:run/7"
    imported = WorkflowRun.from_run_attributes(stack, "Imported", run_arn=arn, run_uuid=TOKEN, run_output_uri=TOKEN)

    assert imported.run_arn == arn


def test_an_imported_run_is_an_instance_of_the_interface() -> None:
    """Also one that knows neither its UUID nor its output URI, which Python 3.11 would ask for."""
    stack = new_stack()
    imported = WorkflowRun.from_run_attributes(stack, "Imported", run_arn="arn:aws:omics:us-east-1:123456789012:run/1")

    assert isinstance(imported, IWorkflowRun)
    assert isinstance(plain_run(stack), IWorkflowRun)
    assert not isinstance(stack, IWorkflowRun)
    assert not hasattr(imported, "run_uuid")
