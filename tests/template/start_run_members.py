"""For each member of StartRun: the arguments that set it, and what HealthOmics is to be asked."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_healthomics import (
    CacheBehavior,
    EngineSettings,
    LogLevel,
    NetworkingMode,
    OutputUriPrefixMode,
    RetentionMode,
    ScratchStorageMode,
    SourceRun,
    Storage,
    Workflow,
    WorkflowRun,
)
from template.support import RUN_TYPE, deployed, new_stack, synthesized

RUN_TO_COPY = "7654321"
ROLE_ARN = "arn:aws:iam::123456789012:role/run"
POLICY = {"Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
STATIC = Storage.static(cdk.Size.gibibytes(2400))

DEEP = {
    "big": 9007199254740993,
    "float": 4.0,
    "small": 1e-7,
    "none": None,
    "list": [1, 2.5, True, False, None, "é\n", {"a": []}],
    "empty": {},
}
LOOKALIKES = {"yes": "true", "number": "4", "null": "null", "json": '{"a": 1}', "empty": "", "token": "${AWS::Region}"}

TABLE: dict[str, tuple[dict[str, Any], Any]] = {
    "workflowId": ({"workflow": Workflow.private("12")}, "12"),
    "workflowType": ({"workflow": Workflow.ready2run("12")}, "READY2RUN"),
    "workflowOwnerId": ({"workflow": Workflow.shared("12", owner_id="210987654321")}, "210987654321"),
    "workflowVersionName": ({"workflow": Workflow.private("12", version_name="v1")}, "v1"),
    "runId": ({}, RUN_TO_COPY),
    "roleArn": ({}, ROLE_ARN),
    "name": ({"name": "näme"}, "näme"),
    "cacheId": ({"cache": "34"}, "34"),
    "cacheBehavior": ({"cache": "34", "cache_behavior": CacheBehavior.CACHE_ALWAYS}, "CACHE_ALWAYS"),
    "runGroupId": ({"run_group": "56"}, "56"),
    "priority": ({"priority": 9}, 9),
    "parameters": ({"parameters": {"a": [1, 2.5, True, None]}}, {"a": [1, 2.5, True, None]}),
    "storageCapacity": ({"storage": STATIC}, 2400),
    "storageType": ({"storage": STATIC}, "STATIC"),
    "outputUri": ({"output_uri": "s3://bucket/prefix"}, "s3://bucket/prefix"),
    "outputUriPrefixMode": (
        {"output_uri_prefix_mode": OutputUriPrefixMode.NONE_WITH_OVERWRITE},
        "NONE_WITH_OVERWRITE",
    ),
    "logLevel": ({"log_level": LogLevel.FATAL}, "FATAL"),
    "retentionMode": ({"retention_mode": RetentionMode.REMOVE}, "REMOVE"),
    "networkingMode": ({"networking_mode": NetworkingMode.VPC, "configuration": "net"}, "VPC"),
    "configurationName": ({"networking_mode": NetworkingMode.VPC, "configuration": "net"}, "net"),
    "engineSettings": ({"engine_settings": EngineSettings(engine_version="25.10")}, {"engineVersion": "25.10"}),
    "scratchStorageMode": ({"scratch_storage_mode": ScratchStorageMode.LOCAL}, "LOCAL"),
    "sessionPolicy": (
        {"session_policy": POLICY},
        '{"Statement":[{"Action":"logs:*","Effect":"Allow","Resource":"*"}]}',
    ),
    "tags": ({"tags": {"cohort": "7"}}, {"cohort": "7"}),
}
HANDLER_SETS = {"requestId"}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "workflowId": ({"workflow": Workflow.private("uuid")}, "the workflow's id is 'uuid'"),
    "workflowType": ({"workflow": Workflow(workflow_id="1", workflow_type="SHARED")}, "workflow_type is 'SHARED'"),
    "workflowOwnerId": ({"workflow": Workflow.shared("12", owner_id="1")}, "the workflow's owner_id is '1'"),
    "workflowVersionName": ({"workflow": Workflow.private("12", version_name="v 1")}, "version_name is 'v 1'"),
    "runId": ({"workflow": SourceRun(run_id="run-1")}, "run_id is 'run-1'"),
    "roleArn": ({"role": ROLE_ARN}, "role is 'arn:"),
    "name": ({"name": "two\nlines"}, "U+000A"),
    "cacheId": ({"cache": "cache"}, "cache is 'cache'"),
    "cacheBehavior": ({"cache": "34", "cache_behavior": "NEVER"}, "cache_behavior is 'NEVER'"),
    "runGroupId": ({"run_group": "group"}, "run_group is 'group'"),
    "priority": ({"priority": 100_001}, "priority is 100,001"),
    "parameters": ({"parameters": {"a": {1}}}, "parameters['a'] is a set"),
    "storageCapacity": ({"storage": Storage("STATIC", 100_001)}, "storage (GiB) is 100,001"),
    "storageType": ({"storage": Storage("TAPE")}, "storage is 'TAPE'"),
    "outputUri": ({"output_uri": "/data"}, "output_uri is '/data'"),
    "outputUriPrefixMode": ({"output_uri_prefix_mode": "NONE"}, "output_uri_prefix_mode is 'NONE'"),
    "logLevel": ({"log_level": "LOUD"}, "log_level is 'LOUD'"),
    "retentionMode": ({"retention_mode": "KEEP"}, "retention_mode is 'KEEP'"),
    "networkingMode": ({"networking_mode": "PUBLIC"}, "networking_mode is 'PUBLIC'"),
    "configurationName": ({"configuration": "_net"}, "configuration is '_net'"),
    "engineSettings": ({"engine_settings": {"engineVersion": 25.10}}, "engine_settings['engineVersion'] is 25.1"),
    "scratchStorageMode": ({"scratch_storage_mode": "NONE"}, "scratch_storage_mode is 'NONE'"),
    "sessionPolicy": ({"session_policy": {}}, "session_policy has no statement"),
    "tags": ({"tags": {"aws:a": "b"}}, "begins with aws:"),
}
"""For each member, a value that synth refuses, and what it says of it."""


MORE: dict[str, tuple[str, dict[str, Any], Any]] = {
    "a deep parameter": ("parameters", {"parameters": DEEP}, DEEP),
    "parameters that look like other types": ("parameters", {"parameters": LOOKALIKES}, LOOKALIKES),
    "no parameters, said so": ("parameters", {"parameters": {}}, {}),
    "the lowest priority": ("priority", {"priority": 0}, 0),
    "the highest priority": ("priority", {"priority": 100_000}, 100_000),
    "a whole float": ("priority", {"priority": 7.0}, 7),
    "a name like a number": ("name", {"name": "007"}, "007"),
    "a name with quotes": ("name", {"name": "a 'b' \"c\" \\ d"}, "a 'b' \"c\" \\ d"),
    "a version like a number": (
        "workflowVersionName",
        {"workflow": Workflow.private("12", version_name="1.10")},
        "1.10",
    ),
    "a workflow id with zeros": ("workflowId", {"workflow": Workflow.private("0012")}, "0012"),
    "an output URI with spaces": ("outputUri", {"output_uri": "s3://bucket/a b/%25|ü"}, "s3://bucket/a b/%25|ü"),
    "dynamic storage": ("storageType", {}, "DYNAMIC"),
    "engine settings of every type": ("engineSettings", {"engine_settings": DEEP}, DEEP),
    "a member of the future over one of today": (
        "logLevel",
        {"log_level": LogLevel.ALL, "additional_start_run_parameters": {"logLevel": "OFF"}},
        "OFF",
    ),
}
"""Values that some step of the way could change: case -> member, arguments, what HealthOmics is to be asked."""


def properties_of_every_member() -> dict[str, dict[str, Any]]:
    """Member or case -> properties of the run that sets it, as CloudFormation hands them to the handler."""
    stack = new_stack()
    role = iam.Role.from_role_arn(stack, "Role", ROLE_ARN)
    cases = {member: arguments for member, (arguments, _) in TABLE.items() if member != "runId"}
    cases |= {case: arguments for case, (_, arguments, _) in MORE.items()}
    runs = {
        case: WorkflowRun(
            stack,
            f"Run{number}",
            **(
                {"workflow": Workflow.private("12"), "output_uri": "s3://b", "role": role, "outputs": False} | arguments
            ),
        )
        for number, (case, arguments) in enumerate(cases.items())
    }
    runs["runId"] = WorkflowRun.duplicate(stack, "Copy", run_id=RUN_TO_COPY, role=role, output_uri="s3://b")
    ids = {case: stack.get_logical_id(run.node.find_child("Resource").node.default_child) for case, run in runs.items()}  # type: ignore[arg-type]
    resources = synthesized(stack)["Resources"]
    assert {resources[logical_id]["Type"] for logical_id in ids.values()} == {RUN_TYPE}
    return {case: deployed(resources[logical_id]["Properties"]) for case, logical_id in ids.items()}
