"""The role of a run: who may assume it, and what it allows."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3

from template.support import (
    ACCOUNT,
    PROVIDER,
    RUN_TYPE,
    allowed,
    arn_text,
    new_stack,
    plain_run,
    resources,
    run_role,
    synthesized,
    the,
)

LOGS = f"arn:<AWS::Partition>:logs:us-east-1:{ACCOUNT}:log-group:/aws/omics/WorkflowLog"


def logs_of_a_run() -> set[tuple[str, str]]:
    streams = {"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}
    return {(action, f"{LOGS}:log-stream:*") for action in streams} | {("logs:CreateLogGroup", f"{LOGS}:*")}


def s3_arn(rest: str) -> str:
    return f"arn:<AWS::Partition>:s3:::{rest}"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = new_stack()
    key = kms.Key(stack, "Key")
    bucket = s3.Bucket(stack, "Bucket", encryption_key=key)
    results = s3.Bucket.from_bucket_name(stack, "Results", "results")
    uri = cdk.CfnParameter(stack, "Uri").value_as_string
    plain_run(stack, "Plain", output_uri="s3://results/plain/")
    plain_run(
        stack,
        "Reads",
        output_uri="s3://results",
        parameters={
            "reads": ["s3://data/s1_1.fq.gz", {"pair": "s3://data/s1_2.fq.gz"}],
            "reference": bucket.s3_url_for_object("hg38.fa"),
            "note": "no s3:// here",
        },
    )
    plain_run(stack, "Buckets", output_uri=None, output_bucket=bucket, output_prefix="out/", input_buckets=[results])
    plain_run(stack, "Anywhere", output_uri=uri)
    cache = omics.CfnRunCache(stack, "Cache", cache_s3_location="s3://caches/run")
    plain_run(stack, "Cached", output_uri="s3://results/c", cache=cache)
    granted = plain_run(stack, "Granted", output_uri="s3://results/g")
    ecr.Repository.from_repository_name(stack, "Tools", "tools").grant_pull(granted)
    own = run_role(stack, "Own")
    plain_run(stack, "Given", output_uri="s3://results/x", role=own, parameters={"a": "s3://b/c"})
    plain_run(stack, "Passed", output_uri=None, output_bucket=bucket, input_buckets=[bucket], role=own)
    return synthesized(stack)


def test_only_runs_of_the_account_and_region_can_use_the_role(template: dict[str, Any]) -> None:
    roles = [role for name, role in resources(template, "AWS::IAM::Role").items() if name.startswith("Plain")]
    (statement,) = roles[0]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    source = statement["Condition"]["ArnLike"]["aws:SourceArn"]

    assert statement["Principal"] == {"Service": "omics.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert arn_text(source) == f"arn:<AWS::Partition>:omics:us-east-1:{ACCOUNT}:run/*"


def test_a_role_allows_logs_and_the_outputs_below_the_prefix(template: dict[str, Any]) -> None:
    assert set(allowed(template, of_role="Plain")) == logs_of_a_run() | {
        ("s3:PutObject", s3_arn("results/plain/*")),
        ("s3:AbortMultipartUpload", s3_arn("results/plain/*")),
        ("s3:ListBucket", s3_arn("results")),
    }


def test_a_role_allows_to_read_what_the_parameters_name(template: dict[str, Any]) -> None:
    (bucket_id,) = resources(template, "AWS::S3::Bucket")
    (key_id,) = resources(template, "AWS::KMS::Key")

    assert set(allowed(template, of_role="Reads")) == logs_of_a_run() | {
        ("s3:PutObject", s3_arn("results/*")),
        ("s3:AbortMultipartUpload", s3_arn("results/*")),
        ("s3:ListBucket", s3_arn("results")),
        ("s3:GetObject", s3_arn("data/s1_1.fq.gz*")),
        ("s3:GetObject", s3_arn("data/s1_2.fq.gz*")),
        ("s3:ListBucket", s3_arn("data")),
        ("s3:GetObject", s3_arn(f"<{bucket_id}>/hg38.fa*")),
        ("s3:ListBucket", s3_arn(f"<{bucket_id}>")),
        ("kms:Decrypt", f"<{key_id}.Arn>"),
    }


def test_a_role_allows_buckets_that_are_given_and_their_keys(template: dict[str, Any]) -> None:
    (bucket_id,) = resources(template, "AWS::S3::Bucket")
    (key_id,) = resources(template, "AWS::KMS::Key")

    assert set(allowed(template, of_role="Buckets")) == logs_of_a_run() | {
        ("s3:PutObject", f"<{bucket_id}.Arn>/out/*"),
        ("s3:AbortMultipartUpload", f"<{bucket_id}.Arn>/out/*"),
        ("s3:ListBucket", f"<{bucket_id}.Arn>"),
        ("kms:Decrypt", f"<{key_id}.Arn>"),
        ("kms:GenerateDataKey", f"<{key_id}.Arn>"),
        ("s3:GetObject", s3_arn("results/*")),
        ("s3:ListBucket", s3_arn("results")),
    }


def test_a_role_allows_the_bucket_of_an_output_uri_that_only_the_deployment_knows(template: dict[str, Any]) -> None:
    writes = {resource for action, resource in allowed(template, of_role="Anywhere") if action == "s3:PutObject"}

    assert writes == {s3_arn("<2 of ['<Uri>']>/*")}


def test_a_role_allows_the_location_of_a_cache_of_the_app(template: dict[str, Any]) -> None:
    assert set(allowed(template, of_role="Cached")) >= {
        ("s3:GetObject", s3_arn("caches/run/*")),
        ("s3:PutObject", s3_arn("caches/run/*")),
        ("s3:ListBucket", s3_arn("caches")),
    }


def test_grants_on_the_run_go_to_its_role(template: dict[str, Any]) -> None:
    repository = f"arn:<AWS::Partition>:ecr:us-east-1:{ACCOUNT}:repository/tools"

    assert ("ecr:BatchGetImage", repository) in allowed(template, of_role="Granted")


def test_a_role_that_is_given_gets_grants_only_for_buckets_that_are_given(template: dict[str, Any]) -> None:
    (bucket_id,) = resources(template, "AWS::S3::Bucket")
    found = {(action, resource) for action, resource in allowed(template, of_role="Own") if action.startswith("s3:")}

    assert not [name for name in resources(template, "AWS::IAM::Role") if name.startswith(("Given", "Passed"))]
    assert found == {
        ("s3:PutObject", f"<{bucket_id}.Arn>/*"),
        ("s3:AbortMultipartUpload", f"<{bucket_id}.Arn>/*"),
        ("s3:ListBucket", f"<{bucket_id}.Arn>"),
        ("s3:GetObject", f"<{bucket_id}.Arn>/*"),
    }


def test_grants_to_an_imported_role_come_before_the_run() -> None:
    stack = new_stack()
    role = iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/genomics")
    bucket = s3.Bucket(stack, "Bucket")
    plain_run(stack, output_uri=None, output_bucket=bucket, role=role)
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)
    policies = [
        name
        for name, policy in resources(template, "AWS::IAM::Policy").items()
        if policy["Properties"]["Roles"] == ["genomics"]
    ]

    assert len(policies) == 1
    assert policies[0] in run["DependsOn"]
    assert run["Properties"]["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/genomics"
    assert not [name for name in resources(template, "AWS::IAM::Role") if not name.startswith(PROVIDER)]


@pytest.mark.parametrize("imported", [False, True])
def test_a_role_may_pull_from_repositories_that_are_given_and_gets_no_token(*, imported: bool) -> None:
    stack = new_stack()
    repository = ecr.Repository.from_repository_name(stack, "Tools", "tools")
    role = iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/genomics") if imported else None
    plain_run(stack, image_repositories=[repository], role=role)
    template = synthesized(stack)
    _, run = the(template, RUN_TYPE)
    (name,) = [name for name, policy in resources(template, "AWS::IAM::Policy").items() if "ecr:" in str(policy)]
    (statement,) = [
        each
        for each in template["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
        if "ecr:" in str(each["Action"])
    ]

    assert statement["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]
    assert arn_text(statement["Resource"]) == f"arn:<AWS::Partition>:ecr:us-east-1:{ACCOUNT}:repository/tools"
    assert name in run["DependsOn"]
