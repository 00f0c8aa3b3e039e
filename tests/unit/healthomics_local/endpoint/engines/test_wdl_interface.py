from pathlib import Path
from typing import Any

import pytest

from healthomics_local.endpoint.engines.downloads import Downloads, ImportFailedError
from healthomics_local.endpoint.engines.wdl_interface import WdlInterface, parse_interface, plain
from healthomics_local.endpoint.objects import MemoryObjectStore


def interface(**types: Any) -> WdlInterface:
    inputs = {name: {"type": each, "optional": False, "description": ""} for name, each in types.items()}
    return parse_interface({"name": "w", "inputs": inputs})


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    store = MemoryObjectStore()
    for key in ("a.bam", "b.bam", "dir/x.txt", "dir/sub/y.txt"):
        store.put(f"s3://in/{key}", f"content of {key}")
    return Downloads(store=store, folder=tmp_path / "inputs", checkpoint=lambda: None)


def content(path: str) -> str:
    return Path(path).read_text()


def test_files_become_local_wherever_the_type_has_them(downloads: Downloads) -> None:
    declared = interface(
        one="File",
        many={"array": "File"},
        by_name={"map": {"array": "File"}},
        sample={"members": {"reads": "File", "name": None}},
    )
    parameters = {
        "w.one": "s3://in/a.bam",
        "many": ["s3://in/a.bam", "s3://in/b.bam"],
        "w.by_name": {"s3://in/a.bam": ["s3://in/b.bam"]},
        "w.sample": {"reads": "s3://in/a.bam", "name": "s3://in/a.bam"},
    }

    localized = declared.localized(parameters, downloads)

    assert content(localized["w.one"]) == "content of a.bam"
    assert [content(path) for path in localized["many"]] == ["content of a.bam", "content of b.bam"]
    assert [content(path) for path in localized["w.by_name"]["s3://in/a.bam"]] == ["content of b.bam"]
    assert content(localized["w.sample"]["reads"]) == "content of a.bam"
    assert localized["w.sample"]["name"] == "s3://in/a.bam"


def test_a_directory_becomes_a_local_one(downloads: Downloads) -> None:
    localized = interface(d="Directory").localized({"w.d": "s3://in/dir/"}, downloads)

    folder = Path(localized["w.d"])
    assert sorted(str(each.relative_to(folder)) for each in folder.rglob("*.txt")) == ["sub/y.txt", "x.txt"]


def test_what_does_not_fit_its_type_is_left_to_miniwdl(downloads: Downloads) -> None:
    parameters = {"w.f": None, "w.many": "s3://in/a.bam", "w.sample": ["x"], "call.x": "s3://in/a.bam", "n": 1}

    localized = interface(f="File", many={"array": "File"}, sample={"members": {"x": "File"}}, n=None).localized(
        parameters, downloads
    )

    assert localized == parameters


@pytest.mark.parametrize(
    ("value", "reason"), [("s3://in/none", "INPUT_URI_NOT_FOUND"), ("/etc/hostname", "INVALID_URI_INPUT")]
)
def test_a_file_that_cannot_be_had_says_why(downloads: Downloads, value: str, reason: str) -> None:
    with pytest.raises(ImportFailedError) as raised:
        interface(f={"array": "File"}).localized({"w.f": [value]}, downloads)

    assert raised.value.reason == reason


def test_descriptions_fit_into_a_parameter_template() -> None:
    described = {"type": None, "optional": True, "description": "two\nlines\t" + "x" * 300}

    template = parse_interface({"name": "w", "inputs": {"a": described}}).parameter_template()

    assert template["w.a"]["optional"] is True
    assert template["w.a"]["description"].startswith("two lines xxx")
    assert len(template["w.a"]["description"]) == 256


def test_exported_outputs_are_addresses() -> None:
    file = {"class": "File", "location": "s3://out/1"}
    folder = {"class": "Directory", "location": "s3://out/2", "listing": [file]}
    outputs = {"w.a": [file, None], "w.b": {"x": folder}, "w.c": {"class": "third"}, "w.n": 1}

    assert plain(outputs) == {
        "w.a": ["s3://out/1", None],
        "w.b": {"x": "s3://out/2"},
        "w.c": {"class": "third"},
        "w.n": 1,
    }
