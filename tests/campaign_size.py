"""How many examples property-based tests of the endpoint take."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = "ROBUSTNESS_TIMES"


def examples(usual: int) -> settings:
    """The same few examples each time; or new ones, so many times more as ``ROBUSTNESS_TIMES`` says."""
    times = os.environ.get(TIMES)
    return settings(
        max_examples=usual * int(times or 1),
        derandomize=times is None,
        # Other work on the machine makes no example fail.
        deadline=None,
        database=None,
    )
