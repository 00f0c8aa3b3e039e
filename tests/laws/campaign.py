"""Many random lives in a row, and what has to have happened in them."""

import traceback
from collections import Counter
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from laws.chaos import Kind
from laws.healthomics import SameToken
from laws.machine import StackLife
from laws.stack import InFlight, RollbackOfReplacement

STEPS: Final = 10

EXERCISED: Final = (
    *(f"fault: {kind}" for kind in Kind),
    *(f"rollback of a replacement: {reading.name}" for reading in RollbackOfReplacement),
    *(f"same token: {reading.name}" for reading in SameToken),
    *(f"in flight: {reading.name}" for reading in InFlight),
    "same token: another body",
    "CancelRun refused while STOPPING",
    *(f"request: forward {kind}" for kind in ("Create", "Update", "Delete")),
    *("request: rollback Update", "request: cleanup Delete", "request: deletion Delete"),
    *(f"reused RequestId: {kind}" for kind in ("Create", "Update", "Delete")),
    *(f"ending: {ending}" for ending in ("SUCCESS", "FAILED", "TIMED_OUT", "CANCELLED")),
    "Delete and Create of a failed resource",
    "cancelled by the user: CREATE",
    "cancelled by the user: UPDATE",
    "cancelled in flight: Create",
    "cancelled in flight: Update",
    "duplicate deliveries after the request was over",
    "external cancel",
    "external delete",
    "failed Deletes",
    "failed siblings",
    "failures without a rollback",
    "invented ids",
    "rate limited",
    "replaced ids that nobody deletes",
    "replacements",
    "retries of the delivery",
    "rollbacks",
    "run id reused",
)
"""Counters that are above zero after a campaign that deserves its name."""


def run(sequences: int, *, random_seed: int | None = None) -> Counter[str]:
    """Run that many lives and return what happened. Without a seed, the same lives every time.

    Raises:
        AssertionError: A law was broken; hypothesis has printed the shortest life that breaks it.
    """
    StackLife.tally.clear()
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=random_seed is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.normal,
    )
    machine = StackLife if random_seed is None else seed(random_seed)(StackLife)
    run_state_machine_as_test(machine, settings=chosen)
    return Counter(StackLife.tally)


def run_batch(batch: tuple[int, int]) -> tuple[Counter[str], str]:
    """Run (sequences, seed) in a process of its own; return what happened, and how a law was broken, if one was."""
    sequences, random_seed = batch
    try:
        return run(sequences, random_seed=random_seed), ""
    except AssertionError as error:
        text = "".join(traceback.format_exception(error, limit=-1))
        return Counter(StackLife.tally), f"seed {random_seed}, {sequences} sequences: {text}"


def idle_counters(tally: Counter[str]) -> list[str]:
    """What the campaign has not exercised."""
    return [name for name in EXERCISED if not tally[name]]
