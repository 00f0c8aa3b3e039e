"""Custom resource requests: what each asks for, and the one answer that it gets.

The answer goes the way of the run handler's: explicit ids, at most 4096 bytes, https only, checked status, and nothing
of the ResponseURL in a log. Every request only reads or switches on, so one that is delivered again is answered again.
"""

from typing import Any

from healthomics_run_handler import answer, delivery, messages
from healthomics_run_handler.answer import Answer
from healthomics_run_handler.errors import ApiError, MalformedEventError, RequestFailedError
from healthomics_run_handler.request import Request, parse_request
from healthomics_run_handler.wanted import is_rollback
from healthomics_run_waiter import contract
from healthomics_run_waiter.calls import Calls
from healthomics_run_waiter.completion import Completion, Outcome


def handle_request(event: Any, calls: Calls, *, put: delivery.Put, last_put: float) -> None:
    """Handle one delivery of one request.

    Args:
        event: The request.
        calls: AWS.
        put: Transport of the answer.
        last_put: Epoch seconds after which no try to put the answer begins.

    Raises:
        UndeliveredError: CloudFormation did not take the answer; failing makes Lambda deliver the request again.
    """
    log = calls.ports.log
    try:
        request = parse_request(event)
    except MalformedEventError as error:
        log.problem("Event is not a custom resource request", problem=str(error))
        return
    if not delivery.check_url(request.response_url):
        log.problem("ResponseURL is neither https nor loopback: request refused", request_type=request.request_type)
        return
    result = _answer(request, str(event.get("ResourceType", "")), calls)
    text, _ = answer.body(request, result)
    delivery.deliver(request.response_url, text, put=put, clock=calls.ports.clock, log=log, deadline=last_put)
    log.info("Answered", status=result.status)


def _answer(request: Request, resource_type: str, calls: Calls) -> Answer:
    try:
        if resource_type == contract.WAITING_TYPE:
            outcome = _switch_on(request, calls)
        else:
            outcome = Completion(calls, request).answer()
    except RequestFailedError as error:
        calls.ports.log.problem("Request failed", error=type(error.__cause__ or error).__name__)
        reason = error.reason
    except Exception as error:  # noqa: BLE001 - a defect must be answered too, or the stack waits for an hour
        calls.ports.log.problem("Handler defect", error=type(error).__name__)
        reason = messages.internal_error(error, about=request.logical_id)
    else:
        return Answer(status="SUCCESS", physical_id=outcome.physical_id, reason="", data=outcome.data)
    # The id that was there before: CloudFormation then deletes nothing, and there is nothing to delete.
    physical_id = request.physical_id or f"request|{request.request_id}"
    return Answer(status="FAILED", physical_id=physical_id, reason=reason, data={})


def _switch_on(request: Request, calls: Calls) -> Outcome:
    """Switch the schedule on: a deployment has begun that has something new to wait for.

    Nothing is switched off on Delete: the rule is deleted next, and until then a tick may be of use.
    """
    outcome = Outcome(physical_id=request.physical_id or f"waiting|{request.logical_id}", data={})
    if request.request_type == "Delete":
        return outcome
    rule_name = str(request.properties[contract.RULE_NAME])
    try:
        calls.call(lambda: calls.ports.schedule.enable(rule_name))
    except ApiError as error:
        if is_rollback(calls.call(lambda: calls.ports.stacks.state(request.stack_id)).status):
            return outcome  # which waits for nothing, and is held up by nothing
        raise RequestFailedError(messages.api_failure(error, about=request.logical_id)) from error
    return outcome
