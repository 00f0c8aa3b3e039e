"""The entry point: the parts put together."""

import dataclasses
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from handler_fakes import INVALID, THROTTLED, Context, FakeClock, World, create, delete, update
from healthomics_run_handler import contract, index
from healthomics_run_handler.aws import BotoOmics, BotoStacks, SystemClock


def test_the_contract_names_the_handler() -> None:
    module, _, function = contract.LAMBDA_HANDLER.rpartition(".")

    assert module == index.__name__
    assert getattr(index, function) is index.handler


def test_a_malformed_event_makes_no_client_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    index.handler({"RequestType": "Create", "RequestId": 5}, Context(FakeClock()))

    line = json.loads(capsys.readouterr().out)
    assert line["message"] == "Event is not a custom resource request"
    assert line["RequestType"] == "Create"
    assert line["awsRequestId"] == "lambda-request"
    assert "RequestId" not in line


def test_an_event_that_is_no_object_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    index.handler(["x"], SimpleNamespace())

    assert "not an object" in capsys.readouterr().out


def test_the_ports_are_the_real_ones() -> None:
    ports = index._resource._real_ports()

    assert isinstance(ports.omics, BotoOmics)
    assert isinstance(ports.stacks, BotoStacks)
    assert isinstance(ports.clock, SystemClock)
    assert index._resource._real_ports().omics is ports.omics
    assert 0 <= ports.random.uniform(0, 1) <= 1


class Logged:
    """The entry point over a world of fakes, and what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world = World()
        self._capsys = capsys
        real_ports = index._Resource._real_ports

        def fake_ports(resource: Any) -> Any:
            real = real_ports(resource)
            return dataclasses.replace(real, omics=world.omics, stacks=world.stacks, clock=world.clock)

        monkeypatch.setattr(index._Resource, "_real_ports", fake_ports)
        self._resource = index._Resource()
        monkeypatch.setattr(self._resource, "_put", world._put)
        monkeypatch.setattr(self._resource, "_start_timer", world._start_timer)

    def lines(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        self._resource(event, Context(self.world.clock))
        out = self._capsys.readouterr().out
        assert "5ecret" not in out
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Logged:
    return Logged(monkeypatch, capsys)


def test_every_line_of_a_create_names_request_resource_and_run(logged: Logged) -> None:
    lines = logged.lines(create())

    assert [line["message"] for line in lines] == ["Run started", "Answered"]
    for line in lines:
        assert (line["RequestId"], line["LogicalResourceId"], line["RequestType"], line["run_id"]) == (
            "create-1",
            "Alignment",
            "Create",
            "1000001",
        )


def test_a_create_that_fails_after_its_start_names_the_run(logged: Logged) -> None:
    def dropped() -> None:
        logged.world.clock.sleep(10)
        logged.world.deleting(None)

    logged.world.omics.after["StartRun"] = [dropped]

    lines = logged.lines(create())

    assert {"Request failed", "Answered"} < {line["message"] for line in lines}
    assert {line["run_id"] for line in lines} == {"1000001"}


def _finished(world: World) -> None:
    world.omics.runs["1000001"]["status"] = "COMPLETED"


def _nothing(_: World) -> None:
    pass


def _throttled(world: World) -> None:
    world.omics.script["GetRun"] = [THROTTLED]


def _forbidden(world: World) -> None:
    world.omics.script["GetRun"] = [INVALID]


def _untaggable(world: World) -> None:
    world.omics.script["TagResource"] = [INVALID]


@pytest.mark.parametrize(
    ("new", "before", "messages"),
    [
        pytest.param({}, _nothing, ["Answered"], id="nothing to do"),
        pytest.param({"Tags": {"a": "b"}}, _nothing, ["Tags brought up to date", "Answered"], id="tags"),
        pytest.param({}, _throttled, ["AWS call failed, trying again", "Answered"], id="throttled"),
        pytest.param({"Tags": {"a": "b"}}, _forbidden, ["Request failed", "Answered"], id="failed"),
    ],
)
def test_every_line_of_an_update_names_request_resource_and_run(
    logged: Logged, new: dict[str, Any], before: Callable[[World], None], messages: list[str]
) -> None:
    held = logged.world.run(create()).physical_id
    logged.world.updating(held)
    before(logged.world)

    lines = logged.lines(update(held, new, {}))

    assert [line["message"] for line in lines] == messages
    for line in lines:
        assert (line["RequestId"], line["LogicalResourceId"], line["run_id"]) == ("update-1", "Alignment", "1000001")


def test_the_lines_about_a_replacement_name_the_new_run(logged: Logged) -> None:
    held = logged.world.run(create()).physical_id
    logged.world.updating(held)

    lines = logged.lines(update(held, {"RerunOn": "2"}, {}))

    assert {line["message"]: line["run_id"] for line in lines} == {"Run started": "1000002", "Answered": "1000002"}


@pytest.mark.parametrize(
    ("before", "messages"),
    [
        pytest.param(_nothing, ["Run cancelled", "Answered"], id="active"),
        pytest.param(_finished, ["Answered"], id="finished"),
        pytest.param(
            _untaggable, ["The run could not be tagged as released", "Run cancelled", "Answered"], id="untaggable"
        ),
    ],
)
def test_every_line_of_a_delete_names_request_resource_and_run(
    logged: Logged, before: Callable[[World], None], messages: list[str]
) -> None:
    held = logged.world.run(create()).physical_id
    logged.world.deleting(held)
    before(logged.world)

    lines = logged.lines(delete(held))

    assert [line["message"] for line in lines] == messages
    for line in lines:
        assert (line["RequestId"], line["LogicalResourceId"], line["run_id"]) == ("delete-1", "Alignment", "1000001")
