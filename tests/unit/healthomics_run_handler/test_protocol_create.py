"""Create: one run, however often the event arrives, and none that nobody wants."""

from typing import Any

import pytest

from handler_fakes import (
    CONFLICT,
    DENIED,
    INVALID,
    LOST,
    NOT_FOUND,
    PROPERTIES,
    THROTTLED,
    World,
    api_error,
    create,
    dated,
)
from healthomics_run_handler import ledger
from healthomics_run_handler.errors import RequestFailedError
from healthomics_run_handler.identity import Marker, parse_physical_id
from healthomics_run_handler.ports import ResourceState
from healthomics_run_handler.request import parse_request
from healthomics_run_handler.spec import parse_spec


@pytest.fixture
def world() -> World:
    return World()


def failure(world: World, event: dict[str, Any], *, seconds: float = 900.0) -> tuple[str, str]:
    protocol = world.protocol(event, seconds=seconds)
    with pytest.raises(RequestFailedError) as caught:
        protocol.run()
    return caught.value.reason, protocol.progress.physical_id


def retried(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as a retried deployment sends it: the same RequestId, presigned anew."""
    return {**event, "ResponseURL": event["ResponseURL"] + "&again"}


def test_a_create_starts_one_run_with_its_ledger(world: World) -> None:
    outcome = world.run(create(Tags={"team": "genomes"}))

    request = parse_request(create())
    digest = parse_spec(PROPERTIES).digest
    operation, body = world.omics.calls[-1]
    assert operation == "StartRun"
    assert body["requestId"] == request.token(0)
    assert body["parameters"] == {"paired": True, "sample": "NA12878", "threads": 4}
    assert body["tags"] == {
        "team": "genomes",
        ledger.STACK_ID: request.stack_id,
        ledger.LOGICAL_ID: "Alignment",
        ledger.REQUEST: "create-1/0",
        ledger.DELIVERY: f"/{request.delivery}",
        ledger.SPEC: digest,
    }
    assert outcome.physical_id == f"run|1000001|uuid-1000001|{digest}|s3://results/out/1000001"
    assert (outcome.run_status, outcome.run_name) == ("PENDING", "genomes-alignment")


def test_a_normal_create_makes_one_start_run_and_one_read(world: World) -> None:
    world.run(create())

    assert world.omics.names() == ["StartRun"]
    assert world.stacks.calls == ["DescribeStackResource"]


def test_the_same_event_delivered_three_times_starts_one_run(world: World) -> None:
    outcomes = [world.run(create()) for _ in range(3)]

    assert len(world.omics.runs) == 1
    assert len({outcome.physical_id for outcome in outcomes}) == 1


@pytest.mark.parametrize("trouble", [THROTTLED, LOST, CONFLICT, api_error("InternalServerException", 500), DENIED])
def test_passing_trouble_is_retried_with_the_same_request_id(world: World, trouble: Exception) -> None:
    world.omics.script["StartRun"] = [trouble, trouble]

    world.run(create())

    tokens = {body["requestId"] for operation, body in world.omics.calls if operation == "StartRun"}
    assert len(tokens) == 1
    assert len(world.omics.runs) == 1


def test_a_lost_answer_starts_no_second_run(world: World) -> None:
    world.omics.after["StartRun"] = [LOST]

    outcome = world.run(create())

    assert len(world.omics.runs) == 1
    assert outcome.run is not None
    assert outcome.run.run_id == "1000001"


def test_a_final_refusal_fails_at_once_with_a_marker(world: World) -> None:
    world.omics.script["StartRun"] = [INVALID]

    reason, physical_id = failure(world, create())

    assert reason.startswith("StartRun failed with ValidationException: said the service.")
    assert reason.endswith("[run name genomes-alignment]")
    assert physical_id == "request|create-1|none|genomes-alignment"
    assert world.omics.names() == ["StartRun"]


def test_a_refusal_after_a_lost_answer_looks_for_the_run_before_it_gives_up(world: World) -> None:
    world.omics.after["StartRun"] = [LOST]
    world.omics.script["StartRun"] = [None, INVALID]

    outcome = world.run(create())

    assert outcome.run is not None
    assert outcome.run.run_id == "1000001"


def test_an_unknown_outcome_that_stays_unknown_says_so_in_the_marker(world: World) -> None:
    world.omics.script["StartRun"] = [LOST, INVALID]

    _, physical_id = failure(world, create())

    assert physical_id == "request|create-1|unknown|genomes-alignment"


def test_retries_end_before_the_functions_time_does(world: World) -> None:
    began = world.clock.now()
    world.omics.script["StartRun"] = [THROTTLED] * 1000

    reason, physical_id = failure(world, create(), seconds=300)

    assert "kept failing with ThrottlingException for" in reason
    assert 200 < world.clock.now() - began <= 300
    assert physical_id == "request|create-1|none|genomes-alignment"


def test_an_access_error_fails_once_iam_must_have_spread(world: World) -> None:
    began = world.clock.now()
    world.omics.script["StartRun"] = [DENIED] * 1000

    reason, _ = failure(world, create())

    assert "AccessDeniedException" in reason
    assert 120 <= world.clock.now() - began < 160


def test_the_service_sets_the_pace_with_retry_after(world: World) -> None:
    began = world.clock.now()
    world.omics.script["StartRun"] = [api_error("ThrottlingException", 429, retry_after=45.0)]

    world.run(create())

    assert world.clock.now() - began >= 45


def test_a_create_that_is_no_longer_wanted_starts_nothing(world: World) -> None:
    world.stacks.status = "DELETE_IN_PROGRESS"

    reason, physical_id = failure(world, create())

    assert "no longer wants" in reason
    assert set(world.omics.names()) == {"ListRuns"}
    assert physical_id == "request|create-1|none|genomes-alignment"


def test_an_unwanted_is_looked_at_twice(world: World) -> None:
    world.stacks.script = [ResourceState(status="DELETE_COMPLETE", physical_id=None)]

    world.run(create())

    assert len(world.omics.runs) == 1
    assert len(world.stacks.calls) == 2


def test_a_create_that_is_cancelled_while_it_is_throttled_starts_nothing(world: World) -> None:
    def cancelled() -> None:
        world.stacks.status = "DELETE_IN_PROGRESS"
        raise THROTTLED

    world.omics.script["StartRun"] = [THROTTLED, THROTTLED, cancelled, *[THROTTLED] * 60]

    reason, physical_id = failure(world, create())

    assert "No run was started" in reason
    assert world.omics.runs == {}
    assert physical_id == "request|create-1|none|genomes-alignment"


def test_a_run_that_started_after_its_create_was_cancelled_is_cancelled(world: World) -> None:
    def slow() -> None:
        world.clock.sleep(10)
        world.stacks.status = "DELETE_IN_PROGRESS"

    world.omics.after["StartRun"] = [slow]

    reason, physical_id = failure(world, create())

    assert "was cancelled" in reason
    run = world.omics.runs["1000001"]
    assert run["status"] == "CANCELLED"
    assert ledger.RELEASED in run["tags"]
    assert physical_id.startswith("run|1000001|")


def test_a_slow_start_that_is_still_wanted_is_answered(world: World) -> None:
    world.omics.after["StartRun"] = [lambda: world.clock.sleep(10)]

    assert world.run(create()).run is not None
    assert len(world.stacks.calls) == 2


@pytest.mark.parametrize("replay", [False, True])
def test_a_retried_deployment_gets_a_new_run_when_the_old_one_was_given_back(world: World, replay: bool) -> None:  # noqa: FBT001
    world.omics.reply_with_first_response = replay
    world.run(create())
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-1"
    world.omics.runs["1000001"]["status"] = "CANCELLED"

    outcome = world.run(retried(create()))

    assert outcome.run is not None
    assert outcome.run.run_id == "1000002"
    assert world.omics.runs["1000002"]["tags"][ledger.REQUEST] == "create-1/1"
    assert world.run(retried(create())).physical_id == outcome.physical_id
    assert len(world.omics.runs) == 2


def test_a_retried_deployment_gets_a_new_run_when_the_old_ones_record_is_gone(world: World) -> None:
    world.run(create())
    del world.omics.runs["1000001"]
    world.omics.add(id="1000009")

    outcome = world.run(retried(create()))

    assert outcome.run is not None
    assert outcome.run.run_id not in ("1000001", "1000009")


def test_a_late_delivery_after_the_delete_starts_nothing(world: World) -> None:
    world.run(create())
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "delete-1"
    world.omics.runs["1000001"]["status"] = "CANCELLED"

    reason, _ = failure(world, create())

    assert "delivered again after" in reason
    assert len(world.omics.runs) == 1


def test_a_conflict_that_stays_is_a_run_that_was_started_long_ago(world: World) -> None:
    world.run(create())
    world.omics.runs["1000001"]["status"] = "RUNNING"
    world.omics.script["StartRun"] = [CONFLICT] * 1000

    outcome = world.run(create())

    assert outcome.run is not None
    assert outcome.run.run_id == "1000001"


def test_a_conflict_that_has_no_run_fails_in_the_end(world: World) -> None:
    world.omics.script["StartRun"] = [CONFLICT] * 1000

    reason, physical_id = failure(world, create(), seconds=200)

    assert "kept failing with ConflictException" in reason
    marker = parse_physical_id(physical_id)
    assert isinstance(marker, Marker)
    assert marker.may_have_started


def test_a_run_of_another_resource_with_the_same_name_is_not_taken(world: World) -> None:
    world.omics.add(tags={ledger.STACK_ID: "other", ledger.LOGICAL_ID: "Alignment", ledger.REQUEST: "create-1/0"})
    world.omics.add(tags={})
    world.omics.script["StartRun"] = [CONFLICT] * 1000

    failure(world, create(), seconds=200)

    assert "CancelRun" not in world.omics.names()
    assert "TagResource" not in world.omics.names()


def test_a_run_that_vanishes_while_it_is_looked_up_is_passed_over(world: World) -> None:
    world.omics.script["StartRun"] = [CONFLICT] * 1000
    world.omics.add()
    world.omics.script["GetRun"] = [NOT_FOUND] * 1000

    failure(world, create(), seconds=200)

    assert "GetRun" in world.omics.names()


def test_bad_properties_fail_before_any_call(world: World) -> None:
    reason, physical_id = failure(world, create(Priority="high"))

    assert reason.startswith("property Priority is not a whole number")
    assert world.omics.calls == []
    assert physical_id == "request|create-1|none|genomes-alignment"


def test_properties_without_a_name_still_get_a_marker(world: World) -> None:
    event = create()
    del event["ResourceProperties"]["Name"]

    reason, physical_id = failure(world, event)

    assert "property Name is missing" in reason
    assert physical_id == "request|create-1|none|"


def test_a_failed_look_at_the_stack_fails_the_create_and_starts_nothing(world: World) -> None:
    world.stacks.script = [api_error("ValidationError", 400, operation="DescribeStackResource")]

    reason, _ = failure(world, create())

    assert reason.startswith("DescribeStackResource failed")
    assert world.omics.calls == []


def test_the_run_of_this_event_whose_record_is_gone_is_still_its_run(world: World) -> None:
    world.run(create())
    first = world.omics.runs["1000001"]
    original = dict(first, tags=dict(first["tags"]), status="COMPLETED")

    def reply_then_vanish() -> None:
        world.omics.runs["1000001"] = original
        world.omics.script["GetRun"] = [NOT_FOUND]

    world.omics.after["StartRun"] = [reply_then_vanish]

    outcome = world.run(create())

    assert outcome.run is not None
    assert (outcome.run.run_id, outcome.run_status) == ("1000001", "DELETED")
    assert len(world.omics.runs) == 1


def test_start_run_parameters_of_a_duplicate_surface_the_shared_refusal(world: World) -> None:
    world.omics.script["StartRun"] = [api_error("ValidationException", 400, "rerun of a shared workflow")]

    reason, _ = failure(world, create(RunId="7654321"))

    assert "cannot be duplicated" in reason


def test_a_second_delivery_cancels_what_the_first_started_and_could_not_cancel(world: World) -> None:
    world.run(create())
    world.deleting("genomes-Alignment-XYZ")

    reason, _ = failure(world, create())

    assert "no longer wants" in reason
    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


def test_a_second_delivery_leaves_what_the_stack_holds(world: World) -> None:
    held = world.run(create()).physical_id
    world.stacks.status, world.stacks.physical_id = "CREATE_COMPLETE", held

    failure(world, create())

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_a_second_delivery_leaves_the_run_of_another_sending(world: World) -> None:
    world.run(retried(create()))
    world.deleting("genomes-Alignment-XYZ")

    failure(world, create())

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_a_second_delivery_leaves_a_run_that_was_left_on_purpose(world: World) -> None:
    held = world.run(create()).physical_id
    world.omics.runs["1000001"]["tags"][ledger.RELEASED] = "left/delete-1"
    world.deleting(held)

    failure(world, create())

    assert world.omics.runs["1000001"]["status"] == "PENDING"


def test_an_answer_that_was_long_on_its_way_is_not_fresh(world: World) -> None:
    """CloudFormation answered what was true when it was asked, half a minute ago."""

    def slow() -> None:
        world.clock.sleep(30)
        world.stacks.script = [ResourceState(status="CREATE_IN_PROGRESS", physical_id=None)]
        world.stacks.status = "DELETE_IN_PROGRESS"

    original = world.stacks.resource

    def resource(stack_id: str, logical_id: str) -> ResourceState:
        if not world.stacks.calls:
            slow()
        return original(stack_id, logical_id)

    world.stacks.resource = resource  # type: ignore[method-assign]

    failure(world, create())

    assert world.omics.runs["1000001"]["status"] == "CANCELLED"


# --- reads that lag ---------------------------------------------------------------------------------------------


def without_tags(world: World) -> None:
    """StartRun's response need not carry tags."""
    original = world.omics.start_run

    def start_run(request: Any) -> Any:
        return {key: value for key, value in original(request).items() if key != "tags"}

    world.omics.start_run = start_run  # type: ignore[method-assign]


@pytest.mark.parametrize("lagging", [1, 2])
def test_a_run_that_get_run_does_not_know_yet_is_looked_for_again(world: World, lagging: int) -> None:
    without_tags(world)
    world.omics.script["GetRun"] = [NOT_FOUND] * lagging

    outcome = world.run(create())

    assert outcome.run is not None
    assert outcome.run.run_id == "1000001"
    assert world.omics.started() == 1


def test_a_record_that_stays_gone_was_given_back(world: World) -> None:
    without_tags(world)
    world.omics.script["GetRun"] = [NOT_FOUND] * 3

    world.run(create())

    assert world.omics.started() == 2


def test_a_late_create_starts_nothing_and_leaves_what_the_newer_one_started(world: World) -> None:
    newer = world.run(dated(create("create-2"), 40))
    sent = parse_request(dated(create("create-2"), 40)).sent
    state = ResourceState(status="CREATE_IN_PROGRESS", physical_id=None, changed=sent)
    world.stacks.script = [state] * 10

    failure(world, dated(create("create-1"), 10))

    assert newer.run is not None
    assert {run["id"]: run["status"] for run in world.omics.runs.values()} == {newer.run.run_id: "PENDING"}
