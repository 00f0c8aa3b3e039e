"""Finds the CDK CLI and runs it against a local AWS, in an environment that cannot reach a real one."""

import json
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from healthomics_local.failure import LocalAwsError
from healthomics_local.processes import stop_group
from healthomics_local.state import State

OLDEST_CLI: Final = (2, 1148)
UNUSABLE_CLIS: Final = {(3, 0, 0): "it is an old build under a new number and cannot read today's templates"}
OLDEST_NODE: Final = 20
STOP_SECONDS: Final = 5.0
INSTALL_CLI: Final = "`npm install --save-dev aws-cdk@2.1148.1` in the app's folder"
VALUE_OPTIONS: Final = frozenset(
    {
        *("-a", "--app", "-c", "--context", "-p", "--plugin", "-o", "--output", "-r", "--role-arn", "--proxy"),
        *("--ca-bundle-path", "--profile", "-t", "--tags", "-b", "--build-exclude", "--notification-arns"),
        *("--parameters", "-O", "--outputs-file", "--progress", "--toolkit-stack-name", "--toolkit-bucket-name"),
        *("--method", "--change-set-name", "--concurrency", "--require-approval", "--asset-prebuild"),
        *("--asset-parallelism", "--language"),
    }
)
"""Options of `cdk deploy` and `cdk destroy` that take the next argument."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CdkCli:
    """The programs that were found."""

    executable: Path
    node: Path
    node_major: int


def check_app_folder(folder: Path, cdk_arguments: Sequence[str]) -> None:
    """Refuse a folder that holds no CDK app.

    Raises:
        LocalAwsError: there is no such folder, or nothing in it says how to synthesise.
    """
    if not folder.is_dir():
        raise LocalAwsError(f"no such CDK app folder: {folder}; give the folder that holds the app's cdk.json")
    names_app = any(argument in {"-a", "--app"} or argument.startswith("--app=") for argument in cdk_arguments)
    if not names_app and not (folder / "cdk.json").is_file():
        raise LocalAwsError(
            f"{folder} is not a CDK app: it has no cdk.json; give the folder that holds it, or say how to "
            'synthesise with `-- --app "python app.py"`'
        )


def find_cdk(folder: Path, *, path: str) -> CdkCli:
    """Find a usable CDK CLI for an app: the nearest ``node_modules/.bin/cdk`` at or above it, or on the PATH.

    Raises:
        LocalAwsError: Node.js or the CLI is missing or of the wrong version.
    """
    node = shutil.which("node", path=path)
    if node is None:
        raise LocalAwsError(
            f"Node.js was not found on the PATH: the CDK needs version {OLDEST_NODE} or later; install it from "
            "https://nodejs.org (or your system's packages) and try again"
        )
    version = _output([node, "--version"]).strip()
    major = re.match(r"v(\d+)\.", version)
    if major is None or int(major[1]) < OLDEST_NODE:
        raise LocalAwsError(
            f"Node.js {version or 'of unknown version'} at {node} is too old: the CDK needs version {OLDEST_NODE} "
            "or later; install a newer one and put it first on the PATH"
        )
    executable = _find_executable(folder.resolve(), path)
    problem = cli_version_problem(_cli_version(executable))
    if problem is not None:
        raise LocalAwsError(f"the CDK CLI at {executable} cannot be used: {problem}; install {INSTALL_CLI}")
    return CdkCli(executable=executable, node=Path(node), node_major=int(major[1]))


def cli_version_problem(text: str) -> str | None:
    """Say why a CLI version cannot be used, or None."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    if numbers is None:
        return f"it does not tell its version (got {text[:40]!r})"
    version = (int(numbers[1]), int(numbers[2]), int(numbers[3]))
    if version in UNUSABLE_CLIS:
        return f"version {numbers[0]} is unusable ({UNUSABLE_CLIS[version]})"
    if version < OLDEST_CLI:
        return f"version {numbers[0]} is too old, {OLDEST_CLI[0]}.{OLDEST_CLI[1]} or later is needed"
    return None


