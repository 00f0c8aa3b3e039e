"""The run provider of a stack set up otherwise: once, before the first run, and without moving anything."""

from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from cdk_healthomics import RunProvider, Workflow, WorkflowRun
from template.support import PROVIDER, RUN_TYPE, app_of, new_stack, resources, statements, synthesized, the

FUNCTION = "HealthOmicsRunProviderFunctionDE8A886A"


def run_in(stack: cdk.Stack, construct_id: str = "Run") -> WorkflowRun:
    return WorkflowRun(stack, construct_id, workflow=Workflow.private("1"), output_uri="s3://b")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """A stack whose provider has every option."""
    stack = new_stack()
    vpc = ec2.Vpc(stack, "Vpc")
    RunProvider.configure(
        stack,
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
        security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
        log_group=logs.LogGroup(stack, "OwnLogs"),
        environment_encryption=kms.Key(stack, "Key"),
        memory_size=512,
        timeout=cdk.Duration.minutes(5),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "boundary"),
        tracing=lambda_.Tracing.ACTIVE,
        reserved_concurrent_executions=7,
    )
    run_in(stack)
    return synthesized(stack)


def test_every_option_reaches_the_function(template: dict[str, Any]) -> None:
    properties = template["Resources"][FUNCTION]["Properties"]
    (key,) = resources(template, "AWS::KMS::Key")
    (logs_id,) = resources(template, "AWS::Logs::LogGroup")
    (group,) = resources(template, "AWS::EC2::SecurityGroup")

    assert properties["KmsKeyArn"] == {"Fn::GetAtt": [key, "Arn"]}
    assert (properties["MemorySize"], properties["Timeout"]) == (512, 300)
    assert properties["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": logs_id}}
    assert logs_id.startswith("OwnLogs")
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["ReservedConcurrentExecutions"] == 7
    assert properties["VpcConfig"]["SecurityGroupIds"] == [{"Fn::GetAtt": [group, "GroupId"]}]
    assert len(properties["VpcConfig"]["SubnetIds"]) == 1


def test_the_role_has_the_boundary_and_what_vpc_and_traces_need(template: dict[str, Any]) -> None:
    (role,) = [each for name, each in resources(template, "AWS::IAM::Role").items() if name.startswith(PROVIDER)]
    said = str(statements(template, of_role=PROVIDER))

    assert "policy/boundary" in str(role["Properties"]["PermissionsBoundary"])
    assert "ec2:CreateNetworkInterface" in said
    assert "xray:PutTraceSegments" in said
    assert "ManagedPolicyArns" not in role["Properties"]


def test_options_move_no_resource_and_change_no_run(template: dict[str, Any]) -> None:
    plain_stack = new_stack()
    run_in(plain_stack)
    plain = synthesized(plain_stack)
    library = {name for name in plain["Resources"] if not name.startswith(f"{PROVIDER}Logs")}

    assert library <= set(template["Resources"])
    assert the(template, RUN_TYPE)[1]["Properties"] == the(plain, RUN_TYPE)[1]["Properties"]


def test_the_log_group_of_its_own_is_kept_as_asked() -> None:
    stack = new_stack()
    RunProvider.configure(stack, log_retention=logs.RetentionDays.ONE_YEAR, removal_policy=cdk.RemovalPolicy.RETAIN)
    run_in(stack)
    logical_id, group = the(synthesized(stack), "AWS::Logs::LogGroup")

    assert logical_id.startswith(f"{PROVIDER}Logs")
    assert group["Properties"]["RetentionInDays"] == 365
    assert group["DeletionPolicy"] == "Retain"


def test_the_same_options_again_give_the_same_provider() -> None:
    stack = new_stack()
    vpc = ec2.Vpc(stack, "Vpc")
    first = RunProvider.configure(stack, vpc=vpc, timeout=cdk.Duration.minutes(2))
    run = run_in(stack)

    assert RunProvider.configure(run, vpc=vpc, timeout=cdk.Duration.seconds(120)) is first
    assert RunProvider.of(stack) is first


def test_other_options_for_the_same_stack_fail() -> None:
    stack = new_stack()
    RunProvider.configure(stack, memory_size=512)

    with pytest.raises(
        ValueError,
        match=r"^Genomics: the run provider .* other values of memory_size, tracing: configure a stack once$",
    ):
        RunProvider.configure(stack, memory_size=1024, tracing=lambda_.Tracing.ACTIVE)


