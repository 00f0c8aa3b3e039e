"""Workflow definitions: zip archives from somebody else, so read with care."""

from __future__ import annotations

import io
import lzma
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, S3Uri, read_object

if TYPE_CHECKING:
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Definition

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_FILES = 10_000

# What zipfile, its decompressors and the file system raise for archives that are damaged, encrypted, or packed with a
# method unknown here. zipfile documents only the first of them.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)


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
    try:
        return read_object(store, S3Uri.parse(definition.uri))
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
        return frozenset(info.filename for info in opened.infolist() if not _is_folder(info))


def main_file(archive: bytes, wanted: str | None, *, extension: str) -> str:
    """The document to run: the one that was named, ``main`` with the extension, or the only one there is.

    Raises:
        DefinitionError: It is not there, or there are several.
    """
    names = file_names(archive)
    if wanted is not None:
        if wanted not in names:
            raise DefinitionError(f"the definition has no file {wanted}")
        return wanted
    usual = f"main{extension}"
    candidates = sorted(name for name in names if name.endswith(extension))
    if usual in candidates:
        return usual
    if len(candidates) != 1:
        raise DefinitionError(f"main must name the main definition file: there is no {usual}")
    return candidates[0]


def file_content(archive: bytes, name: str) -> bytes:
    """The content of one file.

    Raises:
        DefinitionError: It is not there, or cannot be read.
    """
    with _opened(archive) as opened:
        if name not in opened.namelist():
            raise DefinitionError(f"the definition has no file {name}")
        try:
            content = _content(opened, opened.getinfo(name), limit=MAX_UNPACKED_BYTES)
        except _UNREADABLE as error:
            raise DefinitionError(f"{name} cannot be unpacked: {error}") from error
    if len(content) > MAX_UNPACKED_BYTES:
        raise DefinitionError(f"the definition is larger than {MAX_UNPACKED_BYTES} bytes")
    return content


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
            if _is_folder(entry):
                continue
            target = folder.joinpath(*path.parts)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                # The size in the archive's directory is a claim; what counts is what comes out.
                content = _content(opened, entry, limit=left)
                target.write_bytes(content)
            except _UNREADABLE as error:
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
    except _UNREADABLE as error:
        raise DefinitionError("the definition is not a zip archive") from error


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    # ZipInfo.is_dir fails for an entry without a name.
    return entry.filename.endswith("/")


def _content(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, *, limit: int) -> bytes:
    """The content of an entry; one byte more than the limit of one that is larger."""
    with opened.open(entry) as source:
        return source.read(limit + 1)
