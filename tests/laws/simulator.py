"""One small world: CloudFormation, Lambda and HealthOmics around the handler, on virtual time."""

from collections import Counter
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Any, Final, Self

from laws.chaos import CALM, Chaos, FaultInjector
from laws.cloudformation import CloudFormation
from laws.deployment import Deletion, Deployment, Options, Rollback, StackTemplate
from laws.healthomics import FakeHealthOmics, HealthOmicsReadings
from laws.invocation import run_handler
from laws.journal import Journal
from laws.lambda_service import Invocation, LambdaService
from laws.law_checks import Judge
from laws.ports import (
    Calls,
    Ports,
    SimulatedClock,
    SimulatedContext,
    SimulatedOmics,
    SimulatedStacks,
)
from laws.requests import Request
from laws.scheduler import Scheduler, Task
from laws.stack import Readings, Stack

START: Final = 1_800_000_000.0
"""Epoch seconds at which every world begins."""

LATEST_DUPLICATE: Final = 3600.0
"""Seconds after which the queue delivers no event again: the most that the laws assume."""

HandleEvent = Callable[[Ports, dict[str, Any]], None]


class Simulator:
    """The services, wired together, and what a person can do to them."""

    def __init__(
        self,
        *,
        readings: Readings | None = None,
        omics_readings: HealthOmicsReadings | None = None,
        tally: Counter[str] | None = None,
        handler: HandleEvent = run_handler,
        keeps_journal: bool = False,
    ) -> None:
        self.tally: Final = Counter() if tally is None else tally
        self.faults: Final = FaultInjector(self.tally)
        self.scheduler: Final = Scheduler(now=START, choose=self.faults.choose)
        self.omics: Final[FakeHealthOmics[Invocation]] = FakeHealthOmics(
            lambda: self.scheduler.now, omics_readings or HealthOmicsReadings(), self.tally
        )
        self.lambda_service: Final = LambdaService(self.scheduler, self.faults, self.tally, self._handle)
        self.cloudformation: Final = CloudFormation(self.scheduler, readings or Readings(), self.tally, self._deliver)
        self.journal: Final = Journal(self.scheduler, kept=keeps_journal)
        self.judge: Final = Judge(self.cloudformation, self.omics, self.lambda_service)
        self.stack: Stack | None = None
        self.operation: Deployment | Deletion | Rollback | None = None
        self._handler = handler
        self._task: Task | None = None
        self._ids_before: dict[str, str] = {}
        self._operation_began = START

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.scheduler.close()

    def _deliver(self, request: Request) -> None:
        self.journal.sent(request, self.cloudformation.stacks[request.stack_id].status)
        self.lambda_service.deliver(request)

    def _handle(self, invocation: Invocation, event: dict[str, Any]) -> None:
        calls = Calls(self.scheduler, self.faults, self.lambda_service, invocation, self.journal)
        ports = Ports(
            calls=calls,
            clock=SimulatedClock(self.scheduler),
            omics=SimulatedOmics(calls, self.omics),
            stacks=SimulatedStacks(calls, self.cloudformation),
            context=SimulatedContext(invocation, self.scheduler),
            service=self.cloudformation,
        )
        self._handler(ports, event)

    # --- operations -------------------------------------------------------------------------------------------

    def deploy(
        self,
        template: StackTemplate,
        *,
        options: Options | None = None,
        chaos: Chaos = CALM,
        wait: float = inf,
    ) -> Stack:
        """Create or update the stack; come back when that is over, or after ``wait`` seconds."""
        if self.stack is None or self.stack.status == "DELETE_COMPLETE":
            self.stack = self.cloudformation.new_stack("genomics")
        self._begin(Deployment(self.cloudformation, self.stack, template, options or Options()), chaos, wait)
        return self.stack

    def delete(self, *, is_retry: bool = False, chaos: Chaos = CALM, wait: float = inf) -> Stack:
        assert self.stack is not None
        self._begin(Deletion(self.cloudformation, self.stack, Options(is_retry=is_retry)), chaos, wait)
        return self.stack

    def continue_rollback(self, *, chaos: Chaos = CALM, wait: float = inf) -> Stack:
        assert self.stack is not None
        self._begin(Rollback(self.cloudformation, self.stack, Options()), chaos, wait)
        return self.stack

    def cancel(self, *, wait: float = inf) -> None:
        """CancelUpdateStack, or DeleteStack while the stack is being created."""
        assert isinstance(self.operation, Deployment)
        operation = self.operation
        self.scheduler.spawn(operation.cancel)
        self.wait(wait)

    def wait(self, seconds: float = inf) -> None:
        """Let the running operation go on, for so long or to its end."""
        if self._task is not None:
            self.scheduler.run(self.scheduler.now + seconds, stop=self._task.done)
        self._after_operation()

    def deliver_again(self, number: int, *, wait: float = inf, ever: bool = True) -> None:
        """Deliver one of the latest requests once more; the number counts back, and round."""
        requests = self.recent_requests(ever=ever)
        self.lambda_service.deliver_again(requests[-1 - number % len(requests)])
        if self.busy:
            self.wait(wait)
        else:
            self.pass_time(min(wait, LATEST_DUPLICATE))

    def recent_requests(self, *, ever: bool = True) -> list[Request]:
        """Those that a queue may still deliver; ``ever``: those of earlier operations of the stack, too."""
        began = self.scheduler.now - LATEST_DUPLICATE
        if not ever:
            began = max(began, self._operation_began)
        return [request for request in self.cloudformation.requests if request.sent >= began]

    def pass_time(self, seconds: float, *, chaos: Chaos | None = None) -> None:
        if chaos is not None:
            self.faults.prepare(chaos, self.scheduler.now)
        self.scheduler.run(self.scheduler.now + seconds)
        self._after_operation()

    def drain(self) -> None:
        """Let everything come to its end: operations, retries, late duplicates."""
        self.scheduler.run()
        self._after_operation()

    @property
    def busy(self) -> bool:
        return self._task is not None and not self._task.done.done

    def check(self) -> None:
        """Raise if a law is broken."""
        self.judge.check(drained=self.scheduler.idle)

    def _begin(self, operation: Deployment | Deletion | Rollback, chaos: Chaos, wait: float) -> None:
        assert not self.busy, "one operation at a time"
        assert self.stack is not None
        self.faults.prepare(chaos, self.scheduler.now)
        self.cloudformation.begin_operation()
        self.operation = operation
        self._operation_began = self.scheduler.now
        self._ids_before = {
            resource.logical_id: resource.stable.physical_id
            for resource in self.stack.resources.values()
            if resource.stable is not None
        }
        self._task = self.scheduler.spawn(operation.run)
        self.wait(wait)

    def _after_operation(self) -> None:
        if self.busy or self.operation is None:
            return
        assert self.stack is not None
        if self.stack.status == "UPDATE_ROLLBACK_COMPLETE":
            self.judge.check_rollback(self.stack, self._ids_before)
        self.operation = None
