"""Delete: the run stops, nothing of anybody else's is touched, and what is gone already is fine."""

from typing import Any

import pytest

from handler_fakes import DENIED, NOT_FOUND, THROTTLED, World, api_error, create, dated, delete, update
from healthomics_run_handler import ledger
from healthomics_run_handler.errors import RequestFailedError
from healthomics_run_handler.ports import ResourceState
from healthomics_run_handler.request import parse_request
from healthomics_run_handler.session import UPDATES_TAKE

INVENTED = "genomes-Alignment-1ABCDEF2GHIJK"
MARKER = "request|create-1|unknown|genomes-alignment"


@pytest.fixture
def world() -> World:
    return World()


def created(world: World, **properties: Any) -> str:
    physical_id = world.run(create(**properties)).physical_id
    world.omics.calls.clear()
    world.stacks.calls.clear()
    world.deleting(physical_id)
    return physical_id


def test_an_active_run_is_released_then_cancelled(world: World) -> None:
    physical_id = created(world)

    outcome = world.run(delete(physical_id))

    assert outcome.physical_id == physical_id
    assert outcome.run is None
    run = world.omics.runs["1000001"]
    assert run["status"] == "CANCELLED"
    assert run["tags"][ledger.RELEASED] == "delete-1"
    assert world.omics.names() == ["GetRun", "TagResource", "CancelRun", "GetRun"]


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
def test_a_finished_run_takes_two_calls(world: World, status: str) -> None:
    physical_id = created(world)
    world.omics.runs["1000001"]["status"] = status

    world.run(delete(physical_id))

    assert world.omics.names() == ["GetRun", "TagResource"]
    assert world.stacks.calls == []
    assert world.omics.runs["1000001"]["status"] == status


def test_a_second_delete_finds_everything_done(world: World) -> None:
    physical_id = created(world)
    world.run(delete(physical_id))
    world.omics.calls.clear()

    world.run(delete(physical_id, "delete-2"))

    assert world.omics.names() == ["GetRun"]
    assert world.omics.runs["1000001"]["tags"][ledger.RELEASED] == "delete-1"


def test_leave_only_releases(world: World) -> None:
    physical_id = created(world)

    world.run(delete(physical_id, OnDelete="LEAVE"))

    assert world.omics.runs["1000001"]["status"] == "PENDING"
    assert world.omics.runs["1000001"]["tags"][ledger.RELEASED] == "left/delete-1"


def test_the_record_goes_too_if_asked(world: World) -> None:
    physical_id = created(world)

    world.run(delete(physical_id, OnDelete="CANCEL_AND_DELETE_RECORD"))

    assert world.omics.runs == {}
    assert world.omics.names()[-1] == "DeleteRun"


def test_a_run_that_is_gone_is_fine(world: World) -> None:
    physical_id = created(world)
    world.omics.runs.clear()

    assert world.run(delete(physical_id)).physical_id == physical_id


def test_a_run_that_is_gone_from_a_stack_that_was_never_updated_takes_one_look(world: World) -> None:
    physical_id = created(world)
    world.omics.runs.clear()
    began = world.clock.now()

    world.run(delete(physical_id))

    assert world.clock.now() == began
    assert world.omics.names() == ["GetRun", *["ListRuns"] * 4]


@pytest.mark.parametrize(("ago", "finds"), [(3600.0, True), (UPDATES_TAKE, False)])
def test_a_stray_of_a_gone_run_may_show_late_only_after_an_update_of_late(
    world: World,
    ago: float,
    finds: bool,  # noqa: FBT001
) -> None:
    first, _ = with_stray(world)
    del world.omics.runs["1000001"]
    world.deleting(first)
    world.stacks.updated = began = world.clock.now() - ago
    late = world.omics.runs.pop("1000002")
    original = world.omics.list_runs

    def lagging(**filters: Any) -> Any:
        if world.clock.now() >= began + ago + 30:
            world.omics.runs["1000002"] = late
        return original(**filters)

    world.omics.list_runs = lagging  # type: ignore[method-assign]

    world.run(delete(first))

    assert (late["status"] == "CANCELLED") is finds


