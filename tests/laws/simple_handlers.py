"""Handlers that are simpler than the real one, and what tests of the simulator ask about it."""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from healthomics_run_handler.errors import ApiError
from laws.law_checks import LawBrokenError
from laws.ports import Ports
from laws.simulator import HandleEvent, Simulator
from laws.template import RunTemplate

ONE = {"A": RunTemplate()}
CHANGED = {"A": RunTemplate(sample=1)}
Event = dict[str, Any]


def answer(ports: Ports, event: Event, **fields: Any) -> None:
    physical_id = event.get("PhysicalResourceId", "id-of-" + event["RequestId"])
    body = {
        "Status": "SUCCESS",
        "PhysicalResourceId": physical_id,
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        **fields,
    }
    ports.put(event["ResponseURL"], json.dumps(body).encode())


def scripted(decide: Callable[[Event], dict[str, Any]]) -> HandleEvent:
    """A handler that starts nothing and answers what it is told."""
    return lambda ports, event: answer(ports, event, **decide(event))


def naive() -> HandleEvent:
    """A first attempt: StartRun with the SDK's own random ``requestId``, CancelRun on Delete, no further thought."""
    tokens = count()

    def handle(ports: Ports, event: Event) -> None:
        if event["RequestType"] == "Delete":
            with suppress(ApiError):
                ports.omics.cancel_run(event["PhysicalResourceId"])
            answer(ports, event)
            return
        properties = event["ResourceProperties"]
        request = {
            "name": properties["Name"],
            "workflowId": properties["WorkflowId"],
            "roleArn": properties["RoleArn"],
            "outputUri": properties["OutputUri"],
            "requestId": f"token-{next(tokens)}",
        }
        try:
            run = ports.omics.start_run(request)
        except ApiError as error:
            answer(ports, event, Status="FAILED", Reason=error.message)
            return
        data = {
            "RunArn": run["arn"],
            "RunId": run["id"],
            "RunUuid": run["uuid"],
            "RunOutputUri": run["runOutputUri"],
            "RunStatus": run["status"],
        }
        answer(ports, event, PhysicalResourceId=run["id"], Data=data)

    return handle


def requests_of(simulator: Simulator) -> list[str]:
    return [f"{request.phase} {request.type}" for request in simulator.cloudformation.requests]


def broken_laws(simulator: Simulator) -> frozenset[int]:
    with pytest.raises(LawBrokenError) as caught:
        simulator.check()
    return caught.value.laws
