"""A service without a network, on a virtual clock, and a shorthand for StartRun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from healthomics_local.endpoint import Service, Settings, VirtualClock

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


@pytest.fixture
def make_service() -> Iterator[MakeService]:
    """Makes services, and closes them."""
    made: list[Service] = []

    def make(**settings: Any) -> Service:
        defaults: dict[str, Any] = {"clock": VirtualClock(), "engine": "simulated", "seed": 1}
        service = Service(Settings(**defaults | settings))
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service: MakeService) -> Service:
    """A service that takes every workflow id as an existing one."""
    return make_service(accept_unknown_references=True)


@pytest.fixture
def start_run() -> StartRun:
    """Calls StartRun with what it requires, and whatever else is given."""

    def start(service: Service, **members: Any) -> dict[str, Any]:
        required = {"roleArn": "arn:aws:iam::123456789012:role/run", "outputUri": "s3://bucket/out"}
        if "runId" not in members:
            required["workflowId"] = "1234567"
        return service.call("StartRun", required | members)

    return start
