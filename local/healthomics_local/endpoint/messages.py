"""HTTP requests and responses as values, and the translation to and from an operation's members."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botocore.model import ListShape, MapShape, Shape, StructureShape

from healthomics_local.endpoint.errors import SerializationException
from healthomics_local.endpoint.json_values import is_object, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

    from healthomics_local.endpoint.errors import ServiceError
    from healthomics_local.endpoint.routes import RouteMatch

# Python would also read digits of other scripts, spaces and underscores.
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """With lower-case names."""
    body: bytes = b""
    port: int | None = None
    """Where it arrived; None when it came through no socket."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


def input_from_request(operation: OperationModel, route: RouteMatch, request: Request) -> dict[str, Any]:
    """The operation's members, from path, query and body.

    Values are converted to what the model declares where the wire form is another one (numbers in the
    query, base64); nothing else is checked here.

    Raises:
        SerializationException: The body is not a JSON object, or a value has no such conversion.
    """
    shape = operation.input_shape
    members: dict[str, Any] = {}
    if shape is None:
        return members
    query = parse_qs(request.query, keep_blank_values=True)
    has_body = False
    for name, member in shape.members.items():
        wire_name = str(member.serialization.get("name", name))
        match member.serialization.get("location"):
            case "uri":
                members[name] = route.labels[wire_name]
            case "querystring":
                if wire_name in query:
                    members[name] = _from_query(member, query[wire_name], name)
            case "header" | "headers":
                if (value := request.headers.get(wire_name.lower())) is not None:
                    members[name] = value
            case _:
                has_body = True
    if has_body:
        for name, value in _json_object(request.body).items():
            known = shape.members.get(name)
            # A body must not smuggle in a member that belongs to the path or the query.
            if known is None or "location" not in known.serialization:
                members[name] = _from_json(known, value, name)
    return members


def response_from_output(operation: OperationModel, output: Mapping[str, Any]) -> Response:
    """The response of a successful call, with the status that the model declares."""
    status = int(operation.http.get("responseCode", 200))
    shape = operation.output_shape
    if shape is None or status == 204:  # noqa: PLR2004 - 204 is "no content"
        return Response(status=status)
    return json_response(status, to_wire(shape, output))


def response_from_error(error: ServiceError) -> Response:
    """The response of a failed call."""
    return json_response(error.http_status, {"message": error.message}, {"x-amzn-ErrorType": error.code})


def json_response(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """A response with a JSON body."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status=status, headers={"Content-Type": "application/json", **(headers or {})}, body=body)


def to_wire(shape: Shape, value: Any) -> Any:
    """A value in the JSON form of its shape; members that are None are left out.

    Raises:
        KeyError: The value has a member that the model does not know, which is a mistake in this package.
    """
    match shape:
        case StructureShape() if not shape.is_document_type:
            return {
                shape.members[name].serialization.get("name", name): to_wire(shape.members[name], item)
                for name, item in value.items()
                if item is not None
            }
        case ListShape():
            return [to_wire(shape.member, item) for item in value]
        case MapShape():
            return {key: to_wire(shape.value, item) for key, item in value.items()}
        case _ if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case _ if isinstance(value, bytes):
            return base64.b64encode(value).decode("ascii")
        case _:
            return value


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = parse_json(body)
    except ValueError as error:
        raise SerializationException(f"the request body is not valid JSON: {error}") from error
    if not is_object(document):
        raise SerializationException("the request body must be a JSON object")
    return document


def _from_query(shape: Shape, values: list[str], name: str) -> object:
    if isinstance(shape, ListShape):
        return values
    value = values[-1]
    match shape.type_name:
        case "integer" | "long":
            if not _INTEGER.fullmatch(value):
                raise SerializationException(f"Value at '{name}' must be an integer")
            return int(value)
        case "boolean":
            if value not in {"true", "false"}:
                raise SerializationException(f"Value at '{name}' must be true or false")
            return value == "true"
        case _:
            return value


def _from_json(shape: Shape | None, value: object, name: str) -> object:
    if shape is not None and shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SerializationException(f"Value at '{name}' must be a base64 blob") from error
    return value