def test_where_the_last_update_is_not_to_be_had_the_search_is_long(world: World) -> None:
    physical_id = created(world)
    world.omics.runs.clear()
    world.stacks.script = [None, api_error("AccessDenied", 400, operation="DescribeStacks")] + [
        api_error("AccessDenied", 400, operation="DescribeStacks")
    ] * 1000
    began = world.clock.now()

    world.run(delete(physical_id))

    assert world.clock.now() - began >= 40


def test_another_run_that_got_the_id_is_not_touched(world: World) -> None:
    physical_id = created(world)
    world.omics.runs["1000001"] |= {"uuid": "somebody else's", "tags": {}, "status": "RUNNING"}

    world.run(delete(physical_id, OnDelete="CANCEL_AND_DELETE_RECORD"))

    assert world.omics.runs["1000001"]["status"] == "RUNNING"
    assert not {"CancelRun", "TagResource", "DeleteRun"} & set(world.omics.names())


@pytest.mark.parametrize("operation", ["TagResource", "CancelRun", "DeleteRun"])
def test_a_run_that_vanishes_meanwhile_is_fine(world: World, operation: str) -> None:
    physical_id = created(world)

    def vanishes() -> None:
        world.omics.runs.clear()
        raise NOT_FOUND

    world.omics.script[operation] = [vanishes]

    assert world.run(delete(physical_id, OnDelete="CANCEL_AND_DELETE_RECORD")).physical_id == physical_id


def test_a_run_that_vanishes_while_it_stops_is_fine(world: World) -> None:
    physical_id = created(world)
    world.omics.after["CancelRun"] = [world.omics.runs.clear]

    world.run(delete(physical_id))


@pytest.mark.parametrize("refusal", [api_error("ConflictException", 409), api_error("ValidationException", 400)])
def test_a_cancel_that_is_refused_because_the_run_has_ended_is_fine(world: World, refusal: Exception) -> None:
    physical_id = created(world)

    def ended() -> None:
        world.omics.runs["1000001"]["status"] = "COMPLETED"
        raise refusal

    world.omics.script["CancelRun"] = [ended]

    world.run(delete(physical_id))

    assert world.omics.runs["1000001"]["status"] == "COMPLETED"


def test_a_cancel_that_is_refused_while_the_run_goes_on_is_tried_again(world: World) -> None:
    physical_id = created(world)
    world.omics.script["CancelRun"] = [api_error("ConflictException", 409), THROTTLED]

    world.run(delete(physical_id))

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


def test_a_cancel_that_is_forbidden_fails(world: World) -> None:
    physical_id = created(world)
    world.omics.script["CancelRun"] = [api_error("ValidationException", 400, operation="CancelRun")]

    with pytest.raises(RequestFailedError, match=r"CancelRun failed with ValidationException.*\[run 1000001\]"):
        world.run(delete(physical_id))


@pytest.mark.parametrize("refusal", [api_error("ConflictException", 409), api_error("ValidationException", 400)])
def test_a_cancel_that_is_refused_because_the_run_is_stopping_waits_for_its_end(
    world: World, refusal: Exception
) -> None:
    physical_id = created(world)
    world.omics.runs["1000001"]["status"] = "STOPPING"
    world.omics.script["CancelRun"] = [refusal] * 9
    world.omics.script["GetRun"] = [None, None, None, lambda: world.omics.runs["1000001"].update(status="COMPLETED")]

    world.run(delete(physical_id))

    assert world.omics.names() == ["GetRun", "TagResource", "CancelRun", "GetRun", "GetRun", "GetRun"]


@pytest.mark.parametrize("refusal", [api_error("ValidationException", 400, "Too many tags"), DENIED])
def test_a_tag_that_is_refused_for_good_does_not_keep_a_run_alive(world: World, refusal: Exception) -> None:
    physical_id = created(world)
    world.omics.script["TagResource"] = [refusal] * 1000

    world.run(delete(physical_id))

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


@pytest.mark.parametrize("refusal", [api_error("ValidationException", 400, "Too many tags"), DENIED])
def test_a_run_that_may_go_on_needs_no_tag_to_do_so(world: World, refusal: Exception) -> None:
    physical_id = created(world)
    world.omics.script["TagResource"] = [refusal] * 1000

    world.run(delete(physical_id, OnDelete="LEAVE"))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_a_stray_whose_tag_is_refused_is_cancelled_all_the_same(world: World) -> None:
    created(world)
    world.deleting(MARKER)
    world.omics.script["TagResource"] = [api_error("ValidationException", 400, "Too many tags")]

    world.run(delete(MARKER))

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


