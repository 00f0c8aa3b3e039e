"""The role that HealthOmics assumes for a run: definition and grants."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_healthomics import permissions
from cdk_healthomics.linters import acknowledge_inline_policy, acknowledge_wildcards
from cdk_healthomics.s3_locations import S3Location, grouped_by_bucket

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr
    from constructs import IDependable

_LOGS_REASON: Final = "HealthOmics names the log streams of a run after ids that exist only once it has started"
_OBJECTS_REASON: Final = "a run reads and writes objects below these prefixes; their keys are not known before it runs"

_AUTO_DELETE_ID: Final = "AutoDeleteObjectsCustomResource"
"""Where the CDK puts the resource behind ``Bucket(auto_delete_objects=True)``."""


class RunRole(iam.Role):
    """A role for one run: HealthOmics may assume it for runs of this account and Region, and write the run's logs."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        stack = cdk.Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            assumed_by=permissions.run_role_principal(stack),
            description="Role of a HealthOmics run (cdk-healthomics)",
        )
        acknowledge_inline_policy(self)
        for statement in permissions.write_run_logs(stack):
            self.add_to_policy(statement)
            acknowledge_wildcards(self, statement.resources, _LOGS_REASON)

    def allow_read(self, locations: Iterable[S3Location]) -> None:
        """Let the run read the objects whose keys begin with those of the locations."""
        for bucket, keys in grouped_by_bucket(locations).items():
            arn = S3Location(bucket).bucket_arn(cdk.Stack.of(self))
            self._allow(permissions.read_objects(arn, keys))

    def allow_write(self, location: S3Location) -> None:
        """Let the run write objects below the location."""
        self._allow(permissions.write_objects(location.bucket_arn(cdk.Stack.of(self)), location.key))

    def _allow(self, accesses: Iterable[permissions.BucketAccess]) -> None:
        for access in accesses:
            self.add_to_policy(access.statement())
            acknowledge_wildcards(self, access.resources, _OBJECTS_REASON)


def grant_read(role: iam.IRole, bucket: s3.IBucket) -> None:
    """Let a run read a bucket, and decrypt with its key."""
    _grant(role, bucket, permissions.read_objects(bucket.bucket_arn), ["kms:Decrypt"])


def grant_write(role: iam.IRole, bucket: s3.IBucket, prefix: str) -> None:
    """Let a run write below a prefix of a bucket, and encrypt with its key (uploads in parts decrypt, too)."""
    accesses = permissions.write_objects(bucket.bucket_arn, prefix)
    _grant(role, bucket, accesses, ["kms:Decrypt", "kms:GenerateDataKey"])


def grant_pull(role: iam.IRole, repository: "ecr.IRepository") -> None:
    """Let a run pull the images of a repository.

    Not ``repository.grant_pull``: HealthOmics logs in to ECR itself, so the role needs no token, which has no resource.
    """
    iam.Grant.add_to_principal(
        grantee=role, actions=list(permissions.PULL_IMAGES), resource_arns=[repository.repository_arn]
    )


def _grant(
    role: iam.IRole,
    bucket: s3.IBucket,
    accesses: Iterable[permissions.BucketAccess],
    key_actions: list[str],
) -> None:
    for access in accesses:
        access.grant(role, bucket)
        if isinstance(role, RunRole):
            acknowledge_wildcards(role, access.resources, _OBJECTS_REASON)
    if bucket.encryption_key is not None:
        bucket.encryption_key.grant(role, *key_actions)


def bucket_guards(bucket: s3.IBucket) -> "Iterator[IDependable]":
    """What must outlive a run that uses the bucket: the bucket's policy, and what empties the bucket.

    Otherwise a run that is being cancelled could still write into a bucket that was emptied for its deletion.
    """
    if bucket.policy is not None:
        yield bucket.policy
    emptier = bucket.node.try_find_child(_AUTO_DELETE_ID)
    if emptier is not None:
        yield emptier
