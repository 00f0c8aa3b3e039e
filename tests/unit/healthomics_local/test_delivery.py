"""What CloudFormation sends to a custom resource, and what it accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from healthomics_local.ministack.delivery import (
    DeliveryError,
    Request,
    accept,
    as_strings,
    event_for,
    invented_physical_id,
    refusal,
    timed_out,
)


def request(**changes: Any) -> Request:
    members: dict[str, Any] = {
        "request_type": "Create",
        "request_id": "3d2c9b1e-0000-4000-8000-000000000000",
        "response_url": "http://127.0.0.1:1/answer",
        "stack_id": "arn:stack",
        "stack_name": "stack",
        "logical_id": "Thing",
        "resource_type": "Custom::Thing",
        "properties": {"ServiceToken": "arn:function"},
        "old_properties": None,
        "physical_id": None,
    }
    return Request(**{**members, **changes})


def response(**changes: Any) -> dict[str, Any]:
    return {
        "Status": "SUCCESS",
        "PhysicalResourceId": "thing-1",
        "StackId": "arn:stack",
        "RequestId": "3d2c9b1e-0000-4000-8000-000000000000",
        "LogicalResourceId": "Thing",
        **changes,
    }


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(4, "4", id="integer"),
        pytest.param(4.0, "4.0", id="float"),
        pytest.param([1, {"a": 2}], ["1", {"a": "2"}], id="nested"),
        pytest.param("text", "text", id="text"),
    ],
)
def test_scalars_travel_as_strings(value: object, sent: object) -> None:
    assert as_strings(value) == sent


def test_a_create_event_names_no_physical_id_and_no_old_properties() -> None:
    event = event_for(request())

    assert event["ServiceToken"] == "arn:function"
    assert not {"PhysicalResourceId", "OldResourceProperties"} & set(event)


def test_an_update_event_carries_both() -> None:
    event = event_for(request(request_type="Update", physical_id="thing-1", old_properties={"A": 1}))

    assert event["PhysicalResourceId"] == "thing-1"
    assert event["OldResourceProperties"] == {"A": "1"}


def test_another_service_token_is_refused_in_an_update_only() -> None:
    changed = request(request_type="Update", old_properties={"ServiceToken": "arn:other"})

    assert refusal(changed) == "Modifying service token is not allowed."
    assert refusal(request()) is None


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        pytest.param("60", 60, id="text"),
        pytest.param(0, 1, id="too little"),
        pytest.param(99999, 3600, id="too much"),
        pytest.param("soon", 3600, id="no number"),
    ],
)
def test_the_time_limit_is_within_cloudformations(asked: object, seconds: int) -> None:
    assert request(properties={"ServiceTimeout": asked}).timeout_seconds == seconds


def test_a_success_gives_its_id_and_attributes_as_strings() -> None:
    answer = accept(request(), response(Data={"Flag": True, "Count": 3, "List": ["a"], "None": None}))

    assert answer.physical_id == "thing-1"
    assert answer.data == {"Flag": "true", "Count": "3", "List": ["a"]}


def test_a_failure_keeps_the_id_of_the_answer() -> None:
    with pytest.raises(DeliveryError, match="Message returned: no such workflow") as caught:
        accept(request(), response(Status="FAILED", Reason="no such workflow", PhysicalResourceId="half"))

    assert caught.value.physical_id == "half"
    assert caught.value.sent


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(response(Status="MAYBE"), "Status must be SUCCESS or FAILED", id="status"),
        pytest.param(response(PhysicalResourceId=None), "Invalid PhysicalResourceId", id="no id"),
        pytest.param(response(PhysicalResourceId="é" * 513), "longer than 1024 bytes", id="id of 1026 bytes"),
        pytest.param(response(StackId="arn:other"), "StackId does not match", id="another stack"),
        pytest.param(response(Status="FAILED", Reason=None), "Reason is required", id="no reason"),
        pytest.param(response(Data={"A": "x" * 4096}), "Response object is too long", id="too long"),
        pytest.param(["SUCCESS"], "not a JSON object", id="no object"),
    ],
)
def test_an_invalid_answer_is_a_failure(answer: object, reason: str) -> None:
    with pytest.raises(DeliveryError, match=reason):
        accept(request(), answer)


def test_an_answer_of_exactly_the_limit_is_accepted() -> None:
    empty = len(json.dumps(response(Data={"A": ""})))

    accept(request(), response(Data={"A": "x" * (4096 - empty)}))


def test_a_time_out_goes_on_with_an_invented_id_only_if_there_is_none() -> None:
    created, updated = request(), request(request_type="Update", physical_id="thing-1")

    assert timed_out(created).physical_id == invented_physical_id(created) == "stack-Thing-3D2C9B1E0000"
    assert timed_out(updated).physical_id == "thing-1"
