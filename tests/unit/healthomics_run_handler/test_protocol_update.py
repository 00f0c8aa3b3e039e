"""Update: a changed spec starts one run; anything else, and every rollback, starts none."""

from collections.abc import Mapping
from typing import Any

import pytest

from handler_fakes import (
    INVALID,
    LOST,
    NOT_FOUND,
    PROPERTIES,
    THROTTLED,
    World,
    api_error,
    create,
    dated,
    delete,
    update,
)
from healthomics_run_handler import contract, ledger
from healthomics_run_handler.attempts import request_digest
from healthomics_run_handler.errors import RequestFailedError
from healthomics_run_handler.identity import RunIdentity, parse_physical_id
from healthomics_run_handler.spec import parse_spec

OLD: dict[str, Any] = {}
NEW = {"RerunOn": "2"}


@pytest.fixture
def world() -> World:
    return World()


def created(world: World, **properties: Any) -> str:
    return world.run(create(**properties)).physical_id


def replaced(world: World, first: str) -> str:
    world.updating(first)
    outcome = world.run(update(first, NEW, OLD, "update-1"))
    assert outcome.physical_id != first
    return outcome.physical_id


def failure(world: World, event: dict[str, Any]) -> tuple[str, str]:
    protocol = world.protocol(event)
    with pytest.raises(RequestFailedError) as caught:
        protocol.run()
    return caught.value.reason, protocol.progress.physical_id


def run_of(physical_id: str) -> RunIdentity:
    run = parse_physical_id(physical_id)
    assert isinstance(run, RunIdentity)
    return run


def test_an_update_that_changes_nothing_reads_once_and_writes_nothing(world: World) -> None:
    first = created(world)
    world.omics.calls.clear()
    world.updating(first)

    outcome = world.run(update(first, {"ServiceTimeout": "900", "AddedLater": "x"}, OLD))

    assert outcome.physical_id == first
    assert outcome.run == run_of(first)
    assert world.omics.names() == ["GetRun"]


def test_tags_are_reconciled_and_others_tags_stay(world: World) -> None:
    first = created(world, Tags={"a": "1", "b": "2"})
    world.omics.runs["1000001"]["tags"]["theirs"] = "x"
    before = {key: value for key, value in world.omics.runs["1000001"]["tags"].items() if key.startswith("cdk-")}
    world.updating(first)

    world.run(update(first, {"Tags": {"a": "9", "c": "3"}}, {"Tags": {"a": "1", "b": "2"}}))

    assert world.omics.runs["1000001"]["tags"] == {**before, "a": "9", "c": "3", "theirs": "x"}
    assert len(world.omics.runs) == 1


def test_an_update_answers_in_full_when_the_runs_record_is_gone(world: World) -> None:
    first = created(world)
    world.omics.runs.clear()
    world.updating(first)

    outcome = world.run(update(first, {"Tags": {"a": "1"}}, OLD))

    assert outcome.physical_id == first
    assert outcome.run == run_of(first)
    assert outcome.run_status == "DELETED"


def test_a_change_of_tag_keys_never_exceeds_the_limit_of_tags(world: World) -> None:
    old, new = ({f"{letter}{number}": "v" for number in range(38)} for letter in "on")
    first = created(world, Tags=old)
    original = world.omics.tag_run

    def at_most_50(arn: str, tags: Mapping[str, str]) -> None:
        if len(world.omics._of(arn)["tags"] | tags) > contract.TAG_LIMIT:
            raise api_error("ValidationException", 400, "Too many tags", operation="TagResource")
        original(arn, tags)

    world.omics.tag_run = at_most_50  # type: ignore[method-assign]

    world.run(update(first, {"Tags": new}, {"Tags": old}))

    tags = world.omics.runs["1000001"]["tags"]
    assert {key for key in tags if not key.startswith(contract.LEDGER_TAG_PREFIX)} == set(new)


def test_a_late_delivery_of_an_older_update_does_not_bring_its_tags_back(world: World) -> None:
    first = created(world, Tags={"v": "0"})
    older = dated(update(first, {"Tags": {"v": "1"}}, {"Tags": {"v": "0"}}, "update-1"), 10)
    world.run(older)
    world.run(dated(update(first, {"Tags": {"v": "2"}}, {"Tags": {"v": "1"}}, "update-2"), 20))
    world.omics.calls.clear()

    world.run(older)

    assert world.omics.runs["1000001"]["tags"]["v"] == "2"
    assert world.omics.names() == ["GetRun"]


