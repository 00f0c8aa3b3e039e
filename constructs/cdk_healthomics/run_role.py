"""The role that HealthOmics assumes for a run: definition and grants."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_healthomics import permissions
from cdk_healthomics.growing_statements import GrowingStatements
from cdk_healthomics.jsii_protocols import as_role
from cdk_healthomics.linters import acknowledge_inline_policy, acknowledge_wildcards
from cdk_healthomics.repository_policy import let_service_pull
from cdk_healthomics.s3_locations import S3Location, fitting, folder, grouped_by_bucket
from cdk_healthomics.tokens import is_string_token

if TYPE_CHECKING:
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_kms as kms
    from constructs import IDependable

_LOGS_REASON: Final = "HealthOmics names the log streams of a run after ids that exist only once it has started"
_OBJECTS_REASON: Final = "a run reads and writes objects below these prefixes; their keys are not known before it runs"

_READ_KEY: Final = ("kms:Decrypt",)
_WRITE_KEY: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""Uploads in parts decrypt, too."""

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
            _allowed(self).add(permissions.read_objects(arn, keys))

    def allow_write(self, location: S3Location) -> None:
        """Let the run write objects below the location."""
        arn = location.bucket_arn(cdk.Stack.of(self))
        _allowed(self).add(permissions.write_objects(arn, location.key))

    def allow_key(self, bucket: s3.IBucket, *, write: bool = False) -> None:
        """Let the run decrypt what is in the bucket, and encrypt if it writes there."""
        _allowed(self).use_key(bucket.encryption_key, _WRITE_KEY if write else _READ_KEY)


def grant_what_is_given(
    role: iam.IRole,
    *,
    output_bucket: s3.IBucket | None,
    output_prefix: str,
    input_buckets: "Iterable[s3.IBucket]",
    image_repositories: "Iterable[ecr.IRepository]",
    stack: cdk.Stack,
) -> None:
    """Let a run use the buckets and repositories that it is given as constructs, and the service its images."""
    if output_bucket is not None:
        grant_write(role, output_bucket, output_prefix)
    for bucket in input_buckets:
        grant_read(role, bucket)
    for repository in image_repositories:
        grant_pull(role, repository)
        let_service_pull(repository, stack)


def grant_read(role: iam.IRole, bucket: s3.IBucket) -> None:
    """Let a run read a bucket, and decrypt with its key."""
    _grant(role, bucket, permissions.read_objects(bucket.bucket_arn), _READ_KEY)


def grant_write(role: iam.IRole, bucket: s3.IBucket, prefix: str) -> None:
    """Let a run write below a prefix of a bucket, and encrypt with its key."""
    _grant(role, bucket, permissions.write_objects(bucket.bucket_arn, folder(prefix)), _WRITE_KEY)


def grant_pull(role: iam.IRole, repository: "ecr.IRepository") -> None:
    """Let a run pull the images of a repository.

    Not ``repository.grant_pull``: HealthOmics logs in to ECR itself, so the role needs no token, which has no resource.
    """
    _allowed(role).add([permissions.Access(permissions.PULL_IMAGES, [repository.repository_arn])])


def _grant(
    role: iam.IRole, bucket: s3.IBucket, accesses: Sequence[permissions.Access], key_actions: tuple[str, ...]
) -> None:
    allowed = _allowed(role)
    if _is_foreign(bucket, role):
        for access in accesses:
            access.grant_on(bucket, role)
            allowed.acknowledge(access)
    else:
        allowed.add(accesses)
    allowed.use_key(bucket.encryption_key, key_actions)


def _is_foreign(bucket: s3.IBucket, role: iam.IRole) -> bool:
    """Whether the bucket may belong to another account than the role, so that its own policy has a say."""
    own, others = role.grant_principal.principal_account, bucket.env.account
    # As the CDK has it, accounts that only the deployment knows are the same.
    return own != others and not (is_string_token(own) and is_string_token(others))


class _Allowed:
    """What the library has allowed to a role: nothing twice, however many runs share the role."""

    def __init__(self, role: iam.IRole) -> None:
        self._role = role
        self._reason = _OBJECTS_REASON if isinstance(role, RunRole) else None
        self._statements: dict[tuple[str, ...], GrowingStatements] = {}
        self._beginnings: dict[tuple[tuple[str, ...], str], list[str]] = {}
        self._keys: set[tuple[kms.IKey, tuple[str, ...]]] = set()

    def add(self, accesses: Iterable[permissions.Access]) -> None:
        for access in accesses:
            actions = tuple(access.actions)
            if actions not in self._statements:
                new_statement = partial(iam.PolicyStatement, actions=list(actions))
                self._statements[actions] = GrowingStatements(self._role, new_statement, reason=self._reason)
            arns = [self._fewer(actions, arn) for arn in access.resources]
            self._statements[actions].add(arn for arn in arns if arn is not None)

    def _fewer(self, actions: tuple[str, ...], arn: str) -> str | None:
        """The ARN, or another one that allows it and more; None if it is allowed already."""
        bucket, _, key = arn.partition("/")
        if not key.endswith("*"):
            return arn
        seen = self._beginnings.setdefault((actions, bucket), [])
        beginning = fitting(key.removesuffix("*"), seen)
        if beginning is None:
            return None
        seen.append(beginning)
        return f"{bucket}/{beginning}*"

    def acknowledge(self, access: permissions.Access) -> None:
        if self._reason is not None:
            acknowledge_wildcards(self._role, access.resources, self._reason)

    def use_key(self, key: "kms.IKey | None", actions: tuple[str, ...]) -> None:
        if key is not None and (key, actions) not in self._keys:
            self._keys.add((key, actions))
            key.grant(self._role, *actions)


def _allowed(role: iam.IRole | iam.Role) -> _Allowed:
    role = as_role(role)
    if role not in _ALLOWED:
        _ALLOWED[role] = _Allowed(role)
    return _ALLOWED[role]


_ALLOWED: Final[WeakKeyDictionary[iam.IRole, _Allowed]] = WeakKeyDictionary()


def bucket_guards(bucket: s3.IBucket) -> "Iterator[IDependable]":
    """What must outlive a run that uses the bucket: the bucket's policy, and what empties the bucket.

    Otherwise a run that is being cancelled could still write into a bucket that was emptied for its deletion.
    """
    if bucket.policy is not None:
        yield bucket.policy
    emptier = bucket.node.try_find_child(_AUTO_DELETE_ID)
    if emptier is not None:
        yield emptier
