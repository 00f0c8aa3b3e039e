"""The simulator itself: it behaves as documented, and its laws catch a handler that does not keep them."""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from math import inf
from typing import Any

import pytest

from healthomics_run_handler.contract import ATTRIBUTES, ON_DELETE_LEAVE
from healthomics_run_handler.errors import ApiError
from laws.chaos import DELIVER, PUT, Chaos, Fault, Kind
from laws.deployment import STEP, Options
from laws.healthomics import SHORT, FakeHealthOmics, HealthOmicsReadings, Life, SameToken
from laws.law_checks import LawBrokenError
from laws.ports import Ports
from laws.requests import MAX_ANSWER_BYTES
from laws.scheduler import Killed, Scheduler
from laws.simulator import START, HandleEvent, Simulator
from laws.stack import FailedWithOtherId, InFlight, OldProperties, Readings, RollbackOfReplacement
from laws.template import RunTemplate, stringified

ONE = {"A": RunTemplate()}
CHANGED = {"A": RunTemplate(sample=1)}
Event = dict[str, Any]


# --- handlers to test with ----------------------------------------------------------------------------------------


def answer(ports: Ports, event: Event, **fields: Any) -> None:
    physical_id = event.get("PhysicalResourceId", "id-of-" + event["RequestId"])
    body = {
        "Status": "SUCCESS",
        "PhysicalResourceId": physical_id,
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        **fields,
    }
    ports.put(event["ResponseURL"], json.dumps(body).encode())


def scripted(decide: Callable[[Event], dict[str, Any]]) -> HandleEvent:
    """A handler that starts nothing and answers what it is told."""
    return lambda ports, event: answer(ports, event, **decide(event))


def naive() -> HandleEvent:
    """A first attempt: StartRun with the SDK's own random ``requestId``, CancelRun on Delete, no further thought."""
    tokens = count()

    def handle(ports: Ports, event: Event) -> None:
        if event["RequestType"] == "Delete":
            with suppress(ApiError):
                ports.omics.cancel_run(event["PhysicalResourceId"])
            answer(ports, event)
            return
        properties = event["ResourceProperties"]
        request = {
            "name": properties["Name"],
            "workflowId": properties["WorkflowId"],
            "roleArn": properties["RoleArn"],
            "outputUri": properties["OutputUri"],
            "requestId": f"token-{next(tokens)}",
        }
        try:
            run = ports.omics.start_run(request)
        except ApiError as error:
            answer(ports, event, Status="FAILED", Reason=error.message)
            return
        data = {
            "RunArn": run["arn"],
            "RunId": run["id"],
            "RunUuid": run["uuid"],
            "RunOutputUri": run["runOutputUri"],
            "RunStatus": run["status"],
        }
        answer(ports, event, PhysicalResourceId=run["id"], Data=data)

    return handle


def requests_of(simulator: Simulator) -> list[str]:
    return [f"{request.phase} {request.type}" for request in simulator.cloudformation.requests]


def broken_laws(simulator: Simulator) -> frozenset[int]:
    with pytest.raises(LawBrokenError) as caught:
        simulator.check()
    return caught.value.laws


# --- the scheduler ------------------------------------------------------------------------------------------------


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


# --- HealthOmics --------------------------------------------------------------------------------------------------


class Service:
    """A fake HealthOmics with a clock of its own."""

    def __init__(self, **readings: Any) -> None:
        from collections import Counter  # noqa: PLC0415 - the tests' only use

        self.now = START
        self.omics: FakeHealthOmics[str] = FakeHealthOmics(lambda: self.now, HealthOmicsReadings(**readings), Counter())

    def start(self, token: str = "token", **members: str) -> dict[str, Any]:
        request = {"name": "run", "workflowId": "1", "roleArn": "arn:role", "outputUri": "s3://bucket"}
        return self.omics.start_run({**request, "requestId": token, **members}, "me")

    def status(self, run_id: str) -> str:
        return str(self.omics.get_run(run_id)["status"])


