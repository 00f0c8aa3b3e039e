"""The scheduler shares virtual time among tasks, and ends them."""

from contextlib import suppress
from math import inf

import pytest

from laws.scheduler import Killed, Scheduler


def test_tasks_share_virtual_time() -> None:
    scheduler = Scheduler()
    seen: list[tuple[float, str]] = []

    def task(name: str, seconds: float) -> None:
        scheduler.sleep(seconds)
        seen.append((scheduler.now, name))

    for name, seconds in (("slow", 7200.0), ("quick", 1.0)):
        scheduler.spawn(task, name, seconds)
    scheduler.run()

    assert seen == [(1.0, "quick"), (7200.0, "slow")]
    assert scheduler.idle


@pytest.mark.parametrize(("choice", "expected"), [(0, "abc"), (2, "cba")])
def test_the_order_of_simultaneous_events_is_a_choice(choice: int, expected: str) -> None:
    scheduler = Scheduler(choose=lambda events: min(choice, events - 1))
    seen: list[str] = []
    for name in "abc":
        scheduler.spawn(seen.append, name)
    scheduler.run()

    assert "".join(seen) == expected


def test_a_killed_task_gets_nothing_done_any_more() -> None:
    scheduler = Scheduler()
    seen: list[str] = []

    def stubborn() -> None:
        try:
            scheduler.sleep(10)
        finally:
            with suppress(Killed):
                scheduler.sleep(1)
                seen.append("slept in finally")
            seen.append("killed")

    task = scheduler.spawn(stubborn)
    scheduler.run(until=5.0)
    scheduler.kill(task)
    scheduler.run()

    assert seen == ["killed"]
    assert scheduler.now == 5.0


def test_waiting_ends_with_the_value_or_with_the_time() -> None:
    scheduler = Scheduler()
    seen: list[tuple[float, bool]] = []
    future = scheduler.future()

    def waiter(timeout: float) -> None:
        seen.append((timeout, scheduler.wait(future, timeout=timeout)))

    for timeout in (1.0, 5.0, inf):
        scheduler.spawn(waiter, timeout)
    scheduler.spawn(future.resolve, "value", delay=3.0)
    scheduler.run()

    assert seen == [(1.0, False), (5.0, True), (inf, True)]
    assert not future.resolve("another value")


def test_a_crash_in_a_task_ends_the_run() -> None:
    scheduler = Scheduler()
    scheduler.spawn(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        scheduler.run()


def test_closing_ends_what_still_runs() -> None:
    scheduler = Scheduler()
    task = scheduler.spawn(scheduler.sleep, 1e9)
    scheduler.run(until=1.0)
    scheduler.close()

    assert task.done.done
    assert scheduler.idle
