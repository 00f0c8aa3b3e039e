"""Putting the answer to CloudFormation's presigned URL."""

import ipaddress
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit

from healthomics_run_handler.ports import Clock, Log

Put = Callable[[str, bytes], int]
"""Puts a body to a URL and returns the HTTP status. Raises OSError or HTTPException when there is
none."""

SOCKET_TIMEOUT = 10.0
"""Seconds. In a VPC without a way to S3 the PUT would otherwise hang until the function is killed."""

_TRIES = 5
_RETRIED_CLIENT_ERRORS = (408, 429)


class UndeliveredError(Exception):
    """CloudFormation did not take the answer. Lambda delivers the event again, and the same run is found."""


def put(url: str, body: bytes) -> int:
    """Put a body to a presigned URL; the content type is part of the signature, and empty."""
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=SOCKET_TIMEOUT) as response:  # noqa: S310 - as above
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


def check_url(url: str) -> bool:
    """Whether an answer may go to this URL: https, or http to a loopback address (a local AWS)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme != "http":
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def deliver(url: str, body: bytes, *, put: Put, clock: Clock, log: Log, deadline: float) -> bool:
    """Put the answer, a few times if need be; False if the URL is refused for good, and nobody waits any more.

    Args:
        url: The ResponseURL.
        body: The answer.
        put: The transport.
        clock: Time.
        log: Where to say what happened; never the URL.
        deadline: Epoch seconds; no try begins later.

    Raises:
        UndeliveredError: No try succeeded, and another invocation may.
    """
    for attempt in range(_TRIES):
        if attempt:
            pause = min(2.0**attempt, 8.0)
            if clock.now() + pause > deadline:
                break
            clock.sleep(pause)
        try:
            status = put(url, body)
        except (OSError, HTTPException) as error:  # the second is what is no HTTP: a proxy's page, a cut head
            log.problem("Answer was not delivered", error=type(error).__name__, attempt=attempt)
            continue
        if 200 <= status < 300:  # noqa: PLR2004 - success
            return True
        log.problem("Answer was refused", http_status=status, attempt=attempt)
        if 400 <= status < 500 and status not in _RETRIED_CLIENT_ERRORS:  # noqa: PLR2004 - client errors
            return False  # an expired or invalid URL stays so: nobody waits for this answer any more
    raise UndeliveredError
