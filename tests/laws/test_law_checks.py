"""The laws can fail: each catches a handler that does not keep it."""

from typing import Any, Final

import pytest

from healthomics_run_handler.contract import ON_DELETE_LEAVE
from healthomics_run_handler.errors import ApiError
from laws.chaos import DELIVER, Chaos, Fault, Kind
from laws.deployment import Options
from laws.healthomics import SHORT, HealthOmicsReadings
from laws.ports import Ports
from laws.simple_handlers import CHANGED, ONE, Event, answer, broken_laws, naive, scripted
from laws.simulator import Simulator
from laws.stack import Readings, RollbackOfReplacement
from laws.template import RunTemplate

START_RUN: Final = {
    "name": "run",
    "workflowId": "1234567",
    "roleArn": "arn",
    "outputUri": "s3://bucket",
    "requestId": "token",
}


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


def test_law_2_lets_no_run_be_left_that_no_delete_names() -> None:
    """LEAVE is about the run that a Delete names; what a lost answer leaves behind is an orphan all the same."""
    slow = Fault("start_run", Kind.SLOW, seconds=20.0)
    with Simulator(handler=naive()) as simulator:
        template = {"A": RunTemplate(on_delete=ON_DELETE_LEAVE)}
        simulator.deploy(template, options=Options(sibling_fails_after=5.0), chaos=Chaos(faults=(slow,)))
        simulator.drain()

        assert broken_laws(simulator) == {2}


def test_a_stray_is_seen_at_rest() -> None:
    honest = naive()

    def starts_two(ports: Ports, event: Event) -> None:
        if event["RequestType"] == "Create":
            ports.omics.start_run({**START_RUN, "requestId": "stray"})
            ports.clock.sleep(2.0)
        honest(ports, event)

    with Simulator(handler=starts_two) as simulator:
        simulator.deploy(ONE)

        assert [run.id for run in simulator.judge.stray_runs()] == [simulator.omics.runs[0].id]


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


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"tags": {f"key-{number}": "v" for number in range(51)}}, id="too many tags"),
        pytest.param({"tags": {"key": "v" * 257}}, id="a long tag"),
        pytest.param({"requestId": "r" * 129}, id="a long request id"),
        pytest.param({"roleArn": ""}, id="no role"),
    ],
)
def test_a_call_that_the_service_can_only_refuse_is_a_breach_even_if_the_refusal_is_handled(
    wrong: dict[str, Any],
) -> None:
    def careless(ports: Ports, event: Event) -> None:
        with pytest.raises(ApiError):
            ports.omics.start_run({**START_RUN, **wrong})
        answer(ports, event, Status="FAILED", Reason="refused")

    with Simulator(handler=careless) as simulator:
        simulator.deploy(ONE)

        assert broken_laws(simulator) == {0}
        assert simulator.omics.runs == []


def test_tags_that_the_template_asks_for_and_the_run_has_not_are_a_breach() -> None:
    with Simulator(handler=naive()) as simulator:
        simulator.deploy({"A": RunTemplate(tags={"project": "x"})})
        simulator.drain()

        assert broken_laws(simulator) == {0}
