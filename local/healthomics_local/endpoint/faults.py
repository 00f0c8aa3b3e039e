"""Faults that a test injects: errors, delays and lost responses, for chosen calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import InternalServerException, ServiceError, error_class
from healthomics_local.endpoint.service_model import service_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ANY_OPERATION = "*"
_MAX_LATENCY = 86_400


class ConnectionDropped(Exception):  # noqa: N818 - names the event, which is no error of the endpoint
    """The caller gets no response: the connection is closed instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What goes wrong with a call, and with which calls."""

    operation: str = ANY_OPERATION
    """The API name of the operation (``StartRun``), or ``*``. What a run batch does to its runs counts too: its
    submissions as StartRun, and what CancelRunBatch and DeleteRunBatch do as CancelRun and DeleteRun."""
    code: str | None = None
    """The error the caller gets, such as ``ThrottlingException``; None: no error."""
    message: str = "injected fault"
    status: int | None = None
    """The HTTP status, from 400 to 599, where it is not the usual one of the code."""
    skip: int = 0
    """Leave this many matching calls alone first."""
    count: int | None = 1
    """Then hit this many; None: all of them."""
    after_processing: bool = False
    """The call takes effect, and only its response is lost."""
    latency: float = 0.0
    """Seconds, on the endpoint's clock, before anything else happens."""
    drop_connection: bool = False
    """Close the connection without a response."""
    when: Callable[[Mapping[str, Any]], bool] | None = None
    """Only calls whose members this accepts; None: all."""

    def __post_init__(self) -> None:
        if self.operation != ANY_OPERATION and self.operation not in service_model().operation_names:
            raise ValueError(f"operation must be * or an operation of HealthOmics, got {self.operation!r}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count must be None or at least 1, got {self.count}")
        if self.skip < 0:
            raise ValueError(f"skip must not be negative, got {self.skip}")
        if self.status is not None and not 400 <= self.status <= 599:  # noqa: PLR2004 - what an error can have
            raise ValueError(f"status must be None or from 400 to 599, got {self.status}")
        if self.status is not None and self.code is None:
            raise ValueError(f"status is that of an error, so it needs a code, got {self.status} alone")
        if not 0 <= self.latency <= _MAX_LATENCY:
            raise ValueError(f"latency must be from 0 to {_MAX_LATENCY} seconds, got {self.latency}")

    def failure(self) -> ServiceError | ConnectionDropped | None:
        """What the caller should get; None, when the fault is only a delay."""
        if self.drop_connection:
            return ConnectionDropped(self.message)
        if self.code is not None:
            return _error(self.code, self.message, self.status)
        return None


class FaultPlan:
    """The faults that are still to come, in the order in which they were injected."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Inject a fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def pending(self) -> tuple[Fault, ...]:
        """The faults that are left, with what is left of their counts."""
        with self._lock:
            return tuple(self._faults)

    def take(self, operation: str, members: Mapping[str, Any], *, by_service: bool = False) -> Fault | None:
        """The fault that hits this call, if any; it is used up by one.

        Args:
            operation: The API name of the operation.
            members: Its members.
            by_service: The service itself makes the call, for a run batch. There is no connection then that
                could be slow or lost, so only faults count that refuse a call.
        """
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.operation not in {ANY_OPERATION, operation}:
                    continue
                if by_service and (fault.code is None or fault.drop_connection or fault.after_processing):
                    continue
                if fault.when is not None and not fault.when(members):
                    continue
                if fault.skip > 0:
                    self._faults[index] = replace(fault, skip=fault.skip - 1)
                    continue
                if fault.count == 1:
                    del self._faults[index]
                elif fault.count is not None:
                    self._faults[index] = replace(fault, count=fault.count - 1)
                return fault
        return None


def _error(code: str, message: str, status: int | None) -> ServiceError:
    error = (error_class(code) or InternalServerException)(message)
    error.code = code
    if status is not None:
        error.http_status = status
    return error
