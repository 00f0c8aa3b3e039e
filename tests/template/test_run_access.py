"""What the role of a run may do beyond what it is given: outputs of other runs, keys of buckets, many runs, copies."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3

from cdk_healthomics import RunProvider, Workflow, WorkflowRun
from cdk_healthomics.run_role import grant_write
from healthomics_local.endpoint.authorization.authorizer import Permission
from healthomics_local.endpoint.authorization.policies import Decision, decide, read_policy
from template.support import (
    ACCOUNT,
    PROVIDER,
    REGION,
    RUN_TYPE,
    allowed,
    app_of,
    arn_text,
    listed,
    new_stack,
    plain_run,
    resources,
    run_role,
    statements,
    synthesized,
    the,
    warnings,
)

pytestmark = pytest.mark.slow


def s3_arn(rest: str) -> str:
    return f"arn:<AWS::Partition>:s3:::{rest}"


def named(template: dict[str, Any], action: str, *, of_role: str) -> set[str]:
    return {resource for each, resource in allowed(template, of_role=of_role) if each == action}


# Outputs, caches and inputs that hold tokens or characters that policies know.


def test_a_role_writes_below_an_output_uri_with_a_token_in_its_key() -> None:
    stack = new_stack()
    cohort = cdk.CfnParameter(stack, "Cohort").value_as_string
    cache = omics.CfnRunCache(stack, "Cache", cache_s3_location=f"s3://caches/team-{cohort}")
    plain_run(stack, output_uri=f"s3://results/cohort-{cohort}", cache=cache)
    template = synthesized(stack)

    written = {s3_arn("results/cohort-<Cohort>/*"), s3_arn("caches/team-<Cohort>/*")}
    assert named(template, "s3:PutObject", of_role="Run") == written
    assert named(template, "s3:GetObject", of_role="Run") == {s3_arn("caches/team-<Cohort>/*")}


def test_characters_that_policies_know_are_literal_in_outputs() -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Bucket")
    plain_run(stack, "Uri", output_uri="s3://results/a*b")
    plain_run(stack, "Given", output_uri=None, output_bucket=bucket, output_prefix="what?/$x")
    template = synthesized(stack)
    (bucket_id,) = resources(template, "AWS::S3::Bucket")

    assert named(template, "s3:PutObject", of_role="Uri") == {s3_arn("results/a${*}b/*")}
    assert named(template, "s3:PutObject", of_role="Given") == {f"<{bucket_id}.Arn>/what${{?}}/${{$}}x/*"}


def test_a_list_of_uris_in_one_text_names_each_of_them() -> None:
    stack = new_stack()
    plain_run(stack, parameters={"reads": "s3://data/a.fq,s3://data2/b.fq"})

    assert named(synthesized(stack), "s3:GetObject", of_role="Run") == {s3_arn("data/a.fq*"), s3_arn("data2/b.fq*")}


def test_many_inputs_do_not_open_the_whole_bucket() -> None:
    stack = new_stack()
    plain_run(stack, parameters={"reads": [f"s3://data/{letter}/x.fq" for letter in "abcdefghijklmn"]})
    template = synthesized(stack)

    assert named(template, "s3:GetObject", of_role="Run") == {
        s3_arn(f"data/{letter}/x.fq*") for letter in "abcdefghijklmn"
    }


# Outputs of other runs.


@pytest.mark.parametrize("waits", [False, True])
def test_a_role_reads_the_outputs_that_the_parameters_refer_to(*, waits: bool) -> None:
    stack = new_stack()
    first = plain_run(stack, "First", output_uri="s3://results/first")
    uri = first.wait_for_completion().outputs_uri if waits else f"{first.run_output_uri}/out/x.bam"
    plain_run(stack, "Second", output_uri="s3://results/second", parameters={"in": ["plain", {"x": uri}]})
    template = synthesized(stack)

    assert named(template, "s3:GetObject", of_role="Second") == {s3_arn("results/first/*")}
    assert named(template, "s3:ListBucket", of_role="Second") == {s3_arn("results")}
    assert not named(template, "s3:GetObject", of_role="First")


def test_the_local_authorizer_lets_a_run_read_what_another_one_writes() -> None:
    """As the local HealthOmics asks it, with the policies that are in the template."""
    stack = new_stack()
    first = plain_run(stack, "First", output_uri="s3://results/fir*t")
    plain_run(stack, "Second", output_uri="s3://results/second", parameters={"in": f"{first.run_output_uri}/x.bam"})
    template = synthesized(stack)

    def may(role: str, action: str, key: str) -> bool:
        policy = read_policy({"Statement": [resolved(each) for each in statements(template, of_role=role)]})
        permission = Permission(action=action, resource=f"arn:aws:s3:::results/{key}")
        return decide(policy, permission) is Decision.ALLOWED

    assert may("First", "s3:PutObject", "fir*t/4711/out/x.bam")
    assert may("Second", "s3:GetObject", "fir*t/4711/out/x.bam")
    assert not may("Second", "s3:GetObject", "first/4711/out/x.bam")
    assert not may("Second", "s3:PutObject", "fir*t/4711/out/x.bam")
    assert not may("First", "s3:GetObject", "fir*t/4711/out/x.bam")


def resolved(statement: dict[str, Any]) -> dict[str, Any]:
    arns = [arn_text(arn).replace("<AWS::Partition>", "aws") for arn in listed(statement["Resource"])]
    return statement | {"Resource": arns}


def test_an_id_of_another_run_is_no_reason_to_read_its_outputs() -> None:
    stack = new_stack()
    first = plain_run(stack, "First", output_uri="s3://results/first")
    plain_run(stack, "Second", parameters={"of": first.run_id})

    assert not named(synthesized(stack), "s3:GetObject", of_role="Second")


def test_runs_that_share_a_role_read_each_other_without_a_circle() -> None:
    stack = new_stack()
    first = plain_run(stack, "First", output_uri="s3://results/first")
    second = plain_run(
        stack, "Second", role=first.role, output_uri=first.run_output_uri, parameters={"in": first.run_output_uri}
    )
    plain_run(
        stack,
        "Third",
        role=first.role,
        output_uri=f"s3://results/third-{first.run_uuid}/x",
        parameters={"in": second.run_output_uri},
    )
    template = synthesized(stack)
    policies = [each for name, each in resources(template, "AWS::IAM::Policy").items() if name.startswith("First")]

    assert RUN_TYPE not in {template["Resources"][name]["Type"] for name in referred_to(policies)}
    assert named(template, "s3:GetObject", of_role="First") == {s3_arn("results/first/*")}
    assert named(template, "s3:PutObject", of_role="First") == {s3_arn("results/first/*"), s3_arn("results/third-*")}


def referred_to(value: Any) -> set[str]:
    match value:
        case {"Ref": name}:
            return set() if name.startswith("AWS::") else {name}
        case {"Fn::GetAtt": [name, _]}:
            return {name}
        case dict():
            return {name for item in value.values() for name in referred_to(item)}
        case list():
            return {name for item in value for name in referred_to(item)}
        case _:
            return set()


def test_a_role_decrypts_the_outputs_of_another_run() -> None:
    stack = new_stack()
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "Bucket", encryption_key=key)
    first = plain_run(stack, "First", output_uri=None, output_bucket=bucket, output_prefix="first")
    plain_run(stack, "Second", parameters={"in": first.run_output_uri})
    template = synthesized(stack)
    (key_id,) = resources(template, "AWS::KMS::Key")
    (bucket_id,) = resources(template, "AWS::S3::Bucket")

    assert named(template, "s3:GetObject", of_role="Second") == {s3_arn(f"<{bucket_id}>/first/*")}
    assert named(template, "kms:Decrypt", of_role="Second") == {f"<{key_id}.Arn>"}
    assert not named(template, "kms:GenerateDataKey", of_role="Second")


@pytest.mark.parametrize("nested", [False, True])
def test_a_role_reads_outputs_of_a_run_in_another_stack(*, nested: bool) -> None:
    producer = new_stack("Producer")
    consumer: cdk.Stack = (
        cdk.NestedStack(producer, "Consumer") if nested else cdk.Stack(app_of(producer), "Consumer", env=here())
    )
    first = plain_run(producer, "First", output_uri="s3://results/first")
    plain_run(consumer, "Second", parameters={"in": first.run_output_uri})
    template = cdk.assertions.Template.from_stack(consumer).to_json()

    assert named(template, "s3:GetObject", of_role="Second") == {s3_arn("results/first/*")}
    assert not [text for text in warnings(producer) if "outputs of" in text]


def test_a_bucket_of_the_app_serves_runs_of_all_stacks() -> None:
    data = new_stack("Data")
    bucket = s3.Bucket(data, "Bucket")
    producer, consumer = (cdk.Stack(app_of(data), name, env=here()) for name in ("Producer", "Consumer"))
    first = plain_run(producer, "First", output_uri=None, output_bucket=bucket, output_prefix="first")
    plain_run(consumer, "Second", parameters={"in": first.run_output_uri})
    template = app_of(data).synth().get_stack_artifact("Consumer").template

    assert "/first/*" in json.dumps(statements(template, of_role="Second"))
    assert not [text for text in warnings(data) if "outputs of" in text]


def here(account: str = ACCOUNT) -> cdk.Environment:
    return cdk.Environment(account=account, region=REGION)


def test_outputs_that_only_another_stack_can_place_are_worth_a_warning() -> None:
    producer = new_stack("Producer")
    consumer = cdk.Stack(app_of(producer), "Consumer", env=here())
    uri = cdk.CfnParameter(producer, "Uri").value_as_string
    first = plain_run(producer, "First", output_uri=uri)
    plain_run(consumer, "Second", parameters={"in": first.run_output_uri})
    (warning,) = [text for text in warnings(producer) if "outputsOfOtherRunUnknown" in text]

    assert warning.startswith("/Consumer/Second the parameters name outputs of Producer/First, but only the deployment")
    assert not named(synthesized(consumer), "s3:GetObject", of_role="Second")


def test_outputs_in_another_account_are_allowed_as_far_as_the_role_goes() -> None:
    producer = new_stack("Producer")
    consumer = cdk.Stack(app_of(producer), "Consumer", env=here("210987654321"))
    first = plain_run(producer, "First", output_uri="s3://results/first")
    plain_run(consumer, "Second", parameters={"in": first.run_output_uri})
    (warning,) = [text for text in warnings(producer) if "otherAccountMustAllow" in text]

    assert warning.startswith("/Consumer/Second the parameters name outputs of Producer/First, in another account")
    assert named(synthesized(consumer), "s3:GetObject", of_role="Second") == {s3_arn("results/first/*")}


# Keys of buckets that URIs name.


def test_uris_of_encrypted_buckets_allow_their_keys() -> None:
    stack = new_stack()
    buckets = {
        name: s3.Bucket(stack, name, encryption_key=kms.Key(stack, f"{name}Key")) for name in ("In", "Out", "Kept")
    }
    cache = omics.CfnRunCache(stack, "Cache", cache_s3_location=buckets["Kept"].s3_url_for_object("cache"))
    plain_run(
        stack,
        output_uri=buckets["Out"].s3_url_for_object("out"),
        parameters={"reads": buckets["In"].s3_url_for_object("r1.fq.gz")},
        cache=cache,
    )
    template = synthesized(stack)
    keys = {name.removesuffix(name[-8:]): f"<{name}.Arn>" for name in resources(template, "AWS::KMS::Key")}

    assert named(template, "kms:Decrypt", of_role="Run") == set(keys.values())
    assert named(template, "kms:GenerateDataKey", of_role="Run") == {keys["OutKey"], keys["KeptKey"]}


# Policies that come after the run.


def test_a_run_waits_for_policies_that_are_attached_to_its_role_later() -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Bucket")
    run = plain_run(stack, parameters={"reads": bucket.s3_url_for_object("x")})
    statement = iam.PolicyStatement(actions=["s3:GetObject"], resources=[bucket.arn_for_objects("*")])
    run.role.attach_inline_policy(iam.Policy(stack, "Inline", statements=[statement]))
    iam.Policy(stack, "Attached", roles=[run.role], statements=[statement])
    iam.ManagedPolicy(stack, "Managed", roles=[run.role], statements=[statement])
    iam.Policy(stack, "Others", roles=[run_role(stack, "Other")], statements=[statement])
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["s3:GetObject"], resources=[bucket.arn_for_objects("*")], principals=[iam.AccountRootPrincipal()]
        )
    )
    template = synthesized(stack)
    _, resource = the(template, RUN_TYPE)
    waits = {name[:-8] for name in resource["DependsOn"]}

    assert waits >= {"Inline", "Attached", "Managed", "BucketPolicy"}
    assert "Others" not in waits


def test_a_policy_that_may_be_waiting_for_the_run_is_not_waited_for() -> None:
    stack = new_stack()
    run = plain_run(stack)
    about_the_run = cdk.aws_ssm.StringParameter(stack, "Arn", string_value=run.run_arn)
    for name, arn in {"Direct": run.run_arn, "Indirect": about_the_run.parameter_arn}.items():
        iam.Policy(
            stack,
            name,
            roles=[run.role],
            statements=[iam.PolicyStatement(actions=["ssm:GetParameter"], resources=[arn])],
        )
    _, resource = the(synthesized(stack), RUN_TYPE)

    assert not [name for name in resource["DependsOn"] if name.startswith(("Direct", "Indirect"))]


# Many runs with one role.


@pytest.mark.slow
def test_many_runs_with_one_role_and_one_bucket_stay_within_the_quota() -> None:
    stack = new_stack()
    role = run_role(stack, "Shared")
    bucket = s3.Bucket(stack, "Bucket", encryption_key=kms.Key(stack, "Key"))
    for number in range(300):
        plain_run(
            stack,
            f"S{number}",
            output_uri=None,
            output_bucket=bucket,
            output_prefix=f"cohort/sample-{number:05d}-some-long-name",
            input_buckets=[bucket],
            role=role,
            outputs=False,
        )
    template = synthesized(stack)
    managed = [name for name in resources(template, "AWS::IAM::ManagedPolicy") if name.startswith("Shared")]
    written = [arn.partition("/")[2] for arn in named(template, "s3:PutObject", of_role="Shared")]
    pairs = [pair for pair in allowed(template, of_role="Shared") if pair[0].startswith("s3:")]

    assert len(pairs) == len(set(pairs))
    assert len(managed) <= 1
    assert len(written) < 60
    assert all(key.startswith("cohort/sample-00") for key in written)
    for number in range(300):
        assert any(f"cohort/sample-{number:05d}-some-long-name/x".startswith(key.rstrip("*")) for key in written)


def test_a_shared_role_is_split_where_the_app_merges_statements() -> None:
    """Policies are looked for at the end; looking at the role's own would merge it before the CDK splits it."""
    stack = new_stack(context={"@aws-cdk/aws-iam:minimizePolicies": True})
    plain_run(stack, "Earlier")  # has the search for policies come before the role, in the order of the tree
    role = run_role(stack, "Shared")
    for number in range(100):
        grant_write(role, s3.Bucket.from_bucket_name(stack, f"B{number}", f"results-{number}"), "x")
    plain_run(stack, role=role)
    template = synthesized(stack)
    documents = [
        policy["Properties"]["PolicyDocument"]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for name, policy in resources(template, kind).items()
        if name.startswith("Shared")
    ]

    assert len(documents) > 1
    assert all(len(json.dumps(document)) < 10_240 for document in documents)


