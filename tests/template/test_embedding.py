"""Runs in nested stacks, stages and pipelines, and runs that need each other."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_omics as omics
from aws_cdk import aws_ssm as ssm
from aws_cdk import pipelines
from constructs import Construct

from cdk_healthomics import Workflow, WorkflowRun
from template.support import ACCOUNT, REGION, RUN_TYPE, app_of, new_stack, resources, synthesized, the

pytestmark = pytest.mark.slow

ENV = cdk.Environment(account=ACCOUNT, region=REGION)
STRONG = {"@aws-cdk/core:defaultCrossStackReferences": "strong"}


def run_in(scope: Construct, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    defaults: dict[str, Any] = {"workflow": Workflow.private("1"), "output_uri": "s3://b"}
    return WorkflowRun(scope, construct_id, **(defaults | arguments))


def parameters_of(run: dict[str, Any]) -> Any:
    return run["Properties"]["Parameters"]


def test_a_run_takes_the_outputs_of_another_one_and_waits_for_it() -> None:
    stack = new_stack()
    first = run_in(stack, "First")
    run_in(stack, "Second", parameters={"reads": f"{first.run_output_uri}/out/reads.fq.gz", "of": first.run_id})
    runs = resources(synthesized(stack), RUN_TYPE)
    (first_id,) = [name for name in runs if name.startswith("First")]
    (second,) = [run for name, run in runs.items() if name.startswith("Second")]
    separator, parts = parameters_of(second)["Fn::Join"]

    assert {"Fn::GetAtt": [first_id, "RunOutputUri"]} in parts
    assert {"Fn::GetAtt": [first_id, "RunId"]} in parts
    texts = [part if isinstance(part, str) else "s3://b/7" for part in parts]
    assert json.loads(separator.join(texts)) == {"of": "s3://b/7", "reads": "s3://b/7/out/reads.fq.gz"}


def test_a_run_takes_the_outputs_of_a_run_in_another_stack_without_holding_it() -> None:
    producer = new_stack("Producer", context=STRONG)
    consumer = cdk.Stack(app_of(producer), "Consumer", env=ENV)
    first = run_in(producer, outputs=False)
    run_in(consumer, parameters={"reads": f"{first.run_output_uri}/out/reads.fq.gz"})
    assembly = app_of(producer).synth()
    template = assembly.get_stack_artifact("Consumer").template
    _, second = the(template, RUN_TYPE)

    assert "Fn::GetStackOutput" in str(parameters_of(second))
    assert "Fn::ImportValue" not in str(template)
    assert not [out for out in assembly.get_stack_artifact("Producer").template["Outputs"].values() if "Export" in out]


def test_a_run_takes_the_outputs_of_a_run_in_its_nested_stack() -> None:
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    first = run_in(nested, outputs=False)
    run_in(stack, parameters={"reads": first.run_output_uri})
    _, second = the(synthesized(stack), RUN_TYPE)
    inner = cdk.assertions.Template.from_stack(nested).to_json()

    assert "Outputs.Genomics" in str(parameters_of(second))
    assert [list(output) for output in inner["Outputs"].values()] == [["Value"]]


def test_a_run_in_a_nested_stack_takes_the_outputs_of_one_beside_it() -> None:
    stack = new_stack()
    first = run_in(stack)
    nested = cdk.NestedStack(stack, "Nested")
    run_in(nested, parameters={"reads": first.run_output_uri})
    inner = cdk.assertions.Template.from_stack(nested).to_json()
    (parameter,) = inner["Parameters"]

    assert {"Ref": parameter} in parameters_of(the(inner, RUN_TYPE)[1])["Fn::Join"][1]


@pytest.mark.parametrize("nested", [False, True])
def test_a_workflow_of_another_stack_can_be_replaced(*, nested: bool) -> None:
    """Its new id would be a changed export, and CloudFormation refuses to change one that is in use."""
    definitions = new_stack("Definitions", context=STRONG)
    runs = cdk.Stack(app_of(definitions), "Runs", env=ENV)
    scope = cdk.NestedStack(runs, "Nested") if nested else runs
    run_in(scope, workflow=Workflow.from_ref(omics.CfnWorkflow(definitions, "Workflow")))
    assembly = app_of(definitions).synth()
    outputs = assembly.get_stack_artifact("Definitions").template["Outputs"]
    template = json.dumps(cdk.assertions.Template.from_stack(scope).to_json())

    assert not [output for output in outputs.values() if "Export" in output]
    assert "Fn::ImportValue" not in template
    assert template.count("Fn::GetStackOutput") == 3  # the run, and the function's permission to start it


def test_a_workflow_of_the_same_stack_is_referred_to_as_ever() -> None:
    stack = new_stack()
    workflow = omics.CfnWorkflow(stack, "Workflow")
    run_in(stack, workflow=Workflow.from_ref(workflow))

    assert the(synthesized(stack), RUN_TYPE)[1]["Properties"]["WorkflowId"] == {"Ref": "Workflow"}


@pytest.mark.parametrize("first", ["own", "other"])
def test_one_workflow_object_serves_runs_in_every_stack(first: str) -> None:
    """The CDK resolves a reference once: what is right for another stack would make the own one refer to itself."""
    own = new_stack("Own", context=STRONG)
    resource = omics.CfnWorkflow(own, "Workflow")
    workflow = Workflow.from_ref(resource)
    scopes = {"own": own, "nested": cdk.NestedStack(own, "Nested"), "other": cdk.Stack(app_of(own), "Other", env=ENV)}
    for name in sorted(scopes, key=lambda name: name != first):
        run_in(scopes[name], f"{name.title()}Run", workflow=workflow)
    app_of(own).synth()

    ids = {
        name: the(cdk.assertions.Template.from_stack(scope).to_json(), RUN_TYPE)[1]["Properties"]["WorkflowId"]
        for name, scope in scopes.items()
    }
    assert ids["own"] == {"Ref": "Workflow"}
    assert "Fn::GetStackOutput" in ids["other"]
    assert "referenceto" in ids["nested"]["Ref"]  # a parameter that the parent passes


class Genomics(cdk.Stage):
    """A stage with two stacks, as a pipeline deploys it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, env=ENV)
        runs = cdk.Stack(self, "Runs")
        consumer = cdk.Stack(self, "Consumer")
        run = run_in(runs)
        ssm.StringParameter(consumer, "Arn", string_value=run.run_arn)


