"""The way of a call through the endpoint: faults, throttling, validation, the operation, the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.clock import ClockClosed
from healthomics_local.endpoint.errors import (
    OperationNotImplementedException,
    ServiceError,
    ThrottlingException,
    UnknownOperationException,
)
from healthomics_local.endpoint.faults import ConnectionDropped
from healthomics_local.endpoint.given_members import given_members
from healthomics_local.endpoint.operations.registry import SELF_LOCKING
from healthomics_local.endpoint.recording import RecordedRequest, RequestRecorder, recordable
from healthomics_local.endpoint.service_model import operation_model, service_model
from healthomics_local.endpoint.validation import check_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.authorization.access_control import Caller
    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.operations.registry import Operation


class Dispatcher:
    """Calls operations."""

    def __init__(self, backend: Backend, operations: Mapping[str, Operation]) -> None:
        self.faults = backend.faults
        self.recorder = RequestRecorder(
            limit=backend.settings.max_recorded_requests, max_bytes=backend.settings.max_recorded_bytes
        )
        self._settings = backend.settings
        self._clock = backend.clock
        self._state = backend.state
        self._operations = operations
        self._start_run_rate = backend.start_run_rate

    def call(
        self, operation: str, members: dict[str, Any], *, request_id: str, caller: Caller | None = None
    ) -> dict[str, Any]:
        """Call an operation, and give its output.

        Args:
            operation: The API name.
            members: What the caller sent.
            request_id: The id of the call.
            caller: Who must be allowed to make it; None: everybody is.

        Raises:
            ServiceError: What the service would answer with.
            ConnectionDropped: A fault says that there is no response.
        """
        if operation not in service_model().operation_names:
            raise UnknownOperationException(f"HealthOmics has no operation {operation}")
        members = given_members(operation_model(operation).input_shape, members)
        fault = self.faults.take(operation, members)
        failure = fault.failure() if fault is not None else None
        try:
            if fault is not None and fault.latency > 0:
                self._wait(fault.latency)
            if failure is not None and fault is not None and not fault.after_processing:
                raise failure
            output = self._process(operation, members, caller)
            if failure is not None:
                raise failure
        except ServiceError as error:
            self.record(operation, members, request_id, error=error, injected=error is failure)
            raise
        except ConnectionDropped:
            self.record(operation, members, request_id, dropped=True, injected=True)
            raise
        self.record(operation, members, request_id)
        return output

    def _wait(self, seconds: float) -> None:
        try:
            self._clock.sleep(seconds)
        except ClockClosed as error:
            # The endpoint ends: whoever waits for an answer gets none, and the call has no effect.
            raise ConnectionDropped("the endpoint was stopped") from error

    def _process(self, operation: str, members: dict[str, Any], caller: Caller | None) -> dict[str, Any]:
        if operation == "StartRun":
            with self._state.transaction():
                allowed = self._start_run_rate.take(self._clock.now())
            if not allowed:
                raise ThrottlingException("Rate exceeded")
        function = self._operations.get(operation)
        if function is None:
            raise OperationNotImplementedException(f"{operation} is not implemented by the local HealthOmics")
        model = operation_model(operation)
        check_input(model.input_shape, members, reject_unknown=self._settings.reject_unknown_members)
        if caller is not None:
            caller.require(operation, members)
        principal = self._settings.principal if caller is None else caller.arn
        if operation in SELF_LOCKING:
            return function(members, principal)
        with self._state.transaction():
            return function(members, principal)

    def record(
        self,
        operation: str,
        members: Mapping[str, Any],
        request_id: str,
        *,
        error: ServiceError | None = None,
        dropped: bool = False,
        injected: bool = False,
    ) -> None:
        """Record a call, and how it was answered."""
        status: int | None = None
        if error is not None:
            status = error.http_status
        elif not dropped:
            status = int(operation_model(operation).http.get("responseCode", 200))
        self.recorder.add(
            RecordedRequest(
                operation=operation,
                input=recordable(members),
                status=status,
                error=error.code if error is not None else None,
                at=self._clock.now(),
                request_id=request_id,
                injected=injected,
            )
        )
