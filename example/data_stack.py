"""The input, a genome, and the bucket for what is computed from it."""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct
from example.reasons import accept, in_packs

GENOME: Final = Path(__file__).parent / "data" / "NC_001422.1.fasta"


class DataStack(cdk.Stack):
    """A FASTA file in S3 and an output bucket."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        # An asset: `cdk deploy` uploads it and its key is the hash of its content, so that another genome is another
        # run. A real project would name its own bucket here.
        self.genome: Final = s3_assets.Asset(self, "Genome", path=str(GENOME))
        self.results: Final = s3.Bucket(
            self,
            "Results",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
        )
        accept(
            self.results,
            "the results of a public genome: they can be computed again, and who reads them is of no interest",
            rules=[
                "AwsSolutions-S1",
                *in_packs("S3BucketLoggingEnabled", "S3BucketReplicationEnabled", "S3DefaultEncryptionKMS"),
            ],
            checkov=["CKV_AWS_18"],
        )
        cdk.CfnOutput(self, "GenomeUri", value=self.genome.s3_object_url)
        cdk.CfnOutput(self, "ResultsBucket", value=self.results.bucket_name)
