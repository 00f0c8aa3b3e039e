"""Requests generated from the service model, for every operation that the endpoint implements."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.compat import HTTPHeaders
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from campaign_size import examples
from healthomics_local.endpoint import Service, Settings, VirtualClock
from healthomics_local.endpoint.errors import error_class
from healthomics_local.endpoint.service_model import operation_model
from request_strategies import (
    JSON_VALUES,
    World,
    body_members,
    members_of,
    to_request,
    with_body,
    workflow_operations,
    wrong_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthomics_local.endpoint.messages import Request, Response

pytestmark = pytest.mark.slow

OPERATIONS = workflow_operations()
WITH_BODY = [name for name in OPERATIONS if body_members(operation_model(name))]
NOTHING = World()
PARSER = create_parser("rest-json")
# What any operation may answer, whether it is among its modelled errors or not.
COMMON_ERRORS = {"ValidationException", "SerializationException"}
ROLE_AND_PLACE = {"roleArn": "arn:aws:iam::123456789012:role/run", "outputUri": "s3://bucket/out"}
NETWORK = {"vpcConfig": {"securityGroupIds": ["sg-0123"], "subnetIds": ["subnet-0123"]}}


@pytest.fixture(scope="module")
def populated() -> Iterator[tuple[Service, World]]:
    service, world = new_service()
    yield service, world
    service.close()


def new_service() -> tuple[Service, World]:
    """A service in which there is something of everything."""
    service, world = Service(Settings(clock=VirtualClock(), engine="simulated", reuse_deleted_run_ids=True)), World()
    workflow_id = service.add_workflow().workflow_id
    run = {"workflowId": workflow_id, **ROLE_AND_PLACE}
    settings = {"inlineSettings": [{"runSettingId": "a"}]}
    for operation, members in (
        ("ListWorkflows", {}),
        ("CreateRunGroup", {"maxCpus": 4}),
        ("CreateRunCache", {"cacheS3Location": "s3://bucket/cache"}),
        ("CreateConfiguration", {"name": "net", "runConfigurations": NETWORK}),
        (
            "CreateWorkflowVersion",
            {"workflowId": workflow_id, "versionName": "v2", "definitionUri": "s3://bucket/v2.zip"},
        ),
        ("StartRunBatch", {"defaultRunSetting": run, "batchRunSettings": settings}),
        ("StartRun", run),
    ):
        world.learn(operation, started := service.call(operation, members))
    service.run_until_idle()
    world.learn("ListRunTasks", service.call("ListRunTasks", {"id": started["id"]}))
    world.learn("StartRun", service.call("StartRun", run))
    return service, world


def parsed(operation: str, response: Response) -> Any:
    """The response as botocore understands it; fails for one that no client should get."""
    model = operation_model(operation)
    answer = {
        "status_code": response.status,
        "headers": HTTPHeaders.from_pairs(response.headers.items()),
        "body": response.body,
    }
    document = PARSER.parse(answer, model.output_shape)
    if response.status >= 400:
        code = document["Error"]["Code"]
        assert error_class(code) is not None
        assert code in {shape.name for shape in model.error_shapes} | COMMON_ERRORS, document
        assert response.status < 500, document
    else:
        assert response.status == model.http["responseCode"]
    return document


@pytest.mark.parametrize("first", OPERATIONS)
@given(data=st.data())
@examples(5)
def test_requests_that_the_model_allows_are_served_or_refused_in_its_terms(data: st.DataObject, first: str) -> None:
    service, world = new_service()
    try:
        for operation in (first, *data.draw(st.lists(st.sampled_from(OPERATIONS), max_size=3)), first):
            response = service.handle(to_request(operation, data.draw(members_of(operation, world))))
            document = parsed(operation, response)
            if response.status < 400:
                world.learn(operation, document)
            service.advance(data.draw(st.sampled_from([0, 60, 1000])))
        # Whatever has come about, it comes to an end and can be listed.
        service.run_until_idle()
        parsed("ListRuns", service.handle(to_request("ListRuns", {})))
    finally:
        service.close()


@st.composite
def forbidden(draw: st.DrawFn) -> tuple[str, Request]:
    """A request of which one thing is certainly wrong."""
    operation = draw(st.sampled_from(WITH_BODY))
    model = operation_model(operation)
    request = to_request(operation, draw(members_of(operation, NOTHING)))
    document, shapes = json.loads(request.body or b"{}"), body_members(model)
    typed = {name: shape for name, shape in shapes.items() if not getattr(shape, "is_document_type", False)}
    required = [name for name in model.input_shape.required_members if name in document]
    match draw(st.sampled_from(["type", "unknown", "missing" if required else "type"])):
        case "type":
            name = draw(st.sampled_from(sorted(typed)))
            document[name] = draw(wrong_values(typed[name]))
        case "unknown":
            document[draw(st.text(max_size=9).filter(lambda name: name not in model.input_shape.members))] = 1
        case _:
            del document[draw(st.sampled_from(required))]
    return operation, with_body(request, document)


@given(case=forbidden())
@examples(150)
def test_requests_that_the_model_forbids_are_refused(
    populated: tuple[Service, World], case: tuple[str, Request]
) -> None:
    (service, _), (operation, request) = populated, case

    response = service.handle(request)

    assert response.status == 400, response
    assert parsed(operation, response)["Error"]["Code"] in {"ValidationException", "SerializationException"}


@st.composite
def corrupted(draw: st.DrawFn) -> tuple[str, Request]:
    """A request in whose body one value, at any depth, was replaced by any other."""
    operation = draw(st.sampled_from(WITH_BODY))
    request = to_request(operation, draw(members_of(operation, NOTHING)))
    document = json.loads(request.body or b"{}")
    place, steps = document, draw(st.integers(0, 4))
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if steps == 0 or not isinstance(place[key], dict | list) or not place[key]:
            place[key] = draw(JSON_VALUES)
            break
        place, steps = place[key], steps - 1
    return operation, with_body(request, document)


@given(case=corrupted())
@examples(150)
def test_requests_with_any_value_in_any_place_break_nothing(
    populated: tuple[Service, World], case: tuple[str, Request]
) -> None:
    (service, _), (operation, request) = populated, case

    parsed(operation, service.handle(request))

    service.run_until_idle()
    parsed("ListRuns", service.handle(to_request("ListRuns", {})))
