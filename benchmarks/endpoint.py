"""The local HealthOmics endpoint: requests per second with 10 and with 10,000 stored runs, side by side.

Over HTTP, by one client with one connection that stays open, and in this process, without a socket; with the state
in memory and in a file. Client and endpoint are one process, and the seconds are those of its processor time, so that
other work on the machine does not count. Runs that the measurement of StartRun has started are deleted again, ten at a
time and outside the measured time, so that the number of stored runs stays what the column says.

    .venv/bin/python benchmarks/endpoint.py
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from healthomics_local.endpoint import LocalHealthOmics, Settings, Timings, VirtualClock

STORED = (10, 10_000)
ROUNDS = 3
ROUND_SECONDS = 0.25
GROUPS = 100
STARTS_AT_ONCE = 10
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/omics/aws4_request"}
START = {"roleArn": "arn:aws:iam::123456789012:role/r", "outputUri": "s3://amzn-s3-demo-bucket/out", "workflowId": "1"}

Call = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


@contextmanager
def _endpoint(stored: int, file: Path | None) -> Iterator[LocalHealthOmics]:
    """An endpoint with runs of all kinds: of ten, one was cancelled, and one still goes on."""
    settings = Settings(
        clock=VirtualClock(),
        engine="simulated",
        timings=Timings(cancelling=0),
        accept_unknown_references=True,
        max_stored_runs=None,
        max_recorded_requests=100,
        state_file=file,
    )
    with LocalHealthOmics(settings) as omics:
        for number in range(stored):
            run = omics.call("StartRun", _members(number))
            if number % 10 == 1:
                omics.call("CancelRun", {"id": run["id"]})
            if number == stored - stored // 10 - 1:
                omics.run_until_idle()
        omics.advance(60)
        yield omics


def _members(number: int) -> dict[str, Any]:
    return {
        **START,
        "name": f"sample-{number}",
        "runGroupId": str(number % GROUPS),
        "parameters": {
            "reads": [f"s3://amzn-s3-demo-bucket/{number}_{read}.fastq.gz" for read in (1, 2)],
            "threads": 4,
        },
        "requestId": f"request-{number}-{time.perf_counter_ns()}",
    }


def _http(url: str) -> Call:
    connection = HTTPConnection(urlsplit(url).netloc)

    def call(operation: str, members: Mapping[str, Any]) -> Mapping[str, Any]:
        match operation:
            case "StartRun":
                connection.request("POST", "/run", body=json.dumps(members), headers=SIGNED)
            case "GetRun":
                connection.request("GET", f"/run/{members['id']}", headers=SIGNED)
            case _:
                connection.request("GET", f"/run?{urlencode(members)}", headers=SIGNED)
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status in {200, 201}, answer
        return answer

    return call


def _requests(call: Call, stored: int) -> dict[str, Callable[[], object]]:
    newest = call("ListRuns", {"maxResults": 1})["items"][0]["id"]
    token = None
    for _ in range(stored // 200):
        token = call("ListRuns", {"maxResults": 100, **({"startingToken": token} if token else {})})["nextToken"]
    deep = {"maxResults": 10, **({"startingToken": token} if token else {})}
    listings: dict[str, Mapping[str, Any]] = {
        "ListRuns, 10 of all": {"maxResults": 10},
        "ListRuns, 100 of all": {"maxResults": 100},
        "ListRuns, 10 from the middle": deep,
        "ListRuns by name": {"maxResults": 10, "name": f"sample-{stored // 2}"},
        "ListRuns by status, 10": {"maxResults": 10, "status": "CANCELLED"},
        "ListRuns by group, 10": {"maxResults": 10, "runGroupId": "7"},
        "ListRuns by group and status": {"maxResults": 10, "runGroupId": "7", "status": "COMPLETED"},
    }
    return {
        "GetRun": lambda: call("GetRun", {"id": newest}),
        **{name: lambda members=members: call("ListRuns", members) for name, members in listings.items()},
    }


def _rate(request: Callable[[], object]) -> float:
    rates: list[float] = []
    request()
    for _ in range(ROUNDS):
        done, begin = 0, time.process_time()
        while (passed := time.process_time() - begin) < ROUND_SECONDS:
            request()
            done += 1
        rates.append(done / passed)
    return statistics.median(rates)


def _start_run_rate(omics: LocalHealthOmics, call: Call, stored: int) -> float:
    rates: list[float] = []
    numbers = count(stored)
    for _ in range(ROUNDS):
        started, passed = 0, 0.0
        while passed < ROUND_SECONDS:
            wanted = [_members(next(numbers)) for _ in range(STARTS_AT_ONCE)]
            begin = time.process_time()
            ids = [call("StartRun", members)["id"] for members in wanted]
            passed += time.process_time() - begin
            started += len(ids)
            for run_id in ids:
                omics.call("CancelRun", {"id": run_id})
            omics.advance(0)
            for run_id in ids:
                omics.call("DeleteRun", {"id": run_id})
        rates.append(started / passed)
    assert len(omics.runs()) == stored
    return statistics.median(rates)


def main() -> None:
    """Print a table of rates."""
    columns: dict[str, dict[str, float]] = {}
    for kept in ("memory", "file"):
        for stored in STORED:
            with (
                tempfile.TemporaryDirectory() as folder,
                _endpoint(stored, Path(folder) / "state.db" if kept == "file" else None) as omics,
            ):
                for way, call in (("HTTP", _http(omics.url)), ("in process", omics.call)):
                    rates = {name: _rate(request) for name, request in _requests(call, stored).items()}
                    rates["StartRun"] = _start_run_rate(omics, call, stored)
                    columns[f"{way}, {kept}, {stored:,}"] = rates
    names = list(next(iter(columns.values())))
    ordered = sorted(columns, key=lambda name: not name.startswith("HTTP"))
    print(f"| requests per second | {' | '.join(ordered)} |")
    print(f"| --- |{' ---: |' * len(ordered)}")
    for name in names:
        print(f"| {name} | {' | '.join(f'{columns[column][name]:,.0f}' for column in ordered)} |")


if __name__ == "__main__":
    main()
