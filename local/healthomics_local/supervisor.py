"""The background process of one state folder: it hosts the HealthOmics endpoint and looks after MiniStack.

``python -m healthomics_local.supervisor``, started by :mod:`healthomics_local.local_aws`. It holds the
folder's lock for as long as it lives; that, not the state file, is what says whether a local AWS is up.
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from healthomics_local.endpoint import LocalHealthOmics, Settings
from healthomics_local.endpoint.logs.cloudwatch import CloudWatchLogs
from healthomics_local.event_forwarder import EventForwarder
from healthomics_local.failure import LocalAwsError
from healthomics_local.folders import home_folder
from healthomics_local.locks import try_lock
from healthomics_local.ministack_authorizer import MiniStackAuthorizer, new_secret
from healthomics_local.ministack_environment import ensure_environment
from healthomics_local.ministack_process import MiniStackProcess, MiniStackSettings, listen
from healthomics_local.processes import ProcessId
from healthomics_local.state import LOCK_FILE, State, remove_state, write_state

ACCOUNT_ID: Final = "000000000000"
"""What MiniStack makes of the access key ``test``."""
WATCH_SECONDS: Final = 0.5
LAST_RESORT_SECONDS: Final = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a supervisor is started with."""

    folder: Path
    region: str
    port: int
    """0: any free port."""
    speed: float
    authorization: bool
    report: "StartReport"


def supervise(options: Options, stop: threading.Event) -> None:
    """Run a local AWS until `stop` is set or MiniStack ends.

    Raises:
        LocalAwsError: it cannot be started.
    """
    python = ensure_environment(home_folder())
    listener = listen(options.port)
    with tempfile.TemporaryDirectory(prefix="healthomics-local-", ignore_cleanup_errors=True) as temporary:
        # One folder for everything, so that one removal is enough if this process is killed.
        tempfile.tempdir = temporary
        _serve(options, stop, listener, python=python, temporary=Path(temporary))


def _serve(options: Options, stop: threading.Event, listener: socket.socket, *, python: Path, temporary: Path) -> None:
    endpoint_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    authorizer = (
        MiniStackAuthorizer(
            endpoint_url=endpoint_url, region=options.region, account_id=ACCOUNT_ID, secret=new_secret()
        )
        if options.authorization
        else None
    )
    forwarder = EventForwarder(endpoint_url=endpoint_url, region=options.region)
    logs = CloudWatchLogs(endpoint_url=endpoint_url, region=options.region)
    settings = Settings(
        region=options.region,
        account_id=ACCOUNT_ID,
        speed=options.speed,
        aws_endpoint_url=endpoint_url,
        authorizer=authorizer,
        event_sink=forwarder,
        log_sink=logs,
    )
    with LocalHealthOmics(settings) as omics:
        ministack = MiniStackProcess(
            listener,
            MiniStackSettings(
                python=python,
                region=options.region,
                account_id=ACCOUNT_ID,
                omics_endpoint_url=omics.url,
                speed=options.speed,
                authorization_secret=authorizer.secret if authorizer is not None else None,
                log_file=options.folder / "ministack.log",
                temporary_directory=temporary,
            ),
        )
        try:
            ministack.wait_until_ready()
            forwarder.start()
            logs.start()
            state = State(
                supervisor=ProcessId.of(os.getpid()),
                ministack_group=ministack.group,
                endpoint_url=ministack.url,
                omics_endpoint_url=omics.url,
                region=options.region,
                account_id=ACCOUNT_ID,
                speed=options.speed,
                authorization=options.authorization,
                temporary_directory=str(temporary),
                started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            write_state(options.folder, state)
            options.report.send({"ready": True})
            while not stop.wait(WATCH_SECONDS):
                if ministack.has_ended():
                    raise LocalAwsError("MiniStack ended on its own; see ministack.log in the state folder")
        finally:
            # Whatever hangs below, the process must not outlive the wish to stop it.
            insist_on_ending(LAST_RESORT_SECONDS)
            remove_state(options.folder)
            forwarder.stop()
            logs.stop()
            ministack.stop()


def insist_on_ending(seconds: float) -> None:
    """End the process hard unless it ends by itself in time."""
    timer = threading.Timer(seconds, os._exit, args=(1,))
    timer.daemon = True
    timer.start()


class StartReport:
    """Tells whoever started us how it went: one line of JSON, once."""

    def __init__(self, descriptor: int | None) -> None:
        """Report to a pipe; None reports to nobody."""
        self._descriptor = descriptor

    def send(self, outcome: dict[str, object]) -> None:
        """Report, unless that was done before."""
        if self._descriptor is None:
            return
        # The number may belong to another file as soon as it is closed, so it must not be used again.
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, (json.dumps(outcome) + "\n").encode())
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    """Take the folder's lock and supervise."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    lock = try_lock(options.folder / LOCK_FILE)
    if lock is None:
        options.report.send({"error": f"another local AWS uses the state folder {options.folder}"})
        return 1
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        supervise(options, stop)
    except LocalAwsError as error:
        logging.getLogger(__name__).critical("%s", error)
        options.report.send({"error": str(error)})
        return 1
    return 0


def parse(arguments: list[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m healthomics_local.supervisor")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    parser.add_argument("--authorization", action="store_true")
    parser.add_argument("--report-fd", type=int)
    given = vars(parser.parse_args(arguments))
    return Options(report=StartReport(given.pop("report_fd")), **given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
