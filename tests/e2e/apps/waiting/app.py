"""Stacks that wait for runs: a chain, a failure, a day's work, an event that gets lost, and many at once."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets

from cdk_healthomics import RunCompletion, Workflow, WorkflowRun

HERE = Path(__file__).parent
MANY = 50


def workflow(stack: cdk.Stack, name: str, engine: str = "CWL") -> Workflow:
    """A workflow of a folder beside this file."""
    definition = s3_assets.Asset(stack, f"{name}Definition", path=str(HERE / name))
    main = "main.wdl" if engine == "WDL" else "main.cwl"
    resource = omics.CfnWorkflow(
        stack, f"{name}Workflow", name=name, engine=engine, main=main, definition_uri=definition.s3_object_url
    )
    return Workflow.from_ref(resource)


def say(stack: cdk.Stack, name: str, completion: RunCompletion) -> None:
    """Outputs for the test to look at."""
    cdk.CfnOutput(stack, f"{name}Status", value=completion.run_status)
    cdk.CfnOutput(stack, f"{name}OutputsUri", value=completion.outputs_uri)
    cdk.CfnOutput(stack, f"{name}StopTime", value=completion.stop_time)


app = cdk.App()

chain = cdk.Stack(app, "Chain")
first = WorkflowRun(
    chain,
    "First",
    workflow=workflow(chain, "greet"),
    output_bucket=s3.Bucket(chain, "Results"),
    parameters={"greeting": "hello"},
)
first_completion = first.wait_for_completion()
second = WorkflowRun(
    chain,
    "Second",
    workflow=workflow(chain, "count"),
    output_bucket=s3.Bucket(chain, "SecondResults"),
    parameters={"outputs_file": {"class": "File", "location": first_completion.outputs_uri}},
)
say(chain, "Second", second.wait_for_completion(timeout=cdk.Duration.hours(1)))

failing = cdk.Stack(app, "Failing")
WorkflowRun(
    failing, "Run", workflow=workflow(failing, "fail"), output_bucket=s3.Bucket(failing, "Results")
).wait_for_completion()

for name in ("Long", "Lost"):
    stack = cdk.Stack(app, name)
    run = WorkflowRun(
        stack, "Run", workflow=workflow(stack, "simulated", "WDL"), output_uri="s3://amzn-s3-demo-bucket/results"
    )
    say(stack, "Run", run.wait_for_completion())

many = cdk.Stack(app, "Many")
simulated = workflow(many, "simulated", "WDL")
role = iam.Role(many, "RunRole", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))
for number in range(MANY):
    WorkflowRun(
        many,
        f"Run{number}",
        workflow=simulated,
        output_uri="s3://amzn-s3-demo-bucket/results",
        parameters={"number": number},
        role=role,
        outputs=False,
    ).wait_for_completion(timeout=cdk.Duration.hours(1))

app.synth()
