"""What HealthOmics may do with the roles of runs: assume them, write logs, read and write objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.authorization.authorizer import Permission, RoleSession
from healthomics_local.endpoint.objects import ObjectStoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from healthomics_local.endpoint.authorization.authorizer import Authorizer
    from healthomics_local.endpoint.ids import ArnFormat
    from healthomics_local.endpoint.objects import ObjectStore, ObjectSummary, S3Uri
    from healthomics_local.endpoint.records import Run


class RunAccess:
    """Asks an authorizer on behalf of runs and run batches. Never call it with a lock held."""

    def __init__(self, authorizer: Authorizer, *, arns: ArnFormat, objects: ObjectStore) -> None:
        self._authorizer = authorizer
        self._arns = arns
        self._objects = objects

    def role_problem(self, run: Run) -> str | None:
        """Why the role of a run cannot be assumed; None: it can be."""
        context = {"aws:SourceAccount": self._arns.account_id, "aws:SourceArn": run.arn}
        return self._authorizer.trust_problem(run.request["roleArn"], context)

    def log_problem(self, run: Run) -> str | None:
        """Why the logs of a run cannot be written; None: they can be."""
        stream = self._arns.log_stream(f"run/{run.run_id}")
        group = stream.partition(":log-stream:")[0]
        needed = [Permission(action="logs:CreateLogGroup", resource=f"{group}:*")]
        needed += [
            Permission(action=f"logs:{name}", resource=stream)
            for name in ("DescribeLogStreams", "CreateLogStream", "PutLogEvents")
        ]
        denial = self._authorizer.role_denial(_session(run), needed)
        return denial.message if denial is not None else None

    def objects(self, run: Run) -> ObjectStore:
        """The objects, as the role of a run sees them."""
        return _RoleObjectStore(self._authorizer, _session(run), self._objects, partition=self._arns.partition)

    def batch_settings(self, role_arn: str) -> ObjectStore:
        """The objects, as the role of a run batch sees them when the settings of the runs are read.

        A session policy is for the runs. What trust the role needs for it is not documented, and each run is checked.
        """
        session = RoleSession(role_arn=role_arn, session_name="runBatch")
        return _RoleObjectStore(self._authorizer, session, self._objects, partition=self._arns.partition)


class _RoleObjectStore:
    """The objects that a session of a role may read and write; each method as in ObjectStore."""

    def __init__(self, authorizer: Authorizer, session: RoleSession, store: ObjectStore, *, partition: str) -> None:
        self._authorizer = authorizer
        self._session = session
        self._store = store
        self._partition = partition

    def download(self, source: S3Uri, target: Path) -> None:
        """Needs s3:GetObject."""
        self._require(source, "GetObject")
        self._store.download(source, target)

    def upload(self, source: Path, target: S3Uri) -> None:
        """Needs s3:PutObject."""
        self._require(target, "PutObject")
        self._store.upload(source, target)

    def keys(self, prefix: S3Uri) -> Iterable[S3Uri]:
        """Needs s3:ListBucket."""
        self._require(prefix)
        return self._store.keys(prefix)

    def describe(self, uri: S3Uri) -> ObjectSummary:
        """Needs s3:GetObject."""
        self._require(uri, "GetObject")
        return self._store.describe(uri)

    def bucket_region(self, bucket: str) -> str | None:
        """Needs nothing: S3 tells everybody where a bucket is."""
        return self._store.bucket_region(bucket)

    def _require(self, uri: S3Uri, *actions: str) -> None:
        bucket = f"arn:{self._partition}:s3:::{uri.bucket}"
        needed = [Permission(action=f"s3:{action}", resource=f"{bucket}/{uri.key}") for action in actions]
        # The developer guide wants it on every bucket that a run reads or writes.
        needed.append(Permission(action="s3:ListBucket", resource=bucket, context={"s3:prefix": uri.key}))
        denial = self._authorizer.role_denial(self._session, needed)
        if denial is not None:
            raise ObjectStoreError(f"S3 access denied for {uri}: {denial.message}")


def _session(run: Run) -> RoleSession:
    return RoleSession(
        role_arn=run.request["roleArn"],
        session_name=f"run-{run.run_id}",
        session_policy=run.request.get("sessionPolicy"),
    )
