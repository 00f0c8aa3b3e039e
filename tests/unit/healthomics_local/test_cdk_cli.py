"""Finding and calling the CDK CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from healthomics_local.cdk_cli import (
    CdkCli,
    cdk_environment,
    check_app_folder,
    cli_version_problem,
    find_cdk,
    names_stacks,
    run_cdk,
    stack_names,
    write_python_shims,
)
from healthomics_local.failure import LocalAwsError
from healthomics_local.processes import ProcessId
from healthomics_local.state import State

STATE = State(
    supervisor=ProcessId(pid=1, started="never"),
    ministack_group=2,
    endpoint_url="http://127.0.0.1:4566",
    omics_endpoint_url="http://127.0.0.1:4567",
    region="us-east-1",
    account_id="000000000000",
    speed=100.0,
    authorization=False,
    temporary_directory="/nowhere",
    started_at="now",
)
CLI = CdkCli(executable=Path("/cli/cdk"), node=Path("/node/bin/node"), node_major=22)


def program(path: Path, output: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        pytest.param("2.1148.0", None, id="the oldest"),
        pytest.param("2.1148.1 (build abc)", None, id="with build"),
        pytest.param("4.0.0", None, id="a later major"),
        pytest.param("3.0.0", "unusable", id="the mislabelled one"),
        pytest.param("2.1000.3", "too old", id="old"),
        pytest.param("", "does not tell its version", id="silent"),
    ],
)
def test_a_cli_is_judged_by_its_version(version: str, problem: str | None) -> None:
    found = cli_version_problem(version)

    assert (found is None) if problem is None else problem in (found or "")


def test_the_nearest_cli_at_or_above_the_app_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "node", "v22.1.0")
    outer = program(tmp_path / "node_modules" / ".bin" / "cdk", "2.1148.1")
    app = tmp_path / "apps" / "one"
    app.mkdir(parents=True)

    assert find_cdk(app, path=f"{tmp_path}/bin:/bin").executable == outer

    inner = program(app / "node_modules" / ".bin" / "cdk", "2.1150.0")
    assert find_cdk(app, path=f"{tmp_path}/bin:/bin").executable == inner


@pytest.mark.parametrize(
    ("node", "cdk", "message"),
    [
        pytest.param(None, "2.1148.1", "Node.js was not found on the PATH.*install", id="no node"),
        pytest.param("v18.20.0", "2.1148.1", r"v18\.20\.0 .* is too old.*20 or later", id="old node"),
        pytest.param("v22.0.0", None, "CDK CLI was not found.*npm install", id="no cdk"),
        pytest.param("v22.0.0", "3.0.0", r"3\.0\.0 is unusable.*npm install", id="unusable cdk"),
    ],
)
def test_what_is_missing_is_named_with_its_cure(
    tmp_path: Path, node: str | None, cdk: str | None, message: str
) -> None:
    if node is not None:
        program(tmp_path / "bin" / "node", node)
    if cdk is not None:
        program(tmp_path / "bin" / "cdk", cdk)
    # The shell alone, for the scripts above: a system-wide node would not be missing.
    tools = tmp_path / "tools"
    tools.mkdir()

    with pytest.raises(LocalAwsError, match=message):
        find_cdk(tmp_path, path=f"{tmp_path}/bin:{tools}")


def test_an_app_folder_needs_a_cdk_json_or_an_app_option(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match=r"no such CDK app folder: .*/none; give the folder"):
        check_app_folder(tmp_path / "none", [])
    with pytest.raises(LocalAwsError, match=r"has no cdk\.json"):
        check_app_folder(tmp_path, [])

    check_app_folder(tmp_path, ["--app", "python app.py"])
    (tmp_path / "cdk.json").write_text("{}")
    check_app_folder(tmp_path, [])


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param(["-c", "k=4"], False, id="context"),
        pytest.param(["-c", "k=4", "RunStack"], True, id="context and a stack"),
        pytest.param(["--hotswap"], False, id="a flag"),
        pytest.param(["--all"], True, id="all"),
        pytest.param(["Run*", "--force"], True, id="a pattern"),
    ],
)
def test_all_is_added_only_when_no_stack_is_named(arguments: list[str], *, chosen: bool) -> None:
    assert names_stacks(arguments) is chosen


def test_the_cli_cannot_reach_a_real_account() -> None:
    inherited = {
        "PATH": "/bin",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "real",
        "CDK_DEFAULT_ACCOUNT": "1",
        "LANG": "C",
    }

    environment = cdk_environment(STATE, inherited=inherited, shims=Path("/shims"), cli=CLI)

    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "CDK_DEFAULT_ACCOUNT"} & set(environment)
    assert environment["AWS_ENDPOINT_URL"] == STATE.endpoint_url
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert environment["PATH"] == "/shims:/node/bin:/bin"
    assert environment["LANG"] == "C"


def test_a_proxy_is_not_asked_for_the_local_aws() -> None:
    inherited = {"HTTPS_PROXY": "http://proxy", "NO_PROXY": "intranet"}

    environment = cdk_environment(STATE, inherited=inherited, shims=Path("/shims"), cli=CLI)

    assert environment["HTTPS_PROXY"] == "http://proxy"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet,127.0.0.1,localhost"


def test_python_in_an_app_is_the_interpreter_that_runs_us(tmp_path: Path) -> None:
    shims = write_python_shims(tmp_path)

    for name in ("python", "python3"):
        command = [str(shims / name), "-c", "import sys; print(sys.executable)"]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == sys.executable


def test_the_stacks_of_an_app_include_those_of_its_stages(tmp_path: Path) -> None:
    stage = tmp_path / "assembly-Stage"
    stage.mkdir()
    manifest = {
        "artifacts": {
            "Tree": {"type": "cdk:tree"},
            "One": {"type": "aws:cloudformation:stack", "properties": {"stackName": "first"}},
            "Two": {"type": "aws:cloudformation:stack", "properties": {}},
            "Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}},
        }
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    inner = {"artifacts": {"X": {"type": "aws:cloudformation:stack", "properties": {"stackName": "Stage-X"}}}}
    (stage / "manifest.json").write_text(json.dumps(inner))

    assert stack_names(tmp_path) == ["first", "Two", "Stage-X"]
    assert stack_names(tmp_path / "none") == []


def test_every_line_of_the_cli_is_passed_on_and_logged(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "cdk.log"

    status, said = run_cdk(
        ["/bin/sh", "-c", "echo one; echo two >&2; exit 3"],
        cwd=tmp_path,
        environment={},
        log_file=log,
        on_line=lines.append,
    )

    assert status == 3
    assert said == lines == ["one", "two"]
    assert log.read_text() == "one\ntwo\n"
