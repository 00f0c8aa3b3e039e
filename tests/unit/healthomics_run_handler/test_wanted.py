"""Is a request still wanted?"""

import pytest

from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ports import ResourceState
from healthomics_run_handler.wanted import Verdict, is_later, is_rollback, judge_create, judge_update, owner

MINE = RunIdentity(run_id="1", uuid="mine", spec_digest="d", output_uri="o").physical_id()
OTHER = RunIdentity(run_id="2", uuid="other", spec_digest="d", output_uri="o").physical_id()
BEFORE = RunIdentity(run_id="3", uuid="before", spec_digest="d", output_uri="o").physical_id()
W, U, A = Verdict.WANTED, Verdict.UNWANTED, Verdict.OWNED_BY_ANOTHER


@pytest.mark.parametrize(
    ("status", "physical_id", "run_uuid", "verdict"),
    [
        ("CREATE_IN_PROGRESS", None, None, W),
        ("CREATE_IN_PROGRESS", None, "mine", W),
        ("CREATE_FAILED", None, None, U),
        ("CREATE_FAILED", "genomes-Alignment-XYZ", "mine", U),
        ("DELETE_IN_PROGRESS", "genomes-Alignment-XYZ", "mine", U),
        ("DELETE_IN_PROGRESS", MINE, "mine", U),
        ("DELETE_COMPLETE", None, None, U),
        ("CREATE_COMPLETE", MINE, "mine", W),
        ("UPDATE_COMPLETE", MINE, "mine", W),
        ("UPDATE_IN_PROGRESS", MINE, "mine", W),
        ("CREATE_COMPLETE", MINE, None, U),
        ("CREATE_COMPLETE", None, "mine", W),
        ("UPDATE_COMPLETE", "", "mine", W),
        ("CREATE_COMPLETE", None, None, U),
        ("UPDATE_COMPLETE", OTHER, "mine", A),
    ],
)
def test_a_create_is_wanted_while_it_is_in_progress_or_its_run_is_held(
    status: str, physical_id: str | None, run_uuid: str | None, verdict: Verdict
) -> None:
    assert judge_create(ResourceState(status=status, physical_id=physical_id), run_uuid) is verdict


@pytest.mark.parametrize("run_uuid", [None, "mine"])
@pytest.mark.parametrize(
    ("changed", "sent", "verdict"),
    [(100.0, 100.0, W), (109.0, 100.0, W), (111.0, 100.0, U), (None, 100.0, W), (9e9, None, W)],
)
def test_a_create_is_late_if_the_one_in_progress_began_after_it_was_sent(
    changed: float | None, sent: float | None, run_uuid: str | None, verdict: Verdict
) -> None:
    state = ResourceState(status="CREATE_IN_PROGRESS", physical_id=None, changed=changed)
    assert judge_create(state, run_uuid, sent) is verdict


@pytest.mark.parametrize(
    ("status", "stack", "physical_id", "run_uuid", "verdict"),
    [
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", BEFORE, None, W),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", BEFORE, "mine", W),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", None, None, W),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "", None, W),
        ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", BEFORE, None, U),
        ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", BEFORE, "mine", U),
        ("UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", MINE, "mine", W),
        ("UPDATE_COMPLETE", "UPDATE_ROLLBACK_IN_PROGRESS", MINE, "mine", W),
        ("UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", BEFORE, "mine", W),
        ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", BEFORE, "mine", W),
        ("UPDATE_COMPLETE", "UPDATE_COMPLETE", BEFORE, "mine", U),
        ("UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", BEFORE, None, U),
        ("UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", OTHER, None, U),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", OTHER, None, U),
        ("UPDATE_COMPLETE", "UPDATE_COMPLETE", OTHER, "mine", A),
        ("UPDATE_FAILED", "UPDATE_FAILED", BEFORE, "mine", U),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", OTHER, "mine", U),
    ],
)
def test_an_update_is_wanted_while_it_is_in_progress_forward_or_its_run_is_held(
    status: str, stack: str, physical_id: str | None, run_uuid: str | None, verdict: Verdict
) -> None:
    state = ResourceState(status=status, physical_id=physical_id)

    assert judge_update(state, stack, event_physical_id=BEFORE, run_uuid=run_uuid) is verdict


def test_rollbacks_are_told_by_the_stack_status() -> None:
    assert is_rollback("UPDATE_ROLLBACK_IN_PROGRESS")
    assert is_rollback("ROLLBACK_IN_PROGRESS")
    assert not is_rollback("UPDATE_IN_PROGRESS")
    assert not is_rollback("UPDATE_FAILED")


def test_the_owner_is_the_run_that_the_physical_id_names() -> None:
    held = owner(ResourceState(status="CREATE_COMPLETE", physical_id=MINE))

    assert held is not None
    assert held.uuid == "mine"
    assert owner(ResourceState(status="CREATE_COMPLETE", physical_id="genomes-Alignment-XYZ")) is None
    assert owner(ResourceState(status="CREATE_COMPLETE", physical_id=None)) is None


@pytest.mark.parametrize(
    ("changed", "sent", "by", "later"),
    [
        (110.5, 100.0, 10.0, "later"),
        (110.0, 100.0, 10.0, ""),
        (None, 100.0, 10.0, ""),
        (110.5, None, 10.0, ""),
        (100.5, 100.0, 0.0, "later"),
    ],
)
def test_a_resource_has_changed_later_if_the_times_surely_say_so(
    changed: float | None, sent: float | None, by: float, later: str
) -> None:
    state = ResourceState(status="CREATE_IN_PROGRESS", physical_id=None, changed=changed)

    assert is_later(state, sent, by=by) is bool(later)


def test_without_a_margin_any_later_second_counts() -> None:
    state = ResourceState(status="CREATE_IN_PROGRESS", physical_id=None, changed=100.5)

    assert is_later(state, 100.0)
