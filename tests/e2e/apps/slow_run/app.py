"""A run whose only tool takes its time."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets

from cdk_healthomics import Workflow, WorkflowRun

app = cdk.App()
stack = cdk.Stack(app, "SlowRun")
definition = s3_assets.Asset(stack, "Definition", path=str(Path(__file__).parent / "workflow"))
workflow = omics.CfnWorkflow(
    stack, "Workflow", name="slow", engine="CWL", main="main.cwl", definition_uri=definition.s3_object_url
)
WorkflowRun(stack, "Run", workflow=Workflow.from_ref(workflow), output_bucket=s3.Bucket(stack, "Results"))
app.synth()