def test_options_after_the_first_run_fail() -> None:
    stack = new_stack()
    run_in(stack)

    with pytest.raises(ValueError, match=r"call RunProvider\.configure before the first run of the stack"):
        RunProvider.configure(stack, memory_size=512)
    RunProvider.configure(stack)  # these are the options that it has


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"memory_size": 64}, r"memory_size \(MiB\) is 64: use 128 to 10,240", id="too little memory"),
        pytest.param({"timeout": cdk.Duration.minutes(16)}, r"is 960: use 60 to 900", id="longer than Lambda allows"),
        pytest.param({"timeout": cdk.Duration.seconds(3)}, r"is 3: use 60 to 900", id="no time for retries"),
        pytest.param({"reserved_concurrent_executions": 0}, "is 0: use 1 or more", id="a function that never runs"),
        pytest.param({"managed_policies": 21}, "is 21: use 10 to 20", id="more policies than IAM attaches"),
        pytest.param({"memory_size": "512"}, "memory_size is '512', a str: give a whole number", id="text"),
        pytest.param({"memory_size": 512.5}, r"memory_size is 512\.5, a float: give a whole", id="broken memory"),
        pytest.param({"managed_policies": True}, "is True, a bool: give a whole number", id="boolean"),
        pytest.param({"timeout": 60}, "timeout is 60, a int: give a Duration, such as", id="time without a unit"),
        pytest.param({"log_group": "logs"}, "log_group is 'logs', a str: give a LogGroup", id="name of a log group"),
        pytest.param({"removal_policy": cdk.RemovalPolicy.SNAPSHOT}, "no snapshots of log groups", id="snapshot"),
        pytest.param({"vpc_subnets": ec2.SubnetSelection()}, "no vpc: give vpc, or drop it", id="subnets of no VPC"),
    ],
)
def test_options_that_cannot_be_fail(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        RunProvider.configure(new_stack(), **options)


def test_a_log_group_that_is_given_has_its_own_retention() -> None:
    stack = new_stack()
    group = logs.LogGroup(stack, "Own")

    with pytest.raises(ValueError, match="removal_policy is given, but log_group is not defined here: set it on that"):
        RunProvider.configure(stack, log_group=group, removal_policy=cdk.RemovalPolicy.RETAIN)


def test_a_nested_stack_has_options_of_its_own() -> None:
    stack = new_stack()
    nested = cdk.NestedStack(stack, "Nested")
    RunProvider.configure(nested, memory_size=512)
    run_in(stack)
    WorkflowRun(nested, "Run", workflow=Workflow.private("1"), output_uri="s3://b")
    _, function = the(synthesized(stack), "AWS::Lambda::Function")
    _, inner = the(cdk.assertions.Template.from_stack(nested).to_json(), "AWS::Lambda::Function")

    assert (function["Properties"]["MemorySize"], inner["Properties"]["MemorySize"]) == (256, 512)


@jsii.implements(cdk.IAspect)
class Boundary:
    """An aspect as platform teams have it."""

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, iam.CfnRole):
            node.permissions_boundary = "arn:aws:iam::123456789012:policy/platform"


def test_an_aspect_sets_the_boundary_of_every_role() -> None:
    stack = new_stack()
    run_in(stack)
    cdk.Aspects.of(app_of(stack)).add(Boundary())  # type: ignore[arg-type]
    roles = resources(synthesized(stack), "AWS::IAM::Role").values()

    assert {role["Properties"].get("PermissionsBoundary") for role in roles} == {
        "arn:aws:iam::123456789012:policy/platform"
    }


def test_the_boundary_of_a_scope_reaches_every_role() -> None:
    stack = new_stack()
    run_in(stack)
    iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.from_managed_policy_name(stack, "B", "platform"))
    roles = resources(synthesized(stack), "AWS::IAM::Role").values()

    assert all("policy/platform" in str(role["Properties"]["PermissionsBoundary"]) for role in roles)


@jsii.implements(cdk.IPropertyInjector)
class InVpc:
    """An injector as platform teams have it: every function goes into the VPC of its stack, without retries."""

    @property
    def construct_unique_id(self) -> str:
        return lambda_.Function.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *, id: str, scope: Any) -> Any:  # noqa: A002 - jsii passes it by name
        vpc = ec2.Vpc.from_vpc_attributes(
            scope, f"{id}Vpc", vpc_id="vpc-1", availability_zones=["us-east-1a"], private_subnet_ids=["subnet-1"]
        )
        rest = {key: value for key, value in original_props.items() if key not in {"retryAttempts", "maxEventAge"}}
        return rest | {"vpc": vpc, "memorySize": 1024}


def test_a_property_injector_may_change_the_function() -> None:
    app = cdk.App(property_injectors=[InVpc()])  # type: ignore[list-item]
    stack = cdk.Stack(app, "Genomics", env=cdk.Environment(account="123456789012", region="us-east-1"))
    run_in(stack)
    template = synthesized(stack)
    logical_id, function = the(template, "AWS::Lambda::Function")

    assert logical_id == FUNCTION
    assert function["Properties"]["MemorySize"] == 1024
    assert function["Properties"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]
    assert "ec2:CreateNetworkInterface" in str(statements(template, of_role=PROVIDER))
    assert not resources(template, "AWS::Lambda::EventInvokeConfig")