def test_an_update_of_tags_that_comes_after_its_rollback_changes_nothing(world: World) -> None:
    """The rollback finds nothing to change, but says that it was there."""
    first = created(world, Tags={"v": "0"})
    world.rolling_back(first)
    world.run(dated(update(first, {"Tags": {"v": "0"}}, {"Tags": {"v": "1"}}, "rollback-1"), 20))

    world.run(dated(update(first, {"Tags": {"v": "1"}}, {"Tags": {"v": "0"}}, "update-1"), 10))

    assert world.omics.runs["1000001"]["tags"]["v"] == "0"


def test_a_second_delivery_of_the_same_update_finishes_what_the_first_began(world: World) -> None:
    first = created(world, Tags={"a": "1"})
    event = dated(update(first, {"Tags": {"b": "1"}}, {"Tags": {"a": "1"}}), 10)
    world.omics.script["TagResource"] = [api_error("ValidationException", 400, operation="TagResource")]
    with pytest.raises(RequestFailedError):
        world.run(event)

    world.run(event)

    tags = world.omics.runs["1000001"]["tags"]
    assert tags["b"] == "1"
    assert "a" not in tags


def test_another_run_that_got_the_id_is_not_tagged(world: World) -> None:
    first = created(world)
    world.omics.runs["1000001"] = {**world.omics.runs["1000001"], "uuid": "somebody else's", "tags": {}}
    world.updating(first)

    outcome = world.run(update(first, {"Tags": {"a": "1"}}, OLD))

    assert outcome.run_status == "DELETED"
    assert world.omics.runs["1000001"]["tags"] == {}


def test_a_status_that_cannot_be_read_does_not_block_an_update_without_tags(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.omics.script["GetRun"] = [api_error("ValidationException", 400, operation="GetRun")]

    assert world.run(update(first, OLD, OLD)).run_status == "UNKNOWN"

    world.omics.script["GetRun"] = [api_error("ValidationException", 400, operation="GetRun")]
    reason, physical_id = failure(world, update(first, {"Tags": {"a": "1"}}, OLD))
    assert reason.startswith("GetRun failed")
    assert physical_id == first


def test_a_changed_spec_starts_one_run_that_names_the_one_it_replaces(world: World) -> None:
    first = created(world)

    second = replaced(world, first)

    assert len(world.omics.runs) == 2
    tags = world.omics.runs["1000002"]["tags"]
    assert tags[ledger.REPLACES] == f"1000001/uuid-1000001/{run_of(first).spec_digest}"
    assert tags[ledger.REPLACES_URI[0]] == "s3://results/out/1000001"
    assert tags[ledger.SPEC] == run_of(second).spec_digest == parse_spec({**PROPERTIES, **NEW}).digest
    assert world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] == f"- {request_digest('update-1')}:genomes-alignment"
    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_the_attempt_is_written_before_the_run_is_started(world: World) -> None:
    first = created(world)
    world.omics.calls.clear()

    replaced(world, first)

    assert world.omics.names() == ["GetRun", "GetRun", "TagResource", "StartRun", "GetRun"]


def test_the_same_update_delivered_twice_starts_one_run(world: World) -> None:
    first = created(world)
    second = replaced(world, first)

    assert replaced(world, first) == second
    assert len(world.omics.runs) == 2


def test_a_changed_spec_is_replaced_even_when_the_earlier_record_is_gone(world: World) -> None:
    first = created(world)
    world.omics.runs.clear()

    second = replaced(world, first)

    assert run_of(second).uuid != run_of(first).uuid


# --- rollbacks ------------------------------------------------------------------------------------------------


def test_a_rollback_with_the_new_id_answers_the_earlier_run_and_leaves_the_new_one_to_its_delete(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.rolling_back(second)

    outcome = world.run(update(second, OLD, NEW, "update-2"))

    assert outcome.physical_id == first
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING"]

    world.run(delete(second, "delete-1", **NEW))

    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "CANCELLED"]
    assert ledger.RELEASED in world.omics.runs["1000002"]["tags"]