def test_a_cancel_that_stays_throttled_fails_in_the_end(world: World) -> None:
    physical_id = created(world)
    world.omics.script["CancelRun"] = [api_error("ThrottlingException", 429, operation="CancelRun")] * 1000

    with pytest.raises(RequestFailedError, match=r"CancelRun kept failing.*\[run 1000001\]"):
        world.run(delete(physical_id))


def test_delete_waits_until_the_run_has_stopped(world: World) -> None:
    physical_id = created(world)
    began = world.clock.now()
    world.omics.after["CancelRun"] = [lambda: world.omics.runs["1000001"].update(status="STOPPING")]
    original = world.omics.get_run

    def stops_later(run_id: str) -> Any:
        if world.clock.now() - began >= 200:
            world.omics.runs[run_id]["status"] = "CANCELLED"
        return original(run_id)

    world.omics.get_run = stops_later  # type: ignore[method-assign]

    world.run(delete(physical_id))

    assert 200 <= world.clock.now() - began <= 220


def test_a_run_that_does_not_stop_in_time_fails_the_delete(world: World) -> None:
    physical_id = created(world)
    world.omics.after["CancelRun"] = [lambda: world.omics.runs["1000001"].update(status="STOPPING")]

    with pytest.raises(RequestFailedError, match=r"still STOPPING. Retry the deletion in some minutes \[run 1000001\]"):
        world.run(delete(physical_id))


# --- ids that name no run -------------------------------------------------------------------------------------


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_what_an_unanswered_create_started_is_found_and_cancelled(world: World, physical_id: str) -> None:
    created(world)
    world.deleting(physical_id)

    world.run(delete(physical_id))

    run = world.omics.runs["1000001"]
    assert run["status"] == "CANCELLED"
    assert ledger.RELEASED in run["tags"]


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_a_run_that_shows_late_is_found(world: World, physical_id: str) -> None:
    created(world)
    world.deleting(physical_id)
    late = world.omics.runs.pop("1000001")
    began = world.clock.now()
    original = world.omics.list_runs

    def lagging(**filters: Any) -> Any:
        if world.clock.now() - began >= 30:
            world.omics.runs["1000001"] = late
        return original(**filters)

    world.omics.list_runs = lagging  # type: ignore[method-assign]

    world.run(delete(physical_id))

    assert late["status"] == "CANCELLED"


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_nothing_found_is_success_after_the_listings_lag(world: World, physical_id: str) -> None:
    world.deleting(physical_id)
    began = world.clock.now()

    assert world.run(delete(physical_id)).physical_id == physical_id
    assert 30 < world.clock.now() - began <= 60


def test_a_marker_cancels_only_the_run_of_its_own_request(world: World) -> None:
    created(world)
    other = "request|create-2|unknown|genomes-alignment"
    world.deleting(other)

    world.run(delete(other))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_an_invented_id_does_not_cancel_a_run_that_cloudformation_knows(world: World) -> None:
    created(world)
    world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] = "- 12345678:genomes-alignment"
    world.deleting(INVENTED)

    world.run(delete(INVENTED))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_the_run_that_the_stack_holds_is_not_cancelled(world: World, physical_id: str) -> None:
    held = created(world)
    world.stacks.status, world.stacks.physical_id = "CREATE_COMPLETE", held

    world.run(delete(physical_id))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_a_late_delete_does_not_cancel_the_run_of_a_resource_that_lives_again(world: World, physical_id: str) -> None:
    created(world)
    world.stacks.status, world.stacks.physical_id = "CREATE_IN_PROGRESS", None

    world.run(delete(physical_id))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_an_invented_id_is_not_believed_while_the_resource_is_fine(world: World) -> None:
    created(world)
    world.stacks.status, world.stacks.physical_id = "UPDATE_COMPLETE", INVENTED

    world.run(delete(INVENTED))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_runs_of_others_with_the_same_name_are_not_touched(world: World, physical_id: str) -> None:
    world.omics.add(tags={})
    world.omics.add(tags={ledger.STACK_ID: "other", ledger.LOGICAL_ID: "Alignment", ledger.REQUEST: "create-1/0"})
    world.deleting(physical_id)

    world.run(delete(physical_id))

    assert {run["status"] for run in world.omics.runs.values()} == {"RUNNING"}
    assert "TagResource" not in world.omics.names()


