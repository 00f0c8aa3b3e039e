"""Reads what a run wrote: its files, and the values in its small JSON results."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from healthomics_local.json_types import is_array, is_object

SMALL_BYTES: Final = 16 * 1024
MOST_VALUES: Final = 12
"""Per file; a result with more is a file to read, not a table."""
MOST_CHARACTERS: Final = 80
RESULT_FOLDER: Final = "out/"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputFile:
    """One object under a run's output URI."""

    name: str
    """Relative to the output URI."""
    uri: str
    size_bytes: int
    values: Mapping[str, str]
    """The scalars of a small JSON result, by their dotted path; empty for everything else."""


def output_files(s3: Any, output_uri: str) -> list[OutputFile]:
    """List the files of a run, results before logs; none if the bucket is not there (a simulated run needs none)."""
    parts = urlsplit(output_uri)
    prefix = parts.path.strip("/") + "/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=prefix)
    try:
        listed = [item for page in pages for item in page.get("Contents", [])]
    except s3.exceptions.NoSuchBucket:
        return []
    files = [_read(s3, parts.netloc, prefix, item["Key"], item["Size"]) for item in listed]
    return sorted(files, key=lambda file: (not file.name.startswith(RESULT_FOLDER), file.name))


def scalars(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the scalars inside a JSON value with their dotted paths. Pure."""
    if is_object(value):
        for key, item in value.items():
            yield from scalars(item, f"{path}.{key}" if path else key)
    elif is_array(value):
        for index, item in enumerate(value):
            yield from scalars(item, f"{path}[{index}]")
    else:
        yield path or "value", value if isinstance(value, str) else json.dumps(value)


def readable_size(size_bytes: int) -> str:
    """Write a size for people. Pure."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":  # noqa: PLR2004 - the step between units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def _read(s3: Any, bucket: str, prefix: str, key: str, size_bytes: int) -> OutputFile:
    name = key.removeprefix(prefix)
    values: dict[str, str] = {}
    if name.startswith(RESULT_FOLDER) and name.endswith(".json") and size_bytes <= SMALL_BYTES:
        values = _values(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return OutputFile(name=name, uri=f"s3://{bucket}/{key}", size_bytes=size_bytes, values=values)


def _values(body: bytes) -> dict[str, str]:
    try:
        found = dict(scalars(json.loads(body)))
    except ValueError:
        return {}
    shown = {path: text for path, text in found.items() if len(text) <= MOST_CHARACTERS}
    return shown if len(shown) <= MOST_VALUES else {}
