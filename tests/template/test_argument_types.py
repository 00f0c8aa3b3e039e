"""An argument of the wrong type is an ``InvalidRunError`` that says what to give, not an accident somewhere else."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_s3 as s3

from cdk_healthomics import EngineSettings, InvalidRunError, Storage
from cdk_healthomics.argument_types import OF_RUN
from template.support import new_stack, plain_run, synthesized


def cache(stack: cdk.Stack) -> omics.CfnRunCache:
    return omics.CfnRunCache(stack, "Cache", cache_s3_location="s3://caches/x")


def circle() -> dict[str, object]:
    found: dict[str, object] = {}
    found["a"] = found
    return found


WRONG: dict[str, tuple[Callable[[cdk.Stack], dict[str, Any]], str]] = {
    "no workflow": (lambda _: {"workflow": None}, "workflow is None, a NoneType: give Workflow.private(...)"),
    "id of a workflow": (lambda _: {"workflow": "1"}, "workflow is '1', a str: give Workflow.private(...)"),
    "ARN of a role": (lambda _: {"role": "arn:aws:iam::123456789012:role/x"}, "iam.Role.from_role_arn(...) makes one"),
    "number of a group": (lambda _: {"run_group": 123}, "run_group is 123, a int: give a CfnRunGroup"),
    "number of a cache": (lambda _: {"cache": 123}, "cache is 123, a int: give a CfnRunCache"),
    "number of a configuration": (lambda _: {"configuration": 123}, "a int: give a CfnConfiguration"),
    "cache for a group": (lambda stack: {"run_group": cache(stack)}, "a CfnRunCache: give a CfnRunGroup"),
    "name of a bucket": (lambda _: {"output_uri": None, "output_bucket": "b"}, "output_bucket is 'b', a str"),
    "bucket for a URI": (lambda stack: {"output_uri": s3.Bucket(stack, "B")}, "a Bucket: give a string"),
    "no prefix": (
        lambda stack: {"output_uri": None, "output_bucket": s3.Bucket(stack, "B"), "output_prefix": None},
        "output_prefix is None, a NoneType: give a string",
    ),
    "one bucket": (lambda stack: {"input_buckets": s3.Bucket(stack, "B")}, "a Bucket: give a list of Buckets"),
    "names of buckets": (lambda _: {"input_buckets": ["b"]}, "input_buckets is ['b'], a list: give a list of Buckets"),
    "name for buckets": (lambda _: {"input_buckets": "b"}, "input_buckets is 'b', a str"),
    "names of repositories": (lambda _: {"image_repositories": ["r"]}, "a list: give a list of ECR repositories"),
    "name of a storage type": (lambda _: {"storage": "DYNAMIC"}, "a str: give Storage.dynamic()"),
    "list of parameters": (lambda _: {"parameters": ["a"]}, "parameters is ['a'], a list: give a mapping"),
    "engine version": (lambda _: {"engine_settings": "25.10"}, "engine_settings is '25.10', a str"),
    "engine version as a number": (
        lambda _: {"engine_settings": EngineSettings(engine_version=25.10)},  # type: ignore[arg-type]
        "engine_settings['engineVersion'] is 25.1, a float: give a string",
    ),
    "text of a policy": (lambda _: {"session_policy": "{}"}, "session_policy is '{}', a str"),
    "statement for a policy": (lambda _: {"session_policy": iam.PolicyStatement()}, "a PolicyStatement: give a Policy"),
    "text of members": (lambda _: {"additional_start_run_parameters": "{}"}, "a str: give a mapping of members"),
    "list of tags": (lambda _: {"tags": [("a", "b")]}, "tags is [('a', 'b')], a list"),
    "word for outputs": (lambda _: {"outputs": "no"}, "outputs is 'no', a str: give True or False"),
    "number for a prefix": (lambda _: {"export_name_prefix": 5}, "export_name_prefix is 5, a int: give a string"),
    "word for a strength": (lambda _: {"reference_strength": "WEAK"}, "a str: give ReferenceStrength.WEAK"),
    "huge priority": (lambda _: {"priority": 10**400}, "but HealthOmics takes 0 to 100,000"),
    "circle of parameters": (lambda _: {"parameters": circle()}, "parameters['a'] contains itself"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_type_says_what_to_give(case: str) -> None:
    stack = new_stack()
    arguments, message = WRONG[case]

    with pytest.raises(InvalidRunError) as caught:
        plain_run(stack, **arguments(stack))
    (problem,) = caught.value.problems
    assert message in problem


def test_every_argument_of_the_table_has_a_case() -> None:
    named = {name for arguments, _ in WRONG.values() for name in arguments(new_stack())}

    assert set(OF_RUN) <= named


def test_objects_of_every_kind_are_known() -> None:
    """Constructs, imported ones, and what jsii hands over as an interface."""
    stack = new_stack()
    plain_run(
        stack,
        output_uri=None,
        output_bucket=s3.Bucket.from_bucket_name(stack, "Results", "results"),
        input_buckets=(s3.Bucket(stack, "Data"),),
        image_repositories=[cdk.aws_ecr.Repository.from_repository_name(stack, "Images", "images")],
        role=iam.Role.from_role_arn(stack, "Imported", "arn:aws:iam::123456789012:role/x"),
        run_group=omics.CfnRunGroup(stack, "Group"),
        cache=cache(stack),
    )

    synthesized(stack)


def test_a_capacity_has_a_unit() -> None:
    with pytest.raises(TypeError, match=r"Storage\.static is 1200, a int: give a Size, such as"):
        Storage.static(1200)  # type: ignore[arg-type]
