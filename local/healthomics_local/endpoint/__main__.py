"""Run the endpoint alone: ``python -m healthomics_local.endpoint --port 0`` prints its URL and serves."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.local_endpoint import LocalHealthOmics
from healthomics_local.endpoint.logs.cloudwatch import CloudWatchLogs
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
    logs = None
    if options.cloudwatch_logs:
        logs = CloudWatchLogs(endpoint_url=options.aws_endpoint_url, region=options.region)
    settings = Settings(
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
        log_sink=logs,
        storage_checks=options.storage_checks,
    )
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        omics = LocalHealthOmics(settings, host=options.host, port=options.port)
    except StateFileError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if logs is not None:
        logs.start()
    with omics:
        _print(f"HealthOmics is at {omics.url}")
        _print(f"export AWS_ENDPOINT_URL_OMICS={omics.url} AWS_DISABLE_HOST_PREFIX_INJECTION=true")
        _print(f"To watch its runs, open {omics.url}/ in a browser.")
        stopped.wait()
    if logs is not None:
        logs.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m healthomics_local.endpoint", description=__doc__)
    defaults = Settings()
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--region", default=defaults.region, help="(default: %(default)s)")
    parser.add_argument("--account-id", default=defaults.account_id, help="(default: %(default)s)")
    parser.add_argument("--speed", type=_positive, default=defaults.speed, help="how much faster simulated time passes")
    parser.add_argument("--virtual-clock", action="store_true", help="time passes only by POST /_local/clock/advance")
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
    parser.add_argument("--print-events", action="store_true", help="print each event as a line of JSON")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


def _print_event(event: dict[str, Any]) -> None:
    _print(json.dumps(event))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