def test_a_run_that_was_left_running_on_purpose_goes_on(world: World) -> None:
    created(world)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "left/delete-0"
    world.deleting(MARKER)

    world.run(delete(MARKER))

    assert "CancelRun" not in world.omics.names()


def test_a_run_that_was_released_by_somebody_who_died_before_the_cancel_is_cancelled(world: World) -> None:
    created(world)
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-0"
    world.deleting(MARKER)

    world.run(delete(MARKER))

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


# --- strays of a deleted run ----------------------------------------------------------------------------------


def with_stray(world: World) -> tuple[str, str]:
    """Return a first run and a replacement of it."""
    first = world.run(create()).physical_id
    world.updating(first)
    second = world.run(update(first, {"RerunOn": "2"}, {})).physical_id
    world.omics.calls.clear()
    return first, second


def test_the_cleanup_of_a_replaced_run_leaves_its_replacement(world: World) -> None:
    first, second = with_stray(world)
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = second

    world.run(delete(first))

    assert [run["status"] for run in world.omics.runs.values()] == ["CANCELLED", "PENDING"]


def test_a_stray_beside_the_held_replacement_is_cancelled(world: World) -> None:
    first, second = with_stray(world)
    stray = world.omics.add(
        status="RUNNING", tags={**world.omics.runs["1000002"]["tags"], ledger.REQUEST: "update-0/0"}
    )
    world.omics.runs["1000001"]["tags"][ledger.ATTEMPTED] += " 12345678:genomes-alignment"
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = second

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "PENDING"
    assert stray["status"] == "CANCELLED"


def test_a_late_delivery_of_a_cleanup_leaves_the_run_that_the_next_update_may_go_back_to(world: World) -> None:
    first, second = with_stray(world)
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = second
    world.run(delete(first))
    world.updating(second)
    third = world.run(update(second, {"RerunOn": "3"}, {"RerunOn": "2"}, "update-3")).physical_id
    world.stacks.status, world.stacks.physical_id = "UPDATE_COMPLETE", third

    world.run(delete(first))

    assert [run["status"] for run in world.omics.runs.values()] == ["CANCELLED", "PENDING", "PENDING"]


def test_where_nothing_tells_the_replacement_from_a_stray_neither_is_cancelled(world: World) -> None:
    first, _ = with_stray(world)
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = first

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


@pytest.mark.parametrize("gone", [False, True])
def test_a_stray_of_a_run_that_goes_with_its_stack_is_cancelled(world: World, gone: bool) -> None:  # noqa: FBT001
    first, _ = with_stray(world)
    if gone:
        del world.omics.runs["1000001"]
    world.deleting(first)

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_stray_under_another_name_is_found_by_the_attempts_that_the_run_remembers(world: World) -> None:
    first = world.run(create()).physical_id
    world.updating(first)
    world.run(update(first, {"Name": "renamed"}, {}))
    world.deleting(first)

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_what_replaces_a_deleted_run_is_a_stray_when_the_stack_holds_another(world: World) -> None:
    first, _ = with_stray(world)
    unrelated = world.omics.add(tags={})
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = f"run|{unrelated['id']}|{unrelated['uuid']}|d|o"

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_a_late_delete_spares_a_run_that_the_stack_has_held(world: World) -> None:
    first, second = with_stray(world)
    world.updating(second)
    third = world.run(dated(update(second, {"RerunOn": "3"}, {"RerunOn": "2"}, "update-2"), 20)).physical_id
    del world.omics.runs["1000003"]  # its record, and with it what it replaces
    world.stacks.physical_id = third

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


def test_a_late_delete_spares_what_the_held_run_has_replaced(world: World) -> None:
    first, second = with_stray(world)
    world.updating(second)
    world.stacks.physical_id = world.run(update(second, {"RerunOn": "3"}, {"RerunOn": "2"}, "update-2")).physical_id
    del world.omics.runs["1000002"]["tags"][ledger.ATTEMPTED]

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "PENDING"


