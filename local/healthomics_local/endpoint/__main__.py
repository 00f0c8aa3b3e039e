"""Run the endpoint alone: ``python -m healthomics_local.endpoint --port 0`` prints its URL and serves."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.local_endpoint import LocalHealthOmics
from healthomics_local.endpoint.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until somebody sends SIGINT or SIGTERM."""
    options = _parser().parse_args(arguments)
    settings = Settings(
        region=options.region,
        account_id=options.account_id,
        speed=options.speed,
        clock=VirtualClock() if options.virtual_clock else None,
        aws_endpoint_url=options.aws_endpoint_url,
        engine=options.engine,
        start_run_tps=options.start_run_tps,
        accept_unknown_references=options.accept_unknown_references,
        event_sink=_print_event if options.print_events else None,
    )
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with LocalHealthOmics(settings, host=options.host, port=options.port) as omics:
        _print(f"HealthOmics is at {omics.url}")
        _print(f"export AWS_ENDPOINT_URL_OMICS={omics.url} AWS_DISABLE_HOST_PREFIX_INJECTION=true")
        stopped.wait()
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
    parser.add_argument("--aws-endpoint-url", help="the local AWS with the S3 that CWL runs read and write")
    parser.add_argument("--engine", choices=("auto", "simulated"), default="auto", help="(default: %(default)s)")
    parser.add_argument("--start-run-tps", type=_positive, help="throttle StartRun, as AWS does with 1")
    parser.add_argument(
        "--accept-unknown-references",
        action="store_true",
        help="take workflows, run groups, caches and configurations that were never created as existing",
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
