"""The logical id of a wait condition holds what the function must know."""

import pytest

from healthomics_run_waiter import contract


@pytest.mark.parametrize("name", ["Alignment", "AWait60S0123456789abcdef", "Wait", "A" * 210, "A" * 248])
@pytest.mark.parametrize("seconds", [60, 43_200])
def test_what_is_written_is_read_back(name: str, seconds: int) -> None:
    written = contract.wait_id(name, seconds=seconds, digest="0123456789abcdef0123")

    assert contract.parse_wait_id(str(written)) == written
    assert written.run == contract.run_name(name)
    assert len(str(written)) <= 255
    assert str(written).isalnum()


def test_long_names_stay_different() -> None:
    assert contract.run_name("A" * 240) != contract.run_name("A" * 239 + "B")


@pytest.mark.parametrize(
    "text", ["", "Wait60S0123456789abcdef", "AWait6S0123456789abcdef", "AWait60S012345678", "A-Wait60S0123456789abcdef"]
)
def test_names_of_others_are_not_read(text: str) -> None:
    assert contract.parse_wait_id(text) is None


@pytest.mark.parametrize("seconds", [60, 300, 3600, 42_000, 43_199, 43_200])
def test_the_function_gives_up_before_cloudformation_does(seconds: int) -> None:
    left = contract.policy_seconds(seconds) - contract.gives_up_after(seconds)

    assert left >= contract.LAST_SECONDS
    assert contract.policy_seconds(seconds) <= contract.LONGEST_WAIT_SECONDS
    # A tick comes in between, and lingers until then.
    assert contract.gives_up_after(seconds) + contract.TICK_SECONDS <= contract.policy_seconds(seconds) or (
        contract.gives_up_after(seconds) >= contract.LINGER_SECONDS
    )
