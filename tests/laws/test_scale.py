"""Two hundred runs in one stack against an account that starts one run per second."""

from laws.deployment import Options
from laws.healthomics import ACTIVE
from laws.simulator import START, Simulator
from laws.template import RunTemplate

COUNT = 200
TEMPLATE = {f"Run{number}": RunTemplate(name=f"run-{number}") for number in range(COUNT)}


def test_two_hundred_runs_start_within_their_time() -> None:
    with Simulator() as simulator:
        stack = simulator.deploy(TEMPLATE)
        took = simulator.scheduler.now - START
        simulator.drain()

        simulator.check()
        assert stack.status == "CREATE_COMPLETE"
        assert len(simulator.omics.runs) == COUNT
        assert simulator.tally["ending: SUCCESS"] == COUNT
        assert took <= 1.3 * COUNT


def test_nothing_is_active_after_a_sibling_fails_half_way() -> None:
    with Simulator() as simulator:
        stack = simulator.deploy(TEMPLATE, options=Options(sibling_fails_after=COUNT / 2))
        simulator.drain()

        simulator.check()
        assert stack.status == "ROLLBACK_COMPLETE"
        assert COUNT / 3 < len(simulator.omics.runs) < COUNT
        assert not [run for run in simulator.omics.runs if run.status(simulator.scheduler.now) in ACTIVE]
