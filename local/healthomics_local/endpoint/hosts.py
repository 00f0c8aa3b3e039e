"""Under which names the endpoint is served. Pure.

A web site can have its own name point to 127.0.0.1 (DNS rebinding). To a browser this endpoint is then a part of that
site, which may send it any request and read every answer; only the Host header still has the site's name. So a
name must be one that no web site can have, or one that was configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from healthomics_local.endpoint.errors import AccessDeniedException
from healthomics_local.endpoint.service_model import operation_model, service_model

if TYPE_CHECKING:
    from collections.abc import Collection

    from healthomics_local.endpoint.messages import Request

# mDNS names are those of the own network, and those of AWS belong to AWS: clients use them with a hosts file.
_SERVICE_DOMAINS = (".local", ".amazonaws.com", ".amazonaws.com.cn")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedHosts:
    """The names of one endpoint."""

    configured: Collection[str] = ()

    def check(self, request: Request, *, api: bool) -> None:
        """Refuse a request for another host. Ports do not matter: tunnels and containers change them.

        Args:
            request: The request. Without a Host header it comes from no browser.
            api: Whether it is for the API of HealthOmics, which has more names than what is the endpoint's own.

        Raises:
            AccessDeniedException: The name is not one of the endpoint's.
        """
        host = request.headers.get("host", "")
        if request.port is None or not host:
            return
        name = _name(host)
        if self._is_own(name) or (api and self._is_service(name)):
            return
        raise AccessDeniedException(
            f"the local HealthOmics is not served as {host!r}: use an IP address or localhost, or allow the name with "
            "Settings.allowed_hosts (--set allowed_hosts=NAME)"
        )

    def _is_own(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or _is_address(name):
            return True
        return name in {each.lower() for each in self.configured}

    def _is_service(self, name: str) -> bool:
        """Whether it is a name of the endpoint or of HealthOmics, with or without what SDKs put before it."""
        bare = next((name.removeprefix(each) for each in _host_prefixes() if name.startswith(each)), name)
        return any(self._is_own(each) or each.endswith(_SERVICE_DOMAINS) for each in (name, bare))


def _name(host: str) -> str:
    try:
        address = urlsplit(f"//{host}")
        name = address.hostname or ""
    except ValueError:
        return ""
    return name.removesuffix(".") if address.netloc == host and "@" not in host else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@cache
def _host_prefixes() -> frozenset[str]:
    """What SDKs put before the endpoint's name, such as ``workflows-``."""
    endpoints: list[Any] = [operation_model(name).endpoint for name in service_model().operation_names]
    return frozenset(str(each["hostPrefix"]) for each in endpoints if each)
