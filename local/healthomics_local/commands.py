"""What ``healthomics-local`` does, one function per command."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from healthomics_local import deployment, local_aws
from healthomics_local.cdk_cli import check_app_folder, find_cdk
from healthomics_local.clients import client
from healthomics_local.deployment import App
from healthomics_local.display import Display
from healthomics_local.failure import LocalAwsError
from healthomics_local.folders import home_folder
from healthomics_local.local_aws import StartOptions
from healthomics_local.ministack_environment import ensure_environment, is_built
from healthomics_local.results import output_files, readable_size
from healthomics_local.runs import RunView, follow
from healthomics_local.stacks import all_names, describe, runs_of
from healthomics_local.state import State

CDK_OWN_OUTPUTS: Final = ("PublishOutput", "ExportsOutput")
"""Outputs that the CDK defines for references between stacks; of no interest to people."""
STARTED_BY_DEPLOY: Final = "started-by-deploy"
"""A file in the state folder: `destroy` stops what `deploy` started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What every command is given."""

    folder: Path
    """The state folder."""
    start: StartOptions
    display: Display


def up(context: Context, *, foreground: bool, export: bool) -> int:
    """Start the local AWS, or say that it is up."""
    display = Display(sys.stderr) if export else context.display
    state, started = _start(context, display)
    if export:
        for name, value in state.environment().items():
            print(f"export {name}={shlex.quote(value)}")  # noqa: T201 - for the shell's eval
        return 0
    display.line(f"The local AWS {'is up' if started else 'was up already'} (state folder: {context.folder}).")
    display.line("To point AWS tools at it:")
    for name, value in state.environment().items():
        display.line(f"  export {name}={shlex.quote(value)}")
    display.line(f"To watch its runs, open {state.omics_endpoint_url}/ in a browser.")
    if foreground:
        return _stay(context, display, stop_at_end=started)
    display.line("Stop it with: healthomics-local down")
    return 0


def deploy(context: Context, *, folder: Path, cdk_arguments: Sequence[str]) -> int:
    """Deploy an app, follow its runs, show what came out; 0 only if the deployment and all runs succeeded."""
    app = _app(context, folder, cdk_arguments)
    already_up = local_aws.find(context.folder) is not None
    try:
        return _deploy(context, app)
    except BaseException:
        if not already_up:
            _stop_quietly(context)
        raise


def destroy(context: Context, *, folder: Path, cdk_arguments: Sequence[str]) -> int:
    """Destroy an app's stacks, and stop the local AWS if `deploy` had started it and nothing else is deployed."""
    app = _app(context, folder, cdk_arguments)
    state = local_aws.find(context.folder)
    if state is None:
        context.display.line("No local AWS is up, so there is nothing to destroy.")
        return 0
    with context.display.step("Destroy the stacks") as step:
        deployment.destroy(state, app, on_progress=step.update)
    if (context.folder / STARTED_BY_DEPLOY).exists() and not all_names(client(state, "cloudformation")):
        return down(context)
    return 0


def status(context: Context) -> int:
    """Show what is up; 1 if nothing is."""
    state = local_aws.find(context.folder)
    display = context.display
    if state is None:
        display.line(f"No local AWS is up (state folder: {context.folder}). Start one with: healthomics-local up")
        return 1
    endpoints = [
        ("AWS", state.endpoint_url),
        ("HealthOmics", state.omics_endpoint_url),
        ("Region", state.region),
        ("Account", state.account_id),
        ("Speed", f"{state.speed:g}"),
        ("Authorization", "on" if state.authorization else "off"),
        ("Up since", state.started_at),
        ("Process", str(state.supervisor.pid)),
        ("State folder", str(context.folder)),
    ]
    display.table("Local AWS", ("What", "Value"), endpoints)
    cloudformation = client(state, "cloudformation")
    stacks = describe(cloudformation, all_names(cloudformation))
    display.table("Stacks", ("Stack", "Status"), [(stack["StackName"], stack["StackStatus"]) for stack in stacks])
    pages = client(state, "omics").get_paginator("list_runs").paginate()
    runs = [run for page in pages for run in page["items"]]
    display.table(
        "Runs",
        ("Run", "Name", "Status", "Created"),
        [(run["id"], run.get("name", ""), run["status"], f"{run['creationTime']:%H:%M:%S}") for run in runs],
    )
    return 0


def down(context: Context) -> int:
    """Stop the local AWS for sure."""
    (context.folder / STARTED_BY_DEPLOY).unlink(missing_ok=True)
    if local_aws.find(context.folder) is None:
        local_aws.stop(context.folder)  # clears what a killed one left
        context.display.line("No local AWS is up.")
        return 0
    with context.display.step("Stop the local AWS"):
        local_aws.stop(context.folder)
    return 0


