from pathlib import Path

import pytest

from healthomics_local.endpoint.engines.outputs import OutputExport, write_json
from healthomics_local.endpoint.objects import MemoryObjectStore, S3Uri


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


@pytest.fixture
def export(store: MemoryObjectStore, tmp_path: Path) -> OutputExport:
    (tmp_path / "sub").mkdir()
    for name in ("a.txt", "a.txt.idx", "sub/with space.txt"):
        (tmp_path / name).write_text(name)
    destination = S3Uri.parse("s3://out/runs/1")
    return OutputExport(store=store, destination=destination, folder=tmp_path, checkpoint=lambda: None)


def test_files_go_below_out_and_the_object_names_their_new_places(
    export: OutputExport, store: MemoryObjectStore, tmp_path: Path
) -> None:
    index = {"class": "File", "location": (tmp_path / "a.txt.idx").as_uri()}
    outputs = {
        "main": {
            "class": "File",
            "location": (tmp_path / "a.txt").as_uri(),
            "path": str(tmp_path / "a.txt"),
            "basename": "a.txt",
            "size": 5,
            "secondaryFiles": [index],
        },
        "folder": {
            "class": "Directory",
            "location": (tmp_path / "sub").as_uri(),
            "listing": [{"class": "File", "location": (tmp_path / "sub" / "with space.txt").as_uri()}],
        },
        "numbers": [1, 2.5, None],
        "record": {"text": "x"},
    }

    exported = export.export(outputs)

    assert exported == {
        "main": {
            "class": "File",
            "location": "s3://out/runs/1/out/a.txt",
            "basename": "a.txt",
            "size": 5,
            "secondaryFiles": [{"class": "File", "location": "s3://out/runs/1/out/a.txt.idx"}],
        },
        "folder": {
            "class": "Directory",
            "location": "s3://out/runs/1/out/sub",
            "listing": [{"class": "File", "location": "s3://out/runs/1/out/sub/with space.txt"}],
        },
        "numbers": [1, 2.5, None],
        "record": {"text": "x"},
    }
    assert store.uris("s3://out/") == [
        "s3://out/runs/1/out/a.txt",
        "s3://out/runs/1/out/a.txt.idx",
        "s3://out/runs/1/out/sub/with space.txt",
    ]


def test_a_file_outside_of_the_folder_is_not_exported(export: OutputExport, store: MemoryObjectStore) -> None:
    with pytest.raises(ValueError, match="passwd"):
        export.export({"f": {"class": "File", "location": "file:///etc/passwd"}})
    assert store.uris("s3://out/") == []


def test_logs_go_below_logs(export: OutputExport, store: MemoryObjectStore, tmp_path: Path) -> None:
    export.upload_log(write_json({"é": 1}, tmp_path / "x.json"), "outputs.json")

    assert store.get("s3://out/runs/1/logs/outputs.json").decode() == '{\n  "é": 1\n}\n'
