"""S3 URIs as policies name them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk

from cdk_healthomics.tokens import begins_with_token, literal_text

_S3: Final = "s3://"
_BUCKET: Final = re.compile(r"[a-z0-9.-]*")
_NOT_LITERAL: Final = re.compile(r"[*?\[{$]")
"""Begins a glob, which Nextflow allows in inputs, a policy variable or a token."""
_KEYS_LIMIT: Final = 10


@dataclass(frozen=True, order=True, slots=True)
class S3Location:
    """A bucket, and a key or the beginning of keys in it."""

    bucket: str
    """The bucket's name; may be a token."""

    key: str = ""
    """A key or prefix, without a slash before it; empty for the whole bucket."""

    @staticmethod
    def from_uri(uri: str) -> "S3Location | None":
        """The location that an S3 URI names; None if it names none that synth can know.

        A token in the bucket's place is fine, as ``s3_url_for_object`` makes it; the key ends before a glob or a token.
        """
        if not uri.startswith(_S3):
            return None
        bucket, _, key = uri.removeprefix(_S3).partition("/")
        if not bucket or not _BUCKET.fullmatch(literal_text(bucket)):
            return None
        return S3Location(bucket, _NOT_LITERAL.split(key, maxsplit=1)[0])

    @staticmethod
    def of_output(uri: str) -> "S3Location | None":
        """The location of an output URI; if only the deployment knows the URI, the whole of its bucket."""
        if begins_with_token(uri):
            return S3Location(cdk.Fn.select(2, cdk.Fn.split("/", uri)))
        return S3Location.from_uri(uri)

    def bucket_arn(self, stack: cdk.Stack) -> str:
        """ARN of the bucket."""
        return f"arn:{stack.partition}:s3:::{self.bucket}"


def grouped_by_bucket(locations: Iterable[S3Location]) -> dict[str, list[str]]:
    """Bucket -> sorted beginnings of keys. Many keys of one bucket become the beginning that they share."""
    keys: dict[str, set[str]] = {}
    for location in locations:
        keys.setdefault(location.bucket, set()).add(location.key)
    return {bucket: _fewer(sorted(found)) for bucket, found in sorted(keys.items())}


def _fewer(keys: list[str]) -> list[str]:
    if len(keys) <= _KEYS_LIMIT:
        return keys
    first, last = keys[0], keys[-1]  # of sorted texts, these two differ the earliest
    pairs = enumerate(zip(first, last, strict=False))
    return [first[: next((at for at, (one, other) in pairs if one != other), min(len(first), len(last)))]]
