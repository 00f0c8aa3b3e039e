"""Deploys a CDK app to a local AWS with the real CDK CLI, and destroys it again."""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from healthomics_local.advice import explain_cdk_output, explain_failure
from healthomics_local.cdk_cli import (
    CdkCli,
    cdk_environment,
    names_stacks,
    run_cdk,
    stack_names,
    write_python_shims,
)
from healthomics_local.clients import client
from healthomics_local.failure import LocalAwsError
from healthomics_local.stacks import TOOLKIT_STACK, describe, first_failure
from healthomics_local.state import State

RESOURCE_LINE: Final = re.compile(
    r"(?P<stack>\S+) \|\s*(?P<count>\d+(?:/\d+)?)? ?\|.*\| (?P<status>[A-Z_]+)\s*\| (?P<type>\S+)\s*\| (?P<name>\S+)"
)
"""A stack event as ``--progress events`` prints it."""
STACK_LINE: Final = re.compile(r"^(?P<stack>\S+): (?P<what>deploying|destroying|creating)")
CONCURRENCY: Final = 8
NO_STACK: Final = "No stack found in the main cloud assembly"
"""What the CLI says of ``--all`` when the app has stages only."""
STACKS_OF_STAGES: Final = "**"
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """A CDK app, and what its CDK commands are run with."""

    folder: Path
    arguments: tuple[str, ...]
    """What the user wants passed to the CDK CLI."""
    cli: CdkCli
    state_folder: Path

    @property
    def assembly(self) -> Path:
        """Where this app is synthesised to: outside of its folder, which stays as it is."""
        for option, value in zip(self.arguments, self.arguments[1:], strict=False):
            if option in {"-a", "--app"} and (self.folder / value / "manifest.json").is_file():
                return self.folder / value  # synthesised already
            if option in {"-o", "--output"}:
                return self.folder / value
        digest = sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]
        return self.state_folder / "assemblies" / digest

    @property
    def log_file(self) -> Path:
        """What the CDK CLI said, of all commands since the local AWS was started."""
        return self.state_folder / "cdk.log"


def progress_of(line: str) -> str | None:
    """Turn a line of the CDK CLI into a progress message; None for lines that tell nothing new. Pure."""
    clean = COLOUR.sub("", line).strip()
    event = RESOURCE_LINE.search(clean)
    if event is not None:
        if event["status"].endswith("_IN_PROGRESS"):
            return None
        return f"{event['stack']}: {event['name']} {event['status']} ({event['type']})"
    stack = STACK_LINE.match(clean)
    return f"{stack['stack']}: {stack['what']}" if stack is not None else None


def bootstrap(state: State, app: App) -> bool:
    """Bootstrap the account and Region unless they are; True if that was necessary.

    Raises:
        LocalAwsError: the CDK CLI failed.
    """
    if describe(client(state, "cloudformation"), [TOOLKIT_STACK]):
        return False
    # In the app's folder the CLI would synthesise the app first, to find its environments.
    with tempfile.TemporaryDirectory(prefix="healthomics-local-") as empty:
        command = ["bootstrap", f"aws://{state.account_id}/{state.region}"]
        status, said = _run(state, app, command, cwd=Path(empty), on_progress=lambda _: None)
    if status:
        raise LocalAwsError(_explain(client(state, "cloudformation"), app, said, "cdk bootstrap"))
    return True


def deploy(state: State, app: App, *, on_progress: Callable[[str], None]) -> list[str]:
    """Deploy the app and return the names of its stacks that exist now.

    Raises:
        LocalAwsError: a stack could not be deployed, or the app could not be synthesised.
    """
    outputs = app.assembly.with_suffix(".outputs.json")
    outputs.parent.mkdir(parents=True, exist_ok=True)
    command = ["deploy", "--require-approval", "never", "--outputs-file", str(outputs)]
    _cdk_on_stacks(state, app, command, doing="cdk deploy", on_progress=on_progress)
    deployed = describe(client(state, "cloudformation"), stack_names(app.assembly))
    return [stack["StackName"] for stack in deployed]


def destroy(state: State, app: App, *, on_progress: Callable[[str], None]) -> None:
    """Destroy the app's stacks.

    Raises:
        LocalAwsError: a stack could not be destroyed, or the app could not be synthesised.
    """
    _cdk_on_stacks(state, app, ["destroy", "--force"], doing="cdk destroy", on_progress=on_progress)


def _cdk_on_stacks(
    state: State, app: App, command: Sequence[str], *, doing: str, on_progress: Callable[[str], None]
) -> None:
    """Run the CLI on the stacks that the user has named, or on all of the app.

    For the CLI all are those beside the stages. An app that has stages only, it refuses once it has synthesised it;
    then all are those of the stages.
    """
    # The CLI looks every five seconds whether a stack is done, so stacks that do not need each other go together.
    parallel = [] if "--concurrency" in app.arguments else ["--concurrency", str(CONCURRENCY)]
    options = [*command, *parallel, "--progress", "events", *app.arguments]
    named = names_stacks(app.arguments)
    first = [*options, *([] if named else ["--all"]), *_output_folder(app)]
    status, said = _run(state, app, first, cwd=app.folder, on_progress=on_progress)
    if status and not named and any(NO_STACK in line for line in said) and stack_names(app.assembly):
        second = [*options, STACKS_OF_STAGES, *_output_folder(app)]
        status, said = _run(state, app, second, cwd=app.folder, on_progress=on_progress)
    if status:
        raise LocalAwsError(_explain(client(state, "cloudformation"), app, said, doing))


def _output_folder(app: App) -> list[str]:
    given = {"-a", "--app", "-o", "--output"} & set(app.arguments)
    return [] if given else ["--output", str(app.assembly)]


def _run(
    state: State, app: App, arguments: Sequence[str], *, cwd: Path, on_progress: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Run the CLI to its end; its exit status and what it said."""

    def on_line(line: str) -> None:
        progress = progress_of(line)
        if progress is not None:
            on_progress(progress)

    shims = write_python_shims(app.state_folder)
    environment = cdk_environment(state, inherited=os.environ, shims=shims, cli=app.cli)
    return run_cdk(
        [str(app.cli.executable), "--no-notices", "--no-color", *arguments],
        cwd=cwd,
        environment=environment,
        log_file=app.log_file,
        on_line=on_line,
    )


def _explain(cloudformation: Any, app: App, said: Sequence[str], doing: str) -> str:
    mentioned = _mentioned(stack_names(app.assembly), said)
    failure = first_failure(cloudformation, mentioned)
    if failure is not None:
        return explain_failure(failure)
    return explain_cdk_output(said, doing=doing, log_file=str(app.log_file))


def _mentioned(names: Iterable[str], said: Sequence[str]) -> list[str]:
    """Only the stacks of this command: one that failed in an earlier one is not the reason."""
    text = "\n".join(said)
    return [name for name in names if name in text]
