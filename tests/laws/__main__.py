"""``make laws``: the long campaign, over two processes.

``LAWS_SEQUENCES`` says how many lives (20,000). Half of them are the same every time, from ``LAWS_SEED`` on; the other
half begin at a seed that is new each time, and printed: ``LAWS_FRESH_SEED`` repeats those.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Final

from laws import campaign

SEQUENCES: Final = int(os.environ.get("LAWS_SEQUENCES", "20000"))
FIRST_SEED: Final = int(os.environ.get("LAWS_SEED", "0"))
FRESH_SEED: Final = int(os.environ.get("LAWS_FRESH_SEED", "") or time.time_ns() // 1_000_000_000)
PROCESSES: Final = int(os.environ.get("LAWS_PROCESSES", "2"))
BATCH: Final = 500
"""hypothesis remembers what it has tried; small batches keep it quick."""
ROUND: Final = 10
"""Batches between two lines about the progress."""


def _batches() -> Iterator[tuple[int, int]]:
    for number, begun in enumerate(range(0, SEQUENCES, BATCH)):
        first = FRESH_SEED if number % 2 else FIRST_SEED
        yield min(BATCH, SEQUENCES - begun), first + number // 2


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the campaign and print its numbers; 1 if a law was broken or something was never exercised."""
    began = time.monotonic()
    total: Counter[str] = Counter()
    _print(f"seeds from {FIRST_SEED} on, and fresh ones from {FRESH_SEED} on (LAWS_FRESH_SEED)")
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        batches = [pool.submit(campaign.run_batch, batch) for batch in _batches()]
        for number, batch in enumerate(as_completed(batches), start=1):
            tally, breach = batch.result()
            total += tally
            if breach:
                _print(breach)
                pool.shutdown(cancel_futures=True)
                return 1
            if number % ROUND == 0:
                _print(f"{total['sequences']} sequences after {time.monotonic() - began:.0f} s")
    for name, count in sorted(total.items()):
        _print(f"{count:>9}  {name}")
    _print(
        f"{total['sequences']} sequences, {total['invocations']} events, {total['faults']} faults injected, "
        f"{total['runs']} runs started, {time.monotonic() - began:.0f} s: all six laws hold"
    )
    if idle := campaign.idle_counters(total):
        _print(f"never exercised: {', '.join(idle)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