def test_a_run_lives_and_ends() -> None:
    service = Service(lives=(Life(pending=1, starting=2, running=3, stopping=4),))
    run_id = service.start()["id"]
    statuses = []
    for _ in range(11):
        statuses.append(service.status(run_id))
        service.now += 1

    assert len(run_id) == 7
    expected = ["PENDING", *["STARTING"] * 2, *["RUNNING"] * 3, *["STOPPING"] * 4, "COMPLETED"]
    assert statuses == expected


def test_a_cancelled_run_stops_for_a_while() -> None:
    service = Service(lives=(Life(stopping=60),))
    run_id = service.start()["id"]
    service.now += 100
    service.omics.cancel_run(run_id, "me")

    assert service.status(run_id) == "STOPPING"
    with pytest.raises(ApiError, match="ConflictException"):
        service.omics.delete_run(run_id, "me")
    service.now += 60
    assert service.status(run_id) == "CANCELLED"
    with pytest.raises(ApiError, match="ConflictException"):
        service.omics.cancel_run(run_id, "me")
    service.omics.delete_run(run_id, "me")
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        service.omics.get_run(run_id)


def test_start_run_admits_one_call_a_second() -> None:
    service = Service()
    service.start("one")
    service.now += 0.9
    with pytest.raises(ApiError, match="ThrottlingException"):
        service.start("two")
    service.now += 0.1
    service.start("two")

    assert len(service.omics.runs) == 2


@pytest.mark.parametrize(
    ("reading", "soon", "late"),
    [
        (SameToken.SAME_RUN, "STARTING", "RUNNING"),
        (SameToken.REPLAY, "PENDING", "PENDING"),
        (SameToken.CONFLICT, "ConflictException", "ConflictException"),
        (SameToken.CONFLICT_IN_FLIGHT, "ConflictException", "RUNNING"),
    ],
)
def test_the_same_token_never_starts_a_second_run(reading: SameToken, soon: str, late: str) -> None:
    service = Service(same_token=reading, lives=(Life(pending=1, starting=3),))
    first = service.start()
    replies = []
    for seconds in (2, 10):
        service.now += seconds
        try:
            again = service.start()
        except ApiError as error:
            replies.append(error.code)
        else:
            assert again["uuid"] == first["uuid"]
            replies.append(again["status"])

    assert replies == [soon, late]
    assert len(service.omics.runs) == 1


def test_ids_of_deleted_runs_are_used_again() -> None:
    service = Service(lives=(SHORT,))
    first = service.start()
    service.now += 60
    service.omics.delete_run(first["id"], "me")
    service.now += 3600
    second = service.omics.foreign_start("run", takes_over_id=True)

    assert second.id == first["id"]
    assert second.uuid != first["uuid"]
    assert service.omics.get_run(first["id"])["uuid"] == second.uuid


def test_the_record_of_a_run_with_retention_remove_vanishes() -> None:
    service = Service(lives=(SHORT,), removal_delay=30)
    run_id = service.start(retentionMode="REMOVE")["id"]
    service.now += 39
    assert service.status(run_id) == "COMPLETED"
    service.now += 2
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        service.status(run_id)


def test_new_runs_are_listed_late_and_in_pages() -> None:
    service = Service(listing_lag=30, page=2)
    for token in "abc":
        service.start(token)
        service.now += 1
    service.omics.foreign_start("another name", takes_over_id=False)

    assert service.omics.page_of_runs("run", None, 0) == ([], None)
    service.now += 30
    items, following = service.omics.page_of_runs("run", None, 0)
    assert [len(items), following] == [2, 2]
    assert len(service.omics.page_of_runs("run", None, 2)[0]) == 1
    assert not {"uuid", "tags", "requestId"} & items[0].keys()
    assert service.omics.page_of_runs("run", "COMPLETED", 0) == ([], None)


# --- Lambda -------------------------------------------------------------------------------------------------------


