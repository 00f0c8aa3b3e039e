"""The Lambda function's entry point: the parts put together."""

import functools
import random
from typing import Any, cast

from healthomics_run_handler.aws import BotoOmics, SystemClock
from healthomics_run_handler.delivery import put
from healthomics_run_handler.logs import JsonLog, log_fields, write_line
from healthomics_run_waiter.answering import handle_request
from healthomics_run_waiter.aws import BotoSchedule, BotoStacks
from healthomics_run_waiter.calls import Calls
from healthomics_run_waiter.looking import look
from healthomics_run_waiter.ports import Ports

STOP_SECONDS = 30.0
"""No call is made again, and no wait begins, this long before Lambda ends the invocation: time for the answer."""
LAST_PUT_SECONDS = 12.0
"""No try to put the answer begins this long before: a try that hangs takes ten seconds."""


@functools.cache
def _clients() -> tuple[BotoOmics, BotoStacks, BotoSchedule]:
    """Return the clients, one set a container."""
    return BotoOmics(), BotoStacks(), BotoSchedule()


def handler(event: Any, context: Any) -> None:
    """Handle a custom resource request, or look because a rule says so (Lambda's handler)."""
    runs, stacks, schedule = _clients()
    clock = SystemClock()
    ports = Ports(
        runs=runs,
        stacks=stacks,
        schedule=schedule,
        clock=clock,
        random=random.SystemRandom(),
        log=JsonLog(write_line, log_fields(event, context)),
    )
    end = clock.now() + context.get_remaining_time_in_millis() / 1000
    calls = Calls(ports, deadline=end - STOP_SECONDS)
    if "RequestType" in event:
        handle_request(event, calls, put=put, last_put=end - LAST_PUT_SECONDS)
    else:
        look(calls, cast("dict[str, Any]", event))