def _app(context: Context, folder: Path, cdk_arguments: Sequence[str]) -> App:
    check_app_folder(folder, cdk_arguments)
    cli = find_cdk(folder, path=os.environ.get("PATH", os.defpath))
    return App(folder=folder, arguments=tuple(cdk_arguments), cli=cli, state_folder=context.folder)


def _start(context: Context, display: Display) -> tuple[State, bool]:
    if not is_built(home_folder()):
        with display.step("Install MiniStack into an environment of its own (once)"):
            ensure_environment(home_folder())
    running = local_aws.find(context.folder)
    if running is not None:
        return local_aws.start(context.folder, context.start)
    with display.step("Start the local AWS"):
        return local_aws.start(context.folder, context.start)


def _deploy(context: Context, app: App) -> int:
    display = context.display
    state, started = _start(context, display)
    if started:
        (context.folder / STARTED_BY_DEPLOY).touch()
        with display.step("Bootstrap the account for the CDK"):
            deployment.bootstrap(state, app)
    else:
        deployment.bootstrap(state, app)
    with display.step("Deploy the stacks") as step:
        names = deployment.deploy(state, app, on_progress=step.update)
    runs = runs_of(client(state, "cloudformation"), names)
    ended: list[RunView] = []
    if runs:
        with display.step("Follow the runs" if len(runs) > 1 else "Follow the run") as step:
            ended = follow(client(state, "omics"), runs, on_change=lambda view: step.update(view.progress()))
    _show(display, state, names, ended)
    failed = [view for view in ended if view.status in {"FAILED", "CANCELLED"}]
    if failed:
        raise LocalAwsError(_explain_failed_runs(failed))
    display.line("")
    display.line(f"The local AWS stays up at {state.endpoint_url}; stop it with: healthomics-local down")
    return 0


def _show(display: Display, state: State, names: Sequence[str], ended: Sequence[RunView]) -> None:
    stacks = describe(client(state, "cloudformation"), names)
    display.table(
        "Stack outputs",
        ("Stack", "Output", "Value"),
        [
            (stack["StackName"], output["OutputKey"], output["OutputValue"])
            for stack in stacks
            for output in stack.get("Outputs", [])
            if not output["OutputKey"].startswith(CDK_OWN_OUTPUTS)
        ],
    )
    clock = "" if state.speed == 1 else f" (its clock: {state.speed:g} times as fast)"
    display.table(
        "Runs",
        ("Run", "Name", "Status", f"Duration{clock}"),
        [(view.run.identity.run_id, view.name, view.status, _readable(view.duration)) for view in ended],
    )
    s3 = client(state, "s3")
    files = [(view, file) for view in ended for file in output_files(s3, view.output_uri)]
    display.table(
        "Output files",
        ("Run", "File", "Size"),
        [(view.run.identity.run_id, file.uri, readable_size(file.size_bytes)) for view, file in files],
    )
    display.table(
        "Results",
        ("Run", "File", "Name", "Value"),
        [
            (view.run.identity.run_id, file.name, name, value)
            for view, file in files
            for name, value in file.values.items()
        ],
    )


def _explain_failed_runs(failed: Sequence[RunView]) -> str:
    first = failed[0]
    identity = first.run.identity
    more = f" ({len(failed) - 1} more did not complete either)" if len(failed) > 1 else ""
    why = f": {first.reason}" if first.reason else ""
    return (
        f"run {identity.run_id} ({first.run.logical_id} in stack {first.run.stack}) ended as {first.status}{why}"
        f"{more}. "
        f"Cure: correct the workflow or its parameters and deploy again; its logs are under {first.output_uri}/logs/ "
        "while the local AWS is up (start it with `healthomics-local up` first, so that a failed deploy keeps it)"
    )


def _readable(duration: timedelta | None) -> str:
    return f"{duration.total_seconds():.1f} s" if duration is not None else ""


def _stay(context: Context, display: Display, *, stop_at_end: bool) -> int:
    display.line("Press Ctrl-C to stop." if stop_at_end else "Press Ctrl-C to leave; it stays up.")
    try:
        while local_aws.find(context.folder) is not None:
            time.sleep(0.5)
    except KeyboardInterrupt:
        if stop_at_end:
            down(context)
        return 0
    raise LocalAwsError(f"the local AWS ended on its own; see supervisor.log and ministack.log in {context.folder}")


def _stop_quietly(context: Context) -> None:
    """Stop after a failure or Ctrl-C; a second Ctrl-C must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    (context.folder / STARTED_BY_DEPLOY).unlink(missing_ok=True)
    local_aws.stop(context.folder)
