"""The run: started by the deployment, exactly once for each input."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct
from example.data_stack import DataStack
from example.workflow_stack import WorkflowStack

from cdk_healthomics import Workflow, WorkflowRun


class RunStack(cdk.Stack):
    """One HealthOmics run of the workflow on the genome."""

    def __init__(self, scope: Construct, construct_id: str, *, data: DataStack, workflow: WorkflowStack) -> None:
        super().__init__(scope, construct_id)
        self.run: Final = WorkflowRun(
            self,
            "Statistics",
            workflow=Workflow.from_ref(workflow.workflow),
            image_repositories=[workflow.image],
            output_bucket=data.results,
            output_prefix="phix174",
            parameters={
                "sequence": {"class": "File", "location": data.genome.s3_object_url},
                "k": 4,
                "canonical": True,
                "report": {"title": "phiX174 (NC_001422.1)", "top": 5},
            },
        )
        # Not `data.genome.grant_read`, which allows the whole of the assets' bucket.
        genome = data.genome.bucket.arn_for_objects(data.genome.s3_object_key)
        for action, resource in {"s3:GetObject": genome, "s3:ListBucket": data.genome.bucket.bucket_arn}.items():
            self.run.role.add_to_principal_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