def test_a_failing_event_is_delivered_three_times_as_the_same_bytes() -> None:
    seen: list[tuple[float, str]] = []

    def failing(ports: Ports, event: Event) -> None:
        seen.append((ports.clock.now() - START, json.dumps(event)))
        event.clear()  # nobody else may see this
        raise RuntimeError

    with Simulator(handler=failing) as simulator:
        stack = simulator.deploy({"A": RunTemplate(service_timeout=600)}, options=Options(rollback=False))

        assert [time - STEP for time, _ in seen] == [0.0, 60.0, 180.0]
        assert len({event for _, event in seen}) == 1
        assert simulator.scheduler.now == START + STEP + 600  # ServiceTimeout
        assert stack.status == "CREATE_FAILED"


def test_duplicates_happen_even_after_the_request_is_over() -> None:
    chaos = Chaos(faults=(Fault(DELIVER, Kind.DUPLICATE, seconds=3600.0),))
    with Simulator(handler=scripted(lambda _: {})) as simulator:
        simulator.deploy(ONE, chaos=chaos)
        simulator.deploy(CHANGED)
        simulator.drain()

        first, _, duplicate = simulator.lambda_service.invocations
        assert duplicate.duplicate
        assert duplicate.request is first.request
        assert duplicate.began == START + STEP + 3600
        assert [receipt.accepted for receipt in simulator.cloudformation.receipts] == [True, True, False]


def test_a_time_out_ends_the_process_with_its_timers() -> None:
    rung: list[float] = []

    def hanging(ports: Ports, _: Event) -> None:
        ports.start_timer(10.0, lambda: rung.append(ports.clock.now() - START))
        ports.start_timer(1000.0, lambda: rung.append(-1.0))
        ports.clock.sleep(1e6)

    with Simulator(handler=hanging) as simulator:
        simulator.deploy({"A": RunTemplate(service_timeout=60)})
        simulator.pass_time(1.0)

        assert rung == [STEP + 10.0, 2 * STEP + 70.0]  # of Create and Delete
        simulator.drain()
        assert simulator.tally["lambda time-outs"] == 6  # Create and Delete, three attempts each
        assert rung[-1] != -1.0


def test_a_timer_that_is_left_armed_is_a_breach() -> None:
    def careless(ports: Ports, event: Event) -> None:
        ports.start_timer(100.0, lambda: None)
        answer(ports, event, Data=dict.fromkeys(ATTRIBUTES, "x"))

    with Simulator(handler=careless) as simulator:
        simulator.deploy(ONE)

        assert 6 in broken_laws(simulator)


@pytest.mark.parametrize("kind", [Kind.KILLED_BEFORE, Kind.KILLED_AFTER])
def test_a_kill_is_a_function_error(kind: Kind) -> None:
    chaos = Chaos(faults=(Fault(PUT, kind),))
    with Simulator(handler=scripted(lambda _: {})) as simulator:
        stack = simulator.deploy(ONE, chaos=chaos)
        simulator.drain()

        assert stack.status == "CREATE_COMPLETE"
        assert [invocation.killed for invocation in simulator.lambda_service.invocations] == [True, False]
        assert len(simulator.cloudformation.receipts) == (1 if kind is Kind.KILLED_BEFORE else 2)


# --- CloudFormation -----------------------------------------------------------------------------------------------


def test_scalars_arrive_as_strings() -> None:
    seen: list[Event] = []

    def looking(ports: Ports, event: Event) -> None:
        seen.append(event)
        answer(ports, event)

    with Simulator(handler=looking) as simulator:
        simulator.deploy({"A": RunTemplate(release=2, tags={"project": "x"})})

    properties = seen[0]["ResourceProperties"]
    assert properties["ServiceTimeout"] == "3600"
    assert properties["Priority"] == "10"
    assert properties["AddedInRelease2"] == "true"
    assert properties["Tags"] == {"project": "x"}
    assert stringified([1, {"a": False}]) == ["1", {"a": "false"}]


