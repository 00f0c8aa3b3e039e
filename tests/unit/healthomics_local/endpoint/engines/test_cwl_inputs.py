from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from healthomics_local.endpoint.engines.cwl_inputs import InputImport
from healthomics_local.endpoint.engines.cwl_interface import CwlInput, CwlInterface, SecondaryFile
from healthomics_local.endpoint.engines.downloads import ImportFailedError
from healthomics_local.endpoint.objects import MemoryObjectStore, ObjectStoreError, S3Uri


def declared(**types: Any) -> CwlInterface:
    return CwlInterface(
        inputs={
            name: each if isinstance(each, CwlInput) else CwlInput(name=name, type=each) for name, each in types.items()
        }
    )


@pytest.fixture
def store() -> MemoryObjectStore:
    store = MemoryObjectStore()
    for key in ("a.bam", "a.bam.bai", "b.bam", "other/a.bam", "dir/x.txt", "dir/sub/y.txt", "dir/"):
        store.put(f"s3://in/{key}", f"content of {key}")
    return store


@pytest.fixture
def importer(store: MemoryObjectStore, tmp_path: Path) -> InputImport:
    return InputImport(store=store, folder=tmp_path / "inputs", checkpoint=lambda: None)


def path_of(value: dict[str, Any]) -> Path:
    return Path(unquote(urlsplit(value["location"]).path))


def test_a_file_in_s3_becomes_a_local_one_of_the_same_name(importer: InputImport) -> None:
    localized = importer.localized({"f": "s3://in/a.bam"}, declared(f="File"))["f"]

    assert localized["class"] == "File"
    assert path_of(localized).name == "a.bam"
    assert path_of(localized).read_text() == "content of a.bam"


def test_values_that_are_no_files_keep_their_types(importer: InputImport) -> None:
    parameters = {"n": 1, "x": 1.5, "flag": True, "none": None, "text": "s3://in/a.bam", "list": ["a", 2]}
    interface = declared(
        n="int",
        x="double",
        flag="boolean",
        none=["null", "File"],
        text="string",
        list={"type": "array", "items": ["string", "int"]},
    )

    assert importer.localized(parameters, interface) == parameters


def test_files_are_found_in_lists_records_and_unions(importer: InputImport) -> None:
    record = {"type": "record", "fields": [{"name": "#main/r/bam", "type": "File"}, {"name": "n", "type": "int"}]}
    interface = declared(files={"type": "array", "items": "File"}, r=record, u=["null", "File", "string"])
    parameters = {
        "files": ["s3://in/a.bam", {"class": "File", "path": "s3://in/b.bam", "format": "bam"}],
        "r": {"bam": "s3://in/other/a.bam", "n": 3},
        "u": "plain text",
    }

    localized = importer.localized(parameters, interface)

    first, second = localized["files"]
    assert path_of(first).read_text() == "content of a.bam"
    assert (path_of(second).read_text(), second["format"]) == ("content of b.bam", "bam")
    assert path_of(localized["r"]["bam"]).read_text() == "content of other/a.bam"
    assert localized["r"]["n"] == 3
    assert localized["u"] == "plain text"


def test_declared_secondary_files_come_along(importer: InputImport) -> None:
    secondary = (SecondaryFile(pattern=".bai", required=True), SecondaryFile(pattern=".idx", required=False))
    interface = declared(f=CwlInput(name="f", type="File", secondary_files=secondary))

    localized = importer.localized({"f": "s3://in/a.bam"}, interface)["f"]

    (index,) = localized["secondaryFiles"]
    assert path_of(index).parent == path_of(localized).parent
    assert path_of(index).name == "a.bam.bai"


def test_a_missing_secondary_file_is_a_missing_input(importer: InputImport) -> None:
    secondary = (SecondaryFile(pattern=".bai", required=True),)
    interface = declared(f=CwlInput(name="f", type="File", secondary_files=secondary))

    with pytest.raises(ImportFailedError, match=r"s3://in/b\.bam\.bai") as failed:
        importer.localized({"f": "s3://in/b.bam"}, interface)
    assert failed.value.reason == "INPUT_URI_NOT_FOUND"


def test_secondary_files_that_are_given_win_over_declared_ones(importer: InputImport) -> None:
    secondary = (SecondaryFile(pattern=".missing", required=True),)
    value = {
        "class": "File",
        "location": "s3://in/a.bam",
        "secondaryFiles": [{"class": "File", "location": "s3://in/b.bam"}],
    }
    interface = declared(f=CwlInput(name="f", type="File", secondary_files=secondary))

    localized = importer.localized({"f": value}, interface)["f"]

    assert [path_of(each).name for each in localized["secondaryFiles"]] == ["b.bam"]


