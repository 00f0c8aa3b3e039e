"""The endpoint's own HTTP API, below ``/_local``: faults, recorded calls, the virtual clock, health."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.errors import UnknownOperationException, ValidationException
from healthomics_local.endpoint.faults import Fault
from healthomics_local.endpoint.json_values import is_object, parse_json
from healthomics_local.endpoint.messages import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import UnionType

    from healthomics_local.endpoint.messages import Request
    from healthomics_local.endpoint.service import Service

_FAULT_MEMBERS: Mapping[str, UnionType | type] = {
    "operation": str,
    "code": str | None,
    "message": str,
    "status": int | None,
    "skip": int,
    "count": int | None,
    "after_processing": bool,
    "latency": int | float,
    "drop_connection": bool,
}
"""All of a Fault but ``when``, which is a function."""


class AdminApi:
    """Serves ``/_local``; the members of its documents are those of the Python API."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "health"): self._health,
            ("GET", "requests"): self._list_requests,
            ("DELETE", "requests"): self._clear_requests,
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): self._inject_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "clock/advance"): self._advance,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            UnknownOperationException: There is no such path.
            ValidationException: The document cannot be used.
        """
        handler = self._routes.get((request.method, request.path.removeprefix("/_local/")))
        if handler is None:
            raise UnknownOperationException(f"no local operation has the route {request.method} {request.path}")
        return handler(request)

    def _health(self, _: Request) -> Response:
        service = self._service
        return json_response(
            200, {"status": "ok", "time": service.clock.now().isoformat(), "runs": len(service.runs())}
        )

    def _list_requests(self, request: Request) -> Response:
        operation = parse_qs(request.query).get("operation", [None])[0]
        return json_response(200, [each.to_dict() for each in self._service.requests(operation)])

    def _clear_requests(self, _: Request) -> Response:
        self._service.clear_requests()
        return Response(status=204)

    def _list_faults(self, _: Request) -> Response:
        return json_response(200, [_fault_document(fault) for fault in self._service.faults()])

    def _inject_fault(self, request: Request) -> Response:
        self._service.inject(_fault(_document(request)))
        return Response(status=204)

    def _clear_faults(self, _: Request) -> Response:
        self._service.clear_faults()
        return Response(status=204)

    def _advance(self, request: Request) -> Response:
        seconds = _document(request).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ValidationException("seconds must be a number that is not negative")
        if not isinstance(self._service.clock, VirtualClock):
            raise ValidationException("the endpoint does not run on a virtual clock")
        try:
            self._service.advance(seconds)
        except OverflowError as error:
            raise ValidationException(f"there is no such time: {error}") from error
        return json_response(200, {"time": self._service.clock.now().isoformat()})


def _document(request: Request) -> dict[str, Any]:
    try:
        document = parse_json(request.body or b"{}")
    except ValueError as error:
        raise ValidationException(f"the request body is not valid JSON: {error}") from error
    if not is_object(document):
        raise ValidationException("the request body must be a JSON object")
    return document


def _fault(document: dict[str, Any]) -> Fault:
    unknown = sorted(document.keys() - _FAULT_MEMBERS)
    if unknown:
        raise ValidationException(f"a fault has no {', '.join(unknown)}: {', '.join(sorted(_FAULT_MEMBERS))}")
    for name, value in document.items():
        kind = _FAULT_MEMBERS[name]
        # bool is an int in Python, but JSON's true is no number.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValidationException(f"{name} of a fault cannot be {value!r}")
    try:
        return Fault(**document)
    except ValueError as error:
        raise ValidationException(str(error)) from error


def _fault_document(fault: Fault) -> dict[str, Any]:
    return {name: value for name, value in asdict(fault).items() if name in _FAULT_MEMBERS}
