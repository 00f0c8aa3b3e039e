"""The workflow: a CWL definition that lies beside this file."""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

DEFINITION: Final = Path(__file__).parent / "workflow"
UPSTREAM_REGISTRY: Final = "public.ecr.aws"
IMAGE: Final = "docker/library/python"


class WorkflowStack(cdk.Stack):
    """A HealthOmics workflow from a folder of CWL files."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        definition = s3_assets.Asset(self, "Definition", path=str(DEFINITION))  # a folder becomes a zip
        # HealthOmics pulls images from ECR only. The account needs a pull-through cache for the upstream registry;
        # its prefix is the context value `ecr-prefix`.
        prefix = self.node.try_get_context("ecr-prefix") or "ecr-public"
        self.image: Final = ecr.Repository.from_repository_name(self, "Image", f"{prefix}/{IMAGE}")
        self.workflow: Final = omics.CfnWorkflow(
            self,
            "Workflow",
            # A definition never changes in place: another one is another workflow, and says so in its name.
            name=f"genome-statistics-{definition.asset_hash[:12]}",
            description="Length, base composition and k-mer counts of a genome",
            engine="CWL",
            main="main.cwl",
            definition_uri=definition.s3_object_url,
            parameter_template={
                "sequence": _parameter("FASTA with one sequence"),
                "k": _parameter("Length of the k-mers"),
                "canonical": _parameter("Whether a k-mer and its reverse complement count as one"),
                "report": _parameter("Title of the report, and how many k-mers it shows"),
            },
            storage_type="DYNAMIC",
            container_registry_map=omics.CfnWorkflow.ContainerRegistryMapProperty(
                registry_mappings=[
                    omics.CfnWorkflow.RegistryMappingProperty(
                        upstream_registry_url=UPSTREAM_REGISTRY, ecr_repository_prefix=prefix
                    )
                ]
            ),
        )
        cdk.CfnOutput(self, "WorkflowId", value=self.workflow.attr_id)


def _parameter(description: str) -> omics.CfnWorkflow.WorkflowParameterProperty:
    return omics.CfnWorkflow.WorkflowParameterProperty(description=description, optional=False)
