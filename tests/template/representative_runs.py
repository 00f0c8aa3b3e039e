"""One run for each way of using the construct; the golden file, the policy walk and the linters look at all of them."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm

from cdk_healthomics import (
    CacheBehavior,
    EngineSettings,
    LogLevel,
    NetworkingMode,
    OnDelete,
    OutputUriPrefixMode,
    RetentionMode,
    RunDashboard,
    RunProvider,
    ScratchStorageMode,
    Storage,
    Workflow,
    WorkflowRun,
)
from template.support import REGION, app_of, new_stack, run_role

PRIVATE = Workflow.private("1234567")
LOGS = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}

RUNS: dict[str, Callable[[cdk.Stack], dict[str, Any]]] = {
    "Minimal": lambda _: {},
    "Version": lambda _: {"workflow": Workflow.private("1234567", version_name="v2.1")},
    "Ready2Run": lambda _: {"workflow": Workflow.ready2run("8637264")},
    "Shared": lambda _: {"workflow": Workflow.shared("7654321", owner_id="210987654321", version_name="v1")},
    "ByArn": lambda _: {"workflow": Workflow.from_arn("arn:aws:omics:us-east-1:210987654321:workflow/7654321")},
    "FromApp": lambda stack: {
        "workflow": Workflow.from_ref(
            omics.CfnWorkflow(
                stack, "Workflow", definition_uri="s3://data/w.zip", parameter_template={"a": {"optional": False}}
            )
        ),
        "parameters": {"a": 1},
    },
    "VersionFromApp": lambda stack: {
        "workflow": Workflow.from_version_ref(
            omics.CfnWorkflowVersion(stack, "WorkflowVersion", version_name="v2", workflow_id="1234567")
        )
    },
    "Parameters": lambda _: {
        "parameters": {
            "z_last": None,
            "sample": "NA12878",
            "threads": 4,
            "ratio": 1.0,
            "paired": True,
            "big": 9007199254740993,
            "reads": ["s3://data/r1.fq.gz", "s3://data/r2.fq.gz"],
            "nested": {"b": [1, [2.5]], "a": {}},
            "text": 'é "quoted" \\ \n',
        }
    },
    "EmptyParameters": lambda _: {"parameters": {}},
    "Tokens": lambda stack: {
        "output_uri": s3.Bucket.from_bucket_name(
            stack, "TokenBucket", cdk.CfnParameter(stack, "BucketName").value_as_string
        ).s3_url_for_object("out"),
        "parameters": {
            "count": cdk.CfnParameter(stack, "Count", type="Number").value_as_number,
            "name": f"é-{cdk.Fn.ref('BucketName')}",
        },
        "priority": cdk.Token.as_number({"Ref": "Count"}),
        "log_level": cdk.Fn.ref("BucketName"),
    },
    "StaticStorage": lambda _: {"storage": Storage.static(cdk.Size.gibibytes(2400))},
    "StaticDefault": lambda _: {"storage": Storage.static(), "scratch_storage_mode": ScratchStorageMode.LOCAL},
    "Bucket": lambda stack: {
        "output_uri": None,
        "output_bucket": s3.Bucket(
            stack,
            "Results",
            encryption_key=kms.Key(stack, "Key", enable_key_rotation=True),
            enforce_ssl=True,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            server_access_logs_bucket=s3.Bucket.from_bucket_name(stack, "AccessLogs", "access-logs"),
        ),
        "output_prefix": "runs/",
        "input_buckets": [s3.Bucket.from_bucket_name(stack, "Data", "data")],
    },
    "GroupAndCache": lambda stack: {
        "run_group": omics.CfnRunGroup(stack, "Group", max_runs=5),
        "priority": 10,
        "cache": omics.CfnRunCache(stack, "Cache", cache_s3_location="s3://caches/run"),
        "cache_behavior": CacheBehavior.CACHE_ON_FAILURE,
    },
    "Ids": lambda _: {"run_group": "11", "cache": "22", "priority": 0},
    "Vpc": lambda stack: {
        "networking_mode": NetworkingMode.VPC,
        "configuration": omics.CfnConfiguration(stack, "Network", name="net", run_configurations={}),
    },
    "Engine": lambda _: {
        "engine_settings": EngineSettings(engine_version="25.10", syntax_version="v2", profile="test,docker")
    },
    "SessionPolicy": lambda _: {"session_policy": {"Version": "2012-10-17", "Statement": [LOGS]}},
    "PolicyDocument": lambda _: {"session_policy": iam.PolicyDocument.from_json({"Statement": [LOGS]})},
    "Everything": lambda _: {
        "name": "everything, everywhere",
        "log_level": LogLevel.ALL,
        "retention_mode": RetentionMode.REMOVE,
        "output_uri_prefix_mode": OutputUriPrefixMode.NONE_WITH_OVERWRITE,
        "tags": {"cohort": "7"},
        "rerun_on": "2026-11-22",
        "on_delete": OnDelete.LEAVE,
        "additional_start_run_parameters": {"futureMember": [1.5]},
    },
    "DeletesRecord": lambda _: {"on_delete": OnDelete.CANCEL_AND_DELETE_RECORD},
}

WAITED_FOR = ("FromApp", "Everything")


def stack_of_all() -> cdk.Stack:
    """A stack with every representative run, and a duplicate of one."""
    stack = new_stack()
    for name, arguments in RUNS.items():
        defaults: dict[str, Any] = {"workflow": PRIVATE, "output_uri": "s3://results/prefix"}
        run = WorkflowRun(stack, name, **(defaults | arguments(stack)))
        if name in WAITED_FOR:
            run.wait_for_completion()
    role = iam.Role.from_role_arn(stack, "Imported", "arn:aws:iam::123456789012:role/genomics")
    WorkflowRun.duplicate(
        stack, "Duplicate", run_id="7654321", role=role, output_uri="s3://results/again", retention_mode="REMOVE"
    )
    return stack


def stack_with_every_option() -> cdk.Stack:
    """A stack with what adds permissions beside those of a plain run, and a reader of it in another account."""
    stack = new_stack("Options")
    RunProvider.configure(stack, vpc=ec2.Vpc(stack, "Vpc"), tracing=lambda_.Tracing.ACTIVE)
    run = WorkflowRun(
        stack,
        "Run",
        workflow=PRIVATE,
        output_uri="s3://results/prefix",
        image_repositories=[ecr.Repository(stack, "Tools")],
        on_delete=OnDelete.CANCEL_AND_DELETE_RECORD,
    )
    completion = run.wait_for_completion()
    WorkflowRun(
        stack,
        "Next",
        workflow=PRIVATE,
        output_uri="s3://results/next",
        role=run.role,
        parameters={"in": completion.outputs_uri},
    )
    operator = run_role(stack, "Operator")
    run.grants.read(operator)
    run.grants.cancel(operator)
    run.publish(parameter_prefix="/genomics/run").grant_read(operator)
    run.record_history()
    run.on_failed("Failed")
    RunDashboard(stack, "Dashboard", runs=[run])
    abroad = cdk.Stack(app_of(stack), "Reader", env=cdk.Environment(account="210987654321", region=REGION))
    ssm.StringParameter(abroad, "Where", string_value=run.run_output_uri)
    return stack
