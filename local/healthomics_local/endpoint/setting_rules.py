"""What the values of settings must be like, so that a mistake is noticed when it is made. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from healthomics_local.endpoint.settings import Settings, Timings

_ABOVE_ZERO = ("speed", "start_run_tps", "max_run_seconds")
_NOT_NEGATIVE = ("in_flight_seconds", "request_id_lifetime_seconds", "max_log_entries", "max_recorded_requests")
_AT_LEAST_ONE = (
    "max_stored_runs",
    "max_run_groups",
    "max_run_caches",
    "max_workflow_versions",
    "max_concurrent_runs",
    "max_recorded_bytes",
    "max_body_bytes",
)


def check_settings(settings: Settings) -> None:
    """Refuse what no endpoint can be like.

    Raises:
        ValueError: What is wrong, and what is allowed.
    """
    if not re.fullmatch("[0-9]{12}", settings.account_id):
        raise ValueError(f"account_id must have 12 digits, got {settings.account_id!r}")
    for name in ("partition", "region"):
        if not re.fullmatch("[a-z0-9-]+", getattr(settings, name)):
            raise ValueError(f"{name} must be one such as us-east-1 or aws, got {getattr(settings, name)!r}")
    if settings.aws_endpoint_url is not None and not _is_http_url(settings.aws_endpoint_url):
        raise ValueError(f"aws_endpoint_url must be http://HOST:PORT or https://…, got {settings.aws_endpoint_url!r}")
    for name in _ABOVE_ZERO:
        _check_number(name, getattr(settings, name), zero=False)
    for name in _NOT_NEGATIVE:
        _check_number(name, getattr(settings, name))
    for name in _AT_LEAST_ONE:
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def check_timings(timings: Timings) -> None:
    """Refuse durations that are none.

    Raises:
        ValueError: One of them is negative, or endless.
    """
    for name in timings.__slots__:
        _check_number(name, getattr(timings, name))


def _check_number(name: str, value: float | None, *, zero: bool = True) -> None:
    if value is not None and (not 0 <= value < math.inf or (value == 0 and not zero)):
        raise ValueError(f"{name} must be {'at least' if zero else 'above'} 0, got {value}")


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
