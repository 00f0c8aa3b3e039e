"""Code as users write it; type checkers must accept every line."""

from typing import assert_type

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_healthomics import (
    CacheBehavior,
    EngineSettings,
    InvalidRunError,
    IWorkflowRun,
    LogLevel,
    NetworkingMode,
    OnDelete,
    OutputUriPrefixMode,
    PublishedRun,
    RetentionMode,
    RunCompletion,
    RunDashboard,
    RunEvent,
    RunHistory,
    RunProvider,
    RunStatus,
    ScratchStorageMode,
    Storage,
    Workflow,
    WorkflowRun,
)


class Genomics(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.Vpc(self, "Vpc")
        provider = RunProvider.configure(
            self,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[ec2.SecurityGroup(self, "SecurityGroup", vpc=vpc)],
            log_group=logs.LogGroup(self, "Logs"),
            environment_encryption=kms.Key(self, "Key"),
            timeout=cdk.Duration.minutes(10),
            permissions_boundary=iam.ManagedPolicy.from_managed_policy_name(self, "Boundary", "boundary"),
            tracing=lambda_.Tracing.ACTIVE,
            reserved_concurrent_executions=10,
        )
        bucket = s3.Bucket(self, "Bucket")
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("omics.amazonaws.com"))  # pyright: ignore[reportArgumentType]
        workflow = omics.CfnWorkflow(self, "Workflow")
        version = omics.CfnWorkflowVersion(self, "Version", version_name="v1", workflow_id=workflow.attr_id)
        level = cdk.CfnParameter(self, "Level")
        priority = cdk.CfnParameter(self, "Priority", type="Number")
        parameters = {"sample": "NA12878", "threads": 4, "reads": ["a", "b"], "nested": {"x": None}}

        run = WorkflowRun(
            self,
            "Everything",
            workflow=Workflow.from_ref(workflow, version_name="v1"),
            output_bucket=bucket,
            output_prefix="out",
            output_uri_prefix_mode=OutputUriPrefixMode.SERVICE_DEFINED,
            parameters=parameters,
            image_repositories=[ecr.Repository(self, "Images")],
            input_buckets=[bucket, s3.Bucket.from_bucket_name(self, "Data", "data")],
            role=role,
            storage=Storage.static(cdk.Size.tebibytes(2)),
            scratch_storage_mode=ScratchStorageMode.LOCAL,
            name="everything",
            run_group=omics.CfnRunGroup(self, "Group"),
            priority=priority.value_as_number,
            cache=omics.CfnRunCache(self, "Cache", cache_s3_location="s3://caches/c"),
            cache_behavior=CacheBehavior.CACHE_ALWAYS,
            log_level=level.value_as_string,
            retention_mode=RetentionMode.REMOVE,
            networking_mode=NetworkingMode.VPC,
            configuration=omics.CfnConfiguration(self, "Network", name="net", run_configurations={}),
            engine_settings=EngineSettings(engine_version="25.10"),
            session_policy=iam.PolicyDocument(
                statements=[iam.PolicyStatement(actions=["logs:*", "s3:GetObject"], resources=["*"])]
            ),
            tags={"cohort": "7"},
            additional_start_run_parameters={"futureMember": 1},
            rerun_on="2026-11-22",
            on_delete=OnDelete.LEAVE,
            outputs=True,
            export_name_prefix="genomics-",
        )
        plain = WorkflowRun(
            self,
            "Plain",
            workflow=Workflow.from_version_ref(version),
            output_uri="s3://bucket/prefix",
            role=iam.Role.from_role_arn(self, "Imported", "arn:aws:iam::123456789012:role/run"),
            run_group="1234567",
            priority=5,
            log_level=LogLevel.ALL,
            engine_settings={"engineVersion": "25.10"},
            session_policy={"Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]},
        )
        again = WorkflowRun.duplicate(
            self,
            "Again",
            run_id=run.run_id,
            role=role,
            output_uri="s3://bucket/again",
            source_workflow=Workflow.ready2run("1"),
            priority=3,
            tags={"a": "b"},
            reference_strength=cdk.ReferenceStrength.STRONG,
        )
        imported = WorkflowRun.from_run_attributes(
            self,
            "Known",
            run_arn="arn:aws:omics:us-east-1:123456789012:run/1",
            run_uuid="153893cd-097a-40ec-aec7-838a97cd2b21",
            run_output_uri="s3://bucket/prefix/1",
        )

        assert_type(run.run_arn, str)
        assert_type(run.role, iam.IRole)
        assert_type(again, WorkflowRun)
        assert_type(imported, IWorkflowRun)
        assert_type(RunProvider.of(self), RunProvider)

        completion = run.wait_for_completion(timeout=cdk.Duration.hours(3), require=[RunStatus.COMPLETED])
        cdk.CfnOutput(self, "Outputs", value=completion.outputs_uri)
        again.node.add_dependency(completion)
        assert_type(again.wait_for_completion(), RunCompletion)
        bucket.grant_read(run)
        ecr.Repository.from_repository_name(self, "Tools", "tools").grant_pull(plain)
        cdk.Tags.of(run).add("cost-center", "42")
        again.node.add_dependency(run)
        use(run)
        use(imported)
        self.watch(run, again, imported)
        run.grants.read(provider.function)
        imported.grants.cancel(iam.Group(self, "Operators"))

        assert_type(provider, RunProvider)
        assert_type(run.grants.cancel(role), iam.Grant)

    def watch(self, run: WorkflowRun, again: WorkflowRun, imported: IWorkflowRun) -> None:
        function = RunProvider.of(self).function
        topic = sns.Topic(self, "Topic")
        message = events.RuleTargetInput.from_text(f"{RunEvent.run_id}: {RunEvent.status}")
        tell = targets.SnsTopic(topic, message=message)  # pyright: ignore[reportArgumentType]
        run.on_failed("Failed", target=tell, description="failures")
        again.on_completed("Next", target=targets.LambdaFunction(function))  # pyright: ignore[reportArgumentType]
        imported.on_status_change("Ended", statuses=[RunStatus.COMPLETED, RunStatus.FAILED])
        imported.on_status_change("Succeeded", statuses=RunStatus.COMPLETED)
        lost = sqs.Queue(self, "Lost")
        run.on_cancelled("Cancelled", target=tell, retry_attempts=3, dead_letter_queue=lost)  # pyright: ignore[reportArgumentType]
        WorkflowRun.on_any_failed(self, "AnyFailed", stack=self, target=tell, max_event_age=cdk.Duration.hours(2))
        WorkflowRun.on_any_status_change(
            self, "AnyEnded", workflow=Workflow.private("1"), statuses=[RunStatus.COMPLETED, RunStatus.FAILED]
        )
        published = run.publish(parameter_prefix="/genomics/alignment")
        run.metric_failed(period=cdk.Duration.hours(1)).create_alarm(self, "Alarm", threshold=1, evaluation_periods=1)
        alarm = run.alarm_on_failure(
            "NotCompleted",
            action=actions.SnsAction(topic),  # pyright: ignore[reportArgumentType]
            statuses=[RunStatus.FAILED, RunStatus.CANCELLED],
            alarm_name="not-completed",
        )
        dashboard = RunDashboard(self, "Dashboard", runs=[run, again, imported], alarms=[alarm], dashboard_name="runs")
        dashboard.dashboard.add_widgets(*imported.dashboard_widgets(history=False))
        dashboard.dashboard.add_widgets(*WorkflowRun.widgets_of([run, again]))

        assert_type(imported.on_completed("Completed"), events.Rule)
        assert_type(imported.metric_cancelled(), cloudwatch.Metric)
        assert_type(WorkflowRun.on_any_completed(self, "AnyCompleted"), events.Rule)
        assert_type(published, PublishedRun)
        assert_type(published.grant_read(function), iam.Grant)
        assert_type(alarm, cloudwatch.Alarm)
        assert_type(imported.alarm_on_failure("Failed"), cloudwatch.Alarm)
        assert_type(again.record_history(), RunHistory)


def use(run: IWorkflowRun) -> str:
    return f"{run.run_id} {run.run_uuid} {run.run_output_uri} {run.node.path}"


def problems_of(error: InvalidRunError) -> tuple[str, ...]:
    return error.problems