def test_a_directory_is_every_object_below_its_prefix(importer: InputImport) -> None:
    folder = path_of(importer.localized({"d": "s3://in/dir"}, declared(d="Directory"))["d"])

    assert folder.name == "dir"
    assert {str(each.relative_to(folder)) for each in folder.rglob("*.txt")} == {"x.txt", "sub/y.txt"}


def test_a_literal_stays_as_it_is(importer: InputImport) -> None:
    literal = {"class": "File", "basename": "a", "contents": "text"}

    assert importer.localized({"f": literal}, declared(f="File"))["f"] == literal


@pytest.mark.parametrize(
    ("value", "cwl_type", "reason"),
    [
        pytest.param("s3://in/none", "File", "INPUT_URI_NOT_FOUND", id="no object"),
        pytest.param("s3://in/none/", "Directory", "INPUT_URI_NOT_FOUND", id="empty prefix"),
        pytest.param("/etc/passwd", "File", "INVALID_URI_INPUT", id="local file"),
        pytest.param("file:///etc/passwd", "File", "INVALID_URI_INPUT", id="local URI"),
        pytest.param("s3://in/..", "File", "INVALID_URI_INPUT", id="parent folder"),
        pytest.param({"class": "File", "path": "/etc/passwd"}, "Any", "INVALID_URI_INPUT", id="local file object"),
    ],
)
def test_an_input_that_cannot_be_had_says_why(importer: InputImport, value: Any, cwl_type: str, reason: str) -> None:
    with pytest.raises(ImportFailedError) as failed:
        importer.localized({"f": value}, declared(f=cwl_type))

    assert failed.value.reason == reason


def test_a_key_that_leads_out_of_the_folder_is_left_out(
    importer: InputImport, store: MemoryObjectStore, tmp_path: Path
) -> None:
    store.put("s3://in/dir/../../escaped", "x")

    importer.localized({"d": "s3://in/dir/"}, declared(d="Directory"))

    assert list(tmp_path.rglob("escaped")) == []


class BrokenStore(MemoryObjectStore):
    def download(self, source: S3Uri, target: Path) -> None:
        raise ObjectStoreError("no connection")


def test_a_store_that_does_not_answer_is_a_failed_import(tmp_path: Path) -> None:
    importer = InputImport(store=BrokenStore(), folder=tmp_path, checkpoint=lambda: None)

    with pytest.raises(ImportFailedError, match="no connection") as failed:
        importer.localized({"f": "s3://in/a"}, declared(f="File"))
    assert failed.value.reason == "IMPORT_FAILED"


def test_a_cancellation_is_noticed_between_files(store: MemoryObjectStore, tmp_path: Path) -> None:
    def checkpoint() -> None:
        raise InterruptedError

    importer = InputImport(store=store, folder=tmp_path, checkpoint=checkpoint)

    with pytest.raises(InterruptedError):
        importer.localized({"f": "s3://in/a.bam"}, declared(f="File"))


def test_a_parameter_that_is_not_declared_is_passed_on(importer: InputImport) -> None:
    assert importer.localized({"x": "s3://in/a.bam"}, declared()) == {"x": "s3://in/a.bam"}


@pytest.mark.parametrize("secondary", [["s3://in/a.bam.bai"], "s3://in/a.bam.bai", [{}], [{"class": ["File"]}], {}])
def test_secondary_files_that_are_none_are_an_invalid_input(importer: InputImport, secondary: Any) -> None:
    value = {"class": "File", "location": "s3://in/a.bam", "secondaryFiles": secondary}

    with pytest.raises(ImportFailedError, match="secondaryFiles of input f must be a list") as failed:
        importer.localized({"f": value}, declared(f="File"))
    assert failed.value.reason == "INVALID_URI_INPUT"


def test_secondary_files_may_be_null(importer: InputImport) -> None:
    value = {"class": "File", "location": "s3://in/a.bam", "secondaryFiles": None}

    assert "secondaryFiles" not in importer.localized({"f": value}, declared(f="File"))["f"]


@pytest.mark.parametrize("name", [["File"], {"File": 1}])
def test_a_class_that_is_no_name_is_an_invalid_input(importer: InputImport, name: Any) -> None:
    value = {"class": name, "location": "s3://in/a.bam"}

    with pytest.raises(ImportFailedError, match="class of input f must be File or Directory"):
        importer.localized({"f": value}, declared(f="File"))


def test_a_name_that_no_file_can_have_is_an_input_that_cannot_be_read(
    importer: InputImport, store: MemoryObjectStore
) -> None:
    uri = "s3://in/" + "x" * 300
    store.put(uri, "long")

    with pytest.raises(ImportFailedError, match=r"Input cannot be read: .*File name too long") as failed:
        importer.localized({"f": uri}, declared(f="File"))
    assert failed.value.reason == "IMPORT_FAILED"
