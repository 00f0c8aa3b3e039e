"""What uses the run: a parameter that others can look up, and a function that reads the results."""

from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct
from example.data_stack import DataStack
from example.reasons import accept, in_packs

from cdk_healthomics import WorkflowRun

READER: Final = Path(__file__).parent / "result_reader"


# As cdk-nag prints the resource of the statement: a weak reference to the other stack's bucket.
READ_RESULTS: Final = (
    'AwsSolutions-IAM5[Resource::{"Fn::GetStackOutput":{"StackName":"PhiX174Data","Region":{"Ref":"AWS::Region"},'
    '"OutputName":"PublishOutputFnGetAttResults25575328ArnD6E613B6"}}/phix174/*]'
)


class ConsumerStack(cdk.Stack):
    """Gets the run's ARN and output URI from the other stack, and needs nothing else of it."""

    def __init__(self, scope: Construct, construct_id: str, *, data: DataStack, run: WorkflowRun) -> None:
        super().__init__(scope, construct_id)
        run_arn = ssm.StringParameter(self, "RunArn", parameter_name="/phix174/run-arn", string_value=run.run_arn)
        ssm.StringParameter(
            self, "RunOutputUri", parameter_name="/phix174/run-output-uri", string_value=run.run_output_uri
        )
        log_group = logs.LogGroup(
            self, "ResultReaderLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=cdk.RemovalPolicy.DESTROY
        )
        role = iam.Role(self, "ResultReaderRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        objects = data.results.arn_for_objects("phix174/*")
        role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[objects]))
        reader = lambda_.Function(
            self,
            "ResultReader",
            description="Returns the summary that the run computed",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(READER)),
            environment={"RUN_OUTPUT_URI": run.run_output_uri},
            timeout=cdk.Duration.seconds(30),
            log_group=log_group,
            role=role,
        )
        public = "the function shows the statistics of a public genome, and nothing depends on it"
        accept(log_group, public, rules=in_packs("CloudWatchLogGroupEncrypted"), checkov=["CKV_AWS_158"])
        accept(
            reader,
            public,
            rules=in_packs("LambdaConcurrency", "LambdaDLQ", "LambdaInsideVPC"),
            checkov=["CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117", "CKV_AWS_173"],
        )
        accept(role, "the permissions are those of this one role", rules=in_packs("IAMNoInlinePolicy"))
        accept(role, "the keys of the results contain the run's id", rules=[READ_RESULTS])
        cdk.CfnOutput(self, "RunArnParameter", value=run_arn.parameter_name)
        cdk.CfnOutput(self, "ResultReaderName", value=reader.function_name)
