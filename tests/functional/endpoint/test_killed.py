"""An endpoint that is killed with SIGKILL, and one that starts on what it has left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/omics/aws4_request"}
CLIENTS = 4


def command(file: Path, *options: str) -> list[str]:
    arguments = ["--state-file", str(file), "--virtual-clock", "--accept-unknown-references", *options]
    return [sys.executable, "-m", "healthomics_local.endpoint", *arguments]


@contextmanager
def endpoint(file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(command(file), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.kill()


def send(connection: HTTPConnection, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
    connection.request(method, path, body=json.dumps(document) if document is not None else None, headers=SIGNED)
    return json.loads(connection.getresponse().read())


def start_run(connection: HTTPConnection, request_id: str) -> str:
    members = {"workflowId": "1", "roleArn": "arn:aws:iam::123456789012:role/r", "outputUri": "s3://bucket/out"}
    return str(send(connection, "POST", "/run", {**members, "requestId": request_id})["id"])


def test_nothing_that_was_answered_is_lost_and_nothing_is_started_twice(tmp_path: Path) -> None:
    answered: dict[str, str] = {}
    enough = threading.Event()

    with endpoint(tmp_path / "state.db") as (process, url):

        def work(client: int) -> None:
            connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
            number = 0
            try:
                while True:
                    request_id = f"{client}-{number}"
                    answered[request_id] = start_run(connection, request_id)
                    number += 1
                    if len(answered) >= 100:
                        enough.set()
            except (OSError, HTTPException):
                connection.close()

        clients = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
        for client in clients:
            client.start()
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
        for client in clients:
            client.join()

    with endpoint(tmp_path / "state.db") as (process, url):
        connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
        stored: set[str] = set()
        token = ""
        while True:
            page = send(connection, "GET", f"/run?maxResults=100{token}")
            stored |= {run["id"] for run in page["items"]}
            if "nextToken" not in page:
                break
            token = f"&startingToken={page['nextToken']}"
        assert set(answered.values()) <= stored
        # At most one request of each client was under way, and got no answer.
        assert len(stored) <= len(answered) + CLIENTS
        again = {request_id: start_run(connection, request_id) for request_id in list(answered)[:20]}
        assert again.items() <= answered.items()

        second = subprocess.run(command(tmp_path / "state.db"), capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode == 1
        assert second.stderr.startswith(f"error: the state file {tmp_path / 'state.db'} is in use by another endpoint")
        assert send(connection, "GET", "/run?maxResults=1")["items"]
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0

    # After an orderly end there is one file.
    assert [each.name for each in tmp_path.iterdir()] == ["state.db"]
