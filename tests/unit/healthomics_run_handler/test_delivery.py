"""Putting the answer to the presigned URL."""

import socket
import threading
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPException, LineTooLong
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from handler_fakes import FakeClock
from healthomics_run_handler import delivery
from healthomics_run_handler.delivery import UndeliveredError, check_url, deliver
from healthomics_run_handler.logs import JsonLog

URL = "https://response.example/x?X-Amz-Signature=5ecret"


class Puts:
    def __init__(self, *results: int | Exception) -> None:
        self.results = list(results)
        self.times: list[float] = []
        self.clock = FakeClock()
        self.lines: list[str] = []

    def __call__(self, url: str, body: bytes) -> int:
        assert (url, body) == (URL, b"{}")
        self.times.append(self.clock.now())
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def deliver(self, seconds: float = 60.0) -> bool:
        deadline = self.clock.now() + seconds
        return deliver(URL, b"{}", put=self, clock=self.clock, log=JsonLog(self.lines.append, {}), deadline=deadline)


@pytest.mark.parametrize("status", [200, 204, 299])
def test_an_accepted_answer_is_put_once(status: int) -> None:
    puts = Puts(status)

    assert puts.deliver()

    assert len(puts.times) == 1
    assert puts.lines == []


@pytest.mark.parametrize(
    "trouble",
    [
        500,
        503,
        408,
        429,
        302,
        OSError("connection reset"),
        TimeoutError(),
        BadStatusLine("garbage"),
        LineTooLong("header line"),
        HTTPException("got more than 100 headers"),
    ],
)
def test_a_passing_trouble_is_tried_again_later(trouble: int | Exception) -> None:
    puts = Puts(trouble, trouble, 200)

    assert puts.deliver()

    assert [round(at - puts.times[0]) for at in puts.times] == [0, 2, 6]
    assert len(puts.lines) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 499])
def test_a_refused_url_is_not_tried_again(status: int) -> None:
    puts = Puts(status)

    assert not puts.deliver()

    assert len(puts.times) == 1
    assert f'"http_status": {status}' in puts.lines[0]


def test_the_tries_are_bounded_and_then_the_invocation_has_to_fail() -> None:
    puts = Puts(*[OSError()] * 9)

    with pytest.raises(UndeliveredError):
        puts.deliver(seconds=1000)

    assert [round(at - puts.times[0]) for at in puts.times] == [0, 2, 6, 14, 22]


def test_no_try_begins_after_the_deadline() -> None:
    puts = Puts(*[OSError()] * 9)

    with pytest.raises(UndeliveredError):
        puts.deliver(seconds=5)

    assert len(puts.times) == 2


def test_no_line_holds_the_url_or_an_error_text() -> None:
    puts = Puts(OSError("5ecret"), 503, 403)

    puts.deliver()

    assert "5ecret" not in "".join(puts.lines)
    assert "response.example" not in "".join(puts.lines)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://cloudformation-custom-resource-response-eu.s3.amazonaws.com/x", True),
        ("http://127.0.0.1:4566/x", True),
        ("http://[::1]:4566/x", True),
        ("http://localhost:4566/x", True),
        ("http://169.254.169.254/latest", False),
        ("http://response.example/x", False),
        ("http://localhost.example/x", False),
        ("ftp://127.0.0.1/x", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_answers_go_to_https_or_loopback_only(url: str, fine: bool) -> None:  # noqa: FBT001
    assert check_url(url) is fine


class _Recorder(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(403 if "refuse" in self.path else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Recorder) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_real_put_sends_body_and_empty_content_type_and_returns_the_status(server: HTTPServer) -> None:
    url = f"http://127.0.0.1:{server.server_port}"

    assert delivery.put(f"{url}/accept?X=1", b"{}") == 200
    assert delivery.put(f"{url}/refuse", b"{}") == 403

    path, headers, body = server.seen[0]  # type: ignore[attr-defined]
    assert (path, body) == ("/accept?X=1", b"{}")
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == ""


def test_the_real_put_raises_when_nobody_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with pytest.raises(OSError, match="refused"):
        delivery.put(f"http://127.0.0.1:{port}/x", b"{}")


def test_the_real_put_raises_what_deliver_retries_when_the_reply_is_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"garbage\r\n\r\n")

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(HTTPException):
            delivery.put(f"http://127.0.0.1:{listener.getsockname()[1]}/x", b"{}")
        thread.join()
