import threading
from datetime import UTC, datetime, timedelta

import pytest

from healthomics_local.endpoint.clock import ClockClosed, RealClock, VirtualClock

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_virtual_time_stands_still_until_it_is_advanced() -> None:
    clock = VirtualClock(START)

    assert clock.now() == clock.now() == START
    clock.advance(90)
    assert clock.now() == START + timedelta(seconds=90)


def test_timers_are_called_in_the_order_in_which_they_are_due_each_at_its_own_time() -> None:
    clock = VirtualClock(START)
    calls: list[tuple[str, float]] = []

    def note(name: str) -> None:
        calls.append((name, (clock.now() - START).total_seconds()))

    clock.call_later(20, lambda: note("late"))
    clock.call_later(10, lambda: note("early"))
    clock.call_later(10, lambda: note("early, set later"))
    clock.advance(30)

    assert calls == [("early", 10), ("early, set later", 10), ("late", 20)]


def test_a_timer_that_a_timer_sets_is_called_in_the_same_advance() -> None:
    clock = VirtualClock(START)
    calls: list[datetime] = []
    clock.call_later(1, lambda: clock.call_later(1, lambda: calls.append(clock.now())))

    clock.advance(2)

    assert calls == [START + timedelta(seconds=2)]


def test_a_cancelled_timer_is_not_called() -> None:
    clock = VirtualClock()
    calls: list[int] = []
    timer = clock.call_later(1, lambda: calls.append(1))

    timer.cancel()
    clock.advance(2)

    assert calls == []


def test_a_callback_that_sleeps_moves_time_on_and_never_back() -> None:
    clock = VirtualClock(START)
    clock.call_later(1, lambda: clock.sleep(100))

    clock.advance(5)

    assert clock.now() == START + timedelta(seconds=101)


def test_a_callback_that_fails_does_not_keep_others_from_being_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    calls: list[int] = []
    clock.call_later(1, lambda: {}["missing"])
    clock.call_later(2, lambda: calls.append(1))

    clock.advance(3)

    assert calls == [1]
    assert "a timer callback failed" in caplog.text


def test_run_until_idle_stops_when_nothing_is_due_and_at_its_limit() -> None:
    clock = VirtualClock(START)

    def again() -> None:
        clock.call_later(60, again)

    again()
    clock.run_until_idle(limit_seconds=150)

    assert clock.now() == START + timedelta(seconds=120)


def test_the_real_clock_calls_back_from_its_own_thread_and_ends_it_on_close() -> None:
    clock = RealClock()
    called_in: list[threading.Thread] = []
    done = threading.Event()
    clock.call_later(60, lambda: called_in.append(threading.current_thread()))
    clock.call_later(0.01, lambda: (called_in.append(threading.current_thread()), done.set()))

    assert done.wait(5)
    clock.close()

    assert len(called_in) == 1
    assert called_in[0] is not threading.current_thread()
    assert not called_in[0].is_alive()


def test_a_closed_clock_calls_nobody() -> None:
    clock = RealClock()
    clock.close()
    calls: list[int] = []

    clock.call_later(0, lambda: calls.append(1))

    assert calls == []
    assert threading.active_count() >= 1


def test_the_real_clock_can_be_closed_from_a_callback() -> None:
    clock = RealClock()
    closed = threading.Event()
    clock.call_later(0, lambda: (clock.close(), closed.set()))

    assert closed.wait(5)


def test_a_fast_clock_goes_on_where_an_earlier_one_has_ended() -> None:
    clock = RealClock(60)
    later = clock.now() + timedelta(days=1)

    clock.go_on_from(later)
    ahead = clock.now()
    clock.go_on_from(later - timedelta(days=2))

    assert later <= ahead < later + timedelta(hours=1)
    assert clock.now() >= ahead
    assert clock.speed == 60


def test_who_sleeps_on_a_clock_that_is_closed_wakes_up() -> None:
    clock, woken = RealClock(), threading.Event()

    def sleep() -> None:
        with pytest.raises(ClockClosed):
            clock.sleep(3600)
        woken.set()

    thread = threading.Thread(target=sleep)
    thread.start()
    clock.close()

    assert woken.wait(60)
    thread.join()
