"""HealthOmics in this process: requests in, responses out, with no network."""

from __future__ import annotations

import logging
import math
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.admin import AdminApi
from healthomics_local.endpoint.authorization.access_control import AccessControl
from healthomics_local.endpoint.authorization.run_access import RunAccess
from healthomics_local.endpoint.backend import Backend
from healthomics_local.endpoint.batch_lifecycle import BatchLifecycle
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
from healthomics_local.endpoint.exports import EXPORTS_PATH, Exports
from healthomics_local.endpoint.faults import ConnectionDropped, Fault, FaultPlan
from healthomics_local.endpoint.hosts import ServedHosts
from healthomics_local.endpoint.ids import ArnFormat, IdSource
from healthomics_local.endpoint.ledger import RequestLedger
from healthomics_local.endpoint.lifecycle import Lifecycle
from healthomics_local.endpoint.logs.run_logs import RunLogs
from healthomics_local.endpoint.logs.sink import MemoryLogs
from healthomics_local.endpoint.messages import (
    Request,
    Response,
    input_from_request,
    response_from_error,
    response_from_output,
)
from healthomics_local.endpoint.objects import MemoryObjectStore, ObjectStore, S3ObjectStore
from healthomics_local.endpoint.operations.configurations import ConfigurationOperations
from healthomics_local.endpoint.operations.registry import operations
from healthomics_local.endpoint.operations.workflows import WorkflowOperations
from healthomics_local.endpoint.page.site import Page
from healthomics_local.endpoint.records import Definition, Run, Workflow
from healthomics_local.endpoint.routes import find_route
from healthomics_local.endpoint.script_plan import ScriptPlan, ScriptRule
from healthomics_local.endpoint.service_model import idempotency_members, operation_model
from healthomics_local.endpoint.settings import Settings, StorageChecks
from healthomics_local.endpoint.state import State
from healthomics_local.endpoint.state_file import StateFile, StateFileError
from healthomics_local.endpoint.storage_check import StorageCheck
from healthomics_local.endpoint.throttle import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_omics import OmicsClient

    from healthomics_local.endpoint.authorization.access_control import Caller
    from healthomics_local.endpoint.clock import Clock
    from healthomics_local.endpoint.recording import RecordedRequest
    from healthomics_local.endpoint.script import RunScript

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
        self.clock: Clock = settings.clock or RealClock(settings.speed)
        self.objects: ObjectStore = settings.object_store or _object_store(settings)
        self._owns_objects = settings.object_store is None
        self._state = State()
        storage = StorageCheck(objects=self.objects, region=settings.region, checks=_storage_checks(settings))
        self._engines = EngineSelection(settings=settings, clock=self.clock, objects=self.objects, storage=storage)
        # On a virtual clock the one who advances it must find every event delivered afterwards.
        in_thread = not isinstance(self.clock, VirtualClock)
        self._events = EventDelivery(settings.event_sink, in_thread=in_thread)
        self.logs = MemoryLogs(limit=settings.max_log_entries)
        """The logs of runs, unless `Settings.log_sink` gets them."""
        openings = self._keep_state()
        ids = IdSource(
            settings.seed, taken=self._state.taken_ids, returned=self._state.returned_ids, generation=openings
        )
        arns = ArnFormat(partition=settings.partition, region=settings.region, account_id=settings.account_id)
        access = None
        if settings.authorizer is not None:
            access = RunAccess(settings.authorizer, arns=arns, objects=self.objects)
        lifecycle = Lifecycle(
            state=self._state,
            settings=settings,
            clock=self.clock,
            ids=ids,
            arns=arns,
            events=self._events,
            logs=RunLogs(settings.log_sink or self.logs, arns=arns),
            engine_for=self._engines.engine_for,
            storage=storage,
            access=access,
        )
        self._backend = Backend(
            settings=settings,
            clock=self.clock,
            state=self._state,
            ids=ids,
            arns=arns,
            ledger=RequestLedger(settings, self._state.requests),
            events=self._events,
            lifecycle=lifecycle,
            engine_for=self._engines.engine_for,
            objects=self.objects,
            access=access,
            faults=FaultPlan(),
            scripts=ScriptPlan(),
            start_run_rate=TokenBucket(rate_per_second=settings.start_run_tps),
            base_url=self._base_url,
        )
        self._batches = BatchLifecycle(self._backend)
        self._exports = Exports(self._backend)
        for shared in settings.shared_workflows:
            WorkflowOperations(self._backend).add_shared(shared)
        self._control = None
        if settings.authorizer is not None and access is not None:
            self._control = AccessControl(settings.authorizer, state=self._state, arns=arns, access=access)
        self._dispatcher = Dispatcher(self._backend, operations(self._backend, self._batches))
        self._admin = AdminApi(self)
        self._hosts = ServedHosts(configured=settings.allowed_hosts)
        self._page = Page(self._backend, self.objects, self.call)
        if openings > 1:
            self._resume()

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
        return self._dispatcher.call(operation, given, request_id=str(uuid.uuid4()))

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
            found = [*self._state.runs.values(), *(self._state.deleted_runs.values() if include_deleted else ())]
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

    def add_script(
        self,
        script: RunScript,
        *,
        workflow_id: str | None = None,
        run_name: str | None = None,
        count: int | None = None,
    ) -> None:
        """Let coming runs go as a script says: to fail late, for example.

        The first script that fits a run counts, before `Settings.script`.

        Args:
            script: How they go.
            workflow_id: Only runs of this workflow; None: of any.
            run_name: Only runs with this name; None: with any, or none.
            count: So many runs; None: all of them.

        Raises:
            ValueError: The count is below 1.
        """
        rule = ScriptRule(script=script, workflow_id=workflow_id, run_name=run_name, count=count)
        self._backend.scripts.add(rule)

    def scripts(self) -> tuple[ScriptRule, ...]:
        """The scripts that have not been used up."""
        return self._backend.scripts.pending()

    def clear_scripts(self) -> None:
        """Forget all scripts; runs that were started keep theirs."""
        self._backend.scripts.clear()

    @property
    def start_run_tps(self) -> float | None:
        """How many StartRun calls per second are allowed, as a token bucket; None: any number. Can be changed."""
        return self._backend.start_run_rate.rate

    @start_run_tps.setter
    def start_run_tps(self, calls_per_second: float | None) -> None:
        if calls_per_second is not None and not 0 < calls_per_second < math.inf:
            raise ValueError(f"start_run_tps must be None or above 0, got {calls_per_second}")
        with self._state.transaction():
            self._backend.start_run_rate.rate = calls_per_second

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
        self._state.keep_time()

    def run_until_idle(self) -> None:
        """Advance the virtual clock until nothing is due any more: every simulated run has ended.

        Raises:
            TypeError: The service runs on another clock.
        """
        self._virtual_clock().run_until_idle()
        self._state.keep_time()

    def _base_url(self) -> str | None:
        """Where this service can be reached by HTTP; None: nowhere."""
        return None

    def _keep_state(self) -> int:
        """Take in the records of earlier processes; how many processes have had them, this one included."""
        settings = self.settings
        if settings.state_file is None:
            return 0
        identity = f"account {settings.account_id} in {settings.region} ({settings.partition})"
        file = StateFile(settings.state_file, identity=identity)
        try:
            self._state.keep_in(file, self.clock.now)
        except StateFileError:
            file.close()
            raise
        if isinstance(self.clock, VirtualClock) and file.time is not None:
            # Virtual time goes on where it was; a new clock always starts with the same date.
            self.clock.advance((file.time - self.clock.now()).total_seconds())
        elif isinstance(self.clock, RealClock) and file.time is not None:
            self.clock.go_on_from(file.time)
        return file.openings

    def _resume(self) -> None:
        """Go on with what was under way when the process before this one ended."""
        with self._state.transaction():
            WorkflowOperations(self._backend).resume()
            ConfigurationOperations(self._backend).resume()
            self._backend.lifecycle.resume()
            self._batches.resume()

    def _virtual_clock(self) -> VirtualClock:
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("only a VirtualClock can be advanced: pass one in Settings.clock")
        return self.clock

    def close(self) -> None:
        """End everything that was started: timers, engines and their processes, threads."""
        self._stop_clock()
        self._batches.close()
        self._state.close()
        self._engines.close()
        self._events.close()
        if self._owns_objects and isinstance(self.objects, S3ObjectStore):
            self.objects.close()

    def _stop_clock(self) -> None:
        """Close the clock, unless it was given: then it is its owner's to close."""
        if self._owns_clock:
            self.clock.close()

    def _answer(self, request: Request, request_id: str) -> Response:
        if self._page.serves(request.path):
            return self._page.handle(request)
        if _is_from_web_page(request):
            # No other page has any business with a service that executes workflows.
            raise AccessDeniedException("requests from web pages are refused")
        self._hosts.check(request, api=not request.path.startswith(_ADMIN_PREFIX))
        if request.method == "GET" and request.path.startswith(EXPORTS_PATH):
            return self._exports.download(request.path)
        if request.path.startswith(_ADMIN_PREFIX):
            return self._admin.handle(request)
        route = find_route(request.method, request.path)
        if route is None:
            raise UnknownOperationException(f"no operation has the route {request.method} {request.path}")
        caller = self._authenticate(request)
        operation = operation_model(route.operation)
        try:
            members = input_from_request(operation, route, request)
        except ServiceError as error:
            self._dispatcher.record(route.operation, dict(route.labels), request_id, error=error)
            raise
        output = self._dispatcher.call(route.operation, members, request_id=request_id, caller=caller)
        return response_from_output(operation, output)

    def _authenticate(self, request: Request) -> Caller | None:
        """Who made the request; None: nobody asks.

        Raises:
            ServiceError: It is not signed as it must be.
        """
        if self._control is not None:
            return self._control.authenticate(request)
        signed = request.headers.get("authorization", "").startswith("AWS4-")
        if self.settings.require_signature and not signed:
            raise MissingAuthenticationTokenException("Missing Authentication Token")
        return None


def _is_from_web_page(request: Request) -> bool:
    """Whether it has a header that only browsers send, and for another site's page."""
    site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
    return "origin" in request.headers or (site in {"cross-site", "same-site"} and mode != "navigate")


def _storage_checks(settings: Settings) -> StorageChecks:
    if settings.storage_checks is not None:
        return settings.storage_checks
    return StorageChecks.OFF if settings.aws_endpoint_url is None else StorageChecks.KNOWN_BUCKETS


def _object_store(settings: Settings) -> ObjectStore:
    if settings.aws_endpoint_url is None:
        return MemoryObjectStore()
    return S3ObjectStore(endpoint_url=settings.aws_endpoint_url, region=settings.region)