def test_a_role_with_more_policies_than_iam_attaches_fails_with_the_cure() -> None:
    stack = new_stack()
    role = run_role(stack, "Shared")
    plain_run(stack, role=role)
    for number in range(11):
        iam.ManagedPolicy(
            role, f"More{number}", statements=[iam.PolicyStatement(actions=["s3:ListAllMyBuckets"], resources=["*"])]
        )

    with pytest.raises(
        RuntimeError, match=r"the role of runs needs 11 managed policies .* IAM attaches 10 to a role: let fewer runs"
    ):
        synthesized(stack)


# Copies.


def starts_from(stack: cdk.Stack) -> set[str]:
    found = named(synthesized(stack), "omics:StartRun", of_role=PROVIDER)
    return {arn.partition(":omics:")[2] for arn in found if not arn.endswith("run/*")}


def copy_of(stack: cdk.Stack, run_id: str, construct_id: str = "Copy", **overrides: Any) -> WorkflowRun:
    role = iam.Role.from_role_arn(stack, f"{construct_id}Role", f"arn:aws:iam::{ACCOUNT}:role/run")
    return WorkflowRun.duplicate(stack, construct_id, run_id=run_id, role=role, output_uri="s3://b", **overrides)


def test_a_copy_of_a_run_of_the_app_uses_what_that_one_does() -> None:
    stack = new_stack()
    first = plain_run(stack, workflow=Workflow.private("1", version_name="v1"), run_group="5", cache="6")
    copy = copy_of(stack, first.run_id, run_group="7")
    copy_of(stack, copy.run_id, "Again")
    own = f"us-east-1:{ACCOUNT}"

    assert starts_from(stack) == {
        f"{own}:workflow/1",
        f"{own}:workflow/1/version/v1",
        f"{own}:runGroup/5",
        f"{own}:runCache/6",
        f"{own}:runGroup/7",
    }


