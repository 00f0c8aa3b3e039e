"""In-memory AWS for the handler's unit tests: small, obedient, and scripted where a test wants trouble."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from healthomics_run_handler.errors import ApiError
from healthomics_run_handler.logs import JsonLog
from healthomics_run_handler.ports import Ports, ResourceState
from healthomics_run_handler.protocol import Outcome, Protocol
from healthomics_run_handler.request import parse_request
from healthomics_run_handler.resource import RunResource

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/genomes/5a0c0e70-0000-11ee-be56-0242ac120002"
LOGICAL_ID = "Alignment"

PROPERTIES: Mapping[str, Any] = {
    "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:provider",
    "ServiceTimeout": "3600",
    "Name": "genomes-alignment",
    "WorkflowId": "1234567",
    "RoleArn": "arn:aws:iam::123456789012:role/run",
    "OutputUri": "s3://results/out",
    "StorageType": "DYNAMIC",
    "Parameters": '{"paired": true, "sample": "NA12878", "threads": 4}',
}


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.time += seconds


def api_error(
    code: str, status: int, message: str = "said the service", operation: str = "StartRun", **kwargs: Any
) -> ApiError:
    return ApiError(operation, code, message, status=status, **kwargs)


NOT_FOUND = api_error("ResourceNotFoundException", 404)
THROTTLED = api_error("ThrottlingException", 429)
LOST = api_error("ConnectionError", 0)
CONFLICT = api_error("ConflictException", 409)
INVALID = api_error("ValidationException", 400)
DENIED = api_error("AccessDeniedException", 403)


@dataclass
class FakeOmics:
    """Runs in memory. ``script[operation]`` holds what the next calls do first: an error to raise, or a callable."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    script: dict[str, list[Any]] = field(default_factory=dict)
    after: dict[str, list[Any]] = field(default_factory=dict)
    reply_with_first_response: bool = False
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1000001))

    def _begin(self, operation: str, detail: Any) -> None:
        self.calls.append((operation, detail))
        self._act(self.script, operation)

    def _act(self, script: dict[str, list[Any]], operation: str) -> None:
        if script.get(operation):
            action = script[operation].pop(0)
            if isinstance(action, Exception):
                raise action
            if action is not None:
                action()

    def names(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    def started(self) -> int:
        return len(self.tokens)

    def add(self, **run: Any) -> dict[str, Any]:
        run_id = str(run.get("id") or next(self.ids))
        full = {
            "id": run_id,
            "uuid": f"uuid-{run_id}",
            "arn": f"arn:aws:omics:eu-west-1:123456789012:run/{run_id}",
            "status": "RUNNING",
            "runOutputUri": f"s3://results/out/{run_id}",
            "name": "genomes-alignment",
            "tags": {},
            **run,
        }
        self.runs[run_id] = full
        return full

    def start_run(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._begin("StartRun", dict(request))
        token = request["requestId"]
        if token not in self.tokens:
            run = self.add(
                status="PENDING",
                name=request["name"],
                tags=dict(request["tags"]),
            )
            run["runOutputUri"] = f"{request['outputUri']}/{run['id']}"
            self.tokens[token] = run["id"]
        self._act(self.after, "StartRun")
        run = self.runs.get(self.tokens[token], {"id": self.tokens[token], "uuid": f"uuid-{self.tokens[token]}"})
        response = {key: run.get(key) for key in ("id", "uuid", "arn", "status", "runOutputUri") if key in run}
        response["tags"] = dict(run.get("tags", {}))
        if self.reply_with_first_response:
            response["status"] = "PENDING"
        return response

    def get_run(self, run_id: str) -> Mapping[str, Any]:
        self._begin("GetRun", run_id)
        if run_id not in self.runs:
            raise api_error("ResourceNotFoundException", 404, operation="GetRun")
        return {**self.runs[run_id], "tags": dict(self.runs[run_id]["tags"])}

    def list_runs(self, *, name: str, status: str | None) -> Iterator[Mapping[str, Any]]:
        self._begin("ListRuns", (name, status))
        return iter([run for run in self.runs.values() if run["name"] == name and status in (None, run["status"])])

    def cancel_run(self, run_id: str) -> None:
        self._begin("CancelRun", run_id)
        if run_id not in self.runs:
            raise api_error("ResourceNotFoundException", 404, operation="CancelRun")
        self.runs[run_id]["status"] = "CANCELLED"
        self._act(self.after, "CancelRun")

    def delete_run(self, run_id: str) -> None:
        self._begin("DeleteRun", run_id)
        if run_id not in self.runs:
            raise api_error("ResourceNotFoundException", 404, operation="DeleteRun")
        del self.runs[run_id]

    def tag_run(self, arn: str, tags: Mapping[str, str]) -> None:
        self._begin("TagResource", (arn, dict(tags)))
        self._of(arn)["tags"].update(tags)

    def untag_run(self, arn: str, keys: Sequence[str]) -> None:
        self._begin("UntagResource", (arn, list(keys)))
        for key in keys:
            self._of(arn)["tags"].pop(key, None)

    def _of(self, arn: str) -> dict[str, Any]:
        run_id = arn.rpartition("/")[2]
        if run_id not in self.runs:
            raise api_error("ResourceNotFoundException", 404, operation="TagResource")
        return self.runs[run_id]


@dataclass
class FakeStacks:
    """What CloudFormation says of the resource and its stack."""

    status: str = "CREATE_IN_PROGRESS"
    stack: str = "CREATE_IN_PROGRESS"
    physical_id: str | None = None
    updated: float | None = None
    """When the stack was updated last."""
    calls: list[str] = field(default_factory=list)
    script: list[Any] = field(default_factory=list)

    def resource(self, stack_id: str, logical_id: str) -> ResourceState:
        assert (stack_id, logical_id) == (STACK_ID, LOGICAL_ID)
        self.calls.append("DescribeStackResource")
        if self.script:
            action = self.script.pop(0)
            if isinstance(action, Exception):
                raise action
            if isinstance(action, ResourceState):
                return action
        return ResourceState(status=self.status, physical_id=self.physical_id)

    def stack_status(self, stack_id: str) -> str:
        assert stack_id == STACK_ID
        self.calls.append("DescribeStacks")
        return self.stack

    def last_update(self, stack_id: str) -> float | None:
        assert stack_id == STACK_ID
        self.calls.append("DescribeStacks")
        if self.script and isinstance(self.script[0], Exception):
            raise self.script.pop(0)
        return self.updated


@dataclass
class FakeTimer:
    """A timer that fires when the test says so."""

    seconds: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Context:
    """Lambda's context object."""

    clock: FakeClock
    seconds: float = 900.0
    aws_request_id: str = "lambda-request"

    def __post_init__(self) -> None:
        self._end = self.clock.now() + self.seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - self.clock.now()) * 1000)


