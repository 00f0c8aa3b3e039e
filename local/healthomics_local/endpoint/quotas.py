"""Quotas on what an account can have. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.errors import ServiceQuotaExceededException

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_quota(noun: str, existing: Iterable[object], limit: int | None) -> None:
    """Refuse one more of something that there are enough of.

    Args:
        noun: What it is, in the plural.
        existing: Those that are there.
        limit: How many there may be; None: any number.

    Raises:
        ServiceQuotaExceededException: There are as many as there may be.
    """
    if limit is not None and sum(1 for _ in existing) >= limit:
        raise ServiceQuotaExceededException(f"The maximum number of {noun} ({limit}) has been reached: delete some")
