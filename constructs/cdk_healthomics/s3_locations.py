"""S3 URIs as policies name them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import Final

import aws_cdk as cdk

from cdk_healthomics.tokens import begins_with_token, is_string_token, literal_text, split_at_tokens

_S3: Final = "s3://"
_BUCKET: Final = re.compile(r"[a-z0-9.-]*")
_NOT_LITERAL: Final = re.compile(r"[*?\[{$]")
"""Begins a glob, which Nextflow allows in inputs, a policy variable or a token."""
_META: Final = re.compile(r"[*?$]")
"""What a policy would not take literally."""
_BETWEEN_URIS: Final = re.compile(r"[\s,;|\"'()\[\]{}<>]")
_KEYS_LIMIT: Final = 10
_FOLDERS_LIMIT: Final = 50


@dataclass(frozen=True, order=True, slots=True)
class S3Location:
    """A bucket, and the beginning of keys in it."""

    bucket: str
    """The bucket's name; may be a token."""

    key: str = ""
    """What the keys begin with, as a policy says it, without a slash before it; empty for the whole bucket."""

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
    def all_in(text: str) -> "Iterator[S3Location]":
        """The locations of all S3 URIs in a text.

        A text that is one URI is taken as a whole, as keys may have spaces and commas. Otherwise, as in a list with
        commas, a URI ends before the first character that may stand between two.
        """
        starts = [found.start() for found in re.finditer(re.escape(_S3), text)]
        if starts == [0]:
            uris = [text]
        else:
            ends = [*starts[1:], len(text)]
            # A token is a mark with brackets of its own, which end no URI.
            uris = [_until_separator(text[start:end]) for start, end in zip(starts, ends, strict=False)]
        for uri in uris:
            if (location := S3Location.from_uri(uri)) is not None:
                yield location

    @staticmethod
    def of_output(uri: str) -> "S3Location | None":
        """What is below an output URI; if only the deployment knows where the URI begins, the whole of its bucket.

        The URI is no glob, so that its key is taken as it is written, with the tokens in it.
        """
        if begins_with_token(uri):
            return S3Location(cdk.Fn.select(2, cdk.Fn.split("/", uri)))
        location = S3Location.from_uri(uri)
        if location is None:
            return None
        return S3Location(location.bucket, folder(uri.removeprefix(_S3).partition("/")[2]))

    def bucket_arn(self, stack: cdk.Stack) -> str:
        """ARN of the bucket."""
        return f"arn:{stack.partition}:s3:::{self.bucket}"


def folder(prefix: str) -> str:
    """What all keys below a prefix begin with, as a policy says it."""
    prefix = prefix.rstrip("/")
    return f"{escaped(prefix)}/" if prefix else ""


def escaped(text: str) -> str:
    """A text as a policy takes it literally; tokens stay."""
    return "".join(
        part if is_string_token(part) else _META.sub(lambda found: f"${{{found[0]}}}", part)
        for part in split_at_tokens(text)
    )


def grouped_by_bucket(locations: Iterable[S3Location]) -> dict[str, list[str]]:
    """Bucket -> sorted beginnings of keys, none of which is the beginning of another.

    Many keys of one bucket become what those of one folder share; folders beyond reason become the ones that these are
    in.
    """
    keys: dict[str, set[str]] = {}
    for location in locations:
        keys.setdefault(location.bucket, set()).add(location.key)
    return {bucket: _fewer(found) for bucket, found in sorted(keys.items())}


def fitting(key: str, others: Sequence[str]) -> str | None:
    """What to allow beside others, so that ``key`` is allowed; None if it is with them.

    IAM limits what a role can have. So when there are many others already, it is what those of the same folder share
    with the key.

    Args:
        key: Beginning of keys in a bucket.
        others: Beginnings that are allowed.
    """
    if any(key.startswith(other) for other in others):
        return None
    if len(others) < _FOLDERS_LIMIT or "$" in key:
        return key
    siblings = [other for other in others if "$" not in other and _parent(other) == _parent(key)]
    return commonprefix([key, *siblings]) or key  # noqa: RUF071 - of texts, not of paths


def _parent(key: str) -> str:
    return key.rstrip("/").rpartition("/")[0]


def _fewer(keys: Iterable[str]) -> list[str]:
    least = _without_covered(keys)
    if len(least) <= _KEYS_LIMIT:
        return least
    depth = max(key.count("/") for key in least)
    folders = _shared(least, depth)
    while len(folders) > _FOLDERS_LIMIT and depth > 0:
        depth -= 1
        folders = _shared(least, depth)
    return folders if len(folders) <= _FOLDERS_LIMIT else [""]


def _shared(keys: Iterable[str], depth: int) -> list[str]:
    """What the keys of each folder share, where a folder is so many levels deep at most.

    Keys of the bucket's root that share nothing stay; so do those with tokens and escapes, which cannot be cut.
    """
    found: set[str] = set()
    members: dict[str, list[str]] = {}
    for key in keys:
        if "$" in key:
            found.add(key)
        else:
            *parents, _ = key.split("/")
            members.setdefault("/".join(parents[:depth]), []).append(key)
    for each in members.values():
        shared = commonprefix(each)  # noqa: RUF071 - of texts, not of paths
        found.update([shared] if shared else each)
    return _without_covered(found)


def _without_covered(keys: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for key in sorted(set(keys)):  # so that what covers a key comes right before those that it covers
        if not kept or not key.startswith(kept[-1]):
            kept.append(key)
    return kept


def _until_separator(uri: str) -> str:
    taken = ""
    for part in split_at_tokens(uri):
        if not is_string_token(part):
            before, *after = _BETWEEN_URIS.split(part, maxsplit=1)
            if after:
                return taken + before
        taken += part
    return taken
