"""The AWS SDK for JavaScript; the scenarios are in ``tests/node/omics_client.mjs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import foreign_clients
from healthomics_local.endpoint import Fault, LocalHealthOmics, RealClock, RunScript, Timings
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = [pytest.mark.slow, foreign_clients.needs_node_clients]


def _script(members: Mapping[str, Any]) -> RunScript | None:
    return RunScript(running_seconds=3600) if members.get("name") == "cancel" else None


@pytest.fixture(scope="module")
def omics(authorizer: Any) -> Iterator[LocalHealthOmics]:
    """On the wall clock, because the SDK's waiter waits on it."""
    timings = Timings(pending=0.5, starting=0.5, running=0.5, stopping=0.5, cancelling=0.5)
    with local_healthomics(
        authorizer=authorizer, clock=(clock := RealClock()), timings=timings, script=_script
    ) as omics:
        omics.add_workflow(workflow_id="1234567")
        yield omics
    clock.close()


@pytest.fixture
def play(environment: dict[str, str]) -> Callable[[str], None]:
    """Plays a scenario, which checks what the SDK makes of the answers."""

    def call(scenario: str) -> None:
        done = foreign_clients.run(["node", foreign_clients.NODE_FOLDER / "omics_client.mjs", scenario], environment)
        assert done.returncode == 0, done.stdout + done.stderr

    return call


@pytest.mark.parametrize("scenario", ["life", "pages", "errors"])
def test_the_sdk_understands_every_answer(play: Callable[[str], None], scenario: str) -> None:
    play(scenario)


def test_a_run_is_cancelled(omics: LocalHealthOmics, play: Callable[[str], None]) -> None:
    play("cancel")

    (run,) = [each for each in omics.runs() if each.name == "cancel"]
    assert run.status in {"STOPPING", "CANCELLED"}


def test_retries_of_the_sdk_start_one_run(omics: LocalHealthOmics, play: Callable[[str], None]) -> None:
    omics.clear_requests()
    omics.inject(Fault(operation="StartRun", code="InternalServerException"))
    omics.inject(Fault(operation="StartRun", drop_connection=True, after_processing=True))

    play("retries")

    sent = [request.input for request in omics.requests("StartRun")]
    assert len(sent) == 3
    assert len({each["requestId"] for each in sent}) == 1
    assert [each.name for each in omics.runs()].count("retries") == 1