def test_a_rollback_with_the_old_id_answers_it_and_cancels_the_new_run(world: World) -> None:
    first = created(world)
    replaced(world, first)
    world.rolling_back(first)

    outcome = world.run(update(first, OLD, NEW, "update-2"))

    assert outcome.physical_id == first
    assert len(world.omics.runs) == 2
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "CANCELLED"]


def test_a_rollback_finds_a_stray_that_list_runs_shows_late(world: World) -> None:
    first = created(world)
    replaced(world, first)
    world.rolling_back(first)
    late = world.omics.runs.pop("1000002")
    began = world.clock.now()

    original = world.omics.list_runs

    def lagging(**filters: Any) -> Any:
        if world.clock.now() - began >= 25:
            world.omics.runs["1000002"] = late
        return original(**filters)

    world.omics.list_runs = lagging  # type: ignore[method-assign]

    world.run(update(first, OLD, NEW, "update-2"))

    assert late["status"] == "CANCELLED"


def test_a_rollback_of_an_update_that_attempted_nothing_does_not_search_on(world: World) -> None:
    first = created(world)
    world.rolling_back(first)
    began = world.clock.now()

    assert world.run(update(first, OLD, NEW, "update-2")).physical_id == first
    assert world.clock.now() == began


def test_a_late_second_delivery_of_a_rollback_cancels_nothing(world: World) -> None:
    first = created(world)
    replaced(world, first)

    world.updating(first)
    outcome = world.run(update(first, OLD, NEW, "update-2"))

    assert outcome.physical_id == first
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING"]


@pytest.mark.parametrize("uri", ["s3://results/out", "s3://results/" + "long/" * 60 + "é%|"])
def test_a_rollback_answers_in_full_when_the_earlier_record_is_gone(world: World, uri: str) -> None:
    first = created(world, OutputUri=uri)
    world.updating(first)
    second = world.run(update(first, {**NEW, "OutputUri": uri}, {"OutputUri": uri})).physical_id
    del world.omics.runs["1000001"]
    world.rolling_back(second)

    outcome = world.run(update(second, {"OutputUri": uri}, {**NEW, "OutputUri": uri}, "update-2"))

    assert outcome.physical_id == first
    assert outcome.run == run_of(first)
    assert len(world.omics.runs) == 1