@pytest.mark.parametrize(
    "invalid",
    [
        {"PhysicalResourceId": ""},
        {"PhysicalResourceId": "x" * 1025},
        {"PhysicalResourceId": None},
        {"Status": "DONE"},
        {"Status": "FAILED"},
        {"Status": "FAILED", "Reason": None},
        {"RequestId": "another"},
        {"Data": {"Text": "x" * MAX_ANSWER_BYTES}},
        {"Data": []},
    ],
)
def test_an_invalid_answer_fails_the_resource_and_breaks_law_6(invalid: dict[str, Any]) -> None:
    handler = scripted(lambda event: invalid if event["RequestType"] == "Create" else {})
    with Simulator(handler=handler) as simulator:
        stack = simulator.deploy(ONE)

        deletion = simulator.cloudformation.requests[-1]
        assert stack.status == "ROLLBACK_COMPLETE"
        assert str(deletion.physical_id).startswith("genomics-A-")  # an invented id
        assert 6 in broken_laws(simulator)


def test_an_answer_is_accepted_once_and_its_url_expires() -> None:
    statuses: list[int] = []

    def twice(ports: Ports, event: Event) -> None:
        answer(ports, event)
        answer(ports, event, PhysicalResourceId="another")
        if event["RequestType"] == "Create":
            ports.clock.sleep(800)

    chaos = Chaos(faults=(Fault(DELIVER, Kind.DUPLICATE, seconds=7500.0),))
    with Simulator(handler=twice) as simulator:
        stack = simulator.deploy(ONE, chaos=chaos)
        simulator.drain()
        statuses = [put.status for invocation in simulator.lambda_service.invocations for put in invocation.puts]

        assert statuses == [200, 200, 403, 403]
        assert stack.resources["A"].physical_id != "another"
        assert 6 in broken_laws(simulator)  # two different answers from one invocation


def test_a_failed_create_is_deleted_by_the_id_it_answered() -> None:
    handler = scripted(
        lambda event: (
            {"Status": "FAILED", "Reason": "no", "PhysicalResourceId": "mine"}
            if event["RequestType"] == "Create"
            else {}
        )
    )
    with Simulator(handler=handler) as simulator:
        stack = simulator.deploy(ONE)

        assert stack.status == "ROLLBACK_COMPLETE"
        assert simulator.cloudformation.requests[-1].physical_id == "mine"


def slow_create(ports: Ports, event: Event) -> None:
    if event["RequestType"] == "Create":
        ports.clock.sleep(100)
    answer(ports, event)


def test_a_create_in_flight_is_cancelled_when_a_sibling_fails() -> None:
    with Simulator(handler=slow_create) as simulator:
        stack = simulator.deploy(ONE, options=Options(sibling_fails_after=5.0))

        deletion = simulator.cloudformation.requests[-1]
        assert stack.status == "ROLLBACK_COMPLETE"
        assert simulator.scheduler.now < START + 10  # the Create still executes
        assert deletion.type == "Delete"
        assert str(deletion.physical_id).startswith("genomics-A-")
        simulator.drain()
        assert [receipt.accepted for receipt in simulator.cloudformation.receipts] == [True, False]


def test_a_create_in_flight_may_be_awaited() -> None:
    readings = Readings(in_flight=InFlight.AWAIT)
    with Simulator(handler=slow_create, readings=readings) as simulator:
        simulator.deploy(ONE, options=Options(sibling_fails_after=5.0))

        assert simulator.scheduler.now > START + 100
        assert str(simulator.cloudformation.requests[-1].physical_id).startswith("id-of-")


def test_a_create_in_progress_has_no_physical_id() -> None:
    seen: list[object] = []

    def looking(ports: Ports, event: Event) -> None:
        seen.append(ports.stacks.resource(event["StackId"], "A"))
        seen.append(ports.stacks.stack_status(event["StackId"]))
        seen.append(ports.stacks.resource(event["StackId"], "unknown"))
        answer(ports, event)

    with Simulator(handler=looking) as simulator:
        simulator.deploy(ONE)

    assert [getattr(item, "status", item) for item in seen] == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]
    assert getattr(seen[0], "physical_id", "") is None


