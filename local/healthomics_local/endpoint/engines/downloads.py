"""Inputs of a run that lie in S3 become local files."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, S3Uri

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthomics_local.endpoint.objects import ObjectStore


class ImportFailedError(Exception):
    """An input cannot be had; `reason` is one of the service's failure reasons."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Downloads:
    """Fetches the files of one run.

    Args:
        store: Where they come from.
        folder: Where they go.
        checkpoint: Called before each file; what it raises ends the import.
    """

    def __init__(self, *, store: ObjectStore, folder: Path, checkpoint: Callable[[], None]) -> None:
        self._store = store
        self._folder = folder
        self._checkpoint = checkpoint
        self._numbers = itertools.count(1)

    def new_folder(self) -> Path:
        """A folder for one input: each has its own, so that equal names do not collide."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir(parents=True)
        return folder

    def file(self, uri: S3Uri, folder: Path) -> Path:
        """Fetch one object.

        Raises:
            ImportFailedError: It is missing, or cannot be read.
        """
        self._checkpoint()
        target = folder / basename(uri)
        try:
            self._store.download(uri, target)
        except ObjectNotFoundError as error:
            raise ImportFailedError("INPUT_URI_NOT_FOUND", f"Input URI not found: {uri}") from error
        # A key may also be longer, or have other characters, than a path can.
        except (ObjectStoreError, OSError, ValueError) as error:
            raise ImportFailedError("IMPORT_FAILED", f"Input cannot be read: {error}") from error
        return target

    def directory(self, uri: S3Uri, folder: Path) -> Path:
        """Fetch everything below an address.

        Raises:
            ImportFailedError: There is nothing, or something cannot be read.
        """
        prefix = S3Uri(uri.bucket, uri.key.rstrip("/") + "/")
        target = folder / (basename(prefix) or uri.bucket)
        target.mkdir()
        try:
            objects = list(self._store.keys(prefix))
        except ObjectStoreError as error:
            raise ImportFailedError("IMPORT_FAILED", f"Input cannot be read: {error}") from error
        for each in objects:
            parts = each.key.removeprefix(prefix.key).split("/")
            # A key may hold what a path must not: empty parts are S3's own folder markers.
            if any(part in {"", ".", ".."} for part in parts):
                continue
            below = target.joinpath(*parts[:-1])
            below.mkdir(parents=True, exist_ok=True)
            self.file(each, below)
        if not objects:
            raise ImportFailedError("INPUT_URI_NOT_FOUND", f"Input URI not found: {uri}")
        return target


def input_uri(text: str, name: str) -> S3Uri:
    """The address of an input that is a file.

    Raises:
        ImportFailedError: It is no address in S3. A file of this machine would work here, and nowhere else.
    """
    try:
        uri = S3Uri.parse(text)
    except ValueError:
        uri = None
    if uri is None or basename(uri) in {".", ".."}:
        raise ImportFailedError("INVALID_URI_INPUT", f"Input {name} must be an S3 URI, got {text}")
    return uri


def basename(uri: S3Uri) -> str:
    """The last part of an address."""
    return uri.key.rstrip("/").rpartition("/")[2]
