"""The endpoint's own HTTP API, below ``/_local``: what a test or a script wants to arrange or to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard
from urllib.parse import parse_qs

from healthomics_local.endpoint.admin_documents import (
    fault_document,
    fault_from,
    parse_document,
    rule_document,
    rule_from,
)
from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.errors import UnknownOperationException, ValidationException
from healthomics_local.endpoint.messages import Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthomics_local.endpoint.messages import Request
    from healthomics_local.endpoint.service import Service


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
            ("GET", "scripts"): self._list_scripts,
            ("POST", "scripts"): self._add_script,
            ("DELETE", "scripts"): self._clear_scripts,
            ("GET", "throttling"): self._get_throttling,
            ("PUT", "throttling"): self._set_throttling,
            ("POST", "clock/advance"): self._advance,
            ("POST", "clock/run-until-idle"): self._run_until_idle,
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
        return json_response(200, [fault_document(fault) for fault in self._service.faults()])

    def _inject_fault(self, request: Request) -> Response:
        self._service.inject(fault_from(parse_document(request.body)))
        return Response(status=204)

    def _clear_faults(self, _: Request) -> Response:
        self._service.clear_faults()
        return Response(status=204)

    def _list_scripts(self, _: Request) -> Response:
        return json_response(200, [rule_document(rule) for rule in self._service.scripts()])

    def _add_script(self, request: Request) -> Response:
        rule = rule_from(parse_document(request.body))
        self._service.add_script(rule.script, workflow_id=rule.workflow_id, run_name=rule.run_name, count=rule.count)
        return Response(status=204)

    def _clear_scripts(self, _: Request) -> Response:
        self._service.clear_scripts()
        return Response(status=204)

    def _get_throttling(self, _: Request) -> Response:
        return json_response(200, {"start_run_tps": self._service.start_run_tps})

    def _set_throttling(self, request: Request) -> Response:
        document = parse_document(request.body)
        rate = document.get("start_run_tps")
        if document.keys() != {"start_run_tps"} or not (rate is None or _is_number(rate)):
            raise ValidationException('throttling is {"start_run_tps": …}, with a number above 0, or null for none')
        try:
            self._service.start_run_tps = rate
        except ValueError as error:
            raise ValidationException(str(error)) from error
        return self._get_throttling(request)

    def _advance(self, request: Request) -> Response:
        seconds = parse_document(request.body).get("seconds")
        if not _is_number(seconds) or seconds < 0:
            raise ValidationException("seconds must be a number that is not negative")
        self._need_virtual_clock()
        try:
            self._service.advance(seconds)
        except OverflowError as error:
            raise ValidationException(f"there is no such time: {error}") from error
        return self._time()

    def _run_until_idle(self, _: Request) -> Response:
        self._need_virtual_clock()
        self._service.run_until_idle()
        return self._time()

    def _need_virtual_clock(self) -> None:
        if not isinstance(self._service.clock, VirtualClock):
            raise ValidationException("the endpoint does not run on a virtual clock: start it with --virtual-clock")

    def _time(self) -> Response:
        return json_response(200, {"time": self._service.clock.now().isoformat()})


def _is_number(value: object) -> TypeGuard[float]:
    # bool is an int in Python, but JSON's true is no number.
    return isinstance(value, int | float) and not isinstance(value, bool)