def replacing(event: Event) -> dict[str, Any]:
    """Each spec has its own physical id, whatever the event's."""
    if event["RequestType"] == "Delete":
        return {}
    return {"PhysicalResourceId": "id-" + event["ResourceProperties"]["Priority"]}


def test_a_replacement_is_cleaned_up_with_the_old_properties() -> None:
    with Simulator(handler=scripted(replacing)) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED)

        deletion = simulator.cloudformation.requests[-1]
        assert stack.status == "UPDATE_COMPLETE"
        assert requests_of(simulator) == ["forward Create", "forward Update", "cleanup Delete"]
        assert deletion.physical_id == "id-10"
        assert deletion.properties["Priority"] == "10"


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (
            RollbackOfReplacement.UPDATE_OF_NEW_ID,
            [("rollback Update", "id-11", "10", "11"), ("cleanup Delete", "id-11", "11", None)],
        ),
        (
            RollbackOfReplacement.UPDATE_OF_OLD_ID,
            [("rollback Update", "id-10", "10", "11"), ("cleanup Delete", "id-11", "11", None)],
        ),
        (RollbackOfReplacement.DELETE_ONLY, [("cleanup Delete", "id-11", "11", None)]),
    ],
)
def test_each_reading_of_a_rolled_back_replacement(
    reading: RollbackOfReplacement, expected: list[tuple[str, str, str, str | None]]
) -> None:
    with Simulator(handler=scripted(replacing), readings=Readings(replacement=reading)) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED, options=Options(sibling_fails_after=10.0))

        seen = [
            (
                f"{request.phase} {request.type}",
                request.physical_id,
                request.properties["Priority"],
                request.event.get("OldResourceProperties", {}).get("Priority"),
            )
            for request in simulator.cloudformation.requests[2:]
        ]
        assert seen == expected
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert stack.resources["A"].physical_id == "id-10"


def failing_update(physical_id: str | None) -> HandleEvent:
    def decide(event: Event) -> dict[str, Any]:
        if event["RequestType"] == "Update" and event["ResourceProperties"]["Priority"] == "11":
            failed = {"Status": "FAILED", "Reason": "no"}
            return failed if physical_id is None else failed | {"PhysicalResourceId": physical_id}
        return {"PhysicalResourceId": "id-10"} if event["RequestType"] == "Update" else {}

    return scripted(
        lambda event: decide(event) if event["RequestType"] != "Create" else {"PhysicalResourceId": "id-10"}
    )


def test_a_failed_update_is_reversed_with_the_old_id() -> None:
    with Simulator(handler=failing_update(None)) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED)

        reverse = simulator.cloudformation.requests[-1]
        assert requests_of(simulator) == ["forward Create", "forward Update", "rollback Update"]
        assert reverse.physical_id == "id-10"
        assert reverse.properties["Priority"] == "10"
        assert reverse.event["OldResourceProperties"]["Priority"] == "11"
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (FailedWithOtherId.DELETE, [("cleanup Delete", "marker")]),
        (FailedWithOtherId.ADOPT, [("rollback Update", "marker"), ("cleanup Delete", "marker")]),
    ],
)
def test_a_failed_update_that_answers_another_id(reading: FailedWithOtherId, expected: list[tuple[str, str]]) -> None:
    with Simulator(handler=failing_update("marker"), readings=Readings(failed_with_other_id=reading)) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED)

        seen = [
            (f"{request.phase} {request.type}", request.physical_id)
            for request in simulator.cloudformation.requests[2:]
        ]
        assert seen == expected
        assert stack.resources["A"].physical_id == "id-10"


