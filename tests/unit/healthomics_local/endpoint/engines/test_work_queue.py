from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from healthomics_local.endpoint.engines.work_queue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from healthomics_local.endpoint.engines.work import Work

SECONDS = 10


class Gate:
    """Work that says when it begins, and goes on when it may."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._begun = threading.Semaphore(0)
        self._may_end = threading.Semaphore(0)

    def work(self, number: int) -> Callable[[Work], None]:
        def work(work: Work) -> None:
            self.begun.append(number)
            self._begun.release()
            while not work.is_cancelled and not self._may_end.acquire(timeout=0.01):
                pass

        return work

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self._begun.acquire(timeout=SECONDS)

    def let_end(self, count: int = 1) -> None:
        self._may_end.release(count)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def queue() -> Iterator[WorkQueue]:
    queue = WorkQueue(2)
    yield queue
    queue.close()


def test_work_begins_in_the_order_in_which_it_came(queue: WorkQueue, gate: Gate) -> None:
    for number in range(20):
        queue.add(gate.work(number))
    gate.let_end(20)
    gate.wait_for(20)

    # Two at a time: only neighbours can have begun in the other order.
    assert all(abs(number - position) < 2 for position, number in enumerate(gate.begun))


def test_what_waits_has_no_thread(queue: WorkQueue, gate: Gate) -> None:
    before = threading.active_count()
    for number in range(100):
        queue.add(gate.work(number))
    gate.wait_for(2)

    assert threading.active_count() == before + 2
    assert sorted(gate.begun) == [0, 1]


def test_work_that_was_cancelled_while_it_waited_never_begins(queue: WorkQueue, gate: Gate) -> None:
    queue.add(gate.work(0))
    queue.add(gate.work(1))
    gate.wait_for(2)
    queue.add(gate.work(2)).cancel()
    queue.add(gate.work(3))

    gate.let_end()
    gate.wait_for(1)

    assert sorted(gate.begun) == [0, 1, 3]


def test_work_that_fails_gives_its_slot_back(queue: WorkQueue, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Work) -> None:
        raise ValueError

    for _ in range(4):
        queue.add(fail)
    queue.add(gate.work(1))
    gate.wait_for(1)

    queue.close()
    assert len(caplog.records) == 4


def test_closing_ends_what_is_under_way_and_forgets_the_rest(gate: Gate) -> None:
    queue = WorkQueue(1)
    queue.add(gate.work(0))
    gate.wait_for(1)
    queue.add(gate.work(1))

    queue.close()
    queue.add(gate.work(2))

    assert gate.begun == [0]
