"""Bytes that are no HTTP, or hardly."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_size import examples
from healthomics_local.testing import local_healthomics
from http_wire import check_error, exchange

if TYPE_CHECKING:
    from healthomics_local.endpoint import LocalHealthOmics

pytestmark = pytest.mark.slow

SIGNED = b"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/omics/aws4_request\r\n"
MEMBERS = (
    b'"workflowId":"1","roleArn":"arn:aws:iam::123456789012:role/run","outputUri":"s3://bucket/out","requestId":"%d"'
)


def get(target: bytes = b"/run", *, version: bytes = b"HTTP/1.1", headers: bytes = b"") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + SIGNED + headers + b"\r\n"


def post(body: bytes, *, headers: bytes | None = None) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if headers is None else headers
    return b"POST /run HTTP/1.1\r\n" + SIGNED + length + b"\r\n" + body


def start(number: int, more: bytes = b"") -> bytes:
    return post(b"{" + MEMBERS % number + more + b"}")


def nested(depth: int) -> bytes:
    return b',"parameters":{"a":' + b"[" * depth + b"]" * depth + b"}"


REFUSED = {
    "nul in the request line": (get(b"/\0run"), 404),
    "an unfinished request line": (b"GET /run HT", 400),
    "no version": (b"GET /run\r\n" + SIGNED + b"\r\n", 400),
    "a version that is no number": (get(version=b"HTTP/one.one"), 400),
    "a version of too many digits": (get(version=b"HTTP/1." + b"1" * 5000), 400),
    "TLS": (bytes.fromhex("16030100f8010000f40303") + b"\x01" * 200, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "a proxy's request": (b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", 501),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\n\r\n", 400),
    "a relative path": (get(b"run"), 400),
    "an unknown scheme": (get(b"ftp://localhost/run"), 400),
    "nothing but nul": (b"\0" * 1000 + b"\r\n\r\n", 400),
    "a head without end": (b"GET /run HTTP/1.1\r\n" + SIGNED, 400),
    "a header without end": (b"GET /run HTTP/1.1\r\n" + SIGNED + b"X: ", 400),
    "a header without colon": (get(headers=b"nonsense\r\n"), 400),
    "a space before the colon": (post(b"{}", headers=b"Content-Length : 2\r\n"), 400),
    "a header without name": (get(headers=b": x\r\n"), 400),
    "a folded header": (get(headers=b"X: a\r\n b\r\n"), 400),
    "a first header that is folded": (b"GET /run HTTP/1.1\r\n X: a\r\n" + SIGNED + b"\r\n", 400),
    "nul in a header": (get(headers=b"X: a\0b\r\n"), 400),
    "a line break in a header": (get(headers=b"X: a\rb\r\n"), 400),
    "a header too long": (get(headers=b"X: " + b"a" * 70_000 + b"\r\n"), 431),
    "too many headers": (get(headers=b"X: a\r\n" * 500), 431),
    "two lengths": (post(b"{}   ", headers=b"Content-Length: 2\r\nContent-Length: 5\r\n"), 400),
    "a list of lengths": (post(b"{}", headers=b"Content-Length: 2, 2\r\n"), 400),
    "a signed length": (post(b"{}", headers=b"Content-Length: +2\r\n"), 400),
    "a length in Python's notation": (post(b"{}", headers=b"Content-Length: 1_0\r\n"), 400),
    "a hexadecimal length": (post(b"{}", headers=b"Content-Length: 0x2\r\n"), 400),
    "an empty length": (post(b"{}", headers=b"Content-Length: \r\n"), 400),
    "a length in superscript": (post(b"{}", headers=b"Content-Length: \xb2\r\n"), 400),
    "a length beyond all memory": (post(b"{}", headers=b"Content-Length: 9999999999999999\r\n"), 413),
    "a length of many digits": (post(b"{}", headers=b"Content-Length: " + b"9" * 5000 + b"\r\n"), 413),
    "more than the length": (post(b"x" * 3_000_000), 413),
    "less than the length": (post(b"{", headers=b"Content-Length: 10\r\n"), 400),
    "chunks": (post(b"2\r\n{}\r\n0\r\n\r\n", headers=b"Transfer-Encoding: chunked\r\n"), 400),
    "chunks and a length": (
        post(b"2\r\n{}\r\n0\r\n\r\n", headers=b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
        400,
    ),
    "an announced body that is too large": (
        post(b"", headers=b"Expect: 100-continue\r\nContent-Length: 9999999\r\n"),
        413,
    ),
    "a path that is no percent-encoding": (get(b"/run/%zz"), 400),
    "a path that is no UTF-8": (get(b"/run/%ff%fe"), 400),
    "nul in a path": (get(b"/run/%00"), 400),
    "half of a surrogate pair in a path": (get(b"/tags/%ed%a0%80"), 400),
    "bytes in a path": (get(b"/run/\xff\xe9"), 400),
    "a path too long": (get(b"/run/" + b"9" * 70_000), 414),
    "a number of many digits": (get(b"/run?maxResults=" + b"9" * 5000), 400),
    "digits of another script": (get(b"/run?maxResults=%D9%A1"), 400),
    "a number in Python's notation": (get(b"/run?maxResults=1_0"), 400),
    "a page of another listing": (get(b"/run?startingToken=YWZ0ZXI6w7I"), 400),
    "a method that nobody knows": (b"BREW /run HTTP/1.1\r\n\r\n", 501),
    "a method in lower case": (b"get /run HTTP/1.1\r\n\r\n", 501),
    "no UTF-8": (post(b'{"name":"\xff"}'), 400),
    "UTF-16": (post('{"name":"x"}'.encode("utf-16")), 400),
    "a byte order mark": (post(b"\xef\xbb\xbf{}"), 400),
    "too much nesting": (post(b'{"parameters":' + b"[" * 40_000 + b"]" * 40_000 + b"}"), 400),
    "nesting without end": (post(b"[" * 90_000), 400),
    "nesting that Python reads but cannot write": (start(1, nested(600)), 400),
    "NaN": (start(2, b',"parameters":{"a":NaN}'), 400),
    "infinity": (start(3, b',"parameters":{"a":1e999}'), 400),
    "an integer of many digits": (start(4, b',"parameters":{"a":' + b"9" * 5000 + b"}"), 400),
    "a priority of many digits": (start(5, b',"priority":' + b"9" * 400), 400),
    "a fraction for an integer": (start(6, b',"priority":1.5'), 400),
    "half of a surrogate pair": (start(7, b',"name":"\\ud800"'), 400),
    "half of a surrogate pair in parameters": (start(8, b',"parameters":{"a":"\\ud800"}'), 400),
    "half of a surrogate pair in a key": (start(9, b',"parameters":{"\\udfff":1}'), 400),
    "half of a surrogate pair in a member's name": (start(10, b',"\\udfff":1'), 400),
    "half of a surrogate pair in a tag": (start(11, b',"tags":{"\\udfff":"1"}'), 400),
    "nul in a name": (start(12, b',"name":"a\\u0000"'), 400),
    "a list": (post(b"[]"), 400),
    "a string": (post(b'"x"'), 400),
    "a number": (post(b"1"), 400),
    "null": (post(b"null"), 400),
    "two documents": (post(b"{} {}"), 400),
    "parameters that are a list": (start(13, b',"parameters":[1]'), 400),
    "tags that are a list": (start(14, b',"tags":[]'), 400),
    "a fault that is none": (b"POST /_local/faults HTTP/1.1\r\nContent-Length: 15\r\n\r\n" + b'{"latency":"x"}', 400),
    "a page that no listing can have": (get(b"/run?startingToken=YWZ0ZXI6" + b"OTk5" * 20), 400),
    "a time that does not exist": (
        b"POST /_local/clock/advance HTTP/1.1\r\nContent-Length: 17\r\n\r\n" + b'{"seconds":1e300}',
        400,
    ),
}
"""What is sent, and the status of the last answer."""

ACCEPTED = {
    "HTTP/1.0": get(version=b"HTTP/1.0"),
    "line feeds alone": get().replace(b"\r\n", b"\n"),
    "a whole URL": get(b"http://workflows-omics.us-east-1.amazonaws.com/run?maxResults=1"),
    "two slashes": get(b"//run"),
    "a page beyond all pages": get(b"/run?startingToken=YWZ0ZXI6" + b"OTk5" * 6),
    "the same length twice": b"GET /run HTTP/1.1\r\n" + SIGNED + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a body that nobody reads": get(headers=b"Content-Length: 5\r\n") + b"hello",
    "a header in Latin-1": get(headers=b"X: \xff\r\n"),
    "headers that are a mail's": get(headers=b"Content-Type: multipart/mixed\r\nMIME-Version: 1.0\r\n"),
    "an asked-for body": get(headers=b"Expect: 100-continue\r\nContent-Length: 2\r\n") + b"{}",
    "a duplicate key": start(20, b',"name":"a","name":"b"'),
    "much nesting": start(21, nested(90)),
    "a whole surrogate pair": start(22, b',"name":"\\ud83e\\uddec"'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_served_gets_an_error_of_the_api(omics: LocalHealthOmics, name: str) -> None:
    content, status = REFUSED[name]

    *_, answer = exchange(omics.url, [content])

    assert answer.status == status, answer
    check_error(answer)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_unusual_but_allowed_is_served(omics: LocalHealthOmics, name: str) -> None:
    (answer,) = exchange(omics.url, [ACCEPTED[name]])

    assert answer.status in {200, 201}, answer


def test_requests_that_come_at_once_are_answered_in_order(omics: LocalHealthOmics) -> None:
    answers = exchange(omics.url, [get() + get(b"/nothing") + start(30) + get(b"/run/x")])

    assert [answer.status for answer in answers] == [200, 404, 201, 400]


def test_nothing_behind_a_refused_request_is_taken_for_a_request(omics: LocalHealthOmics) -> None:
    before = omics.runs()

    answers = exchange(omics.url, [post(start(31), headers=b"Content-Length: 0\r\nContent-Length: 5\r\n")])

    assert [answer.status for answer in answers] == [400]
    assert omics.runs() == before


CUT = {"in the body": start(32)[:-1], "behind the head": start(33).partition(b"{")[0], "in the head": start(34)[:100]}


@pytest.mark.parametrize("content", CUT.values(), ids=CUT)
def test_a_request_that_was_cut_starts_nothing(omics: LocalHealthOmics, content: bytes) -> None:
    before = omics.runs()

    (answer,) = exchange(omics.url, [content])

    assert answer.status == 400
    assert omics.runs() == before


def test_clients_that_dawdle_hold_nobody_up_and_end_with_the_endpoint() -> None:
    with local_healthomics(accept_unknown_references=True) as omics, ExitStack() as stack:
        address = urlsplit(omics.url)
        dawdlers = [
            stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=120))
            for _ in range(100)
        ]
        for number, dawdler in enumerate(dawdlers):
            # Each stops at another place of the request.
            dawdler.sendall(start(40)[: number * len(start(40)) // len(dawdlers)])

        (answer,) = exchange(omics.url, [start(41)])

        assert answer.status == 201
        omics.stop()
        assert [dawdler.recv(65536) for dawdler in dawdlers] == [b""] * len(dawdlers)
        assert len(omics.runs()) == 1


TARGETS = (b"/run", b"/run/1", b"/workflow?name=x", b"/tags/arn%3Aaws", b"/_local/health", b"/")
CHARACTERS = [bytes([byte]) for byte in b'\r\n\0 \t:%/?&={}["9\xff']
FRAGMENTS = [
    *(
        b"",
        b"%00",
        b"\xc3\xa9",
        b"\\ud800",
        b"HTTP/1.1",
        b"HTTP/0.9",
        b"http://localhost",
        b"GET ",
        b"POST ",
        b"9" * 20,
    ),
    *(b"Content-Length: 7\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: x\r\n"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Origin: null\r\n", b"X: " + b"y" * 70_000),
]


@st.composite
def hostile_bytes(draw: st.DrawFn) -> list[bytes]:
    """One or more requests, damaged in some places and sent in some pieces."""
    numbers = st.integers(min_value=100, max_value=10**6)
    request = st.one_of(
        st.builds(start, numbers),
        st.builds(get, st.sampled_from(TARGETS)),
        st.just(post(b"{}")),
        st.just(b"POST /_local/clock/advance HTTP/1.1\r\nContent-Length: 13\r\n\r\n" + b'{"seconds":9}'),
    )
    content = b"".join(draw(st.lists(request, min_size=1, max_size=3)))
    for _ in range(draw(st.integers(min_value=0, max_value=4))):
        at, length = draw(st.integers(0, len(content))), draw(st.integers(0, 40))
        copy = content[at : at + 2 * length]
        replacement = draw(st.one_of(st.sampled_from([copy, *CHARACTERS, *FRAGMENTS]), st.binary(max_size=8)))
        content = content[:at] + replacement + content[at + length :]
    cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=3)))
    return [content[start:end] for start, end in pairwise([0, *cuts, len(content)])]


@pytest.mark.slow
@given(parts=hostile_bytes())
@examples(400)
def test_damaged_requests_break_nothing_and_lose_no_run(omics: LocalHealthOmics, parts: list[bytes]) -> None:
    before = {run.uuid for run in omics.runs()}

    answers = exchange(omics.url, parts)

    for answer in answers:
        if answer.status >= 400:
            check_error(answer)
    told = {answer.document["uuid"] for answer in answers if answer.status == 201}
    assert {run.uuid for run in omics.runs()} - before == told - before
