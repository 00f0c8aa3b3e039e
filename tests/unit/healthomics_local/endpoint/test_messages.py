import base64
import json
from datetime import UTC, datetime

import pytest

from healthomics_local.endpoint.errors import ResourceNotFoundException, SerializationException
from healthomics_local.endpoint.messages import (
    Request,
    input_from_request,
    response_from_error,
    response_from_output,
)
from healthomics_local.endpoint.routes import find_route
from healthomics_local.endpoint.service_model import operation_model


def read(method: str, path: str, *, query: str = "", body: bytes = b"") -> dict[str, object]:
    route = find_route(method, path)
    assert route is not None
    request = Request(method=method, path=path, query=query, body=body)
    return input_from_request(operation_model(route.operation), route, request)


def test_members_come_from_path_query_and_body() -> None:
    assert read("GET", "/run/1234567/task", query="status=RUNNING&maxResults=5") == {
        "id": "1234567",
        "status": "RUNNING",
        "maxResults": 5,
    }
    assert read("POST", "/tags/arn%3Ax", body=b'{"tags": {"a": "b"}}') == {
        "resourceArn": "arn:x",
        "tags": {"a": "b"},
    }


def test_a_repeated_query_member_is_a_list() -> None:
    assert read("DELETE", "/tags/arn%3Ax", query="tagKeys=a&tagKeys=b%20c")["tagKeys"] == ["a", "b c"]


def test_a_blob_is_decoded() -> None:
    body = json.dumps({"definitionZip": base64.b64encode(b"PK").decode()}).encode()

    assert read("POST", "/workflow", body=body)["definitionZip"] == b"PK"


def test_a_body_cannot_replace_what_the_path_says() -> None:
    members = read("POST", "/runGroup/1234567", body=b'{"id": "7654321", "name": "x"}')

    assert members == {"id": "1234567", "name": "x"}


def test_a_body_is_ignored_where_the_operation_has_none() -> None:
    assert read("POST", "/run/1234567/cancel", body=b"not json") == {"id": "1234567"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"priority": NaN}', id="not a number"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"parameters": ' + b"[" * 200_000, id="too deep"),
    ],
)
def test_a_body_that_is_no_json_object_cannot_be_read(body: bytes) -> None:
    with pytest.raises(SerializationException):
        read("POST", "/run", body=body)


def test_other_unreadable_members_are_named() -> None:
    with pytest.raises(SerializationException, match="maxResults"):
        read("GET", "/run", query="maxResults=many")
    with pytest.raises(SerializationException, match="definitionZip"):
        read("POST", "/workflow", body=b'{"definitionZip": "not base64!"}')


def test_a_response_leaves_out_what_is_none_and_writes_dates_with_an_offset() -> None:
    output = {"id": "1", "name": None, "creationTime": datetime(2023, 4, 7, 16, 44, 22, 262471, UTC)}

    response = response_from_output(operation_model("GetRun"), output)

    assert response.status == 200
    assert json.loads(response.body) == {"id": "1", "creationTime": "2023-04-07T16:44:22.262471+00:00"}


def test_success_has_the_status_of_the_model() -> None:
    assert response_from_output(operation_model("StartRun"), {"id": "1"}).status == 201
    assert response_from_output(operation_model("CancelRun"), {}).status == 202
    assert response_from_output(operation_model("TagResource"), {}).status == 204
    assert response_from_output(operation_model("CancelRun"), {}).body == b""


def test_a_member_that_the_model_does_not_know_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        response_from_output(operation_model("StartRun"), {"nonsense": 1})


def test_an_error_has_its_code_in_the_header_and_its_text_in_the_body() -> None:
    response = response_from_error(ResourceNotFoundException("Run 1 not found"))

    assert response.status == 404
    assert response.headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert json.loads(response.body) == {"message": "Run 1 not found"}
