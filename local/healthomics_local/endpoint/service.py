"""HealthOmics in this process: requests in, responses out, with no network."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.admin import AdminApi
from healthomics_local.endpoint.backend import Backend
from healthomics_local.endpoint.clock import RealClock, VirtualClock
from healthomics_local.endpoint.dispatch import Dispatcher
from healthomics_local.endpoint.engines.selection import EngineSelection
from healthomics_local.endpoint.errors import (
    AccessDeniedException,
    InternalServerException,
    MissingAuthenticationTokenException,
    ServiceError,
    UnknownOperationException,
)
from healthomics_local.endpoint.events import EventDelivery
from healthomics_local.endpoint.faults import ConnectionDropped, Fault
from healthomics_local.endpoint.ids import ArnFormat, IdSource
from healthomics_local.endpoint.ledger import RequestLedger
from healthomics_local.endpoint.lifecycle import Lifecycle
from healthomics_local.endpoint.messages import (
    Request,
    Response,
    input_from_request,
    response_from_error,
    response_from_output,
)
from healthomics_local.endpoint.objects import MemoryObjectStore, ObjectStore, S3ObjectStore
from healthomics_local.endpoint.operations.registry import operations
from healthomics_local.endpoint.operations.workflows import WorkflowOperations
from healthomics_local.endpoint.records import Definition, Run, Workflow
from healthomics_local.endpoint.routes import find_route
from healthomics_local.endpoint.service_model import idempotency_members, operation_model
from healthomics_local.endpoint.settings import Settings
from healthomics_local.endpoint.state import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_omics import OmicsClient

    from healthomics_local.endpoint.clock import Clock
    from healthomics_local.endpoint.recording import RecordedRequest

logger = logging.getLogger(__name__)

_ADMIN_PREFIX = "/_local/"


class Service:
    """A HealthOmics of its own, with its own account.

    >>> service = Service(Settings(accept_unknown_references=True))
    >>> service.call("ListRuns")["items"]
    []
    >>> service.close()
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings = settings or Settings()
        self._owns_clock = settings.clock is None
        self.clock: Clock = settings.clock or RealClock()
        self.objects: ObjectStore = settings.object_store or _object_store(settings)
        self._owns_objects = settings.object_store is None
        self._state = State()
        self._engines = EngineSelection(settings=settings, clock=self.clock, objects=self.objects)
        # On a virtual clock the one who advances it must find every event delivered afterwards.
        in_thread = not isinstance(self.clock, VirtualClock)
        self._events = EventDelivery(settings.event_sink, in_thread=in_thread)
        ids = IdSource(settings.seed)
        arns = ArnFormat(partition=settings.partition, region=settings.region, account_id=settings.account_id)
        lifecycle = Lifecycle(
            state=self._state,
            settings=settings,
            clock=self.clock,
            ids=ids,
            arns=arns,
            events=self._events,
            engine_for=self._engines.engine_for,
        )
        self._backend = Backend(
            settings=settings,
            clock=self.clock,
            state=self._state,
            ids=ids,
            arns=arns,
            ledger=RequestLedger(settings),
            events=self._events,
            lifecycle=lifecycle,
            engine_for=self._engines.engine_for,
        )
        self._dispatcher = Dispatcher(self._backend, operations(self._backend))
        self._admin = AdminApi(self)

    def call(self, operation: str, members: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call an operation with its members, in Python values; the output has dates as datetime.

        A requestId that is left out is made up, as the SDKs do.

        Raises:
            ServiceError: What the service would answer with.
            ConnectionDropped: A fault says that there is no response.
        """
        given = dict(members or {})
        for name in idempotency_members(operation):
            given.setdefault(name, str(uuid.uuid4()))
        output, _ = self._dispatcher.call(operation, given, request_id=str(uuid.uuid4()))
        return output

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request; whatever goes wrong becomes an error of the API.

        Raises:
            ConnectionDropped: A fault says that there is no response.
        """
        request_id = str(uuid.uuid4())
        try:
            response = self._answer(request, request_id)
        except ServiceError as error:
            response = response_from_error(error)
        except ConnectionDropped:
            raise
        except Exception:
            logger.exception("%s %s failed", request.method, request.path)
            response = response_from_error(InternalServerException("an unexpected error in the local endpoint"))
        return replace(response, headers={**response.headers, "x-amzn-RequestId": request_id})

    def client(self, **config: Any) -> OmicsClient:
        """A boto3 client that calls this service in this process, without a socket."""
        from healthomics_local.endpoint.clients import in_process_client  # noqa: PLC0415 - boto3 is slow to import

        return in_process_client(self, **config)

    def add_workflow(
        self,
        *,
        workflow_id: str | None = None,
        name: str | None = None,
        engine: str = "WDL",
        parameter_template: Mapping[str, Mapping[str, Any]] | None = None,
        owner_id: str | None = None,
        definition: bytes | None = None,
        main: str | None = None,
    ) -> Workflow:
        """Add an ACTIVE workflow without a request: a quick one for a test, or one that another account shares.

        Args:
            workflow_id: None for a new id.
            name: None for a name made from the id.
            engine: WDL, NEXTFLOW or CWL.
            parameter_template: None lets every parameter pass.
            owner_id: The account that shares it; None for the endpoint's own.
            definition: The zip archive, if an engine is to execute it.
            main: The main file in the archive.
        """
        with self._state.transaction():
            workflow_id = workflow_id or self._backend.ids.numeric()
            workflow = Workflow(
                workflow_id=workflow_id,
                uuid=self._backend.ids.uuid(),
                arn=self._backend.arns.of(f"workflow/{workflow_id}", owner=owner_id),
                sequence=self._state.next_sequence(),
                owner_id=owner_id,
                name=name or f"workflow-{workflow_id}",
                engine=engine,
                main=main,
                definition=Definition(archive=definition),
                parameter_template=parameter_template,
                creation_time=self._backend.now(),
            )
            WorkflowOperations(self._backend).add(workflow)
        return workflow

    def runs(self, *, include_deleted: bool = False) -> list[Run]:
        """The records of all runs, in the order in which they were started."""
        with self._state.transaction():
            found = [*self._state.runs.values(), *(self._state.deleted_runs if include_deleted else ())]
        return sorted(found, key=lambda run: run.sequence)

    def inject(self, fault: Fault) -> None:
        """Let a coming call go wrong. Faults are used up in the order in which they are injected."""
        self._dispatcher.faults.add(fault)

    def faults(self) -> tuple[Fault, ...]:
        """The faults that have not been used up."""
        return self._dispatcher.faults.pending()

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._dispatcher.faults.clear()

    def requests(self, operation: str | None = None) -> list[RecordedRequest]:
        """The latest calls of an operation, or of all, oldest first."""
        return self._dispatcher.recorder.all(operation)

    def clear_requests(self) -> None:
        """Forget the recorded calls."""
        self._dispatcher.recorder.clear()

    def advance(self, seconds: float) -> None:
        """Advance the virtual clock.

        Raises:
            TypeError: The service runs on another clock.
        """
        self._virtual_clock().advance(seconds)

    def run_until_idle(self) -> None:
        """Advance the virtual clock until nothing is due any more: every simulated run has ended.

        Raises:
            TypeError: The service runs on another clock.
        """
        self._virtual_clock().run_until_idle()

    def _virtual_clock(self) -> VirtualClock:
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("only a VirtualClock can be advanced: pass one in Settings.clock")
        return self.clock

    def close(self) -> None:
        """End everything that was started: timers, engines and their processes, threads."""
        if self._owns_clock:
            self.clock.close()
        self._engines.close()
        self._events.close()
        if self._owns_objects and isinstance(self.objects, S3ObjectStore):
            self.objects.close()

    def _answer(self, request: Request, request_id: str) -> Response:
        if "origin" in request.headers:
            # Only web pages send it, and a page has no business with a service that executes workflows.
            raise AccessDeniedException("requests from web pages are refused")
        if request.path.startswith(_ADMIN_PREFIX):
            return self._admin.handle(request)
        route = find_route(request.method, request.path)
        if route is None:
            raise UnknownOperationException(f"no operation has the route {request.method} {request.path}")
        signed = request.headers.get("authorization", "").startswith("AWS4-")
        if self.settings.require_signature and not signed:
            raise MissingAuthenticationTokenException("Missing Authentication Token")
        operation = operation_model(route.operation)
        try:
            members = input_from_request(operation, route, request)
        except ServiceError as error:
            self._dispatcher.record(route.operation, dict(route.labels), request_id, error=error)
            raise
        output, fault = self._dispatcher.call(route.operation, members, request_id=request_id)
        response = response_from_output(operation, output)
        return response if fault is None or fault.status is None else replace(response, status=fault.status)


def _object_store(settings: Settings) -> ObjectStore:
    if settings.aws_endpoint_url is None:
        return MemoryObjectStore()
    return S3ObjectStore(endpoint_url=settings.aws_endpoint_url, region=settings.region)
