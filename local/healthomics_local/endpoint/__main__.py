"""Run the endpoint alone: ``python -m healthomics_local.endpoint --port 0`` prints its URL and serves."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.local_endpoint import LocalHealthOmics
from healthomics_local.endpoint.logs.cloudwatch import CloudWatchLogs
from healthomics_local.endpoint.setting_options import READERS, with_options
from healthomics_local.endpoint.settings import Settings, StorageChecks
from healthomics_local.endpoint.state_file import StateFileError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until somebody sends SIGINT or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.cloudwatch_logs and not options.aws_endpoint_url:
        parser.error("--cloudwatch-logs needs --aws-endpoint-url, the local AWS that has CloudWatch Logs")
    try:
        settings = with_options(_settings(options), options.set)
    except ValueError as error:
        parser.error(str(error))
    logs = None
    if options.cloudwatch_logs:
        logs = CloudWatchLogs(endpoint_url=options.aws_endpoint_url, region=settings.region)
        settings = replace(settings, log_sink=logs)
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        omics = LocalHealthOmics(settings, host=options.host, port=options.port).start()
    except StateFileError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot listen on {options.host} port {options.port}: {error.strerror or error}")
    if logs is not None:
        logs.start()
    try:
        _print(f"HealthOmics is at {omics.url}")
        _print(f"export AWS_ENDPOINT_URL_OMICS={omics.url} AWS_DISABLE_HOST_PREFIX_INJECTION=true")
        _print(f"To watch its runs, open {omics.url}/ in a browser.")
        if settings.authorizer is None and not _is_loopback(options.host):
            _warn(
                f"it listens on {options.host}, signatures are not verified, and workflows execute commands: whoever "
                "reaches this port can do so on this machine"
            )
        stopped.wait()
    finally:
        omics.stop()
    if logs is not None:
        logs.stop()
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        region=options.region,
        account_id=options.account_id,
        speed=options.speed,
        clock=VirtualClock() if options.virtual_clock else None,
        aws_endpoint_url=options.aws_endpoint_url,
        engine=options.engine,
        start_run_tps=options.start_run_tps,
        accept_unknown_references=options.accept_unknown_references,
        state_file=options.state_file,
        event_sink=_print_event if options.print_events else None,
        storage_checks=options.storage_checks,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m healthomics_local.endpoint",
        description=__doc__,
        epilog=f"Settings for --set (None is written none): {', '.join(READERS)}.",
    )
    defaults = Settings()
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--region", default=defaults.region, help="(default: %(default)s)")
    parser.add_argument("--account-id", default=defaults.account_id, help="(default: %(default)s)")
    parser.add_argument("--speed", type=_positive, default=defaults.speed, help="how much faster simulated time passes")
    parser.add_argument("--virtual-clock", action="store_true", help="time passes only by POST /_local/clock/…")
    parser.add_argument("--aws-endpoint-url", help="the local AWS with the S3 that runs read and write")
    parser.add_argument("--engine", choices=("auto", "simulated"), default="auto", help="(default: %(default)s)")
    parser.add_argument("--start-run-tps", type=_positive, help="throttle StartRun, as AWS does with 1")
    parser.add_argument(
        "--accept-unknown-references",
        action="store_true",
        help="take workflows, run groups, caches and configurations that were never created as existing",
    )
    parser.add_argument("--state-file", type=Path, help="SQLite file that keeps the records (default: in memory)")
    parser.add_argument(
        "--storage-checks",
        type=StorageChecks,
        choices=list(StorageChecks),
        help="which buckets and inputs must exist (default: KNOWN_BUCKETS with --aws-endpoint-url, else OFF)",
    )
    parser.add_argument(
        "--cloudwatch-logs", action="store_true", help="write logs and manifests to CloudWatch Logs of the local AWS"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting, as often as you like: repeated_request=CONFLICT, max_stored_runs=none, "
        "timings.running=5, …; the names are below",
    )
    parser.add_argument("--print-events", action="store_true", help="print each event as a line of JSON")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port <= 65535:  # noqa: PLR2004 - TCP's range
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 1 to 65535, or 0 for a free one")
    return port


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _print_event(event: dict[str, Any]) -> None:
    _print(json.dumps(event))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _warn(text: str) -> None:
    sys.stderr.write(f"warning: {text}\n")
    sys.stderr.flush()


def _fail(text: str) -> int:
    sys.stderr.write(f"error: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
