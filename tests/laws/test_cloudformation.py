"""The CloudFormation of the simulator creates and deletes as documented."""

from itertools import count
from typing import Any

import pytest

from healthomics_run_handler.errors import ApiError
from laws.chaos import DELIVER, Chaos, Fault, Kind
from laws.deployment import Options
from laws.ports import Ports
from laws.requests import MAX_ANSWER_BYTES
from laws.simple_handlers import CHANGED, ONE, Event, answer, broken_laws, requests_of, scripted
from laws.simulator import START, Simulator
from laws.stack import InFlight, Readings
from laws.template import RunTemplate, stringified


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