def test_a_copy_in_another_stack_holds_nothing_of_the_first_one() -> None:
    producer = new_stack("Producer")
    consumer = cdk.Stack(app_of(producer), "Consumer", env=here())
    group = omics.CfnRunGroup(producer, "Group", max_runs=1)
    first = plain_run(producer, run_group=group, outputs=False)
    copy_of(consumer, first.run_id)
    found = starts_from(consumer)

    assert found == {
        f"us-east-1:{ACCOUNT}:workflow/1",
        f"us-east-1:{ACCOUNT}:workflow/1/version/*",
        f"us-east-1:{ACCOUNT}:runGroup/*",
    }
    outputs = app_of(producer).synth().get_stack_artifact("Producer").template["Outputs"]
    assert not [output for output in outputs.values() if "Export" in output]


def test_what_a_copy_is_given_takes_the_place_of_what_it_copies() -> None:
    stack = new_stack()
    copy_of(stack, "7654321", run_group="5", source_workflow=Workflow.private("1"))
    own = f"us-east-1:{ACCOUNT}"

    assert starts_from(stack) == {
        f"{own}:workflow/1",
        f"{own}:workflow/1/version/*",
        f"{own}:runGroup/5",
        f"{own}:runCache/*",
        f"{own}:configuration/*",
    }


