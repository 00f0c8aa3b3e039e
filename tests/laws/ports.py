"""What the handler sees of the world: every method is a yield point of the scheduler and a place for a fault."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from healthomics_run_handler.errors import ApiError
from healthomics_run_handler.ports import ResourceState
from laws.chaos import DIES, PUT, FaultInjector, Kind
from laws.cloudformation import CloudFormation
from laws.healthomics import FakeHealthOmics, pages
from laws.journal import Journal
from laws.lambda_service import Invocation, LambdaService, Put
from laws.scheduler import Killed, Scheduler, Task

T = TypeVar("T")

API_NAMES: Final = {
    "start_run": "StartRun",
    "get_run": "GetRun",
    "list_runs": "ListRuns",
    "cancel_run": "CancelRun",
    "delete_run": "DeleteRun",
    "tag_run": "TagResource",
    "untag_run": "UntagResource",
    "describe_resource": "DescribeStackResource",
    "describe_stack": "DescribeStacks",
}
CLIENT_TIMEOUT: Final = 60.0
"""A call that takes longer is a lost response: botocore's read time-out."""
SOCKET_TIMEOUT: Final = 10.0
"""The same for the answer's PUT."""

_ERRORS: Final = {
    Kind.THROTTLED: ("ThrottlingException", "Rate exceeded", 429),
    Kind.SERVER_ERROR: ("InternalServerException", "An unexpected error occurred", 500),
    Kind.SERVER_ERROR_AFTER: ("InternalServerException", "An unexpected error occurred", 500),
    Kind.REQUEST_TIMEOUT: ("RequestTimeoutException", "The request timed out", 408),
    Kind.REQUEST_TIMEOUT_AFTER: ("RequestTimeoutException", "The request timed out", 408),
    Kind.DENIED: ("AccessDeniedException", "is not authorized to perform", 403),
    Kind.REFUSED: ("ValidationException", "1 validation error detected", 400),
    Kind.LOST_REQUEST: ("ConnectionError", "Connection reset by peer", 0),
    Kind.LOST_RESPONSE: ("ConnectionError", "Connection was closed before a response arrived", 0),
}
_BEFORE: Final = frozenset(
    {Kind.LOST_REQUEST, Kind.THROTTLED, Kind.SERVER_ERROR, Kind.REQUEST_TIMEOUT, Kind.DENIED, Kind.REFUSED}
)


def _error(operation: str, kind: Kind, *, retry_after: float | None = None) -> ApiError:
    code, message, status = _ERRORS[kind]
    return ApiError(API_NAMES[operation], code, message, status=status, retry_after=retry_after)


class Calls:
    """Makes one invocation's calls: time passes, faults happen, and the work is done in between."""

    def __init__(
        self,
        scheduler: Scheduler,
        faults: FaultInjector,
        service: LambdaService,
        invocation: Invocation,
        journal: Journal,
    ) -> None:
        self.scheduler: Final = scheduler
        self.invocation: Final = invocation
        self._faults = faults
        self._service = service
        self._journal = journal

    def make(self, operation: str, work: Callable[[], T], subject: str = "") -> T:
        """Call an AWS API."""
        try:
            result = self._make(operation, work)
        except ApiError as error:
            self._journal.note(self.invocation, operation, subject, error.code)
            raise
        except Killed:
            self._journal.note(self.invocation, operation, subject, "killed")
            raise
        self._journal.note(self.invocation, operation, subject, result)
        return result

    def _make(self, operation: str, work: Callable[[], T]) -> T:
        fault = self._take(operation)
        kind = fault.kind if fault is not None else None
        seconds = fault.seconds if fault is not None else 0.0
        self._die_if(kind is Kind.KILLED_BEFORE)
        self._travel()
        if self.scheduler.now < self._faults.denied_until:
            raise _error(operation, Kind.DENIED)
        if kind in _BEFORE:
            assert kind is not None
            raise _error(operation, kind, retry_after=seconds or None)
        result = work()
        if kind is Kind.SLOW:
            self.scheduler.sleep(min(seconds, CLIENT_TIMEOUT))
            if seconds >= CLIENT_TIMEOUT:
                raise _error(operation, Kind.LOST_RESPONSE)
        self._travel()
        self._die_if(kind is Kind.KILLED_AFTER)
        if kind is not None and kind in _ERRORS:
            raise _error(operation, kind)
        return result

    def put(self, work: Callable[[], int], subject: str) -> int:
        """Put an answer to S3."""
        try:
            status = self._put(work)
        except OSError as error:
            self._journal.note(self.invocation, PUT, subject, type(error).__name__)
            raise
        self._journal.note(self.invocation, PUT, subject, status)
        return status

    def _put(self, work: Callable[[], int]) -> int:
        fault = self._take(PUT)
        kind = fault.kind if fault is not None else None
        self._die_if(kind is Kind.KILLED_BEFORE)
        self._travel(SOCKET_TIMEOUT)  # one that takes longer is given up: a SLOW fault
        if kind is Kind.UNREACHABLE:
            raise ConnectionResetError("Connection reset by peer")
        if kind is Kind.REJECTED:
            return 503
        if fault is not None and kind is Kind.SLOW:
            self.scheduler.sleep(min(fault.seconds, SOCKET_TIMEOUT))
            if fault.seconds >= SOCKET_TIMEOUT:
                raise TimeoutError("timed out")
        status = work()
        self._travel(SOCKET_TIMEOUT)
        self._die_if(kind is Kind.KILLED_AFTER)
        if kind is Kind.LOST_RESPONSE:
            raise ConnectionResetError("Connection reset by peer")
        return status

    def _take(self, operation: str) -> Any:
        spared = () if self._service.may_be_killed(self.invocation) else DIES
        fault = self._faults.take(operation, spared=spared)
        if fault is not None and fault.kind in DIES:
            self.invocation.request.kills += 1
        return fault

    def _travel(self, longest: float = CLIENT_TIMEOUT) -> None:
        self.scheduler.sleep(min(self._faults.latency(), longest) / 2)

    def _die_if(self, dies: bool) -> None:  # noqa: FBT001 - reads as a sentence
        if dies:
            self._service.kill(self.invocation)
            raise Killed  # the timer's process dies with the handler's, whichever of them called


