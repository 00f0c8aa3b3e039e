"""The physical id of a completion holds everything that its attributes need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthomics_run_waiter.completion_id import CompletionId, parse_completion_id
from healthomics_run_waiter.run_state import RunState, run_state

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
runs = st.builds(
    RunState,
    run_id=st.from_regex(r"[0-9]{1,18}", fullmatch=True),
    uuid=st.uuids().map(str),
    status=st.sampled_from(["COMPLETED", "FAILED", "CANCELLED", "DELETED", "UNKNOWN"]),
    failure_reason=texts,
    start_time=st.datetimes().map(lambda time: f"{time.isoformat()}+00:00"),
    stop_time=texts.map(lambda text: text[:32]),
)


@given(run=runs, before=st.none() | runs)
def test_what_is_written_is_read_back(run: RunState, before: RunState | None) -> None:
    written = CompletionId(run=run, before=before)

    assert parse_completion_id(str(written)) == written
    assert len(str(written).encode()) <= 1024


def test_what_does_not_fit_leaves_out_the_run_before() -> None:
    longest = run_state(
        {"id": "1" * 18, "uuid": "\N{DNA DOUBLE HELIX}" * 128, "status": "FAILED", "failureReason": "|" * 99}
    )

    text = str(CompletionId(run=longest, before=longest))

    assert len(text.encode()) <= 1024
    assert parse_completion_id(text) == CompletionId(run=longest)


@pytest.mark.parametrize(
    "text", ["", "completion", "stack-Completion-ABC", "request|request-0", "completion|1|2", "run|1|2|3|4|5|6"]
)
def test_ids_of_others_are_not_read(text: str) -> None:
    assert parse_completion_id(text) is None
