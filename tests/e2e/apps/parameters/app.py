"""One run whose parameters have every JSON type; its workflow is simulated, because it is not CWL."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3_assets as s3_assets

from cdk_healthomics import Workflow, WorkflowRun

PARAMETERS = {
    "integer": 4,
    "float": 4.0,
    "true": True,
    "null": None,
    "beyond_doubles": 9007199254740993,
    "nested": {"list": [1, 2.5, False, None, {"deep": 'é " \\ \n'}], "empty": {}, "text": "4"},
}

app = cdk.App()
stack = cdk.Stack(app, "Parameters")
definition = s3_assets.Asset(stack, "Definition", path=str(Path(__file__).parent / "workflow"))
workflow = omics.CfnWorkflow(
    stack, "Workflow", name="simulated", engine="WDL", main="main.wdl", definition_uri=definition.s3_object_url
)
WorkflowRun(
    stack,
    "Run",
    workflow=Workflow.from_ref(workflow),
    output_uri="s3://amzn-s3-demo-bucket/results",
    parameters=PARAMETERS,
)
app.synth()
