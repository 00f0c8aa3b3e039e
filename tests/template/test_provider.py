"""The Lambda function behind the runs of a stack, and what it may do."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_omics as omics

from cdk_healthomics import OnDelete, RunProvider, Workflow, WorkflowRun
from healthomics_run_handler import contract
from template.support import (
    ACCOUNT,
    PROVIDER,
    RUN_TYPE,
    allowed,
    arn_text,
    listed,
    new_stack,
    plain_run,
    resources,
    run_role,
    statements,
    synthesized,
    the,
)

OMICS = "arn:<AWS::Partition>:omics:us-east-1"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """Runs of every kind, some of them with the same workflow."""
    stack = new_stack()
    role = run_role(stack, "Shared")
    group = omics.CfnRunGroup(stack, "Group")
    cache = omics.CfnRunCache(stack, "Cache", cache_s3_location="s3://caches/run")
    network = omics.CfnConfiguration(stack, "Network", name="net", run_configurations={})
    plain_run(stack, "One", role=role, run_group=group)
    plain_run(stack, "Two", role=role, cache=cache)
    plain_run(stack, "Three", workflow=Workflow.private("3", version_name="v3"), run_group="99")
    plain_run(stack, "Four", workflow=Workflow.ready2run("4"), role=role)
    plain_run(stack, "Five", workflow=Workflow.shared("5", owner_id="210987654321"), role=role, cache="88")
    plain_run(stack, "Six", role=role, networking_mode="VPC", configuration=network)
    return synthesized(stack)


def test_a_stack_has_one_function_one_role_and_one_log_group_however_many_runs_it_has(template: dict[str, Any]) -> None:
    function_id, function = the(template, "AWS::Lambda::Function")
    the(template, "AWS::Logs::LogGroup")

    assert len([role for role in resources(template, "AWS::IAM::Role") if role.startswith(PROVIDER)]) == 1
    assert len(resources(template, RUN_TYPE)) == 6
    assert {arn_text(run["Properties"]["ServiceToken"]) for run in resources(template, RUN_TYPE).values()} == {
        f"<{function_id}.Arn>"
    }
    assert function["Type"] == "AWS::Lambda::Function"


def test_the_logical_id_of_the_function_never_changes(template: dict[str, Any]) -> None:
    """CloudFormation refuses a changed service token: this id is a contract with every stack that is deployed."""
    function_id, _ = the(template, "AWS::Lambda::Function")

    assert function_id == "HealthOmicsRunProviderFunctionDE8A886A"


def test_the_function_has_time_retries_and_json_logs(template: dict[str, Any]) -> None:
    _, function = the(template, "AWS::Lambda::Function")
    _, retries = the(template, "AWS::Lambda::EventInvokeConfig")
    log_group_id, log_group = the(template, "AWS::Logs::LogGroup")
    properties = function["Properties"]

    assert properties["Handler"] == contract.LAMBDA_HANDLER
    assert properties["Runtime"] == "python3.14"
    assert properties["Architectures"] == ["arm64"]
    assert (properties["MemorySize"], properties["Timeout"]) == (256, 900)
    assert properties["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": log_group_id}}
    assert "Environment" not in properties
    assert retries["Properties"]["MaximumRetryAttempts"] == 2
    assert retries["Properties"]["MaximumEventAgeInSeconds"] == 3600
    assert log_group["Properties"]["RetentionInDays"] == 30
    assert log_group["DeletionPolicy"] == "Delete"


def test_no_permission_is_said_twice(template: dict[str, Any]) -> None:
    """Runs that share a workflow or a role must not fill the policy, which has a limit."""
    said = allowed(template, of_role=PROVIDER)

    assert len(said) == len(set(said))


def provider_statements(template: dict[str, Any]) -> list[tuple[set[str], set[str], Any]]:
    return [
        (
            set(listed(statement["Action"])),
            {arn_text(resource) for resource in listed(statement["Resource"])},
            statement.get("Condition"),
        )
        for statement in statements(template, of_role=PROVIDER)
    ]


def test_the_function_may_do_exactly_this(template: dict[str, Any]) -> None:
    (shared_role,) = [name for name in resources(template, "AWS::IAM::Role") if name.startswith("Shared")]
    (own_role,) = [name for name in resources(template, "AWS::IAM::Role") if name.startswith("ThreeRole")]
    start_from: set[str] = set()
    rest = []
    for actions, arns, condition in provider_statements(template):
        if actions == {"omics:StartRun"}:
            assert condition is None
            start_from |= arns
        else:
            rest.append((actions, arns, condition))
    (log_group_id,) = resources(template, "AWS::Logs::LogGroup")

    assert rest == [
        ({"logs:CreateLogStream", "logs:PutLogEvents"}, {f"<{log_group_id}.Arn>"}, None),
        (
            {"omics:CancelRun", "omics:GetRun", "omics:StartRun", "omics:TagResource", "omics:UntagResource"},
            {f"{OMICS}:{ACCOUNT}:run/*"},
            None,
        ),
        ({"omics:ListRuns"}, {"*"}, None),
        ({"cloudformation:DescribeStackResource", "cloudformation:DescribeStacks"}, {"<AWS::StackId>"}, None),
        (
            {"iam:PassRole"},
            {f"<{shared_role}.Arn>", f"<{own_role}.Arn>"},
            {"StringEquals": {"iam:PassedToService": "omics.amazonaws.com"}},
        ),
    ]
    assert start_from == {
        f"{OMICS}:{ACCOUNT}:workflow/1",
        f"{OMICS}:{ACCOUNT}:workflow/1/version/*",
        "<Group.Arn>",
        "<Cache>",
        f"{OMICS}:{ACCOUNT}:workflow/3",
        f"{OMICS}:{ACCOUNT}:workflow/3/version/v3",
        f"{OMICS}:{ACCOUNT}:runGroup/99",
        f"{OMICS}::workflow/4",
        f"{OMICS}::workflow/4/version/*",
        f"{OMICS}:210987654321:workflow/5",
        f"{OMICS}:210987654321:workflow/5/version/*",
        f"{OMICS}:{ACCOUNT}:runCache/88",
        "<Network.Arn>",
    }


def test_no_role_of_the_library_has_a_managed_policy_of_aws(template: dict[str, Any]) -> None:
    assert not [
        role for role in resources(template, "AWS::IAM::Role").values() if "ManagedPolicyArns" in role["Properties"]
    ]


def test_the_function_waits_for_its_permissions(template: dict[str, Any]) -> None:
    _, function = the(template, "AWS::Lambda::Function")

    assert {template["Resources"][name]["Type"] for name in function["DependsOn"]} == {
        "AWS::IAM::Role",
        "AWS::IAM::Policy",
    }


def test_references_name_the_resources_of_the_app(template: dict[str, Any]) -> None:
    runs = {name[:3]: run["Properties"] for name, run in resources(template, RUN_TYPE).items()}

    assert runs["One"]["RunGroupId"] == {"Ref": "Group"}
    assert runs["Two"]["CacheId"] == {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Cache"}]}]}
    assert runs["Six"]["ConfigurationName"] == {"Ref": "Network"}


def test_deleting_records_is_allowed_only_if_a_run_asks_for_it(template: dict[str, Any]) -> None:
    assert "omics:DeleteRun" not in str(statements(template, of_role=PROVIDER))

    stack = new_stack()
    for name in ("One", "Two"):
        plain_run(stack, name, on_delete=OnDelete.CANCEL_AND_DELETE_RECORD)
    found = [
        (actions, arns) for actions, arns, _ in provider_statements(synthesized(stack)) if "omics:DeleteRun" in actions
    ]

    assert found == [({"omics:DeleteRun"}, {f"{OMICS}:{ACCOUNT}:run/*"})]


def test_the_provider_of_a_stack_can_be_had() -> None:
    stack = new_stack()
    provider = RunProvider.of(plain_run(stack))

    assert provider is RunProvider.of(stack)
    assert isinstance(provider.function.metric_errors(), cdk.aws_cloudwatch.Metric)
    assert RunProvider.of(new_stack("Other")) is not provider


def test_a_run_cache_that_is_known_by_its_arn_gives_its_id() -> None:
    stack = new_stack()
    arn = f"arn:aws:omics:us-east-1:{ACCOUNT}:runCache/88"
    cache = (
        omics.CfnRunCache.from_run_cache_arn(stack, "Cache", arn)
        if hasattr(omics.CfnRunCache, "from_run_cache_arn")
        else Imported(arn)
    )
    plain_run(stack, cache=cache)
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)

    assert run["Properties"]["CacheId"] == "88"
    assert re.search(re.escape(arn), str(statements(template, of_role=PROVIDER)))


class Imported:
    """What an imported run cache looks like."""

    def __init__(self, arn: str) -> None:
        self.run_cache_ref = cdk.interfaces.aws_omics.RunCacheReference(run_cache_arn=arn)


def test_the_provider_may_use_what_additional_parameters_name() -> None:
    stack = new_stack()
    WorkflowRun(
        stack,
        "Run",
        workflow=Workflow.private("1"),
        output_uri="s3://b",
        additional_start_run_parameters={
            "cacheId": "5",
            "runGroupId": "6",
            "configurationName": "net",
            "workflowVersionName": "v9",
        },
    )
    resources_of_start = {
        resource.partition(":123456789012:")[2]
        for action, resource in allowed(synthesized(stack), of_role=PROVIDER)
        if action == "omics:StartRun"
    }

    assert resources_of_start >= {"runCache/5", "runGroup/6", "configuration/net", "workflow/1/version/v9"}


def test_the_functions_run_on_the_newest_python_that_the_cdk_knows() -> None:
    def version(runtime: str) -> tuple[int, ...]:
        return tuple(int(part) for part in runtime.removeprefix("python").split("."))

    known = [getattr(lambda_.Runtime, name).name for name in dir(lambda_.Runtime) if name.startswith("PYTHON_")]
    newest = max(known, key=version)
    stack = new_stack()
    WorkflowRun(stack, "Run", workflow=Workflow.private("1"), output_uri="s3://b").wait_for_completion()
    used = {each["Properties"]["Runtime"] for each in resources(synthesized(stack), "AWS::Lambda::Function").values()}

    assert used == {newest}, (
        f"aws-cdk-lib knows {newest}: run the handler's tests under that Python, set _RUNTIME in "
        "constructs/cdk_healthomics/stack_function.py, and raise the least aws-cdk-lib in pyproject.toml if need be; "
        "no run restarts for it"
    )
