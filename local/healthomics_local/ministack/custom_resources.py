"""Custom resources with the delivery of AWS: at least once, first valid answer wins, failed ones go too."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from healthomics_local.ministack.binding import MiniStack, Revert, RollBack
from healthomics_local.ministack.delivery import (
    Answer,
    DeliveryError,
    Request,
    accept,
    event_for,
    refusal,
    timed_out,
)
from healthomics_local.ministack.rollback import (
    FailedRequest,
    failed_create_record,
    is_custom,
    prepare,
    superseded_id,
)

ASYNC_RETRIES: Final = 2
"""How often Lambda repeats an asynchronous invocation that failed."""

IN_PROGRESS: Final = {
    "Create": "CREATE_IN_PROGRESS",
    "Update": "UPDATE_IN_PROGRESS",
    "Delete": "DELETE_IN_PROGRESS",
}


@dataclass(kw_only=True)
class _Mailbox:
    """Where the answer to one request is put; the first one stays."""

    arrived: threading.Event = field(default_factory=threading.Event)
    response: Any = None


class CustomResources:
    """Replaces MiniStack's own delivery of custom-resource requests."""

    def __init__(self, ministack: MiniStack, *, gateway_url: str, retry_seconds: float = 1.0) -> None:
        """Prepare the delivery.

        Args:
            ministack: the server to act on.
            gateway_url: where a function PUTs its answer; a loopback address.
            retry_seconds: the pause before the first repetition of a failed invocation, twice that before the
                second. AWS waits one minute and two.
        """
        self._ministack = ministack
        self._gateway_url = gateway_url
        self._retry_seconds = retry_seconds
        self._mailboxes: dict[str, _Mailbox] = {}
        self._failures: dict[str, FailedRequest] = {}

    def install(self) -> None:
        """Take over from MiniStack."""
        self._ministack.replace_custom_resources(self.invoke, self.deliver)
        self._ministack.wrap_rollback(self._wrap_rollback)
        self._ministack.wrap_revert(self._wrap_revert)

    def deliver(self, token: str, response: Any) -> bool:
        """Take the answer that was PUT to a ResponseURL; False when nobody waits for it any more."""
        mailbox = self._mailboxes.get(token)
        if mailbox is None:
            return False
        if not mailbox.arrived.is_set():
            mailbox.response = response
            mailbox.arrived.set()
        return True

    def invoke(  # noqa: PLR0917 - MiniStack calls it so
        self,
        request_type: Any,
        logical_id: str,
        props: dict[str, Any],
        stack_name: str,
        stack_id: str,
        resource_type: str,
        physical_id: str | None = None,
        old_props: dict[str, Any] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Send one request and wait for its answer, with the signature that MiniStack calls.

        Returns:
            The physical id and the attributes.

        Raises:
            DeliveryError: the request failed; the text is what the stack event shows.
        """
        token = str(uuid.uuid4())
        request = Request(
            request_type=request_type,
            request_id=str(uuid.uuid4()),
            response_url=f"{self._gateway_url}/_ministack/cfn-response/{token}",
            stack_id=stack_id,
            stack_name=stack_name,
            logical_id=logical_id,
            resource_type=resource_type,
            properties=props,
            old_properties=old_props,
            physical_id=physical_id,
        )
        self._show_in_progress(request)
        try:
            answer = self._ask(request, token)
        except DeliveryError as error:
            self._remember(request, error)
            raise
        return answer.physical_id, answer.data

    def _ask(self, request: Request, token: str) -> Answer:
        refused = refusal(request)
        known_id = request.physical_id or ""
        if refused is not None:
            raise DeliveryError(refused, physical_id=known_id, sent=False)
        run = self._ministack.function_runner(request.service_token)
        if run is None:
            unknown = f"Invalid ServiceToken: no function {request.service_token!r}"
            raise DeliveryError(unknown, physical_id=known_id, sent=False)
        mailbox = self._mailboxes[token] = _Mailbox()
        name = f"custom-resource-{request.logical_id}"
        threading.Thread(target=self._deliver_event, args=(run, event_for(request)), name=name, daemon=True).start()
        try:
            if not mailbox.arrived.wait(timeout=request.timeout_seconds):
                raise timed_out(request)
        finally:
            self._mailboxes.pop(token, None)
        return accept(request, mailbox.response)

    def _deliver_event(self, run: Callable[[Mapping[str, Any]], bool], event: Mapping[str, Any]) -> None:
        """Invoke as CloudFormation does: again with the same event when the function fails."""
        for attempt in range(1 + ASYNC_RETRIES):
            if attempt:
                time.sleep(self._retry_seconds * attempt)
            if run(event):
                return

    def _show_in_progress(self, request: Request) -> None:
        """Let DescribeStackResource tell the truth while the request is under way.

        MiniStack writes a record only after a resource is complete; AWS shows it from the start, and handlers
        ask.
        """
        stack = self._ministack.stack(request.stack_name)
        if stack is None:
            return
        records = stack.setdefault("_resources", {})
        record = records.get(request.logical_id)
        if record is None and request.request_type == "Create":
            placeholder = FailedRequest(
                logical_id=request.logical_id,
                resource_type=request.resource_type,
                physical_id="",
                properties=request.properties,
                created=True,
                sent=True,
            )
            record = records[request.logical_id] = failed_create_record(placeholder, timestamp=self._ministack.now())
        if record is None or record.get("PhysicalResourceId") not in {request.physical_id, ""}:
            return  # the cleanup of a replaced predecessor: the resource itself is complete
        record["ResourceStatus"] = IN_PROGRESS[request.request_type]
        record["Timestamp"] = self._ministack.now()

    def _remember(self, request: Request, error: DeliveryError) -> None:
        """Keep what the rollback needs, and what the stack still owns if there is no rollback."""
        if request.request_type == "Delete":
            return
        failure = FailedRequest(
            logical_id=request.logical_id,
            resource_type=request.resource_type,
            physical_id=error.physical_id,
            properties=request.properties,
            created=request.request_type == "Create",
            sent=error.sent,
        )
        stack = self._ministack.stack(request.stack_name)
        if stack is None:
            return
        records = stack.setdefault("_resources", {})
        if failure.created and not error.sent:
            records.pop(request.logical_id, None)  # there is nothing to delete
            return
        self._failures[request.stack_id] = failure
        if failure.created:
            records[request.logical_id] = failed_create_record(failure, timestamp=self._ministack.now())
        elif request.logical_id in records:
            records[request.logical_id]["ResourceStatus"] = "UPDATE_FAILED"

    def _wrap_rollback(self, original: RollBack) -> RollBack:
        async def roll_back(
            stack_name: str, stack_id: str, stack: dict[str, Any], operation: dict[str, Any], *args: Any
        ) -> None:
            failure = self._failures.pop(stack_id, None)
            if failure is not None and failure.logical_id != operation.get("failed_logical_id"):
                failure = None
            prepared = prepare(operation, stack.get("_resources", {}), failure)
            await original(stack_name, stack_id, stack, prepared, *args)

        return roll_back

    def _wrap_revert(self, original: Revert) -> Revert:
        async def revert(  # noqa: PLR0917 - MiniStack calls it so
            stack_id: str,
            stack_name: str,
            logical_id: str,
            rtype: str,
            physical_id: str,
            applied_props: Any,
            previous_props: Any,
            attrs: Any,
            record: dict[str, Any] | None = None,
        ) -> None:
            await original(
                stack_id,
                stack_name,
                logical_id,
                rtype,
                physical_id,
                applied_props,
                previous_props,
                attrs,
                record,
            )
            answered = str((record or {}).get("PhysicalResourceId", physical_id))
            superseded = superseded_id(rolled_back_from=physical_id, answered=answered)
            if is_custom(rtype) and superseded is not None:
                # CloudFormation deletes it in the cleanup that follows the rollback, and ignores a failure
                # there.
                await asyncio.gather(
                    asyncio.to_thread(
                        self._ministack.delete_resource,
                        rtype,
                        superseded,
                        applied_props,
                        stack=stack_name,
                        name=logical_id,
                    ),
                    return_exceptions=True,
                )

        return revert