# Repositories of images.


def repository_statements(template: dict[str, Any]) -> list[Any]:
    (repository,) = resources(template, "AWS::ECR::Repository").values()
    found: list[Any] = repository["Properties"]["RepositoryPolicyText"]["Statement"]
    return found


def test_a_repository_of_the_app_lets_the_service_pull_once() -> None:
    stack = new_stack()
    repository = ecr.Repository(stack, "Tools")
    for name in ("One", "Two"):
        plain_run(stack, name, image_repositories=[repository])
    (statement,) = repository_statements(synthesized(stack))

    assert statement["Principal"] == {"Service": "omics.amazonaws.com"}
    assert set(statement["Action"]) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    }
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    source = arn_text(statement["Condition"]["ArnLike"]["aws:SourceArn"])
    assert source == f"arn:<AWS::Partition>:omics:us-east-1:{ACCOUNT}:*"


def test_a_repository_that_lets_the_service_pull_stays_as_it_is() -> None:
    stack = new_stack()
    repository = ecr.Repository(stack, "Tools")
    repository.add_to_resource_policy(
        iam.PolicyStatement(actions=["ecr:BatchGetImage"], principals=[iam.ServicePrincipal("omics.amazonaws.com")])
    )
    plain_run(stack, image_repositories=[repository])

    assert len(repository_statements(synthesized(stack))) == 1


