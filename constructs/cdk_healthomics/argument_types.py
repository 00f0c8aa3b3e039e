"""Which kinds of values the arguments of a run are; looked at before anything is done with them."""

from collections.abc import Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_healthomics.engine_settings import EngineSettings
from cdk_healthomics.kinds import Kind, each, has, instance, text_or
from cdk_healthomics.storage import Storage
from cdk_healthomics.workflow import SourceRun, Workflow

_DOCUMENT: Final = "a mapping of names to values"

OF_RUN: Final[Mapping[str, Kind]] = {
    "workflow": Kind(instance(Workflow, SourceRun), "Workflow.private(...), or another factory of it", optional=False),
    "output_bucket": Kind(has("bucket_arn"), "a Bucket, or the name in output_uri: s3://bucket/prefix"),
    "output_prefix": Kind(instance(str), "a string; leave it out for the bucket's root", optional=False),
    "input_buckets": Kind(each(has("bucket_arn")), "a list of Buckets, such as [bucket]", optional=False),
    "image_repositories": Kind(
        each(has("repository_arn")), "a list of ECR repositories, such as [repository]", optional=False
    ),
    "role": Kind(has("role_arn"), "a Role; iam.Role.from_role_arn(...) makes one of an ARN"),
    "storage": Kind(instance(Storage), "Storage.dynamic() or Storage.static(...)"),
    "run_group": Kind(text_or(has("run_group_ref")), "a CfnRunGroup, or its id as a string"),
    "cache": Kind(text_or(has("run_cache_ref")), "a CfnRunCache, or its id as a string"),
    "configuration": Kind(text_or(has("configuration_ref")), "a CfnConfiguration, or its name as a string"),
    "parameters": Kind(instance(Mapping), _DOCUMENT),
    "engine_settings": Kind(instance(EngineSettings, Mapping), "EngineSettings(...), or a mapping"),
    "session_policy": Kind(instance(iam.PolicyDocument, Mapping), "a PolicyDocument or a mapping"),
    "additional_start_run_parameters": Kind(instance(Mapping), "a mapping of members to values"),
    "tags": Kind(instance(Mapping), "a mapping of keys to values"),
    "outputs": Kind(instance(bool), "True or False", optional=False),
    "export_name_prefix": Kind(instance(str), "a string"),
    "reference_strength": Kind(
        instance(cdk.ReferenceStrength), "ReferenceStrength.WEAK, STRONG or BOTH", optional=False
    ),
}
"""Arguments of a run. Those that are texts, numbers or choices are looked at with their values (``validation``)."""