@dataclass
class SimulatedClock:
    scheduler: Scheduler

    def now(self) -> float:
        return self.scheduler.now

    def sleep(self, seconds: float) -> None:
        self.scheduler.sleep(seconds)


@dataclass
class SimulatedOmics:
    calls: Calls
    service: FakeHealthOmics[Invocation]

    def start_run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self.calls.make("start_run", lambda: self.service.start_run(dict(request), self.calls.invocation))

    def get_run(self, run_id: str) -> dict[str, Any]:
        return self.calls.make("get_run", lambda: self.service.get_run(run_id), run_id)

    def list_runs(self, *, name: str, status: str | None = None) -> Iterator[dict[str, Any]]:
        return pages(
            lambda start: self.calls.make(
                "list_runs", lambda: self.service.page_of_runs(name, status, start), f"{name} {status}"
            )
        )

    def cancel_run(self, run_id: str) -> None:
        self.calls.make("cancel_run", lambda: self.service.cancel_run(run_id, self.calls.invocation), run_id)

    def delete_run(self, run_id: str) -> None:
        self.calls.make("delete_run", lambda: self.service.delete_run(run_id, self.calls.invocation), run_id)

    def tag_run(self, arn: str, tags: Mapping[str, str]) -> None:
        self.calls.make(
            "tag_run", lambda: self.service.tag_run(arn, dict(tags), self.calls.invocation), f"{arn} {tags}"
        )

    def untag_run(self, arn: str, keys: Sequence[str]) -> None:
        self.calls.make(
            "untag_run", lambda: self.service.untag_run(arn, list(keys), self.calls.invocation), f"{arn} {keys}"
        )


@dataclass
class SimulatedStacks:
    """As the handler's own adapter does, it takes what "does not exist" for deleted."""

    calls: Calls
    service: CloudFormation

    def resource(self, stack_id: str, logical_id: str) -> ResourceState:
        try:
            return self.calls.make("describe_resource", lambda: self.service.describe_resource(stack_id, logical_id))
        except ApiError as error:
            if "does not exist" in error.message:
                return ResourceState(status="DELETE_COMPLETE", physical_id=None)
            raise

    def stack_status(self, stack_id: str) -> str:
        try:
            return self.calls.make("describe_stack", lambda: self.service.describe_stack(stack_id))
        except ApiError as error:
            if "does not exist" in error.message:
                return "DELETE_COMPLETE"
            raise

    def last_update(self, stack_id: str) -> float | None:
        return self.calls.make("describe_stack", lambda: self.service.last_update(stack_id))


@dataclass
class SimulatedContext:
    """The Lambda context object."""

    invocation: Invocation
    scheduler: Scheduler

    @property
    def aws_request_id(self) -> str:
        return self.invocation.request_id

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.invocation.deadline - self.scheduler.now) * 1000))


@dataclass
class Timer:
    scheduler: Scheduler
    task: Task
    started: bool = False

    def cancel(self) -> None:
        """Like ``threading.Timer.cancel``: no effect once the callback runs."""
        if not self.started:
            self.scheduler.kill(self.task)


@dataclass
class Ports:
    """Everything that one invocation gets."""

    calls: Calls
    clock: SimulatedClock
    omics: SimulatedOmics
    stacks: SimulatedStacks
    context: SimulatedContext
    service: CloudFormation

    def put(self, url: str, body: bytes) -> int:
        """PUT an answer to a presigned URL; OSError on connection problems."""
        invocation = self.calls.invocation

        def store() -> int:
            status = self.service.receive(url, body)
            invocation.puts.append(Put(self.clock.now(), url, body, status))
            return status

        return self.calls.put(store, body.decode(errors="replace"))

    def start_timer(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` in a task of its own after some seconds."""
        scheduler = self.calls.scheduler

        def body() -> None:
            timer.started = True
            with suppress(Exception):  # threading prints what escapes a thread, and the process goes on
                callback()

        timer = Timer(scheduler, scheduler.spawn(body, delay=seconds))
        self.calls.invocation.timers.append(timer.task)
        return timer