def test_every_stray_of_a_run_that_is_deleted_for_good_is_cancelled(world: World) -> None:
    """Removed from the template: the stack is being updated, only the resource goes."""
    first, _ = with_stray(world)
    world.stacks.status, world.stacks.stack = "DELETE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = first

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


@pytest.mark.parametrize("changed", [30.0, -30.0, None])
def test_a_delete_is_late_if_the_stack_has_taken_the_run_since(world: World, changed: float | None) -> None:
    physical_id = created(world)
    event = dated(delete(physical_id), 10)
    sent = parse_request(event).sent
    assert sent is not None
    state = ResourceState(
        status="UPDATE_COMPLETE", physical_id=physical_id, changed=None if changed is None else sent + changed
    )
    world.stacks.script = [state]

    if changed == 30.0:
        with pytest.raises(RequestFailedError, match="came late"):
            world.run(event)
        assert world.omics.runs["1000001"]["status"] == "PENDING"
        assert ledger.RELEASED not in world.omics.runs["1000001"]["tags"]
    else:
        world.run(event)
        assert world.omics.runs["1000001"]["status"] == "CANCELLED"


def test_a_delete_does_not_depend_on_what_cloudformation_says_of_the_resource(world: World) -> None:
    physical_id = created(world)
    world.stacks.script = [api_error("AccessDeniedException", 403, operation="DescribeStackResource")] * 100

    world.run(delete(physical_id))

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("stack", "on_delete", "status"),
    [
        ("DELETE_IN_PROGRESS", "CANCEL", "CANCELLED"),
        ("ROLLBACK_IN_PROGRESS", "CANCEL", "CANCELLED"),
        ("DELETE_IN_PROGRESS", "LEAVE", "PENDING"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "CANCEL", "PENDING"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "CANCEL", "PENDING"),
    ],
)
def test_what_a_deleted_run_has_replaced_goes_with_the_stack(
    world: World, stack: str, on_delete: str, status: str
) -> None:
    _, second = with_stray(world)
    world.deleting(second)
    world.stacks.stack = stack

    world.run(delete(second, OnDelete=on_delete))

    assert world.omics.runs["1000001"]["status"] == status


@pytest.mark.parametrize(
    ("stack", "status"),
    [("DELETE_IN_PROGRESS", "CANCELLED"), ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "PENDING")],
)
def test_what_a_run_without_a_record_has_replaced_goes_with_the_stack(world: World, stack: str, status: str) -> None:
    _, second = with_stray(world)
    del world.omics.runs["1000002"]
    world.deleting(second)
    world.stacks.stack = stack

    world.run(delete(second))

    assert world.omics.runs["1000001"]["status"] == status


def test_the_oldest_predecessor_goes_first_so_that_a_second_delivery_finds_the_others(world: World) -> None:
    _, second = with_stray(world)
    world.updating(second)
    third = world.run(update(second, {"RerunOn": "3"}, {"RerunOn": "2"}, "update-2")).physical_id
    world.deleting(third)
    world.omics.calls.clear()

    world.run(delete(third))

    assert [run_id for name, run_id in world.omics.calls if name == "CancelRun"] == ["1000003", "1000001", "1000002"]


def test_what_a_rolled_back_run_has_replaced_stays(world: World) -> None:
    first, second = with_stray(world)
    world.deleting(first)

    world.run(delete(second))

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_a_delete_with_unreadable_properties_works(world: World) -> None:
    physical_id = created(world)
    event = delete(physical_id)
    event["ResourceProperties"] = {"Priority": "high"}

    world.run(event)

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


def test_the_search_ends_with_the_functions_time(world: World) -> None:
    world.deleting(INVENTED)
    world.stacks.script = [ResourceState(status="DELETE_IN_PROGRESS", physical_id=None)]
    began = world.clock.now()

    world.run(delete(INVENTED), seconds=8)

    assert world.clock.now() - began <= 8


