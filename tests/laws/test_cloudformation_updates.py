"""The CloudFormation of the simulator updates, and rolls back, as documented."""

from itertools import count
from typing import Any

import pytest

from laws.deployment import Options
from laws.simple_handlers import CHANGED, ONE, Event, requests_of, scripted
from laws.simulator import HandleEvent, Simulator
from laws.stack import FailedWithOtherId, OldProperties, Readings, RollbackOfReplacement
from laws.template import RunTemplate


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
