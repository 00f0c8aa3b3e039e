"""Who gets the page, and whose forms count."""

from __future__ import annotations

import pytest

from healthomics_local.endpoint.errors import AccessDeniedException
from healthomics_local.endpoint.messages import Request
from healthomics_local.endpoint.page.access import FormToken, check_reader


def request(host: str, *, port: int | None = 4567, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="GET", path="/", headers={"host": host, **named}, port=port)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4567", "localhost:4567", "LOCALHOST:4567", "[::1]:4567", "127.1.2.3:4567", "[0:0::1]:4567"]
)
def test_a_loopback_name_with_the_own_port_is_served(host: str) -> None:
    check_reader(request(host))


def test_port_80_is_not_written() -> None:
    check_reader(request("localhost", port=80))


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("", id="none"),
        pytest.param("evil.example:4567", id="a name that was rebound"),
        pytest.param("127.0.0.1.evil.example:4567", id="a name that begins well"),
        pytest.param("evil-localhost:4567", id="a name that ends well"),
        pytest.param("localhost.evil.example:4567", id="a domain below it"),
        pytest.param("127.0.0.1:4568", id="another port"),
        pytest.param("127.0.0.1", id="no port"),
        pytest.param("localhost:", id="an empty port"),
        pytest.param("localhost:x", id="no number"),
        pytest.param("user@localhost:4567", id="a user"),
        pytest.param("localhost:4567/x", id="a path"),
        pytest.param("localhost:4567#x", id="a fragment"),
        pytest.param("192.168.1.5:4567", id="the network"),
        pytest.param("0.0.0.0:4567", id="every address"),
        pytest.param("[::]:4567", id="every address of IPv6"),
        pytest.param("2130706433:4567", id="a number"),
        pytest.param("[::1:4567", id="half a bracket"),
    ],
)
def test_every_other_host_is_refused_and_told_where_to_go(host: str) -> None:
    with pytest.raises(AccessDeniedException, match=r"open http://127\.0\.0\.1:4567/"):
        check_reader(request(host))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:4567"},
        {"origin": "https://127.0.0.1:4567"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_another_site_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(AccessDeniedException, match="other web sites"):
        check_reader(request("127.0.0.1:4567", **headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "none", "sec_fetch_mode": "navigate"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
        {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"},
        {"origin": "http://127.0.0.1:4567", "sec_fetch_site": "same-origin"},
    ],
)
def test_its_own_requests_and_links_to_it_are_served(headers: dict[str, str]) -> None:
    check_reader(request("127.0.0.1:4567", **headers))


def test_a_form_needs_the_own_origin_and_the_token() -> None:
    token, other = FormToken(), FormToken()
    own = request("127.0.0.1:4567", origin="http://127.0.0.1:4567")

    token.check(own, token.value)

    with pytest.raises(AccessDeniedException, match="out of date"):
        token.check(own, other.value)
    with pytest.raises(AccessDeniedException, match="out of date"):
        token.check(own, "ü")
    with pytest.raises(AccessDeniedException, match="no Origin"):
        token.check(request("127.0.0.1:4567"), token.value)
    with pytest.raises(AccessDeniedException, match="other web sites"):
        token.check(request("127.0.0.1:4567", origin="null"), token.value)
    with pytest.raises(AccessDeniedException, match="loopback"):
        token.check(request("evil.example", origin="http://evil.example"), token.value)