@pytest.mark.parametrize("operation", ["GetRun", "ListRuns", "TagResource"])
def test_a_call_that_stays_throttled_fails_in_the_end_and_says_which(world: World, operation: str) -> None:
    physical_id = created(world)
    world.omics.script[operation] = [api_error("ThrottlingException", 429, operation=operation)] * 1000
    world.deleting(MARKER if operation == "ListRuns" else physical_id)
    began = world.clock.now()

    with pytest.raises(RequestFailedError, match=f"{operation} kept failing with ThrottlingException for"):
        world.run(delete(MARKER if operation == "ListRuns" else physical_id))

    assert 850 < world.clock.now() - began <= 900


@pytest.mark.parametrize("operation", ["GetRun", "DeleteRun"])
def test_a_call_that_is_refused_fails_at_once(world: World, operation: str) -> None:
    physical_id = created(world)
    world.omics.script[operation] = [api_error("ValidationException", 400, operation=operation)]

    with pytest.raises(RequestFailedError, match=f"{operation} failed with ValidationException"):
        world.run(delete(physical_id, OnDelete="CANCEL_AND_DELETE_RECORD"))


def test_runs_under_several_names_are_each_looked_at_once(world: World) -> None:
    created(world)
    other_name = "request|create-1|unknown|another-name"
    world.deleting(other_name)

    world.run(delete(other_name))

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"
    names = {detail[0] for operation, detail in world.omics.calls if operation == "ListRuns"}
    assert names == {"another-name", "genomes-alignment"}


def test_a_stray_that_has_ended_is_only_released(world: World) -> None:
    """A run may end between ListRuns and GetRun."""
    created(world)
    world.deleting(MARKER)
    original = world.omics.get_run

    def ended(run_id: str) -> Any:
        world.omics.runs[run_id]["status"] = "COMPLETED"
        return original(run_id)

    world.omics.get_run = ended  # type: ignore[method-assign]

    world.run(delete(MARKER))

    assert "CancelRun" not in world.omics.names()
    assert ledger.RELEASED in world.omics.runs["1000001"]["tags"]


# --- dates ----------------------------------------------------------------------------------------------------


def test_a_replacement_that_alone_was_tried_needs_no_search(world: World) -> None:
    first, second = with_stray(world)
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = second

    world.run(delete(first))

    assert "ListRuns" not in world.omics.names()


def test_where_nothing_tells_the_replacement_the_older_attempts_go(world: World) -> None:
    first = world.run(create()).physical_id
    world.updating(first)
    world.run(dated(update(first, {"RerunOn": "1"}, {}, "update-1"), 1))
    world.run(dated(update(first, {"RerunOn": "2"}, {}, "update-2"), 2))
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = first

    world.run(dated(delete(first), 9))

    assert [run["status"] for run in world.omics.runs.values()] == ["CANCELLED", "CANCELLED", "PENDING"]


def test_a_stray_is_cancelled_when_the_stack_rolls_back_its_creation(world: World) -> None:
    first, _ = with_stray(world)
    world.stacks.status, world.stacks.stack, world.stacks.physical_id = (
        "DELETE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        first,
    )

    world.run(delete(first))

    assert world.omics.runs["1000002"]["status"] == "CANCELLED"


def test_the_strays_of_a_gone_run_are_looked_for_under_the_name_of_the_held_one(world: World) -> None:
    first = world.run(create()).physical_id
    world.updating(first)
    second = world.run(update(first, {"Name": "renamed"}, {})).physical_id
    stray = world.omics.add(
        name="renamed", status="RUNNING", tags={**world.omics.runs["1000002"]["tags"], ledger.REQUEST: "update-0/0"}
    )
    del world.omics.runs["1000001"]
    world.stacks.status, world.stacks.stack = "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    world.stacks.physical_id = second

    world.run(delete(first))

    assert stray["status"] == "CANCELLED"
    assert world.omics.runs["1000002"]["status"] == "PENDING"


@pytest.mark.parametrize("physical_id", [MARKER, INVENTED])
def test_a_late_delete_does_not_cancel_what_a_later_request_started(world: World, physical_id: str) -> None:
    world.run(dated(create(), 30))
    world.deleting(physical_id)

    world.run(dated(delete(physical_id), 10))

    assert world.omics.runs["1000001"]["status"] == "PENDING"
