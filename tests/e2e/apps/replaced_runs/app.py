"""Runs that are replaced while other stacks use them, one cloud assembly for each step of that.

The consumers read the run's ARN by a weak reference, from a parameter, and from an export.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_ssm as ssm

from cdk_healthomics import Workflow, WorkflowRun

PREFIX = "/genomics/alignment"
OUTPUT_URI = "s3://amzn-s3-demo-bucket/results"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What the app says at one time."""

    generation: str
    """Of the run that is referred to weakly, and published."""

    exported: dict[str, str]
    """The runs that are exported: construct id, which is also the export names' prefix -> ``rerun_on``."""

    imported: str
    """Which of them is imported."""


STEPS = {
    "first": Step(generation="1", exported={"V1": "1"}, imported="V1"),
    "moved": Step(generation="2", exported={"V1": "1", "V2": "2"}, imported="V2"),
    "removed": Step(generation="2", exported={"V2": "2"}, imported="V2"),
}


def define(app: cdk.App, step: Step) -> None:
    """The stacks, as they are at one time."""
    producer = cdk.Stack(app, "Producer")
    definition = s3_assets.Asset(producer, "Definition", path=str(Path(__file__).parent / "workflow"))
    defined = omics.CfnWorkflow(
        producer, "Workflow", name="simulated", engine="WDL", main="main.wdl", definition_uri=definition.s3_object_url
    )
    workflow = Workflow.from_ref(defined)
    role = iam.Role(producer, "RunRole", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))
    run = WorkflowRun(producer, "Run", workflow=workflow, role=role, output_uri=OUTPUT_URI, rerun_on=step.generation)
    run.publish(parameter_prefix=PREFIX)
    for prefix, rerun_on in step.exported.items():
        WorkflowRun(
            producer,
            prefix,
            workflow=workflow,
            role=role,
            output_uri=OUTPUT_URI,
            rerun_on=rerun_on,
            export_name_prefix=f"{prefix}-",
        )

    weak = cdk.Stack(app, "WeakConsumer")
    ssm.StringParameter(weak, "Copy", parameter_name="/weak", string_value=f"{run.run_arn} {run.run_output_uri}")
    # The other two know nothing of the run's construct, as if they were not of this app.
    outside = cdk.Stack(app, "OutsideConsumer")
    published = ssm.StringParameter.value_for_string_parameter(outside, f"{PREFIX}/run-arn")
    ssm.StringParameter(outside, "Copy", parameter_name="/outside", string_value=published)
    importer = cdk.Stack(app, "Importer")
    imported = cdk.Fn.import_value(f"{step.imported}-RunArn")
    ssm.StringParameter(importer, "Copy", parameter_name="/imported", string_value=imported)
    for consumer in (outside, importer):
        consumer.add_stack_dependency(producer)


for name, step in STEPS.items():
    app = cdk.App(outdir=str(Path(sys.argv[1]) / name))
    define(app, step)
    app.synth()
