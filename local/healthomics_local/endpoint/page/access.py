"""Who may see the page, and who may press its button. Pure.

The endpoint executes workflows and knows their parameters, and any web site that a developer visits can send
requests to this machine. Three things keep such a site out. The Host header must be a loopback name with the
endpoint's own port: a site whose name was rebound to 127.0.0.1 sends its own name. A form must come from
the page's own origin. And it must carry a token that only the page shows.
"""

from __future__ import annotations

import hmac
import secrets
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from healthomics_local.endpoint.errors import AccessDeniedException

if TYPE_CHECKING:
    from healthomics_local.endpoint.messages import Request

_HTTP_PORT = 80


def check_reader(request: Request) -> None:
    """Refuse a request that does not come from this machine's own browser, for this page.

    Raises:
        AccessDeniedException: The Host header is not a loopback name with the right port, or another site has
            sent the request in the background.
    """
    host = request.headers.get("host", "")
    if not _is_own(host, request.port):
        cure = f"http://127.0.0.1:{request.port}/" if request.port is not None else "http://127.0.0.1/"
        raise AccessDeniedException(
            f"the page is served to this machine only, under a loopback name and the endpoint's own port, "
            f"got Host {host!r}: open {cure}"
        )
    site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
    if site in {"cross-site", "same-site"} and mode != "navigate":
        raise AccessDeniedException("requests from other web sites are refused")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{host}":
        raise AccessDeniedException(f"requests from other web sites are refused, got Origin {origin!r}")


class FormToken:
    """A secret of this process that its own forms carry."""

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(32)

    def check(self, request: Request, given: str) -> None:
        """Refuse a form that is not one of the page's own.

        Raises:
            AccessDeniedException: The Origin header is missing or another one, or the token is not this one.
        """
        check_reader(request)
        if "origin" not in request.headers:
            raise AccessDeniedException("a form must say which page it comes from, and there is no Origin header")
        if not hmac.compare_digest(given.encode(), self.value.encode()):
            raise AccessDeniedException("the form is out of date: load the page again, and repeat what you did")


def _is_own(host: str, port: int | None) -> bool:
    try:
        address = urlsplit(f"//{host}")
        name, given = address.hostname or "", address.port
    except ValueError:
        return False
    if address.netloc != host or "@" in host:
        return False
    return _is_loopback(name) and port in {None, _HTTP_PORT if given is None else given}


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
