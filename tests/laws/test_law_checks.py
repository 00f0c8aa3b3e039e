"""The laws can fail: each catches a handler that does not keep it."""

import pytest

from healthomics_run_handler.contract import ON_DELETE_LEAVE
from laws.chaos import DELIVER, Chaos, Fault, Kind
from laws.deployment import Options
from laws.healthomics import SHORT, HealthOmicsReadings
from laws.ports import Ports
from laws.simple_handlers import CHANGED, ONE, Event, broken_laws, naive, scripted
from laws.simulator import Simulator
from laws.stack import Readings, RollbackOfReplacement
from laws.template import RunTemplate


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
