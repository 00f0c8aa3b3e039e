"""A token bucket, which is how AWS limits the rate of an API call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class TokenBucket:
    """Holds at most one second's worth of calls, and at least one call; without a rate, every call is allowed."""

    def __init__(self, *, rate_per_second: float | None) -> None:
        self._filled_at: datetime | None = None
        self.rate = rate_per_second

    @property
    def rate(self) -> float | None:
        """Calls per second; None: unlimited. Setting it fills the bucket."""
        return self._rate

    @rate.setter
    def rate(self, rate_per_second: float | None) -> None:
        self._rate = rate_per_second
        self._capacity = self._tokens = max(1.0, rate_per_second or 0)

    def take(self, now: datetime) -> bool:
        """Whether a call is allowed now; if so, it is counted."""
        if self._rate is None:
            return True
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def seconds_to_next(self, now: datetime) -> float:
        """How long to wait until a call is allowed, in full milliseconds: rounded down, it would come too early."""
        if self._rate is None:
            return 0
        self._fill(now)
        return max(0, math.ceil((1 - self._tokens) / self._rate * 1000)) / 1000

    def _fill(self, now: datetime) -> None:
        if self._filled_at is not None:
            elapsed = max(0.0, (now - self._filled_at).total_seconds())
            self._tokens = min(self._capacity, self._tokens + elapsed * (self._rate or 0))
        self._filled_at = now
