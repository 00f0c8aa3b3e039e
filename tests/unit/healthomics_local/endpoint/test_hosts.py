"""Which Host headers are served."""

from __future__ import annotations

import pytest

from healthomics_local.endpoint.errors import AccessDeniedException
from healthomics_local.endpoint.hosts import ServedHosts
from healthomics_local.endpoint.messages import Request

HOSTS = ServedHosts(configured=("omics", "Box.example"))


def served(host: str, *, api: bool) -> bool:
    try:
        HOSTS.check(Request(method="GET", path="/run", headers={"host": host}, port=4567), api=api)
    except AccessDeniedException:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4567",
        "127.0.0.1",
        "[::1]:4567",
        "localhost:1",
        "LOCALHOST",
        "localhost.:4567",
        "omics.localhost",
        "192.168.1.5:80",
        "omics:4567",
        "box.example",
        "",
    ],
)
def test_this_machine_is_served_with_everything(host: str) -> None:
    assert served(host, api=True)
    assert served(host, api=False)


@pytest.mark.parametrize(
    "host",
    [
        "omics.us-east-1.amazonaws.com",
        "workflows-omics.us-east-1.amazonaws.com:443",
        "omics.cn-north-1.amazonaws.com.cn",
        "workflows-127.0.0.1:4567",
        "tags-localhost",
        "control-storage-omics.local",
        "workflows-omics:4567",
        "analytics-box.example",
    ],
)
def test_names_of_the_service_are_served_with_its_api(host: str) -> None:
    assert served(host, api=True)
    assert not served(host, api=False)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4567",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil-localhost",
        "workflows-evil.example",
        "workflows-tags-localhost",
        "amazonaws.com.evil.example",
        "evilamazonaws.com",
        "user@localhost",
        "localhost/x",
        "localhost#x",
        "[::1",
        "2130706433",
        "other",
    ],
)
def test_every_other_name_is_refused(host: str) -> None:
    assert not served(host, api=True)
    assert not served(host, api=False)


def test_who_is_refused_learns_what_to_do() -> None:
    with pytest.raises(AccessDeniedException, match=r"'omics\.example:4567'.*localhost.*--set allowed_hosts=NAME"):
        HOSTS.check(Request(method="GET", path="/run", headers={"host": "omics.example:4567"}, port=4567), api=True)


def test_what_comes_through_no_socket_or_from_no_browser_has_no_name_to_check() -> None:
    HOSTS.check(Request(method="GET", path="/run", headers={"host": "in-process.invalid"}), api=True)
    HOSTS.check(Request(method="GET", path="/run", port=4567), api=True)
