"""The Lambda asset: complete, small, loadable, and the same bytes everywhere."""

import gzip
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from cdk_healthomics import handler_asset
from cdk_healthomics.handler_asset import package_directory, service_model, stage_handler, staged_handler
from healthomics_run_handler import contract

MODEL = "models/omics/2022-11-28/service-2.json"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asset")
    stage_handler(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def members(shape: Any) -> set[str]:
    return set() if shape is None else set(shape.members)


def test_the_asset_holds_handler_crhelper_and_service_model_and_nothing_else(staged: Path) -> None:
    files = contents(staged)

    assert {name.split("/")[0] for name in files} == {"crhelper", "healthomics_run_handler", "models"}
    assert {Path(name).suffix for name in files} == {".py", ".json"}
    assert contract.LAMBDA_HANDLER.rpartition(".")[0].replace(".", "/") + ".py" in files
    assert MODEL in files
    assert MODEL.startswith(contract.SERVICE_MODEL_DIRECTORY)


def test_the_asset_is_small(staged: Path, tmp_path: Path) -> None:
    files = contents(staged)
    with zipfile.ZipFile(tmp_path / "asset.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)

    assert (tmp_path / "asset.zip").stat().st_size < 100_000
    assert len(files[MODEL]) < 30_000


def test_the_asset_does_not_depend_on_the_umask(staged: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with staged_handler() as folder:
            again = contents(folder)
            modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    finally:
        os.umask(before)

    assert again == contents(staged)
    assert modes == {True: 0o755, False: 0o644}
    assert not folder.exists()


def test_the_asset_does_not_depend_on_how_botocore_stores_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = service_model()
    stored = package_directory("botocore") / "data" / "omics" / "2022-11-28" / "service-2.json.gz"
    plain = tmp_path / "botocore" / "data" / "omics" / "2022-11-28" / "service-2.json"
    plain.parent.mkdir(parents=True)
    (tmp_path / "botocore" / "__init__.py").touch()
    plain.write_bytes(gzip.decompress(stored.read_bytes()))
    service_model.cache_clear()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "botocore")
    try:
        assert package_directory("botocore") == tmp_path / "botocore"
        assert service_model() == original
        plain.unlink()
        service_model.cache_clear()
        with pytest.raises(LookupError, match=r"install botocore 1\.43 or newer"):
            service_model()
    finally:
        service_model.cache_clear()


def test_the_asset_does_not_depend_on_where_the_packages_lie(staged: Path, tmp_path: Path) -> None:
    elsewhere, into = tmp_path / "site-packages", tmp_path / "asset"
    for name in ("healthomics_run_handler", "crhelper"):
        copy = shutil.copytree(package_directory(name), elsewhere / name)
        for junk in ("__pycache__/x.cpython-311.pyc", "y.pyc", "y.pyi", "py.typed"):
            (copy / junk).parent.mkdir(exist_ok=True)
            (copy / junk).write_text("junk")
    into.mkdir()
    code = (
        "import sys, pathlib; from cdk_healthomics.handler_asset import stage_handler\n"
        "stage_handler(pathlib.Path(sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(elsewhere), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code, into], env=environment, capture_output=True, check=True)

    assert contents(into) == contents(staged)


def test_a_package_that_is_missing_says_what_to_do() -> None:
    with pytest.raises(LookupError, match="the Lambda function needs it: install cdk-healthomics anew"):
        package_directory("a_package_that_nobody_has")


def test_a_namespace_package_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "only_a_folder").mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(LookupError):
        package_directory("only_a_folder")


def test_botocore_serves_the_staged_model(staged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", str(staged / contract.SERVICE_MODEL_DIRECTORY))
    client = botocore.session.Session().create_client(
        "omics", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    model = client.meta.service_model
    complete = botocore.session.Session(session_vars={"data_path": (None, None, None, None)})

    assert set(model.operation_names) == handler_asset._OPERATIONS
    full = complete.get_service_model("omics")
    for name in handler_asset._OPERATIONS:
        ours, theirs = model.operation_model(name), full.operation_model(name)
        assert ours.http == theirs.http
        assert ours.endpoint == theirs.endpoint
        assert members(ours.input_shape) == members(theirs.input_shape)
        assert sorted(ours.input_shape.required_members) == sorted(theirs.input_shape.required_members)
        assert members(ours.output_shape) == members(theirs.output_shape)
        assert [shape.name for shape in ours.error_shapes] == [shape.name for shape in theirs.error_shapes]
    assert client.get_paginator("list_runs")


def test_the_model_has_the_operations_that_the_handler_calls_and_no_others() -> None:
    source = (package_directory("healthomics_run_handler") / "aws.py").read_text()
    calls = {
        "".join(word.title() for word in name.split("_"))
        for name in (
            line.split("self._client.")[1].split("(")[0] for line in source.splitlines() if "self._client." in line
        )
        if not name.startswith("describe_stack")
    }
    paged = set(re.findall(r'get_paginator\("(\w+)"\)', source))
    calls = calls - {"GetPaginator"} | {"".join(word.title() for word in name.split("_")) for name in paged}

    assert calls == handler_asset._OPERATIONS


def test_the_model_has_no_texts() -> None:
    def texts(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("documentation"), str):
                yield node["documentation"]
            for value in node.values():
                yield from texts(value)
        elif isinstance(node, list):
            for value in node:
                yield from texts(value)

    assert list(texts(json.loads(service_model()))) == []


def test_staging_imports_neither_the_handler_nor_what_it_needs() -> None:
    assert importlib.util.find_spec("boto3") is not None
    code = (
        "import sys; from cdk_healthomics.handler_asset import staged_handler\n"
        "with staged_handler(): pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'crhelper'}))\n"
        "print('healthomics_run_handler.index' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[:2] == ["[]", "False"]
