"""A run of a workflow that does not exist."""

import aws_cdk as cdk

from cdk_healthomics import Workflow, WorkflowRun

app = cdk.App()
stack = cdk.Stack(app, "UnknownWorkflow")
WorkflowRun(stack, "Run", workflow=Workflow.private("7654321"), output_uri="s3://amzn-s3-demo-bucket/results")
app.synth()
