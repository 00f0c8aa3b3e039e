"""What comes over the wire, however it is formed."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest

from healthomics_local.endpoint import Fault, LocalHealthOmics, RealClock, Settings
from healthomics_local.testing import local_healthomics

SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/omics/aws4_request"}


def send(
    omics: LocalHealthOmics, method: str, path: str, *, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = HTTPConnection(urlsplit(omics.url).netloc, timeout=60)
    try:
        connection.request(method, path, body=body, headers={**SIGNED, **headers})
        response = connection.getresponse()
        content = response.read()
        return response.status, {k.lower(): v for k, v in response.headers.items()}, _parsed(content)
    finally:
        connection.close()


def _parsed(content: bytes) -> Any:
    return json.loads(content) if content else None


def raw(omics: LocalHealthOmics, content: bytes) -> bytes:
    address = urlsplit(omics.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def test_the_names_of_the_service_and_of_this_machine_are_served(healthomics: LocalHealthOmics) -> None:
    for host in ("workflows-omics.us-east-1.amazonaws.com", "tags-localhost:1", "127.0.0.1:4567"):
        status, _, body = send(healthomics, "GET", "/run", Host=host)

        assert (status, body) == (200, {"items": []})


@pytest.mark.parametrize("path", ["/run", "/_local/requests", "/_local/exports/workflow/1/readme.md", "/"])
def test_a_name_that_a_web_site_can_have_is_refused(healthomics: LocalHealthOmics, path: str) -> None:
    connection = HTTPConnection(urlsplit(healthomics.url).netloc, timeout=60)
    connection.request("GET", path, headers=SIGNED | {"Host": "evil.example:4567"})
    response = connection.getresponse()

    assert response.status == 403
    assert b"evil.example" in response.read()
    connection.close()


def test_a_name_that_is_allowed_is_served() -> None:
    with local_healthomics(allowed_hosts=("omics-container",)) as omics:
        for path in ("/run", "/_local/health"):
            assert send(omics, "GET", path, Host="omics-container:4567")[0] == 200
        status, headers, document = send(omics, "GET", "/run", Host="other")

    assert (status, headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "--set allowed_hosts=NAME" in document["message"]


def test_a_web_page_cannot_embed_what_the_endpoint_knows(healthomics: LocalHealthOmics) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}

    assert send(healthomics, "GET", "/_local/requests", **headers)[0] == 403


def test_every_answer_has_a_request_id_of_its_own(healthomics: LocalHealthOmics) -> None:
    ids = {send(healthomics, "GET", path)[1]["x-amzn-requestid"] for path in ("/run", "/run", "/nothing")}

    assert len(ids) == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        pytest.param("GET", "/nothing", None, 404, "UnknownOperationException", id="no route"),
        pytest.param("GET", "/run/", None, 404, "UnknownOperationException", id="an empty id"),
        pytest.param("PATCH", "/run", None, 404, "UnknownOperationException", id="no such method"),
        pytest.param("POST", "/run", b"{", 400, "SerializationException", id="bad JSON"),
        pytest.param("POST", "/run", b"{}", 400, "ValidationException", id="nothing in it"),
        pytest.param("GET", "/run/abc", None, 400, "ValidationException", id="no id"),
        pytest.param("GET", "/run/1", None, 404, "ResourceNotFoundException", id="no run"),
        pytest.param("GET", "/run?maxResults=x", None, 400, "SerializationException", id="no number"),
        pytest.param("GET", "/run?status=ON", None, 400, "ValidationException", id="no status"),
        pytest.param("POST", "/sequencestore", b"{}", 501, "OperationNotImplementedException", id="not here"),
        pytest.param("GET", "/_local/nothing", None, 404, "UnknownOperationException", id="no admin route"),
    ],
)
def test_a_request_that_cannot_be_served_gets_an_error_of_the_api(
    healthomics: LocalHealthOmics, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    answered, headers, document = send(healthomics, method, path, body=body)

    assert (answered, headers["x-amzn-errortype"]) == (status, code)
    assert headers["content-type"] == "application/json"
    assert set(document) == {"message"}


def test_a_request_without_a_signature_is_refused_unless_that_is_switched_off() -> None:
    with local_healthomics() as omics:
        status, headers, _ = send(omics, "GET", "/run", Authorization="Basic dGVzdA==")

        assert (status, headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    with local_healthomics(require_signature=False) as omics:
        assert send(omics, "GET", "/run", Authorization="")[0] == 200


@pytest.mark.parametrize("path", ["/run", "/_local/health"])
def test_a_web_page_is_refused(healthomics: LocalHealthOmics, path: str) -> None:
    status, headers, _ = send(healthomics, "GET", path, Origin="https://example.com")

    assert (status, headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert "access-control-allow-origin" not in headers


def test_a_body_that_is_too_large_is_refused_and_the_client_hears_it() -> None:
    with local_healthomics(max_body_bytes=1000) as omics:
        status, headers, document = send(omics, "POST", "/run", body=b"x" * 5_000_000)

        assert (status, headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
        assert document["message"] == "the request body must not exceed 1000 bytes, got 5000000"
        assert send(omics, "GET", "/run")[0] == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"garbage\r\n\r\n", b"400", id="no request line"),
        pytest.param(b"GET /run SMTP/1.0\r\n\r\n", b"400", id="another protocol"),
        pytest.param(b"GET /run HTTP/3.0\r\n\r\n", b"505", id="another version"),
        pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414", id="endless path"),
        pytest.param(b"GET /run HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431", id="too many headers"),
        pytest.param(b"BREW /run HTTP/1.1\r\n\r\n", b"501", id="another method"),
        pytest.param(b"POST /run HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400", id="negative length"),
        pytest.param(b"POST /run HTTP/1.1\r\nContent-Length: ten\r\n\r\n", b"400", id="length in words"),
        pytest.param(b"POST /run HTTP/1.1\r\nContent-Length: 10\r\n\r\n{", b"400", id="cut body"),
        pytest.param(b"POST /run HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400", id="chunked"),
    ],
)
def test_malformed_http_gets_an_error_and_harms_nobody(
    healthomics: LocalHealthOmics, content: bytes, status: bytes
) -> None:
    received = raw(healthomics, content)

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == status
    assert b"x-amzn-requestid" in head.lower()
    assert b"Connection: close" in head
    assert set(json.loads(body)) == {"message"}
    assert send(healthomics, "GET", "/run")[0] == 200


def test_a_client_that_says_nothing_harms_nobody(healthomics: LocalHealthOmics) -> None:
    address = urlsplit(healthomics.url)
    with socket.create_connection((address.hostname, address.port)):
        assert send(healthomics, "GET", "/run")[0] == 200


def test_one_connection_serves_many_requests(healthomics: LocalHealthOmics) -> None:
    connection = HTTPConnection(urlsplit(healthomics.url).netloc, timeout=60)
    for path in ("/run", "/run/1", "/run"):
        connection.request("GET", path, headers=SIGNED)
        connection.getresponse().read()
    local = connection.sock.getsockname()
    connection.request("GET", "/run", headers=SIGNED)
    connection.getresponse().read()

    assert connection.sock.getsockname() == local
    connection.close()


def test_an_unexpected_error_is_an_internal_server_exception(
    healthomics: LocalHealthOmics, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(members: Any) -> bool:
        raise RuntimeError("the secret is 42")

    healthomics.inject(Fault(operation="ListRuns", code="ConflictException", when=broken))

    status, headers, document = send(healthomics, "GET", "/run")

    assert (status, headers["x-amzn-errortype"]) == (500, "InternalServerException")
    assert "42" not in document["message"]
    assert "the secret is 42" in caplog.text


def test_sixty_four_clients_at_once_lose_nothing() -> None:
    with local_healthomics(accept_unknown_references=True) as omics:
        body = json.dumps({"workflowId": "1", "roleArn": "arn:r", "outputUri": "s3://b", "requestId": "{}"})
        barrier = threading.Barrier(64)

        def start(number: int) -> set[str]:
            barrier.wait()
            # Each request id is used by two clients, and each client sends each request twice.
            mine = body.replace("{}", str(number // 2)).encode()
            return {send(omics, "POST", "/run", body=mine)[2]["id"] for _ in range(2)}

        with ThreadPoolExecutor(64) as pool:
            ids = list(pool.map(start, range(64)))

        assert len(omics.runs()) == 32
        assert all(len(each) == 1 for each in ids)
        assert len(set.union(*ids)) == 32


def test_after_stop_nothing_is_left() -> None:
    before = set(threading.enumerate())
    with local_healthomics() as omics:
        address = urlsplit(omics.url)
        idle = socket.create_connection((address.hostname, address.port))
        send(omics, "GET", "/run")

    assert set(threading.enumerate()) <= before
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))
    with pytest.raises(RuntimeError):
        _ = omics.url


def test_stop_does_not_wait_for_a_call_that_waits() -> None:
    omics = LocalHealthOmics(Settings(engine="simulated", accept_unknown_references=True)).start()
    omics.inject(Fault(operation="StartRun", latency=3600))
    body = {"workflowId": "1", "roleArn": "arn:r", "outputUri": "s3://b", "requestId": "one"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send, omics, "POST", "/run", body=json.dumps(body).encode())
        deadline = time.monotonic() + 60
        while omics.faults() and time.monotonic() < deadline:
            time.sleep(0.01)

        began = time.monotonic()
        omics.stop()

        assert time.monotonic() - began < 8
        assert isinstance(waiting.exception(timeout=60), RemoteDisconnected)
    assert omics.runs() == []


def test_a_port_that_is_taken_is_an_error_at_once(healthomics: LocalHealthOmics) -> None:
    port = urlsplit(healthomics.url).port
    assert port is not None

    with pytest.raises(OSError, match="in use"), LocalHealthOmics(port=port):
        pass


def test_faults_requests_and_the_clock_can_be_reached_over_http(healthomics: LocalHealthOmics) -> None:
    fault = {"operation": "ListRuns", "code": "ThrottlingException", "count": 1}
    assert send(healthomics, "POST", "/_local/faults", body=json.dumps(fault).encode())[0] == 204
    assert send(healthomics, "GET", "/_local/faults")[2][0]["code"] == "ThrottlingException"
    assert send(healthomics, "GET", "/run")[0] == 429
    assert send(healthomics, "GET", "/run")[0] == 200

    recorded = send(healthomics, "GET", "/_local/requests?operation=ListRuns")[2]
    before = send(healthomics, "GET", "/_local/health")[2]
    after = send(healthomics, "POST", "/_local/clock/advance", body=b'{"seconds": 60}')[2]

    assert [(each["status"], each["injected"]) for each in recorded] == [(429, True), (200, False)]
    assert before == {"status": "ok", "time": "2026-01-01T00:00:00+00:00", "runs": 0}
    assert after == {"time": "2026-01-01T00:01:00+00:00"}
    assert send(healthomics, "DELETE", "/_local/requests")[0] == 204
    assert send(healthomics, "DELETE", "/_local/faults")[0] == 204
    assert send(healthomics, "GET", "/_local/requests")[2] == []


def test_late_failures_can_be_arranged_over_http(healthomics: LocalHealthOmics) -> None:
    rule = {
        "run_name": "doomed",
        "count": 1,
        "failure_reason": "ASSUME_ROLE_FAILED",
        "status_message": "no such role",
        "fails_in": "STARTING",
        "running_seconds": 5,
        "tasks": ["align", {"name": "call", "cpus": 16}],
    }
    assert send(healthomics, "POST", "/_local/scripts", body=json.dumps(rule).encode())[0] == 204
    (listed,) = send(healthomics, "GET", "/_local/scripts")[2]
    workflow_id = healthomics.add_workflow().workflow_id
    members = {"workflowId": workflow_id, "roleArn": "arn:aws:iam::1:role/r", "outputUri": "s3://b/o"}
    for name in ("other", "doomed", "doomed"):
        healthomics.call("StartRun", members | {"name": name})

    assert send(healthomics, "POST", "/_local/clock/run-until-idle")[0] == 200

    ended = [healthomics.call("GetRun", {"id": run.run_id}) for run in healthomics.runs()]
    assert [each["status"] for each in ended] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert (ended[1]["failureReason"], ended[1]["statusMessage"]) == ("ASSUME_ROLE_FAILED", "no such role")
    assert {name: listed[name] for name in ("run_name", "count", "fails_in")} == {
        "run_name": "doomed",
        "count": 1,
        "fails_in": "STARTING",
    }
    assert [listed["tasks"][0], listed["tasks"][1]["cpus"]] == ["align", 16]
    assert send(healthomics, "GET", "/_local/scripts")[2] == []
    send(healthomics, "POST", "/_local/scripts")
    assert send(healthomics, "DELETE", "/_local/scripts")[0] == 204
    assert healthomics.scripts() == ()


def test_throttling_can_be_changed_over_http(healthomics: LocalHealthOmics) -> None:
    def set_rate(rate: float | None) -> Any:
        return send(healthomics, "PUT", "/_local/throttling", body=json.dumps({"start_run_tps": rate}).encode())[2]

    def start(count: int) -> list[int]:
        body = b"{}"
        return [send(healthomics, "POST", "/run", body=body)[0] for _ in range(count)]

    assert send(healthomics, "GET", "/_local/throttling")[2] == {"start_run_tps": None}
    assert start(3) == [400, 400, 400]
    assert set_rate(2) == {"start_run_tps": 2}
    assert start(3) == [400, 400, 429]
    healthomics.advance(0.5)
    assert start(2) == [400, 429]
    assert set_rate(None) == {"start_run_tps": None}
    assert start(2) == [400, 400]


def test_time_that_passes_by_itself_is_not_advanced() -> None:
    with local_healthomics(clock=RealClock()) as omics:
        for path in ("advance", "run-until-idle"):
            status, _, document = send(omics, "POST", f"/_local/clock/{path}", body=b'{"seconds": 1}')
            assert status == 400
            assert "--virtual-clock" in document["message"]
        omics.clock.close()


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"start_run_tps": 0}', b'{"start_run_tps": "1"}', b'{"start_run_tps": true}', b'{"rate": 1}', b"[]"],
)
def test_a_bad_rate_is_refused(healthomics: LocalHealthOmics, body: bytes) -> None:
    status, headers, _ = send(healthomics, "PUT", "/_local/throttling", body=body)

    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("scripts", b'{"failure": "x"}'),
        ("scripts", b'{"failure_reason": ""}'),
        ("scripts", b'{"fails_in": "COMPLETED"}'),
        ("scripts", b'{"fails_in": "SOMEWHERE"}'),
        ("scripts", b'{"count": 0}'),
        ("scripts", b'{"running_seconds": -1}'),
        ("scripts", b'{"running_seconds": 1e300}'),
        ("scripts", b'{"running_seconds": true}'),
        ("scripts", b'{"tasks": "align"}'),
        ("scripts", b'{"tasks": [1]}'),
        ("scripts", b'{"tasks": [{"cpus": 1}]}'),
        ("scripts", b'{"tasks": [{"name": "a", "cpus": 0}]}'),
        ("scripts", b'{"tasks": [{"name": "a", "memory": 1}]}'),
        ("faults", b"{"),
        ("faults", b"[]"),
        ("faults", b'{"operation": "StartRuns"}'),
        ("faults", b'{"when": "x"}'),
        ("faults", b'{"count": "many"}'),
        ("faults", b'{"code": "ConflictException", "status": 204}'),
        ("faults", b'{"status": 500}'),
        ("clock/advance", b'{"seconds": -1}'),
        ("clock/advance", b'{"seconds": "1"}'),
        ("clock/advance", b"{}"),
    ],
)
def test_a_bad_admin_document_is_refused(healthomics: LocalHealthOmics, path: str, body: bytes) -> None:
    status, headers, _ = send(healthomics, "POST", f"/_local/{path}", body=body)

    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")
