"""HTTP as bytes: what a client that keeps to no rule can send, and a strict reading of what comes back."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from healthomics_local.endpoint.errors import error_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [A-Za-z -]+")
_HEADER = re.compile(rb"([A-Za-z-]+): ([\x20-\x7e]*)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def exchange(url: str, parts: Iterable[bytes]) -> list[Answer]:
    """Send the parts one by one, then nothing more, and read until the server closes.

    A server that resets the connection fails the caller: it must close it in peace, with or without an answer.
    """
    address = urlsplit(url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(65536):
            received += chunk
    return _answers(received)


def check_error(answer: Answer) -> None:
    """Fail unless an answer that is no success is an error as the API has them, and no accident of the endpoint."""
    assert answer.status != 500, answer
    if answer.headers["content-type"].startswith("text/html"):
        # The endpoint's page speaks to people.
        return
    code = answer.headers["x-amzn-errortype"]
    assert error_class(code) is not None, code
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amzn-requestid"]
    assert set(answer.document) == {"message"}
    # What a client can be told is Unicode, to the last character.
    answer.document["message"].encode()


def _answers(received: bytes) -> list[Answer]:
    found: list[Answer] = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head
        status_line, *lines = head.split(b"\r\n")
        status = _STATUS_LINE.fullmatch(status_line)
        assert status is not None, status_line
        if status[1] == b"100":
            assert lines == []
            continue
        headers: dict[str, str] = {}
        for line in lines:
            header = _HEADER.fullmatch(line)
            assert header is not None, line
            headers[header[1].decode().lower()] = header[2].decode()
        length = int(headers.get("content-length", "0"))
        body, received = received[:length], received[length:]
        assert len(body) == length, (headers, body)
        found.append(Answer(status=int(status[1]), headers=headers, body=body))
    return found