def test_a_failed_reverse_update_blocks_the_rollback_until_it_is_continued() -> None:
    answers = count()

    def decide(event: Event) -> dict[str, Any]:
        if event["RequestType"] == "Update" and next(answers) < 2:
            return {"Status": "FAILED", "Reason": "no"}
        return {}

    with Simulator(handler=scripted(decide)) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED)
        assert stack.status == "UPDATE_ROLLBACK_FAILED"
        simulator.continue_rollback()
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("reuses", [True, False])
def test_a_retried_deployment_may_reuse_the_request_id_but_not_the_url(reuses: bool) -> None:  # noqa: FBT001
    failures = count()
    handler = scripted(
        lambda event: (
            {"Status": "FAILED", "Reason": "no"} if event["RequestType"] == "Update" and next(failures) == 0 else {}
        )
    )
    with Simulator(handler=handler, readings=Readings(reuses_request_ids=reuses)) as simulator:
        simulator.deploy(ONE)
        stack = simulator.deploy(CHANGED, options=Options(rollback=False))
        assert stack.status == "UPDATE_FAILED"
        simulator.deploy(CHANGED, options=Options(is_retry=True))

        _, first, second = simulator.cloudformation.requests
        assert (first.event["RequestId"] == second.event["RequestId"]) is reuses
        assert first.url != second.url
        assert stack.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize(("reading", "expected"), [(OldProperties.ATTEMPTED, "11"), (OldProperties.LAST_GOOD, "10")])
def test_the_old_properties_after_a_failed_update(reading: OldProperties, expected: str) -> None:
    with Simulator(handler=failing_update(None), readings=Readings(old_properties=reading)) as simulator:
        simulator.deploy(ONE)
        simulator.deploy(CHANGED, options=Options(rollback=False))
        simulator.deploy({"A": RunTemplate(sample=2)})

        retried = simulator.cloudformation.requests[-1]
        assert retried.event["OldResourceProperties"]["Priority"] == expected


def test_a_create_that_failed_without_a_rollback_is_deleted_and_created() -> None:
    failures = count()
    handler = scripted(
        lambda event: (
            {"Status": "FAILED", "Reason": "no", "PhysicalResourceId": "failed"}
            if event["RequestType"] == "Create" and next(failures) == 0
            else {}
        )
    )
    with Simulator(handler=handler, readings=Readings(reuses_request_ids=True)) as simulator:
        stack = simulator.deploy(ONE, options=Options(rollback=False))
        assert stack.status == "CREATE_FAILED"
        simulator.deploy(ONE, options=Options(is_retry=True))

        requests = simulator.cloudformation.requests
        assert requests_of(simulator) == ["forward Create", "forward Delete", "forward Create"]
        assert requests[1].physical_id == "failed"
        assert requests[0].event["RequestId"] == requests[2].event["RequestId"]
        assert stack.status == "UPDATE_COMPLETE"


def test_a_failed_delete_blocks_the_stack_but_not_a_cleanup() -> None:
    failures = count()

    def decide(event: Event) -> dict[str, Any]:
        if event["RequestType"] == "Delete" and next(failures) < 4:
            return {"Status": "FAILED", "Reason": "no"}
        return replacing(event)

    with Simulator(handler=scripted(decide)) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED)
        assert stack.status == "UPDATE_COMPLETE"  # after three cleanup Deletes
        simulator.delete()
        assert stack.status == "DELETE_FAILED"
        simulator.delete(is_retry=True)
        assert stack.status == "DELETE_COMPLETE"
        assert requests_of(simulator)[2:] == ["cleanup Delete"] * 3 + ["deletion Delete"] * 2


def test_the_user_cancels_an_update_and_a_creation() -> None:
    def slow(ports: Ports, event: Event) -> None:
        if event["RequestType"] != "Delete" and event["ResourceProperties"]["Priority"] != "10":
            ports.clock.sleep(50)
        answer(ports, event)

    with Simulator(handler=slow) as simulator:
        stack = simulator.deploy(ONE)
        simulator.deploy(CHANGED, wait=5.0)
        simulator.cancel()
        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        simulator.delete()
        stack = simulator.deploy(CHANGED, wait=5.0)
        simulator.cancel()
        assert stack.status == "DELETE_COMPLETE"


