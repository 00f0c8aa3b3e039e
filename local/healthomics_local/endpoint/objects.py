"""Where engines read inputs and write outputs: a small port to S3, and a store in memory behind the same port."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOT_FOUND = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


class ObjectStoreError(Exception):
    """An object could not be read or written."""


class ObjectNotFoundError(ObjectStoreError):
    """The object, or its bucket, does not exist."""


@dataclass(frozen=True, slots=True)
class S3Uri:
    """An S3 address; the key may be empty."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Read ``s3://bucket/key``.

        Raises:
            ValueError: The text is no such address.
        """
        bucket, _, key = text.removeprefix("s3://").partition("/")
        if not text.startswith("s3://") or not bucket:
            raise ValueError(f"an S3 URI looks like s3://bucket/key, got {text!r}")
        return cls(bucket, key)

    def __truediv__(self, name: str) -> S3Uri:
        """The address below this one."""
        return S3Uri(self.bucket, f"{self.key.rstrip('/')}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectSummary:
    """What S3 knows of an object without its content."""

    etag: str
    """With its quotation marks, as S3 gives it; another content has another one."""
    size: int


class ObjectStore(Protocol):
    """What an engine needs of S3; every method raises ObjectStoreError when it cannot."""

    def download(self, source: S3Uri, target: Path) -> None:
        """Copy an object into a new file."""
        ...

    def upload(self, source: Path, target: S3Uri) -> None:
        """Copy a file into an object."""
        ...

    def keys(self, prefix: S3Uri) -> Iterable[S3Uri]:
        """The objects whose keys begin with the prefix's key."""
        ...

    def describe(self, uri: S3Uri) -> ObjectSummary:
        """What S3 knows of an object without its content."""
        ...

    def bucket_region(self, bucket: str) -> str | None:
        """The Region of a bucket; None: not known."""
        ...


class MemoryObjectStore:
    """Objects in a dictionary; buckets need not be created."""

    def __init__(self) -> None:
        self._objects: dict[S3Uri, bytes] = {}
        self._lock = threading.Lock()

    def put(self, uri: str, content: bytes | str) -> None:
        """Store an object."""
        with self._lock:
            self._objects[S3Uri.parse(uri)] = content.encode() if isinstance(content, str) else content

    def get(self, uri: str) -> bytes:
        """The content of an object.

        Raises:
            ObjectNotFoundError: There is no such object.
        """
        with self._lock:
            try:
                return self._objects[S3Uri.parse(uri)]
            except KeyError:
                raise ObjectNotFoundError(uri) from None

    def uris(self, prefix: str) -> list[str]:
        """The addresses of all objects below a prefix, sorted."""
        return sorted(map(str, self.keys(S3Uri.parse(prefix))))

    def download(self, source: S3Uri, target: Path) -> None:
        """Copy an object into a new file."""
        target.write_bytes(self.get(str(source)))

    def upload(self, source: Path, target: S3Uri) -> None:
        """Copy a file into an object."""
        self.put(str(target), source.read_bytes())

    def keys(self, prefix: S3Uri) -> Iterable[S3Uri]:
        """The objects whose keys begin with the prefix's key."""
        with self._lock:
            return [u for u in self._objects if u.bucket == prefix.bucket and u.key.startswith(prefix.key)]

    def describe(self, uri: S3Uri) -> ObjectSummary:
        """What S3 knows of an object without its content."""
        content = self.get(str(uri))
        return ObjectSummary(etag=f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"', size=len(content))

    def bucket_region(self, bucket: str) -> str | None:
        """Not known."""
        return None


class S3ObjectStore:
    """S3 of a local AWS, through boto3."""

    def __init__(self, *, endpoint_url: str, region: str) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._lock = threading.Lock()
        self._client: Any = None

    def download(self, source: S3Uri, target: Path) -> None:
        """Copy an object into a new file."""
        try:
            response = self._s3().get_object(Bucket=source.bucket, Key=source.key)
            with contextlib.closing(response["Body"]) as body, target.open("wb") as file:
                shutil.copyfileobj(body, file, 1024 * 1024)
        except (BotoCoreError, ClientError, OSError) as error:
            raise _store_error(source, error) from error

    def upload(self, source: Path, target: S3Uri) -> None:
        """Copy a file into an object."""
        try:
            with source.open("rb") as body:
                self._s3().put_object(Bucket=target.bucket, Key=target.key, Body=body)
        except (BotoCoreError, ClientError, OSError) as error:
            raise _store_error(target, error) from error

    def keys(self, prefix: S3Uri) -> Iterable[S3Uri]:
        """The objects whose keys begin with the prefix's key."""
        try:
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
            return [S3Uri(prefix.bucket, item["Key"]) for page in pages for item in page.get("Contents", ())]
        except (BotoCoreError, ClientError) as error:
            raise _store_error(prefix, error) from error

    def describe(self, uri: S3Uri) -> ObjectSummary:
        """What S3 knows of an object without its content."""
        try:
            head = self._s3().head_object(Bucket=uri.bucket, Key=uri.key)
        except (BotoCoreError, ClientError) as error:
            raise _store_error(uri, error) from error
        return ObjectSummary(etag=str(head["ETag"]), size=int(head["ContentLength"]))

    def bucket_region(self, bucket: str) -> str | None:
        """The Region of a bucket."""
        try:
            return str(self._s3().head_bucket(Bucket=bucket)["BucketRegion"])
        except (BotoCoreError, ClientError) as error:
            raise _store_error(S3Uri(bucket, ""), error) from error

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()

    def _s3(self) -> Any:
        # Made on first use: the local AWS may start after the endpoint, and a client costs a tenth of a second.
        from healthomics_local.endpoint.clients import aws_client  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                self._client = aws_client("s3", self._endpoint_url, region=self._region)
            return self._client


def read_object(store: ObjectStore, uri: S3Uri) -> bytes:
    """The content of an object, whatever keeps it.

    Raises:
        ObjectStoreError: It cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="healthomics-") as folder:
        target = Path(folder) / "object"
        store.download(uri, target)
        return target.read_bytes()


def _store_error(uri: S3Uri, error: Exception) -> ObjectStoreError:
    if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _NOT_FOUND:
        return ObjectNotFoundError(f"{uri}: no such bucket or object")
    return ObjectStoreError(f"{uri}: {error}")
