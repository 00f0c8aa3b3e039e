"""The six laws of the handler, over random lives of stacks; ``machine.py`` has the steps."""

import os

import pytest

from laws import campaign

pytestmark = pytest.mark.slow

SEQUENCES = int(os.environ.get("LAWS_SEQUENCES", "2000"))
"""Enough for every fault and reading; ``make laws`` runs many more, with other seeds."""


def test_the_laws_hold_and_everything_was_exercised() -> None:
    tally = campaign.run(SEQUENCES)

    assert tally["sequences"] >= SEQUENCES
    assert campaign.idle_counters(tally) == []
