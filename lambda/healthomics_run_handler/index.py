"""The Lambda function's entry point: the parts put together."""

import functools
import random
from typing import Any

from healthomics_run_handler.aws import BotoOmics, BotoStacks, SystemClock, use_own_service_model
from healthomics_run_handler.logs import JsonLog, log_fields, write_line
from healthomics_run_handler.ports import Ports
from healthomics_run_handler.resource import RunResource

use_own_service_model()


@functools.cache
def _clients() -> tuple[BotoOmics, BotoStacks]:
    """Return the clients, one set a container."""
    return BotoOmics(), BotoStacks()


class _Resource(RunResource):
    """The resource with real ports, bound to each invocation's log fields."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        super().__init__(self._real_ports)

    def __call__(self, event: Any, context: Any) -> None:
        self._fields = log_fields(event, context)
        super().__call__(event, context)

    def _real_ports(self) -> Ports:
        omics, stacks = _clients()
        return Ports(
            omics=omics,
            stacks=stacks,
            clock=SystemClock(),
            random=random.SystemRandom(),
            log=JsonLog(write_line, self._fields),
        )


_resource = _Resource()


def handler(event: Any, context: Any) -> None:
    """Handle one custom resource request (Lambda's handler)."""
    _resource(event, context)
