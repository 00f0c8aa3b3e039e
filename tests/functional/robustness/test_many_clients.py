"""Sixty-four clients at once, of which none behaves."""

from __future__ import annotations

import json
import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from healthomics_local.endpoint import Fault
from healthomics_local.testing import local_healthomics
from http_wire import exchange

if TYPE_CHECKING:
    from healthomics_local.endpoint import LocalHealthOmics

pytestmark = pytest.mark.slow

CLIENTS = 64
ACTIONS = 8
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/omics/aws4_request"}


class Client:
    """Starts runs and does not give up until it knows their ids; in between it reads, cancels, and misbehaves."""

    def __init__(self, omics: LocalHealthOmics, number: int) -> None:
        self.started: dict[str, str] = {}
        """The id of the run that each request id has started."""
        self.statuses: set[int] = set()
        self._omics = omics
        self._address = urlsplit(omics.url)
        self._number = number
        self._random = Random(number)

    def work(self) -> None:
        mischief = (self._read, self._cancel, self._tag, self._inject, self._hang_up, self._reset, self._babble)
        for step in range(ACTIONS):
            self._start(f"{self._number}-{step}")
            self._random.choice(mischief)()

    def _start(self, request_id: str) -> None:
        members = {"workflowId": "1", "roleArn": "arn:aws:iam::123456789012:role/run", "outputUri": "s3://bucket/out"}
        for _ in range(1000):
            answer = self._send("POST", "/run", members | {"requestId": request_id, "name": request_id})
            if answer is not None and "id" in answer:
                self.started[request_id] = answer["id"]
                return
        raise AssertionError(f"{request_id} was never answered")

    def _read(self) -> None:
        self._send("GET", f"/run?maxResults={self._random.randint(1, 100)}")
        self._send("GET", f"/run/{self._any_run()}")

    def _cancel(self) -> None:
        self._send("POST", f"/run/{self._any_run()}/cancel")

    def _tag(self) -> None:
        arn = f"arn%3Aaws%3Aomics%3Aus-east-1%3A123456789012%3Arun%2F{self._any_run()}"
        self._send("POST", f"/tags/{arn}", {"tags": {"client": str(self._number)}})

    def _inject(self) -> None:
        code = self._random.choice(["InternalServerException", "ThrottlingException", None])
        late, drop = self._random.random() < 0.5, code is None
        self._omics.inject(Fault(operation="StartRun", code=code, after_processing=late, drop_connection=drop))

    def _hang_up(self) -> None:
        self._leave_behind(b"POST /run HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")

    def _reset(self) -> None:
        self._leave_behind(b"GET /run HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256\r\n\r\n", reset=True)

    def _babble(self) -> None:
        (answer,) = exchange(self._omics.url, [self._random.randbytes(50) + b"\r\n\r\n"])
        self.statuses.add(answer.status)

    def _any_run(self) -> str:
        return self._random.choice([*self.started.values()])

    def _leave_behind(self, content: bytes, *, reset: bool = False) -> None:
        with socket.create_connection((self._address.hostname, self._address.port), timeout=120) as connection:
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(content)

    def _send(self, method: str, path: str, document: Any = None) -> dict[str, Any] | None:
        """The document of the answer; None, when the connection was lost."""
        connection = HTTPConnection(self._address.netloc, timeout=120)
        try:
            connection.request(method, path, json.dumps(document) if document is not None else None, SIGNED)
            response = connection.getresponse()
            content = response.read()
        except (HTTPException, OSError):
            return None
        finally:
            connection.close()
        self.statuses.add(response.status)
        return json.loads(content) if content else {}


def test_every_run_that_was_answered_is_there_once_and_no_other() -> None:
    with local_healthomics(accept_unknown_references=True, max_recorded_requests=10) as omics:
        clients = [Client(omics, number) for number in range(CLIENTS)]
        together = threading.Barrier(CLIENTS)

        def work(client: Client) -> None:
            together.wait()
            client.work()

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(work, clients))
        omics.clear_faults()

        api = omics.client()
        listed = [run for page in api.get_paginator("list_runs").paginate() for run in page["items"]]
        omics.run_until_idle()
        ended = {run.status for run in omics.runs()}

    started = {request_id: run_id for client in clients for request_id, run_id in client.started.items()}
    assert len(started) == CLIENTS * ACTIONS
    assert sorted((run["name"], run["id"]) for run in listed) == sorted(started.items())
    assert ended == {"COMPLETED", "CANCELLED"}
    # Faults and nonsense have really been met.
    assert {201, 202, 200, 204, 400, 429, 500} <= set.union(*(client.statuses for client in clients))
