"""What uses the run: a parameter that others can look up, and a function that reads the results."""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from example.data_stack import DataStack

from cdk_healthomics import WorkflowRun

READER: Final = Path(__file__).parent / "result_reader"


class ConsumerStack(cdk.Stack):
    """Gets the run's ARN and output URI from the other stack, and needs nothing else of it."""

    def __init__(self, scope: Construct, construct_id: str, *, data: DataStack, run: WorkflowRun) -> None:
        super().__init__(scope, construct_id)
        run_arn = ssm.StringParameter(self, "RunArn", parameter_name="/phix174/run-arn", string_value=run.run_arn)
        ssm.StringParameter(
            self, "RunOutputUri", parameter_name="/phix174/run-output-uri", string_value=run.run_output_uri
        )
        reader = lambda_.Function(
            self,
            "ResultReader",
            description="Returns the summary that the run computed",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(READER)),
            environment={"RUN_OUTPUT_URI": run.run_output_uri},
            timeout=cdk.Duration.seconds(30),
            log_group=logs.LogGroup(
                self,
                "ResultReaderLog",
                retention=logs.RetentionDays.ONE_MONTH,
                removal_policy=cdk.RemovalPolicy.DESTROY,
            ),
        )
        data.results.grant_read(reader)
        cdk.CfnOutput(self, "RunArnParameter", value=run_arn.parameter_name)
        cdk.CfnOutput(self, "ResultReaderName", value=reader.function_name)
