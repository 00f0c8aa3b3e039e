"""As many runs as a stack has room for; they share a role, and the workflow is simulated, because it is not CWL."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3_assets as s3_assets

from cdk_healthomics import Workflow, WorkflowRun

RUNS = 490

app = cdk.App()
stack = cdk.Stack(app, "Many")
definition = s3_assets.Asset(stack, "Definition", path=str(Path(__file__).parent / "workflow"))
workflow = omics.CfnWorkflow(
    stack, "Workflow", name="simulated", engine="WDL", main="main.wdl", definition_uri=definition.s3_object_url
)
role = iam.Role(stack, "RunRole", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))
for number in range(RUNS):
    WorkflowRun(
        stack,
        f"Run{number}",
        workflow=Workflow.from_ref(workflow),
        output_uri="s3://amzn-s3-demo-bucket/results",
        parameters={"number": number},
        role=role,
        outputs=False,
    )
app.synth()
