import contextlib
import io
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from healthomics_local.endpoint import definitions
from healthomics_local.endpoint.definitions import DefinitionError, file_names, main_file, read_archive, unpack
from healthomics_local.endpoint.objects import MemoryObjectStore
from healthomics_local.endpoint.records import Definition


def archive(entries: dict[str, str], *, mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            opened.writestr(info, content)
    return buffer.getvalue()


def test_files_and_folders_are_unpacked(tmp_path: Path) -> None:
    content = archive({"main.cwl": "a", "tools/": "", "tools/t.cwl": "b"})

    unpack(content, tmp_path)

    assert file_names(content) == {"main.cwl", "tools/t.cwl"}
    assert (tmp_path / "tools" / "t.cwl").read_text() == "b"


def test_an_executable_file_stays_executable(tmp_path: Path) -> None:
    unpack(archive({"run.sh": "#!/bin/sh"}, mode=stat.S_IFREG | 0o755), tmp_path)

    assert (tmp_path / "run.sh").stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/out"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()

    with pytest.raises(DefinitionError, match="unsafe entry"):
        unpack(archive({name: "x"}), folder)
    assert list(tmp_path.rglob("out")) == []


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="unsafe entry"):
        unpack(archive({"link": "/etc"}, mode=stat.S_IFLNK | 0o777), tmp_path)


def test_an_archive_that_grows_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "MAX_UNPACKED_BYTES", 1000)

    with pytest.raises(DefinitionError, match="larger than 1000 bytes"):
        unpack(archive({"a": "x" * 600, "b": "x" * 600}), tmp_path)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "MAX_FILES", 2)

    with pytest.raises(DefinitionError, match="more than 2 files"):
        unpack(archive({"a": "", "b": "", "c": ""}), tmp_path)


def test_a_file_and_a_folder_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="cannot be unpacked"):
        unpack(archive({"a": "file", "a/b": "below"}), tmp_path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(archive({"a": "x" * 1000}))
    content[35:40] = b"\0" * 5

    with pytest.raises(DefinitionError, match="cannot be unpacked"):
        unpack(bytes(content), tmp_path)
    with pytest.raises(DefinitionError, match="not a zip archive"):
        unpack(b"", tmp_path)


def test_an_archive_is_fetched_from_s3() -> None:
    store = MemoryObjectStore()
    store.put("s3://b/w.zip", b"PK")

    assert read_archive(Definition(uri="s3://b/w.zip"), store) == b"PK"
    assert read_archive(Definition(archive=b"own"), store) == b"own"
    with pytest.raises(DefinitionError, match=r"no object s3://b/none\.zip"):
        read_archive(Definition(uri="s3://b/none.zip"), store)
    with pytest.raises(DefinitionError, match="cannot be read"):
        read_archive(Definition(uri="https://example.com/w.zip"), store)
    with pytest.raises(DefinitionError, match="no definition"):
        read_archive(Definition(), store)


METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def packed(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        opened.writestr("main.cwl", "class: CommandLineTool\n" * 20)
        opened.writestr("a/b.txt", "x" * 200)
    return buffer.getvalue()


def use(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(DefinitionError):
        main_file(content, None, extension=".cwl")
        unpack(content, Path(folder))


@settings(max_examples=500, derandomize=True, deadline=None)
@given(
    method=st.sampled_from(METHODS),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.tuples(st.integers(0, 10_000), st.integers(0, 40)),
)
def test_whatever_is_wrong_with_an_archive_is_one_error(
    method: int, changes: list[tuple[int, int]], cut: tuple[int, int]
) -> None:
    content = bytearray(packed(method))
    for position, value in changes:
        content[position % len(content)] = value
    begin = cut[0] % len(content)
    del content[begin : begin + cut[1]]

    use(bytes(content))


@pytest.mark.parametrize("method", METHODS)
def test_every_byte_of_an_archive_may_be_wrong(method: int) -> None:
    good = packed(method)

    for position in range(len(good)):
        for value in (0x00, 0xFF, good[position] ^ 0x01):
            use(good[:position] + bytes([value]) + good[position + 1 :])
