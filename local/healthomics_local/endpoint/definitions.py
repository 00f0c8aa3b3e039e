"""Workflow definitions: zip archives from somebody else, so read with care."""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, S3Uri

if TYPE_CHECKING:
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Definition

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_FILES = 10_000


class DefinitionError(Exception):
    """A definition cannot be used; the text is fit for a workflow's statusMessage."""


def read_archive(definition: Definition, store: ObjectStore) -> bytes:
    """The bytes of a definition's archive, fetched if it lies in S3.

    Raises:
        DefinitionError: There is none.
    """
    if definition.archive is not None:
        return definition.archive
    if definition.uri is None:
        raise DefinitionError("the workflow has no definition")
    with tempfile.TemporaryDirectory(prefix="healthomics-") as folder:
        target = Path(folder) / "definition.zip"
        try:
            store.download(S3Uri.parse(definition.uri), target)
            return target.read_bytes()
        except ObjectNotFoundError as error:
            raise DefinitionError(f"there is no object {definition.uri}") from error
        except (ObjectStoreError, ValueError, OSError) as error:
            raise DefinitionError(f"{definition.uri} cannot be read: {error}") from error


def file_names(archive: bytes) -> frozenset[str]:
    """The names of the files in an archive.

    Raises:
        DefinitionError: It is no zip archive.
    """
    with _opened(archive) as opened:
        return frozenset(info.filename for info in opened.infolist() if not info.is_dir())


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of an archive below an existing, empty folder.

    Raises:
        DefinitionError: It is no zip archive, it is too large, or a name leads out of the folder.
    """
    with _opened(archive) as opened:
        entries = opened.infolist()
        if len(entries) > MAX_FILES:
            raise DefinitionError(f"the definition has more than {MAX_FILES} files")
        left = MAX_UNPACKED_BYTES
        for entry in entries:
            path = PurePosixPath(entry.filename)
            if path.is_absolute() or ".." in path.parts or stat.S_ISLNK(entry.external_attr >> 16):
                raise DefinitionError(f"the definition has an unsafe entry {entry.filename}")
            if entry.is_dir():
                continue
            target = folder.joinpath(*path.parts)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as source:
                    # The size in the archive's directory is a claim; what counts is what comes out.
                    content = source.read(left + 1)
                target.write_bytes(content)
            except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
                raise DefinitionError(f"{entry.filename} cannot be unpacked: {error}") from error
            left -= len(content)
            if left < 0:
                raise DefinitionError(f"the definition is larger than {MAX_UNPACKED_BYTES} bytes")
            # Scripts in a definition may be meant to be executed.
            if entry.external_attr >> 16 & stat.S_IXUSR:
                target.chmod(0o700)


def _opened(archive: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(archive))
    except (zipfile.BadZipFile, ValueError) as error:
        raise DefinitionError("the definition is not a zip archive") from error