def test_going_back_on_purpose_starts_a_run_because_the_earlier_one_was_given_back(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-1"
    world.updating(second)

    outcome = world.run(update(second, OLD, NEW, "update-3"))

    assert outcome.run is not None
    assert outcome.run.run_id == "1000003"


def test_going_back_on_purpose_starts_a_run_when_the_earlier_record_is_gone(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    del world.omics.runs["1000001"]
    world.updating(second)

    outcome = world.run(update(second, OLD, NEW, "update-3"))

    assert outcome.run is not None
    assert outcome.run.run_id not in (run_of(first).run_id, run_of(second).run_id)


def test_a_rollback_whose_runs_are_all_gone_starts_nothing(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.omics.runs.clear()
    world.rolling_back(second)
    started = world.omics.started()

    reason, physical_id = failure(world, update(second, OLD, NEW, "update-2"))

    assert "no run of this resource with the earlier settings was found" in reason
    assert physical_id == second
    assert world.omics.started() == started


# --- failures -------------------------------------------------------------------------------------------------


def test_a_failed_replacement_answers_the_earlier_id_and_withdraws_the_attempt(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.omics.script["StartRun"] = [INVALID]

    reason, physical_id = failure(world, update(first, NEW, OLD))

    assert "ValidationException" in reason
    assert physical_id == first
    assert ledger.ATTEMPTED not in world.omics.runs["1000001"]["tags"]


def test_a_refusal_of_the_second_delivery_finds_what_the_first_has_started(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.omics.script["StartRun"] = [INVALID]

    assert world.run(update(first, NEW, OLD, "update-1")).physical_id == second


def test_an_attempt_of_an_earlier_delivery_is_not_withdrawn(world: World) -> None:
    first = created(world)
    world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = f"- {request_digest('update-1')}:genomes-alignment"
    world.updating(first)
    world.omics.script["StartRun"] = [INVALID]

    failure(world, update(first, NEW, OLD, "update-1"))

    assert ledger.ATTEMPTED in world.omics.runs["1000001"]["tags"]


def test_an_attempt_with_an_unknown_outcome_stays_in_the_ledger(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.omics.script["StartRun"] = [LOST, INVALID]

    _, physical_id = failure(world, update(first, NEW, OLD))

    assert physical_id == first
    assert ledger.ATTEMPTED in world.omics.runs["1000001"]["tags"]


def test_an_earlier_attempt_is_not_withdrawn_by_a_later_failure(world: World) -> None:
    first = created(world)
    world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = "- 12345678:genomes-alignment"
    world.updating(first)
    world.omics.script["StartRun"] = [INVALID]

    failure(world, update(first, NEW, OLD))

    assert ledger.ATTEMPTED in world.omics.runs["1000001"]["tags"]


def test_a_failed_replacement_of_a_gone_run_has_no_attempt_to_withdraw(world: World) -> None:
    first = created(world)
    world.omics.runs.clear()
    world.updating(first)
    world.omics.script["StartRun"] = [INVALID]

    assert failure(world, update(first, NEW, OLD))[1] == first


def test_an_update_of_a_released_run_is_late_and_starts_nothing(world: World) -> None:
    first = created(world)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-1"
    world.updating("run|1000077|other|d|o")

    reason, _ = failure(world, update(first, NEW, OLD))

    assert "had been replaced or deleted" in reason
    assert len(world.omics.runs) == 1


def test_a_run_that_was_given_back_by_mistake_can_be_replaced(world: World) -> None:
    first = created(world)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "by mistake"

    assert run_of(replaced(world, first)).run_id == "1000002"


def test_going_back_on_purpose_starts_a_run_even_if_the_earlier_one_still_looks_free(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.updating(second)

    assert run_of(world.run(update(second, OLD, NEW, "update-3")).physical_id).run_id == "1000003"


def test_a_rollback_that_cloudformation_shows_late_is_recognised_by_a_second_look(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.updating(second)
    original = world.stacks.stack_status

    def stack_status(stack_id: str) -> str:
        status = original(stack_id)
        world.rolling_back(second)
        return status

    world.stacks.stack_status = stack_status  # type: ignore[method-assign]

    assert world.run(update(second, OLD, NEW, "update-2")).physical_id == first
    assert len(world.omics.runs) == 2


def test_a_rollback_that_is_over_takes_no_run_again(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.rolling_back(second)
    world.stacks.stack = "UPDATE_ROLLBACK_COMPLETE"

    failure(world, update(second, OLD, NEW, "update-2"))

    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING"]


def test_a_late_update_in_a_rollback_of_another_takes_nothing_back(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.updating(second)
    third = world.run(update(second, OLD, NEW, "update-2")).physical_id
    world.rolling_back(third)

    failure(world, update(second, OLD, NEW, "update-2"))

    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING", "PENDING"]


def test_a_late_update_takes_no_run_that_was_given_back(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-1"
    world.rolling_back(second)

    failure(world, update(second, OLD, NEW, "update-2"))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


def test_a_rollback_goes_back_to_the_oldest_run_that_was_not_given_back(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.updating(second)
    third = world.run(update(second, OLD, NEW, "update-2")).physical_id
    world.updating(third)
    fourth = world.run(update(third, {"RerunOn": "4"}, OLD, "update-3")).physical_id
    world.rolling_back(fourth)
    back = update(fourth, OLD, {"RerunOn": "4"}, "rollback-1")

    assert world.run(back).physical_id == first

    world.omics.runs["1000002"]["tags"][ledger.RELEASED] = "delete-2"  # the update from second to third succeeded
    assert world.run(back).physical_id == third


def test_a_rollback_answers_the_earlier_identity_whatever_its_tags_say(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.omics.runs["1000001"]["tags"].clear()
    del world.omics.runs["1000002"]["tags"][ledger.REPLACES_URI[0]]
    world.rolling_back(second)

    assert world.run(update(second, OLD, NEW, "update-2")).physical_id == first


def test_a_rollback_lists_the_runs_when_the_replacements_record_is_gone(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    del world.omics.runs["1000002"]
    world.rolling_back(second)

    assert world.run(update(second, OLD, NEW, "rollback-1")).physical_id == first


def test_a_late_update_in_a_rollback_does_not_take_the_run_that_it_started_for_an_earlier_one(world: World) -> None:
    first = created(world)
    replaced(world, first)
    del world.omics.runs["1000001"]
    world.rolling_back(first)

    failure(world, update(first, NEW, OLD, "update-1"))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_late_delivery_cancels_what_the_one_before_started_and_could_not_cancel(world: World) -> None:
    first = created(world)
    replaced(world, first)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-1"
    world.rolling_back(first)

    failure(world, update(first, NEW, OLD, "update-1"))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_an_update_that_is_no_longer_wanted_starts_nothing(world: World) -> None:
    first = created(world)
    world.rolling_back(first)

    reason, physical_id = failure(world, update(first, NEW, OLD))

    assert "No run was started" in reason
    assert physical_id == first
    assert len(world.omics.runs) == 1


def test_a_replacement_that_started_while_the_stack_began_to_roll_back_is_cancelled(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.omics.after["StartRun"] = [lambda: world.rolling_back(first)]

    reason, physical_id = failure(world, update(first, NEW, OLD))

    assert "was cancelled" in reason
    assert physical_id == first
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "CANCELLED"]


def test_a_replacement_that_is_dropped_while_throttled_withdraws_its_attempt(world: World) -> None:
    first = created(world)
    world.updating(first)

    def rolls_back() -> None:
        world.rolling_back(first)
        raise THROTTLED

    world.omics.script["StartRun"] = [rolls_back, *[THROTTLED] * 80]

    reason, _ = failure(world, update(first, NEW, OLD))

    assert "No run was started" in reason
    assert ledger.ATTEMPTED not in world.omics.runs["1000001"]["tags"]


def test_a_late_delivery_after_its_run_was_replaced_in_turn_leaves_it_alone(world: World) -> None:
    first = created(world)
    second = replaced(world, first)
    world.updating(second)
    third = world.run(update(second, {"RerunOn": "3"}, NEW, "update-2")).physical_id
    world.stacks.status, world.stacks.stack, world.stacks.physical_id = "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", second

    world.omics.after["StartRun"] = [lambda: setattr(world.stacks, "physical_id", third)]
    world.stacks.status, world.stacks.physical_id = "UPDATE_IN_PROGRESS", first
    outcome = world.run(update(first, NEW, OLD, "update-1"))

    assert outcome.physical_id == second
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING", "PENDING"]


def test_a_run_that_lost_to_a_foreign_owner_is_cancelled(world: World) -> None:
    first = created(world)
    foreign = RunIdentity(run_id="1000077", uuid="other", spec_digest="d", output_uri="o").physical_id()
    world.updating(first)
    world.omics.after["StartRun"] = [lambda: setattr(world.stacks, "physical_id", foreign)]

    reason, _ = failure(world, update(first, NEW, OLD))

    assert "was cancelled" in reason
    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_retried_update_whose_old_properties_are_the_attempted_ones_still_starts_its_run(world: World) -> None:
    first = created(world)
    world.updating(first)

    outcome = world.run(update(first, NEW, NEW))

    assert outcome.physical_id != first
    assert len(world.omics.runs) == 2


def test_old_properties_that_cannot_be_read_compare_with_nothing(world: World) -> None:
    first = created(world)
    world.updating(first)

    outcome = world.run(update(first, OLD, {"Priority": "high"}))

    assert outcome.physical_id == first


# --- what a failure leaves --------------------------------------------------------------------------------------

ASKED_IN_VAIN = api_error("AccessDeniedException", 403, operation="DescribeStackResource")


def unasked_after_the_start(world: World) -> None:
    world.omics.after["StartRun"] = [lambda: world.stacks.script.extend([ASKED_IN_VAIN] * 100)]


def test_a_run_about_which_cloudformation_cannot_be_asked_is_cancelled(world: World) -> None:
    first = created(world)
    world.updating(first)
    unasked_after_the_start(world)

    reason, physical_id = failure(world, update(first, NEW, OLD))

    assert "DescribeStackResource failed" in reason
    assert physical_id == first
    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_run_that_an_earlier_delivery_may_have_answered_is_not(world: World) -> None:
    first = created(world)
    replaced(world, first)
    unasked_after_the_start(world)

    failure(world, update(first, NEW, OLD, "update-1"))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


def test_a_run_that_cannot_be_cancelled_either_is_found_by_the_next_update(world: World) -> None:
    first = created(world)
    world.updating(first)
    unasked_after_the_start(world)
    world.omics.script["CancelRun"] = [api_error("AccessDeniedException", 403, operation="CancelRun")] * 100

    reason, _ = failure(world, dated(update(first, NEW, OLD), 10))
    assert "DescribeStackResource failed" in reason
    assert world.omics.runs["1000002"]["status"] == "PENDING"
    world.stacks.script.clear()
    world.omics.script.clear()

    assert world.run(dated(update(first, OLD, OLD, "update-2"), 20)).physical_id == first
    assert world.omics.runs["1000002"]["status"] == "CANCELLED"
    assert world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] == "20261122T101520Z"


def test_a_late_update_that_keeps_its_run_cancels_no_replacement(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.run(dated(update(first, NEW, OLD), 20))

    world.run(dated(update(first, OLD, OLD, "update-0"), 10))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


@pytest.mark.parametrize("held", [True, False])
def test_an_update_that_keeps_its_run_spares_what_the_stack_holds_or_held(world: World, held: bool) -> None:  # noqa: FBT001
    first = created(world)
    world.updating(first)
    second = world.run(dated(update(first, NEW, OLD), 10)).physical_id
    if held:
        world.updating(second)
    else:
        world.omics.runs["1000002"]["tags"][ledger.ATTEMPTED] = "20261122T101515Z"

    world.run(dated(update(first, OLD, OLD, "update-2"), 20))

    assert world.omics.runs["1000002"]["status"] == "PENDING"
    assert world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED].endswith(":genomes-alignment")


# --- a retried Update that keeps its RequestId ------------------------------------------------------------------


def sent_again(event: dict[str, Any]) -> dict[str, Any]:
    return {**dated(event, 20), "ResponseURL": dated(event, 20)["ResponseURL"] + "&again"}


def test_the_first_sending_leaves_the_run_that_a_later_sending_of_the_same_update_shares(world: World) -> None:
    first = created(world)
    world.updating(first)
    event = update(first, NEW, OLD)
    world.omics.after["StartRun"] = [lambda: world.run(sent_again(event))]

    reason, _ = failure(world, dated(event, 10))

    assert "sent this update again" in reason
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING"]


def test_the_first_sending_leaves_the_shared_run_even_when_it_is_unwanted_itself(world: World) -> None:
    first = created(world)
    world.updating(first)
    event = update(first, NEW, OLD)

    def retried_and_failed() -> None:
        world.run(sent_again(event))
        world.stacks.status = "UPDATE_FAILED"

    world.omics.after["StartRun"] = [retried_and_failed]

    failure(world, dated(event, 10))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


def test_the_date_of_a_rollback_is_not_that_of_another_sending(world: World) -> None:
    first = created(world)
    world.updating(first)
    event = dated(update(first, NEW, OLD), 10)

    def rolled_back() -> None:
        world.rolling_back(first)
        world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = (
            f"20261122T101520Z {request_digest('update-1')}:genomes-alignment"
        )

    world.omics.after["StartRun"] = [rolled_back]

    reason, _ = failure(world, event)

    assert "was cancelled" in reason
    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_later_sending_does_not_answer_a_run_that_the_first_gives_back(world: World) -> None:
    first = created(world)
    world.updating(first)
    event = update(first, NEW, OLD)
    world.run(dated(event, 10))
    original = world.stacks.stack_status
    asked: list[str] = []

    def stack_status(stack_id: str) -> str:
        asked.append(stack_id)
        if len(asked) == 3:  # after the start
            world.omics.runs["1000002"]["tags"][ledger.RELEASED] = "update-1"
        return original(stack_id)

    world.stacks.stack_status = stack_status  # type: ignore[method-assign]

    reason, _ = failure(world, sent_again(event))

    assert "given its run back" in reason


# --- late deliveries, told by the date of the ResponseURL --------------------------------------------------------


def test_an_update_that_was_rolled_back_is_late_when_the_next_one_is_under_way(world: World) -> None:
    first = created(world)
    world.rolling_back(first)
    world.run(dated(update(first, OLD, NEW, "rollback"), 10))
    world.updating(first)

    reason, physical_id = failure(world, dated(update(first, NEW, OLD, "update-1"), 5))

    assert "had been replaced or deleted" in reason
    assert physical_id == first
    assert len(world.omics.runs) == 1


def test_an_update_that_a_newer_one_overtakes_cancels_its_run(world: World) -> None:
    first = created(world)
    world.updating(first)

    def overtaken() -> None:
        world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = "20261122T101520Z 12345678:genomes-alignment"

    world.omics.after["StartRun"] = [overtaken]

    reason, _ = failure(world, dated(update(first, NEW, OLD), 10))

    assert "was cancelled" in reason
    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "CANCELLED"]


def test_an_attempt_that_a_late_delivery_has_overwritten_is_restored(world: World) -> None:
    first = created(world)
    world.updating(first)

    def overwritten() -> None:
        world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = "20261122T101505Z 12345678:theirs"

    world.omics.after["StartRun"] = [overwritten]

    world.run(dated(update(first, NEW, OLD), 10))

    mine = request_digest("update-1")
    assert world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] == (
        f"20261122T101510Z {mine}:genomes-alignment 12345678:theirs"
    )


def test_a_replacement_whose_earlier_record_vanishes_meanwhile_is_answered(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.omics.after["StartRun"] = [lambda: world.omics.runs.pop("1000001")]

    assert world.run(update(first, NEW, OLD)).physical_id != first


def test_a_late_second_delivery_of_a_rollback_in_a_later_rollback_cancels_nothing(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.run(dated(update(first, NEW, OLD, "update-2"), 20))
    world.rolling_back(first)

    world.run(dated(update(first, OLD, NEW, "rollback-1"), 10))

    assert [run["status"] for run in world.omics.runs.values()] == ["PENDING", "PENDING"]


def test_a_rollback_settles_the_attempts_and_leaves_its_date(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.run(dated(update(first, NEW, OLD, "update-1"), 5))
    world.rolling_back(first)

    world.run(dated(update(first, OLD, NEW, "rollback"), 10))

    assert world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] == "20261122T101510Z"
    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_rollback_does_not_cancel_what_a_later_request_started(world: World) -> None:
    first = created(world)
    world.updating(first)
    world.run(dated(update(first, NEW, OLD, "update-1"), 30))
    world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = "- 12345678:genomes-alignment"
    world.rolling_back(first)

    world.run(dated(update(first, OLD, NEW, "rollback"), 10))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


# --- ids that name no run -------------------------------------------------------------------------------------


@pytest.mark.parametrize("physical_id", ["request|create-0|unknown|genomes-alignment", "genomes-Alignment-XYZ"])
def test_an_update_of_no_run_finds_the_run_with_the_wanted_spec(world: World, physical_id: str) -> None:
    first = created(world)
    world.rolling_back(physical_id)

    outcome = world.run(update(physical_id, OLD, NEW))

    assert outcome.physical_id == first
    assert len(world.omics.runs) == 1


def test_an_update_of_no_run_starts_one_when_there_is_none(world: World) -> None:
    marker = "request|create-0|none|genomes-alignment"
    world.updating(marker)

    outcome = world.run(update(marker, NEW, OLD))

    assert outcome.run is not None
    assert len(world.omics.runs) == 1


def test_a_rollback_of_no_run_starts_nothing(world: World) -> None:
    marker = "request|create-0|none|genomes-alignment"
    world.rolling_back(marker)

    reason, physical_id = failure(world, update(marker, OLD, NEW))

    assert "no run of this resource" in reason
    assert physical_id == marker
    assert world.omics.runs == {}


def test_a_failed_start_of_no_run_answers_a_marker_of_this_request(world: World) -> None:
    marker = "request|create-0|none|genomes-alignment"
    world.updating(marker)
    world.omics.script["StartRun"] = [NOT_FOUND]

    _, physical_id = failure(world, update(marker, NEW, OLD))

    assert physical_id == "request|update-1|none|genomes-alignment"
