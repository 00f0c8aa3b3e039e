"""Starts, finds and stops the local AWS of a state folder, from the outside."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from healthomics_local.failure import LocalAwsError
from healthomics_local.locks import is_locked, wait_until_free, waiting_lock
from healthomics_local.processes import ProcessId, signal_process, wait_for_end
from healthomics_local.state import LOCK_FILE, START_LOCK_FILE, State, read_state, remove_state

TEMPORARY_PREFIX: Final = "healthomics-local-"
STOP_SECONDS: Final = 12.0
"""Longer than the supervisor needs for MiniStack's SIGTERM and SIGKILL."""
DEFAULT_REGION: Final = "us-east-1"
DEFAULT_SPEED: Final = 100.0
"""A run that spends six minutes in provisioning and copying on AWS spends four seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StartOptions:
    """How a local AWS is to be started; None leaves a choice to what runs already, or to the default."""

    region: str | None = None
    port: int | None = None
    speed: float | None = None
    authorization: bool | None = None
    """Whether signatures are verified and IAM policies enforced."""

    def conflict_with(self, state: State) -> str | None:
        """Say how a running local AWS differs from what was asked for; None if it does not."""
        running_port = int(state.endpoint_url.rsplit(":", 1)[1])
        pairs = (
            ("--region", self.region, state.region),
            ("--port", self.port or None, running_port),
            ("--speed", self.speed, state.speed),
            ("--authorization", _on_off(self.authorization), _on_off(state.authorization)),
        )
        differences = [
            f"{name} {asked} (it has {actual})" for name, asked, actual in pairs if asked not in {None, actual}
        ]
        return ", ".join(differences) or None


def _on_off(choice: bool | None) -> str | None:  # noqa: FBT001 - a value to show, not a switch
    return None if choice is None else "on" if choice else "off"


def find(folder: Path) -> State | None:
    """Return the state of the local AWS that is up, or None."""
    if not is_locked(folder / LOCK_FILE):
        return None
    return read_state(folder)


def start(folder: Path, options: StartOptions) -> tuple[State, bool]:
    """Start a local AWS, or find the one that is up.

    Returns:
        Its state, and whether it was started here.

    Raises:
        LocalAwsError: it cannot be started, or runs with other settings than those asked for.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalAwsError(
            f"cannot use {folder} as state folder: {error.strerror}; choose one that can be written with --state-dir"
        ) from error
    with waiting_lock(folder / START_LOCK_FILE):
        running = find(folder)
        if running is None:
            return _start(folder, options), True
    conflict = options.conflict_with(running)
    if conflict is not None:
        raise LocalAwsError(
            f"a local AWS is already up in {folder}, with other settings than {conflict}: "
            "leave the option out, stop it with `healthomics-local down`, or use another --state-dir"
        )
    return running, False


def stop(folder: Path) -> bool:
    """Stop the local AWS of a folder for sure; True if one was up.

    Raises:
        LocalAwsError: something still runs afterwards.
    """
    if not folder.is_dir():
        return False
    with waiting_lock(folder / START_LOCK_FILE):
        state = read_state(folder)
        was_up = is_locked(folder / LOCK_FILE)
        if state is not None and was_up:
            _stop_supervisor(state.supervisor)
        if state is not None:
            _remove_leftovers(state)
        remove_state(folder)
        # A process whose main thread has ended counts as ended, but the system closes its files a moment later.
        if was_up and not wait_until_free(folder / LOCK_FILE, seconds=STOP_SECONDS):
            raise LocalAwsError(
                f"the local AWS in {folder} still runs and does not say its process id; find it with "
                "`ps -ef | grep healthomics_local.supervisor` and end it"
            )
        return was_up


def supervisor_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Build the supervisor's environment: the user's, without an AWS account that the endpoint could reach."""
    kept = {name: value for name, value in inherited.items() if not name.upper().startswith("AWS_")}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _start(folder: Path, options: StartOptions) -> State:
    leftover = read_state(folder)
    if leftover is not None:  # its supervisor was killed
        _remove_leftovers(leftover)
        remove_state(folder)
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "healthomics_local.supervisor", "--folder", str(folder)]
    command += ["--region", options.region or DEFAULT_REGION, "--port", str(options.port or 0)]
    command += ["--speed", str(options.speed or DEFAULT_SPEED), "--report-fd", str(writer)]
    command += ["--authorization"] if options.authorization else []
    with (folder / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            cwd=folder,
            env=supervisor_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
            start_new_session=True,
        )
    os.close(writer)
    supervisor = ProcessId.of(process.pid)
    try:
        outcome = _read_outcome(reader)
    except BaseException:  # Ctrl-C while it starts: nobody knows it yet, so nobody else would stop it
        _stop_supervisor(supervisor)
        raise
    state = read_state(folder)
    if "ready" not in outcome or state is None:
        _stop_supervisor(supervisor)
        raise LocalAwsError(str(outcome.get("error") or f"the local AWS did not start: {_log_tail(folder)}"))
    # The supervisor outlives us on purpose; without this, Popen would warn that it still runs.
    process.returncode = 0
    return state


def _read_outcome(reader: int) -> dict[str, Any]:
    """Read the supervisor's report; it ends with the report or with the supervisor."""
    with os.fdopen(reader) as report:
        line = report.readline()
    return json.loads(line) if line.strip() else {}


def _stop_supervisor(supervisor: ProcessId) -> None:
    signal_process(supervisor, signal.SIGTERM)
    if not wait_for_end(supervisor, seconds=STOP_SECONDS):
        signal_process(supervisor, signal.SIGKILL)
        wait_for_end(supervisor, seconds=STOP_SECONDS)


def _remove_leftovers(state: State) -> None:
    """Remove the folder that a killed supervisor leaves; MiniStack itself ends with its supervisor."""
    folder = Path(state.temporary_directory)
    if not state.supervisor.is_running() and folder.name.startswith(TEMPORARY_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _log_tail(folder: Path) -> str:
    text = (folder / "supervisor.log").read_text(errors="replace").strip()
    return f"{text.splitlines()[-1] if text else 'no output'} (log: {folder / 'supervisor.log'})"
