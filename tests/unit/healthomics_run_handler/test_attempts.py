"""What a run remembers about attempts to replace it."""

from hypothesis import given
from hypothesis import strategies as st

from healthomics_run_handler.attempts import Attempts, parse_attempts, request_digest

EARLY, LATE = "20261122T101500Z", "20261122T101501Z"
DATES = st.sampled_from(["", EARLY, LATE])


@given(dates=st.lists(DATES, max_size=3), names=st.lists(st.text(min_size=1, max_size=20), max_size=3))
def test_attempts_come_back_from_their_tag(dates: list[str], names: list[str]) -> None:
    attempts = Attempts()
    for date in dates:
        attempts = attempts.seen(date)
    for number, name in enumerate(names):
        attempts = attempts.made_by(f"request-{number}", name)

    tag = attempts.to_tag()

    assert len(tag) <= 256
    read = parse_attempts(tag)
    assert read.newest == max(["", *dates])
    if read.more:
        assert read.known == attempts.known[: len(read.known)]
    else:
        assert read == attempts


def test_the_tag_is_frozen() -> None:
    """Another release of the library reads it."""
    attempts = Attempts().seen(EARLY).made_by("r-1", "a name/é").made_by("r-2", "n")

    assert attempts.to_tag() == f"{EARLY} {request_digest('r-2')}:n {request_digest('r-1')}:a=20name/=C3=A9"
    assert Attempts().made_by("r-1", "n").to_tag() == f"- {request_digest('r-1')}:n"
    assert Attempts().seen(EARLY).to_tag() == EARLY
    assert Attempts().to_tag() == ""
    assert request_digest("r-1") == "a5fa777a"


def test_nothing_known_is_nothing() -> None:
    assert parse_attempts("") == Attempts()
    assert not Attempts().any
    assert not Attempts(newest=EARLY).any


def test_the_latest_attempt_comes_first_and_a_repeated_one_counts_once() -> None:
    attempts = Attempts().made_by("a", "1").made_by("b", "2").made_by("a", "3")

    assert [attempt.name for attempt in attempts.known] == ["3", "2"]
    assert attempts.any


def test_an_attempt_is_withdrawn_or_settled() -> None:
    attempts = Attempts().seen(EARLY).made_by("a", "1").made_by("b", "2")

    assert [attempt.name for attempt in attempts.withdrawn_by("b").known] == ["1"]
    assert attempts.settled() == Attempts(newest=EARLY)
    assert attempts.withdrawn_by("c") == attempts


def test_the_only_attempt_is_told_from_one_of_several() -> None:
    one = Attempts().made_by("a", "1")

    assert one.only_by("a")
    assert not one.only_by("b")
    assert not one.made_by("b", "2").only_by("a")
    assert not Attempts(known=one.known, more=True).only_by("a")
    assert not Attempts().only_by("a")


def test_the_oldest_give_way_when_they_do_not_all_fit_and_the_tag_says_so() -> None:
    attempts = Attempts().seen(EARLY).made_by("a", "x" * 100).made_by("b", "y" * 100).made_by("c", "z" * 100)

    read = parse_attempts(attempts.to_tag())

    assert [attempt.name[0] for attempt in read.known] == ["z", "y"]
    assert read.more
    assert read.any
    assert len(Attempts().made_by("a", "é" * 128).to_tag()) == 256


def test_dates_order_requests_and_a_missing_one_orders_nothing() -> None:
    assert Attempts(newest=LATE).is_newer_than(EARLY)
    assert not Attempts(newest=EARLY).is_newer_than(EARLY)
    assert not Attempts(newest=EARLY).is_newer_than(LATE)
    assert not Attempts(newest=LATE).is_newer_than("")
    assert not Attempts().is_newer_than(EARLY)
    assert Attempts(newest=LATE).seen(EARLY).newest == LATE


def test_settled_attempts_leave_nothing_behind() -> None:
    attempts = Attempts(newest=EARLY, known=Attempts().made_by("a", "1").known, more=True)

    assert attempts.settled() == Attempts(newest=EARLY, known=(), more=False)


def test_a_colon_in_a_name_stays_in_the_name() -> None:
    assert parse_attempts(Attempts().made_by("a", "x:y:z").to_tag()).known[0].name == "x:y:z"


def test_a_tag_of_exactly_256_characters_keeps_everything() -> None:
    def two(length: int) -> Attempts:
        return Attempts().made_by("a", "x" * 100).made_by("b", "y" * length)

    fitting = 256 - len(two(1).to_tag()) + 1

    assert len(two(fitting).to_tag()) == 256
    assert parse_attempts(two(fitting).to_tag()) == two(fitting)
    cut = parse_attempts(two(fitting + 1).to_tag())
    assert (len(cut.known), cut.more) == (1, True)


def test_the_latest_attempt_is_that_of_the_newest_request() -> None:
    attempts = Attempts().made_by("one", "a").made_by("two", "b")

    assert attempts.latest_by("two")
    assert not attempts.latest_by("one")
    assert not Attempts().latest_by("one")


def test_a_run_that_a_request_has_reached_has_a_history() -> None:
    assert not Attempts().has_history
    assert Attempts().made_by("one", "a").has_history
    assert Attempts().seen("20261122T101500Z").settled().has_history