class World:
    """One handler and everything around it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.omics = FakeOmics()
        self.stacks = FakeStacks()
        self.lines: list[str] = []
        self.puts: list[tuple[str, bytes]] = []
        self.put_script: list[Any] = []
        self.timers: list[FakeTimer] = []
        self.ports = Ports(
            omics=self.omics,
            stacks=self.stacks,
            clock=self.clock,
            random=random.Random(7),
            log=JsonLog(self.lines.append, {"RequestId": "bound"}),
        )
        self.resource = RunResource(lambda: self.ports, put=self._put, start_timer=self._start_timer)

    def _put(self, url: str, body: bytes) -> int:
        self.puts.append((url, body))
        if self.put_script:
            action = self.put_script.pop(0)
            if isinstance(action, Exception):
                raise action
            return int(action)
        return 200

    def _start_timer(self, seconds: float, callback: Callable[[], None]) -> FakeTimer:
        self.timers.append(FakeTimer(seconds, callback))
        return self.timers[-1]

    # --- one request, without the answering shell ---

    def protocol(self, request: Mapping[str, Any], *, seconds: float = 900.0) -> Protocol:
        return Protocol(self.ports, parse_request(request), deadline=self.clock.now() + seconds)

    def run(self, request: Mapping[str, Any], *, seconds: float = 900.0) -> Outcome:
        return self.protocol(request, seconds=seconds).run()

    # --- the whole handler ---

    def handle(self, request: Any, *, seconds: float = 900.0) -> dict[str, Any]:
        self.resource(request, Context(self.clock, seconds))
        return self.answer()

    def answer(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.puts[-1][1])
        return parsed

    # --- states of the stack ---

    def updating(self, physical_id: str) -> None:
        self.stacks.status = self.stacks.stack = "UPDATE_IN_PROGRESS"
        self.stacks.physical_id = physical_id

    def rolling_back(self, physical_id: str) -> None:
        self.stacks.status, self.stacks.stack = "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"
        self.stacks.physical_id = physical_id

    def deleting(self, physical_id: str | None) -> None:
        self.stacks.status = self.stacks.stack = "DELETE_IN_PROGRESS"
        self.stacks.physical_id = physical_id


def create(request_id: str = "create-1", **properties: Any) -> dict[str, Any]:
    return _event("Create", request_id, {**PROPERTIES, **properties})


def update(
    physical_id: str, new: Mapping[str, Any], old: Mapping[str, Any], request_id: str = "update-1"
) -> dict[str, Any]:
    return {
        **_event("Update", request_id, {**PROPERTIES, **new}),
        "PhysicalResourceId": physical_id,
        "OldResourceProperties": {**PROPERTIES, **old},
    }


def delete(physical_id: str, request_id: str = "delete-1", **properties: Any) -> dict[str, Any]:
    return {**_event("Delete", request_id, {**PROPERTIES, **properties}), "PhysicalResourceId": physical_id}


def _event(request_type: str, request_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "RequestType": request_type,
        "ServiceToken": properties["ServiceToken"],
        "StackId": STACK_ID,
        "LogicalResourceId": LOGICAL_ID,
        "RequestId": request_id,
        "ResponseURL": f"https://response.example/{request_id}?X-Amz-Signature=5ecret",
        "ResourceType": "Custom::HealthOmicsRun",
        "ResourceProperties": dict(properties),
    }


def dated(event: dict[str, Any], second: int) -> dict[str, Any]:
    """Return an event as CloudFormation presigns it: sent so many seconds after a quarter past ten."""
    return {**event, "ResponseURL": f"{event['ResponseURL']}&X-Amz-Date=20261122T1015{second:02}Z"}
