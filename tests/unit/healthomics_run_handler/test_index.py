"""The entry point: the parts put together."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from handler_fakes import Context, FakeClock, World, create
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


def test_every_line_of_an_invocation_names_its_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    real_ports = index._Resource._real_ports

    def fake_ports(self: Any) -> Any:
        import dataclasses  # noqa: PLC0415

        return dataclasses.replace(real_ports(self), omics=world.omics, stacks=world.stacks, clock=world.clock)

    monkeypatch.setattr(index._Resource, "_real_ports", fake_ports)
    resource = index._Resource()
    monkeypatch.setattr(resource, "_put", world._put)
    monkeypatch.setattr(resource, "_start_timer", world._start_timer)

    resource(create(), Context(world.clock))

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2
    for line in lines:
        assert (line["RequestId"], line["LogicalResourceId"], line["RequestType"]) == (
            "create-1",
            "Alignment",
            "Create",
        )
        assert "5ecret" not in json.dumps(line)
