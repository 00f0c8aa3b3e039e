"""Source roots stay folders, and the wheel holds four packages and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import constructs
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"cdk_healthomics", "healthomics_run_handler", "healthomics_run_waiter", "healthomics_local"}


@pytest.mark.parametrize("folder", ["constructs", "lambda", "local"])
def test_a_source_root_is_a_folder_not_a_package(folder: str) -> None:
    assert not list((ROOT / folder).glob("__init__.py*"))


def test_no_test_folder_takes_the_name_of_the_constructs_package() -> None:
    assert not [path for path in (ROOT / "tests").rglob("constructs") if path.is_dir()]


def test_the_constructs_package_is_pypis() -> None:
    assert "site-packages" in str(constructs.__file__)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = out.glob("*.whl")
    return wheel


def test_the_wheel_has_the_four_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_wheel_carries_the_lock_of_the_local_aws(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        lock = archive.read("healthomics_local/ministack.lock").decode()

    assert "ministack==" in lock
    assert "--hash=sha256:" in lock


@pytest.mark.slow
def test_an_asset_staged_from_the_wheel_is_the_one_staged_from_the_sources(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    script = (
        "import sys, aws_cdk as cdk, cdk_healthomics\n"
        "from cdk_healthomics.handler_asset import staged_handler\n"
        "from aws_cdk import aws_s3_assets as assets\n"
        "stack = cdk.Stack(cdk.App(outdir=sys.argv[1]), 'S')\n"
        "with staged_handler() as folder:\n"
        "    print(assets.Asset(stack, 'A', path=str(folder)).asset_hash, cdk_healthomics.__file__)\n"
    )

    def asset(first_on_path: Path | None, name: str) -> list[str]:
        preamble = f"import sys; sys.path.insert(0, {str(first_on_path)!r})\n" if first_on_path else ""
        return subprocess.run(
            [sys.executable, "-c", preamble + script, str(tmp_path / name)],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()

    from_sources, from_wheel = asset(None, "a"), asset(site, "b")

    assert str(site) in from_wheel[1]
    assert str(ROOT) in from_sources[1]
    assert from_wheel[0] == from_sources[0]