def cdk_environment(state: State, *, inherited: Mapping[str, str], shims: Path, cli: CdkCli) -> dict[str, str]:
    """Build the environment for the CLI: the user's, without anything that leads to a real AWS account.

    Args:
        state: the local AWS to use.
        inherited: the user's environment.
        shims: a folder whose ``python`` is the interpreter that runs us.
        cli: what was found.
    """
    kept = {name: value for name, value in inherited.items() if not name.upper().startswith(("AWS_", "CDK_"))}
    return {
        **kept,
        **state.environment(),
        "PATH": f"{shims}:{cli.node.parent}:{inherited.get('PATH', '')}",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _without_loopback(inherited)),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        # jsii's warnings about Node.js releases are for the people who choose it, not for every line of
        # output.
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": str(cli.node_major),
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }


def _without_loopback(inherited: Mapping[str, str]) -> str:
    """Extend the user's list of addresses that a proxy is not asked for."""
    chosen = inherited.get("no_proxy") or inherited.get("NO_PROXY")
    return f"{chosen},127.0.0.1,localhost" if chosen else "127.0.0.1,localhost"


def write_python_shims(folder: Path) -> Path:
    """Write a folder in which ``python`` and ``python3`` are the interpreter that runs us."""
    shims = folder / "bin"
    shims.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        shim = shims / name
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    return shims


def names_stacks(cdk_arguments: Sequence[str]) -> bool:
    """Whether the user's CDK arguments choose stacks, so that ``--all`` must not be added."""
    takes_value = False
    for argument in cdk_arguments:
        if takes_value:
            takes_value = False
        elif argument in VALUE_OPTIONS:
            takes_value = True
        elif argument == "--all" or not argument.startswith("-"):
            return True
    return False


def run_cdk(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log_file: Path,
    on_line: Callable[[str], None],
) -> tuple[int, list[str]]:
    """Run the CLI to its end and return its exit status and what it said.

    It gets a process group and a temporary folder of its own, so that an interruption ends the app and everything
    else it started, and removes what they had no time to remove.
    """
    said: list[str] = []
    with (
        log_file.open("a") as log,
        tempfile.TemporaryDirectory(prefix="healthomics-local-", ignore_cleanup_errors=True) as temporary,
    ):
        process = subprocess.Popen(  # noqa: S603 - the CLI that was found
            list(arguments),
            cwd=cwd,
            env={**environment, "TMPDIR": temporary},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            for line in process.stdout or ():
                log.write(line)
                said.append(line.rstrip())
                on_line(said[-1])
            return process.wait(), said
        finally:
            stop_group(process, grace_seconds=STOP_SECONDS)
            if process.stdout is not None:
                process.stdout.close()


def stack_names(assembly: Path) -> list[str]:
    """List the stacks of a synthesised app in the order of its manifest, those of its stages included."""
    try:
        manifest: dict[str, Any] = json.loads((assembly / "manifest.json").read_text())
    except (OSError, ValueError):
        return []
    names: list[str] = []
    for artifact_id, artifact in manifest.get("artifacts", {}).items():
        properties: dict[str, Any] = artifact.get("properties", {})
        if artifact.get("type") == "aws:cloudformation:stack":
            names.append(str(properties.get("stackName", artifact_id)))
        elif artifact.get("type") == "cdk:cloud-assembly":
            names += stack_names(assembly / str(properties.get("directoryName", "")))
    return names


def _find_executable(folder: Path, path: str) -> Path:
    for parent in (folder, *folder.parents):
        candidate = parent / "node_modules" / ".bin" / "cdk"
        if candidate.exists():
            return candidate
    found = shutil.which("cdk", path=path)
    if found is None:
        raise LocalAwsError(
            f"the CDK CLI was not found: no node_modules/.bin/cdk in {folder} or above it, and no cdk on the PATH; "
            f"install it with {INSTALL_CLI}"
        )
    return Path(found)


def _cli_version(executable: Path) -> str:
    """Read the version from the CLI's package, which is faster than asking it; ask it if that is not there."""
    package = executable.resolve().parent.parent / "package.json"
    try:
        described: dict[str, Any] = json.loads(package.read_text())
    except (OSError, ValueError):
        return _output([str(executable), "--version"])
    if described.get("name") != "aws-cdk":
        return _output([str(executable), "--version"])
    return str(described.get("version", ""))


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a program that was found
            list(command), capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
