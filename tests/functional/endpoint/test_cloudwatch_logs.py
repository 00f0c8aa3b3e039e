"""The sink that writes to CloudWatch Logs, against a server that speaks its protocol and can fail."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.endpoint import LocalHealthOmics, Settings, VirtualClock
from healthomics_local.endpoint.logs.cloudwatch import (
    EVENT_OVERHEAD_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_MESSAGE_BYTES,
    CloudWatchLogs,
    batches,
)
from healthomics_local.endpoint.logs.sink import LOG_GROUP, LogEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T0 = datetime(2026, 1, 1, tzinfo=UTC)


class FakeLogs(ThreadingHTTPServer):
    """CloudWatch Logs: groups, streams and events in memory."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.calls: list[str] = []
        self.failures: list[str] = []
        """Codes of errors for the next calls of PutLogEvents."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def messages(self, stream: str) -> list[str]:
        return [event["message"] for event in self.groups[LOG_GROUP][stream]]

    def answer(self, operation: str, members: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append(operation)
        group, stream = members["logGroupName"], members.get("logStreamName")
        if operation == "CreateLogGroup":
            return self._create(self.groups, group, {})
        if group not in self.groups:
            return 400, {"__type": "ResourceNotFoundException"}
        if operation == "CreateLogStream":
            return self._create(self.groups[group], stream, [])
        if self.failures:
            return 400, {"__type": self.failures.pop(0)}
        if stream not in self.groups[group]:
            return 400, {"__type": "ResourceNotFoundException"}
        events = members["logEvents"]
        assert all(event["message"] for event in events)
        assert events == sorted(events, key=lambda event: event["timestamp"])
        self.groups[group][stream] += events
        return 200, {}

    @staticmethod
    def _create(where: dict[str, Any], name: str | None, empty: Any) -> tuple[int, dict[str, Any]]:
        if name in where:
            return 400, {"__type": "ResourceAlreadyExistsException"}
        where[str(name)] = empty
        return 200, {}


class _Handler(BaseHTTPRequestHandler):
    server: FakeLogs

    def do_POST(self) -> None:
        members = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, document = self.server.answer(self.headers["X-Amz-Target"].partition(".")[2], members)
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing of interest."""


@pytest.fixture
def server() -> Iterator[FakeLogs]:
    with FakeLogs() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def entry(stream: str, message: str, seconds: float = 0) -> LogEntry:
    return LogEntry(stream=stream, timestamp=T0 + timedelta(seconds=seconds), message=message)


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.01)


def sink_for(server: FakeLogs) -> CloudWatchLogs:
    return CloudWatchLogs(endpoint_url=server.url, region="us-east-1")


def test_a_run_has_its_streams_in_cloudwatch(server: FakeLogs) -> None:
    sink = sink_for(server)
    sink.start()
    with LocalHealthOmics(Settings(clock=VirtualClock(), engine="simulated", log_sink=sink)) as omics:
        workflow = omics.add_workflow()
        members = {"workflowId": workflow.workflow_id, "roleArn": "arn:r", "outputUri": "s3://b/o"}
        run = omics.call("StartRun", members)
        omics.run_until_idle()
        (task,) = omics.call("ListRunTasks", {"id": run["id"]})["items"]

    sink.stop()

    manifest = f"manifest/run/{run['id']}/{run['uuid']}"
    stream = f"run/{run['id']}"
    assert set(server.groups[LOG_GROUP]) == {stream, f"{stream}/engine", f"{stream}/task/{task['taskId']}", manifest}
    assert server.messages(stream)[-1] == f"Run {run['id']} is COMPLETED"
    assert [json.loads(message)["status"] for message in server.messages(manifest)] == ["COMPLETED", "COMPLETED"]
    first = server.groups[LOG_GROUP][stream][0]
    assert first["timestamp"] == T0.timestamp() * 1000


def test_what_was_written_before_the_start_is_delivered_in_order(server: FakeLogs) -> None:
    sink = sink_for(server)
    for number in range(50):
        sink.write([entry("run/1", str(number))])

    sink.start()
    for number in range(50, 100):
        sink.write([entry("run/1", str(number))])
    sink.stop()

    assert server.messages("run/1") == [str(number) for number in range(100)]


def test_it_goes_on_after_an_error(server: FakeLogs, caplog: pytest.LogCaptureFixture) -> None:
    sink = sink_for(server)
    server.failures = ["InvalidParameterException"]
    sink.write([entry("run/1", "lost"), entry("run/2", "kept")])
    sink.start()
    wait_for(lambda: "run/2" in server.groups.get(LOG_GROUP, {}))

    sink.write([entry("run/1", "also kept")])
    sink.stop()

    assert server.messages("run/2") == ["kept"]
    assert server.messages("run/1") == ["also kept"]
    assert "1 log entries for run/1 not delivered" in caplog.text


def test_a_group_that_somebody_deletes_comes_back(server: FakeLogs) -> None:
    sink = sink_for(server)
    sink.start()
    sink.write([entry("run/1", "first")])
    wait_for(lambda: server.groups.get(LOG_GROUP, {}).get("run/1"))
    server.groups.clear()

    sink.write([entry("run/1", "second")])
    sink.stop()

    assert server.messages("run/1") == ["second"]


def test_nobody_listening_holds_up_nothing(server: FakeLogs, caplog: pytest.LogCaptureFixture) -> None:
    sink = CloudWatchLogs(endpoint_url="http://127.0.0.1:9", region="us-east-1")
    sink.start()

    sink.write([entry("run/1", "lost")])
    sink.stop()

    assert "1 log entries for run/1 not delivered" in caplog.text


def test_a_sink_that_was_never_started_can_be_stopped() -> None:
    sink = CloudWatchLogs(endpoint_url="http://127.0.0.1:9", region="us-east-1")
    sink.write([entry("run/1", "lost")])

    sink.stop()


def test_requests_keep_to_the_limits_of_put_log_events() -> None:
    many = [entry("many", str(number)) for number in range(MAX_BATCH_EVENTS + 5)]
    large = [entry("large", "x" * 300_000 + "ä", seconds) for seconds in range(10)]

    requests = list(batches([*many, *large, entry("many", "")]))

    by_stream: dict[str, list[Any]] = {"many": [], "large": []}
    for stream, events in requests:
        assert len(events) <= MAX_BATCH_EVENTS
        assert sum(len(each["message"].encode()) + EVENT_OVERHEAD_BYTES for each in events) <= MAX_BATCH_BYTES
        assert all(0 < len(each["message"].encode()) <= MAX_MESSAGE_BYTES for each in events)
        by_stream[stream] += events
    assert len(by_stream["many"]) == MAX_BATCH_EVENTS + 6
    assert [each["timestamp"] for each in by_stream["large"]] == [
        int((T0 + timedelta(seconds=seconds)).timestamp() * 1000) for seconds in range(10)
    ]
