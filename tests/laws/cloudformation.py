"""CloudFormation's side of the custom resource protocol: sends requests, takes answers, describes stacks.

What it does *when* is in ``deployment.py``.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from healthomics_run_handler.errors import ApiError
from healthomics_run_handler.ports import ResourceState
from laws.requests import URL_LIFETIME, Ending, Outcome, Phase, Request, outcome_of
from laws.scheduler import Scheduler
from laws.stack import OldProperties, Readings, Resource, ShownId, Stack
from laws.template import ACCOUNT, REGION, RESOURCE_TYPE, SERVICE_TOKEN, Properties, spec_of

_SUFFIX_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class Receipt:
    """An answer that reached S3."""

    time: float
    request: Request
    body: bytes
    accepted: bool
    """CloudFormation was waiting for it; every other one is only stored."""


class CloudFormation:
    """The service, as far as custom resources see it."""

    def __init__(
        self,
        scheduler: Scheduler,
        readings: Readings,
        tally: Counter[str],
        deliver: Callable[[Request], None],
    ) -> None:
        self.scheduler: Final = scheduler
        self.readings: Final = readings
        self.tally: Final = tally
        self._deliver = deliver
        self.stacks: dict[str, Stack] = {}
        self.requests: list[Request] = []
        self.receipts: list[Receipt] = []
        self.on_receipt: Callable[[Receipt], None] = lambda _: None
        self.named_runs: dict[tuple[str, str, str], str] = {}
        """(stack id, logical id, physical id) -> the run's uuid, from accepted answers."""
        self.deleted_ids: set[tuple[str, str, str]] = set()
        """(stack id, logical id, physical id) for which a Delete has been sent."""
        self._by_url: dict[str, Request] = {}
        self._ids_of_this_operation: dict[tuple[str, str, Phase], str] = {}
        self._ids_of_the_last_operation: dict[tuple[str, str, Phase], str] = {}
        self._numbers = 0

    def new_stack(self, name: str) -> Stack:
        """A stack's id holds a new uuid, also when the name was used before."""
        stack = Stack(name, f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{self.new_request_id()}")
        self.stacks[stack.id] = stack
        return stack

    def begin_operation(self) -> None:
        """A retry reuses the RequestIds of the attempt just before it, not those of earlier times."""
        self._ids_of_the_last_operation = self._ids_of_this_operation
        self._ids_of_this_operation = {}

    # --- requests ---------------------------------------------------------------------------------------------

    def post(
        self,
        stack: Stack,
        resource: Resource,
        request_type: str,
        *,
        phase: Phase,
        properties: Properties,
        old_properties: Properties | None = None,
        physical_id: str | None = None,
        request_id: str | None = None,
        is_retry: bool = False,
    ) -> Request:
        """Send a request; the answer comes through its future.

        "A unique ID for the request. Combining the StackId with the RequestId forms a value that you can use to
        uniquely identify a request on a particular custom resource" (crpg-ref-requests): ``request_id`` may be shared
        by the resources of one operation, and "when CloudFormation retries a failed deployment, it reuses the same
        RequestId" (aws-cdk PR 35988).
        """
        key = (resource.logical_id, request_type, phase)
        if is_retry and self.readings.reuses_request_ids:
            reused = self._ids_of_this_operation.get(key) or self._ids_of_the_last_operation.get(key)
            self.tally[f"reused RequestId: {request_type}"] += reused is not None
            request_id = reused or request_id
        request_id = request_id or self.new_request_id()
        self._ids_of_this_operation[key] = request_id
        self._numbers += 1
        event = {
            "RequestType": request_type,
            "ServiceToken": SERVICE_TOKEN,
            # The path has stack, resource and request; the query is presigned anew for every sending.
            "ResponseURL": f"https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/"
            f"{stack.id}%7C{resource.logical_id}%7C{request_id}"
            f"?X-Amz-Date={datetime.fromtimestamp(self.scheduler.now, UTC):%Y%m%dT%H%M%SZ}"
            f"&X-Amz-Expires={URL_LIFETIME:.0f}&X-Amz-Signature={self._numbers:016x}",
            "StackId": stack.id,
            "RequestId": request_id,
            "LogicalResourceId": resource.logical_id,
            "ResourceType": RESOURCE_TYPE,
            "ResourceProperties": properties,
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if old_properties is not None:
            event["OldResourceProperties"] = old_properties
        request = Request(
            number=self._numbers,
            event=event,
            phase=phase,
            allowance=self._allowance(resource, request_type, phase, properties),
            sent=self.scheduler.now,
            future=self.scheduler.future(),
        )
        if request_type == "Delete":
            assert physical_id is not None
            self.deleted_ids.add((stack.id, resource.logical_id, physical_id))
        self.requests.append(request)
        self._by_url[request.url] = request
        self.tally[f"request: {phase} {request_type}"] += 1
        self._deliver(request)
        return request

    def outcome(self, request: Request) -> Outcome:
        """Wait for a request's end: an answer, the ServiceTimeout, or its cancellation."""
        timeout = float(request.properties["ServiceTimeout"])
        if not self.scheduler.wait(request.future, timeout=timeout):
            request.future.resolve(Outcome(Ending.TIMED_OUT))
        outcome = request.future.value
        assert outcome is not None
        self.tally[f"ending: {outcome.ending}"] += 1
        return outcome

    def receive(self, url: str, body: bytes) -> int:
        """Take a PUT to S3: stored for as long as the URL is valid, whether anybody waits for it or not."""
        request = self._by_url.get(url)
        if request is None or self.scheduler.now > request.sent + URL_LIFETIME:
            self.tally["answers to an expired URL"] += 1
            return 403
        accepted = request.outstanding
        if accepted:
            outcome = outcome_of(body, request)
            uuid = outcome.data.get("RunUuid")
            if outcome.ending is Ending.SUCCESS and outcome.physical_id and isinstance(uuid, str):
                key = (request.stack_id, request.logical_id, outcome.physical_id)
                self.named_runs[key] = uuid
                self.deleted_ids.discard(key)  # taken again, if its Delete had been sent
            request.future.resolve(outcome)
        receipt = Receipt(self.scheduler.now, request, body, accepted)
        self.receipts.append(receipt)
        self.tally["answers"] += 1
        self.on_receipt(receipt)
        return 200

    def invented_id(self, stack: Stack, resource: Resource) -> str:
        """``<stack>-<logical id>-<suffix>``, for want of a valid answer (remind101/empire#918, crhelper #56, #67)."""
        self._numbers += 1
        self.tally["invented ids"] += 1
        number, suffix = self._numbers, ""
        for _ in range(12):
            number, digit = divmod(number * 31 + 7, len(_SUFFIX_ALPHABET))
            suffix += _SUFFIX_ALPHABET[digit]
        return f"{stack.name}-{resource.logical_id}-{suffix}"

    def _allowance(self, resource: Resource, request_type: str, phase: Phase, properties: Properties) -> int:
        """How many runs the request may start: a create or a replacement intent one, everything else none."""
        if phase is not Phase.FORWARD or request_type == "Delete":
            return 0
        if request_type == "Create" or resource.good is None:
            return 1
        return int(spec_of(properties) != spec_of(resource.good.properties))

    def current_properties(self, resource: Resource) -> Properties:
        """``OldResourceProperties`` of a forward Update, and the properties that a Delete shows."""
        if resource.good is None or self.readings.old_properties is OldProperties.ATTEMPTED:
            return resource.properties
        return resource.good.properties

    # --- descriptions -----------------------------------------------------------------------------------------

    def describe_resource(self, stack_id: str, logical_id: str) -> ResourceState:
        """DescribeStackResource. While a Create is in progress there is no physical id yet."""
        stack = self._described(stack_id, "DescribeStackResource")
        resource = stack.resources.get(logical_id)
        if resource is None:
            raise _does_not_exist("DescribeStackResource", f"Resource {logical_id} does not exist for stack {stack_id}")
        return ResourceState(
            status=resource.status,
            physical_id=self._shown_id(stack, resource),
            changed=float(int(resource.changed)),
        )

    def describe_stack(self, stack_id: str) -> str:
        """DescribeStacks, the status only."""
        return self._described(stack_id, "DescribeStacks").status

    def last_update(self, stack_id: str) -> float | None:
        """DescribeStacks, ``LastUpdatedTime``: "only returned if the stack has been updated at least once"."""
        return self._described(stack_id, "DescribeStacks").updated

    def _described(self, stack_id: str, operation: str) -> Stack:
        stack = self.stacks.get(stack_id)
        if stack is None or (stack.status == "DELETE_COMPLETE" and not self.readings.describes_deleted_stacks):
            raise _does_not_exist(operation, f"Stack with id {stack_id} does not exist")
        return stack

    def _shown_id(self, stack: Stack, resource: Resource) -> str | None:
        hidden = self.readings.shown_id is ShownId.AFTER_THE_UPDATE and stack.status == "UPDATE_IN_PROGRESS"
        if hidden and resource.status == "UPDATE_COMPLETE" and resource.leftovers:
            return resource.leftovers[-1].physical_id  # the one that this update has replaced
        return resource.physical_id

    def new_request_id(self) -> str:
        self._numbers += 1
        return str(UUID(int=0xC10D << 64 | self._numbers))


def _does_not_exist(operation: str, message: str) -> ApiError:
    return ApiError(operation, "ValidationError", message, status=400)
