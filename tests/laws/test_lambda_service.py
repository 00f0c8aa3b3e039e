"""The Lambda of the simulator delivers events as documented."""

import json

import pytest

from healthomics_run_handler.contract import ATTRIBUTES
from laws.chaos import DELIVER, PUT, Chaos, Fault, Kind
from laws.deployment import STEP, Options
from laws.ports import Ports
from laws.simple_handlers import CHANGED, ONE, Event, answer, broken_laws, scripted
from laws.simulator import START, Simulator
from laws.template import RunTemplate


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
