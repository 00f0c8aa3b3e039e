"""A stage with runs that need each other: in one stack, in a nested one and in another one.

The workflow is simulated, because it is not CWL.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from cdk_healthomics import Workflow, WorkflowRun

OUTPUT_URI = "s3://amzn-s3-demo-bucket/results"


class Genomics(cdk.Stage):
    """What a pipeline would deploy at once."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        definitions = cdk.Stack(self, "Definitions")
        definition = s3_assets.Asset(definitions, "Definition", path=str(Path(__file__).parent / "workflow"))
        defined = omics.CfnWorkflow(
            definitions,
            "Workflow",
            name="simulated",
            engine="WDL",
            main="main.wdl",
            definition_uri=definition.s3_object_url,
        )
        workflow = Workflow.from_ref(defined)
        runs = cdk.Stack(self, "Runs")
        first = WorkflowRun(
            runs, "First", workflow=workflow, name="first", output_uri=OUTPUT_URI, parameters={"name": "first"}
        )
        reads = f"{first.run_output_uri}/out/reads.fq.gz"
        for name, scope_of_run in {
            "second": runs,
            "nested": cdk.NestedStack(runs, "Nested"),
            "consumer": cdk.Stack(self, "Consumer"),
        }.items():
            WorkflowRun(
                scope_of_run,
                name.capitalize(),
                workflow=workflow,
                name=name,
                output_uri=OUTPUT_URI,
                parameters={"name": name, "reads": reads},
            )


app = cdk.App()
Genomics(app, "Prod")
app.synth()
