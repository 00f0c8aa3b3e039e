"""Synth time and template size of N runs: WorkflowRun beside what a user would write instead.

.venv/bin/python benchmarks/synth.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

COUNTS = (1, 50, 240)
ROUNDS = 3

_APP = """
import sys, time, aws_cdk as cdk
from aws_cdk import aws_iam as iam, custom_resources as cr
count, kind = int(sys.argv[1]), sys.argv[2]
app = cdk.App(outdir=sys.argv[3], analytics_reporting=False)
stack = cdk.Stack(app, "Bench")
role = iam.Role(stack, "RunRole", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))
parameters = {"sample": "NA12878", "threads": 4, "paired": True}
if kind == "WorkflowRun":
    from cdk_healthomics import Workflow, WorkflowRun
began = time.perf_counter()
for number in range(count):
    if kind == "WorkflowRun":
        WorkflowRun(stack, f"Run{number}", workflow=Workflow.private("1234567"), output_uri="s3://bucket/out",
                    parameters=parameters, role=role, outputs=False)
    else:
        cr.AwsCustomResource(stack, f"Run{number}", install_latest_aws_sdk=False,
            on_create=cr.AwsSdkCall(service="Omics", action="startRun",
                parameters={"workflowId": "1234567", "roleArn": role.role_arn, "outputUri": "s3://bucket/out",
                            "parameters": parameters},
                physical_resource_id=cr.PhysicalResourceId.from_response("id")),
            policy=cr.AwsCustomResourcePolicy.from_sdk_calls(resources=["*"]))
app.synth()
print(time.perf_counter() - began)
"""


def main() -> None:
    """Print one line for each kind and count."""
    print(f"{'':18} {'runs':>5} {'synth s':>8} {'template kB':>12} {'resources':>10}")
    for count in COUNTS:
        for kind in ("WorkflowRun", "AwsCustomResource"):
            seconds, size, resources = measure(kind, count)
            print(f"{kind:18} {count:5} {seconds:8.2f} {size / 1000:12.1f} {resources:10}")


def measure(kind: str, count: int) -> tuple[float, int, int]:
    """Return the median synth time, the template's bytes and its resources."""
    times = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", _APP, str(count), kind, folder], capture_output=True, text=True, check=True
            )
            times.append(float(done.stdout.split()[-1]))
            text = (Path(folder) / "Bench.template.json").read_text()
    template = json.loads(text)
    return statistics.median(times), len(json.dumps(template, separators=(",", ":"))), len(template["Resources"])


if __name__ == "__main__":
    main()