# Roles that runs share.


def test_a_role_that_a_run_has_defined_serves_others_with_what_they_name() -> None:
    stack = new_stack()
    first = plain_run(stack, "First", output_uri="s3://results/first")
    plain_run(stack, "Second", output_uri="s3://results/second", role=first.role, parameters={"x": "s3://in/f"})
    template = synthesized(stack)

    assert named(template, "s3:GetObject", of_role="First") == {s3_arn("in/f*")}
    assert named(template, "s3:PutObject", of_role="First") == {s3_arn("results/first/*"), s3_arn("results/second/*")}


# The function in a VPC.


def test_the_function_has_network_interfaces_where_its_vpc_is_and_nowhere_else() -> None:
    stack = new_stack()
    vpc = cdk.aws_ec2.Vpc(stack, "Vpc")
    chosen = cdk.aws_ec2.SubnetSelection(subnets=[vpc.private_subnets[0]])
    RunProvider.configure(stack, vpc=vpc, vpc_subnets=chosen)
    plain_run(stack)
    template = synthesized(stack)
    (function,) = resources(template, "AWS::Lambda::Function").values()
    (subnet,) = map(arn_text, function["Properties"]["VpcConfig"]["SubnetIds"])
    (group,) = map(arn_text, function["Properties"]["VpcConfig"]["SecurityGroupIds"])
    prefix = "arn:<AWS::Partition>:ec2:us-east-1"

    assert named(template, "ec2:CreateNetworkInterface", of_role=PROVIDER) == {
        f"{prefix}:{ACCOUNT}:network-interface/*",
        f"{prefix}:*:subnet/{subnet}",
        f"{prefix}:*:security-group/{group}",
    }
    assert named(template, "ec2:DeleteNetworkInterface", of_role=PROVIDER) == {
        f"{prefix}:{ACCOUNT}:network-interface/*"
    }
    assert named(template, "ec2:DescribeSubnets", of_role=PROVIDER) == {"*"}