def test_a_pipeline_deploys_runs_and_what_uses_them_in_order() -> None:
    stack = new_stack("Pipeline")
    source = codecommit.Repository.from_repository_name(stack, "Source", "genomics")
    pipeline = pipelines.CodePipeline(
        stack,
        "Pipeline",
        synth=pipelines.ShellStep(
            "Synth", input=pipelines.CodePipelineSource.code_commit(source, "main"), commands=["npx cdk synth"]
        ),
    )
    for name in ("Test", "Prod"):
        pipeline.add_stage(Genomics(stack, name))
    template = synthesized(stack)
    (definition,) = resources(template, "AWS::CodePipeline::Pipeline").values()
    actions = {
        stage["Name"]: sorted(stage["Actions"], key=lambda action: action["RunOrder"])
        for stage in definition["Properties"]["Stages"]
    }
    templates = [
        json.loads(file.read_text())
        for file in sorted(Path(app_of(stack).outdir).rglob("*.template.json"))
        if "assembly-" in str(file)
    ]
    names = [the(each, RUN_TYPE)[1]["Properties"]["Name"] for each in templates if resources(each, RUN_TYPE)]

    assert [action["Name"].partition(".")[0] for action in actions["Test"]] == ["Runs", "Runs", "Consumer", "Consumer"]
    assert "Assets" in actions
    assert len(set(names)) == 2  # the rules of one stage must not see the runs of the other


def test_a_stage_keeps_the_logical_ids_of_its_stacks() -> None:
    """What a pipeline deploys must be the stack that was deployed by hand before."""
    app = cdk.App()
    run_in(cdk.Stack(cdk.Stage(app, "Prod", env=ENV), "Runs", stack_name="Runs"))
    alone = new_stack("Runs")
    run_in(alone)
    staged = app.synth().get_nested_assembly("assembly-Prod").stacks[0].template

    assert set(staged["Resources"]) == set(synthesized(alone)["Resources"])
    assert set(staged["Outputs"]) == set(synthesized(alone)["Outputs"])


def test_tags_of_a_stage_and_of_a_stack_reach_runs_in_nested_stacks() -> None:
    app = cdk.App()
    stage = cdk.Stage(app, "Prod", env=ENV)
    stack = cdk.Stack(stage, "Runs")
    nested = cdk.NestedStack(stack, "Nested")
    run_in(nested)
    cdk.Tags.of(stage).add("stage", "prod")
    cdk.Tags.of(stack).add("cohort", "7")
    app.synth()
    _, run = the(cdk.assertions.Template.from_stack(nested).to_json(), RUN_TYPE)

    assert run["Properties"]["Tags"] == {"stage": "prod", "cohort": "7"}