def test_a_deleted_stack_may_be_described_or_not() -> None:
    for described in (True, False):
        readings = Readings(describes_deleted_stacks=described)
        with Simulator(handler=scripted(lambda _: {}), readings=readings) as simulator:
            stack = simulator.deploy(ONE)
            simulator.delete()
            if described:
                assert simulator.cloudformation.describe_stack(stack.id) == "DELETE_COMPLETE"
            else:
                with pytest.raises(ApiError, match="ValidationError"):
                    simulator.cloudformation.describe_resource(stack.id, "A")


# --- the laws can fail ---------------------------------------------------------------------------------------------


def test_law_1_catches_a_second_run_for_one_event() -> None:
    chaos = Chaos(faults=(Fault(DELIVER, Kind.DUPLICATE, seconds=5.0),))
    with Simulator(handler=naive()) as simulator:
        simulator.deploy(ONE, chaos=chaos)
        simulator.drain()

        assert broken_laws(simulator) == {1}


def test_law_2_catches_an_orphan() -> None:
    chaos = Chaos(faults=(Fault("cancel_run", Kind.SERVER_ERROR),))
    with Simulator(handler=naive()) as simulator:
        simulator.deploy(ONE)
        simulator.delete(chaos=chaos)
        simulator.drain()

        assert broken_laws(simulator) == {2}


def test_law_2_catches_a_delete_that_does_not_wait() -> None:
    with Simulator(handler=naive()) as simulator:
        simulator.deploy(ONE)
        simulator.delete()

        assert broken_laws(simulator) == {2}  # the run is STOPPING still


def test_law_2_lets_a_run_be_left() -> None:
    chaos = Chaos(faults=(Fault("cancel_run", Kind.SERVER_ERROR),))
    with Simulator(handler=naive()) as simulator:
        simulator.deploy({"A": RunTemplate(on_delete=ON_DELETE_LEAVE)})
        simulator.delete(chaos=chaos)
        simulator.drain()

        simulator.check()


@pytest.mark.parametrize("reading", [RollbackOfReplacement.UPDATE_OF_NEW_ID, RollbackOfReplacement.UPDATE_OF_OLD_ID])
def test_law_3_catches_a_run_that_a_rollback_starts(reading: RollbackOfReplacement) -> None:
    with Simulator(handler=naive(), readings=Readings(replacement=reading)) as simulator:
        simulator.deploy(ONE)
        simulator.pass_time(5.0)
        simulator.deploy(CHANGED, options=Options(sibling_fails_after=10.0))
        simulator.drain()

        assert 3 in broken_laws(simulator)


def test_law_3_catches_the_cancellation_of_a_run_that_is_held() -> None:
    honest = naive()

    def cancels_on_update(ports: Ports, event: Event) -> None:
        if event["RequestType"] == "Update":
            ports.omics.cancel_run(event["PhysicalResourceId"])
        honest(ports, event)

    with Simulator(handler=cancels_on_update) as simulator:
        simulator.deploy(ONE)
        simulator.pass_time(5.0)
        simulator.deploy(CHANGED)
        simulator.drain()

        assert 3 in broken_laws(simulator)


def test_law_4_catches_a_run_that_a_tag_starts() -> None:
    with Simulator(handler=naive()) as simulator:
        simulator.deploy(ONE)
        simulator.pass_time(5.0)
        simulator.deploy({"A": RunTemplate(tags={"project": "x"})})
        simulator.drain()

        assert 4 in broken_laws(simulator)


def test_law_5_catches_a_foreign_run_that_is_cancelled() -> None:
    with Simulator(handler=naive(), omics_readings=HealthOmicsReadings(lives=(SHORT,))) as simulator:
        simulator.deploy(ONE)
        simulator.pass_time(600.0)
        simulator.omics.external_delete(simulator.omics.runs[0])
        simulator.pass_time(600.0)
        simulator.omics.foreign_start("foreign", takes_over_id=True)
        simulator.delete()

        assert broken_laws(simulator) == {5}


def test_law_6_catches_missing_attributes() -> None:
    with Simulator(handler=scripted(lambda _: {})) as simulator:
        simulator.deploy(ONE)

        assert broken_laws(simulator) == {6}
