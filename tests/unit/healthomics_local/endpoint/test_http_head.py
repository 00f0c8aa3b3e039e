import io

import pytest

from healthomics_local.endpoint.errors import RequestEntityTooLargeException, SerializationException
from healthomics_local.endpoint.http_head import HeaderLines, body_length, origin_form


@pytest.mark.parametrize(
    "line", [b"Host: x\r\n", b"host:x\n", b"X:\r\n", b"X-1_2.~!: \t caf\xe9\r\n", b"\r\n", b"\n"], ids=repr
)
def test_a_header_line_and_the_end_of_the_head_pass(line: bytes) -> None:
    assert HeaderLines(io.BytesIO(line)).readline(100) == line


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\r\n",
        b"Host : x\r\n",
        b" folded\r\n",
        b": x\r\n",
        b"X: a\rb\r\n",
        b"X: \0\r\n",
        b"X: \x7f\r\n",
        b"\r\r\n",
    ],
    ids=repr,
)
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(SerializationException, match="a header line must have"):
        HeaderLines(io.BytesIO(line)).readline(100)


@pytest.mark.parametrize("content", [b"", b"Host: x", b"Host: x\r"], ids=repr)
def test_a_head_that_ends_before_its_end_is_refused(content: bytes) -> None:
    with pytest.raises(SerializationException, match="ended within its head"):
        HeaderLines(io.BytesIO(content)).readline(100)


def test_a_line_that_is_too_long_is_left_to_who_set_the_limit() -> None:
    assert HeaderLines(io.BytesIO(b"X: " + b"y" * 100)).readline(50) == b"X: " + b"y" * 47


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/run?a=b", "/run?a=b"),
        ("http://localhost:1/run?a=b", "/run?a=b"),
        ("HTTPS://workflows-omics.us-east-1.amazonaws.com/run/1", "/run/1"),
        ("http://localhost", "/"),
        ("http://localhost?a=b", "/?a=b"),
        ("//run", "//run"),
    ],
)
def test_a_url_is_as_good_as_its_path(target: str, path: str) -> None:
    assert origin_form(target) == path


@pytest.mark.parametrize("target", ["run", "*", "", "ftp://localhost/run", "http:///run", "localhost:443"])
def test_what_is_neither_path_nor_url_is_refused(target: str) -> None:
    with pytest.raises(SerializationException):
        origin_form(target)


@pytest.mark.parametrize(
    ("values", "length"), [([], 0), (["0"], 0), (["12"], 12), (["7", "7"], 7), (["9" * 19], 10**19 - 1)]
)
def test_the_length_of_a_body_is_a_number(values: list[str], length: int) -> None:
    assert body_length(values) == length


@pytest.mark.parametrize("values", [[""], ["-1"], ["+1"], ["1_0"], ["0x1"], ["1, 1"], ["²"], ["\u0661"], ["1", "2"]])
def test_any_other_length_is_refused(values: list[str]) -> None:
    with pytest.raises(SerializationException):
        body_length(values)


def test_a_length_of_many_digits_is_too_large() -> None:
    with pytest.raises(RequestEntityTooLargeException, match="5000 digits"):
        body_length(["9" * 5000])
