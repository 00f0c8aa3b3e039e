"""AWS Lambda between CloudFormation and the handler: asynchronous delivery, retries, duplicates, time-outs.

"CloudFormation invokes your Lambda function asynchronously" (Lambda developer guide, services-cloudformation). Lambda
retries a function error "two more times, with a one-minute wait between the first two attempts, and two minutes between
the second and third"; "function errors include … timeouts"; "even if your function doesn't return an error, it's
possible for it to receive the same event from Lambda multiple times because the queue itself is eventually consistent"
(invocation-async-error-handling).
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from laws.chaos import DELIVER, FaultInjector, Kind
from laws.requests import Request
from laws.scheduler import Scheduler, Task

PAUSES_BEFORE_RETRIES: Final = (60.0, 120.0)
LAMBDA_TIMEOUT: Final = 900.0
KILLS_PER_REQUEST: Final = 2
"""How often the handler of one request may die by a fault: with all three attempts dead nobody could keep a law."""


@dataclass
class Put:
    """One attempt to answer."""

    time: float
    url: str
    body: bytes
    status: int


@dataclass(eq=False)
class Invocation:
    """One run of the handler."""

    number: int
    request: Request
    attempt: int
    duplicate: bool
    began: float
    deadline: float
    request_id: str
    task: Task | None = None
    timers: list[Task] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    error: Exception | None = None
    killed: bool = False
    ended: float = inf


Handle = Callable[[Invocation, dict[str, Any]], None]
"""Runs the handler on one event (``invocation.py`` and its ports)."""


class LambdaService:
    """Delivers events."""

    def __init__(self, scheduler: Scheduler, faults: FaultInjector, tally: Counter[str], handle: Handle) -> None:
        self._scheduler = scheduler
        self._faults = faults
        self._tally = tally
        self._handle = handle
        self.invocations: list[Invocation] = []
        self.complaints: list[str] = []
        """What the handler left behind, for the laws."""
        self.timeout = LAMBDA_TIMEOUT
        self.pauses: tuple[float, ...] = PAUSES_BEFORE_RETRIES
        """Empty: nothing is delivered again, as when the event's age or the function's settings forbid it."""

    def deliver(self, request: Request) -> None:
        """Take an event into the queue. Every delivery of it is the same bytes."""
        fault = self._faults.take(DELIVER)
        delay = fault.seconds if fault is not None and fault.kind is Kind.LATE else 0.0
        self._scheduler.spawn(self._attempts, request, delay=delay)
        if fault is not None and fault.kind is Kind.DUPLICATE:
            self._scheduler.spawn(self._duplicate, request, delay=fault.seconds)

    def deliver_again(self, request: Request) -> None:
        """The queue delivers an event once more, now, whatever has become of the request."""
        self._scheduler.spawn(self._duplicate, request)

    def _duplicate(self, request: Request) -> None:
        self._tally["duplicate deliveries"] += 1
        if not request.outstanding:
            self._tally["duplicate deliveries after the request was over"] += 1
        self._attempts(request, duplicate=True)

    def _attempts(self, request: Request, *, duplicate: bool = False) -> None:
        for attempt, pause in enumerate((*self.pauses, None)):
            if self._invoke(request, attempt, duplicate=duplicate):
                return
            self._tally["function errors"] += 1
            if pause is not None:
                self._scheduler.sleep(pause)
                self._tally["retries of the delivery"] += 1

    def _invoke(self, request: Request, attempt: int, *, duplicate: bool) -> bool:
        """Run the handler once; False for a function error."""
        scheduler = self._scheduler
        now = scheduler.now
        invocation = Invocation(
            number=len(self.invocations),
            request=request,
            attempt=attempt,
            duplicate=duplicate,
            began=now,
            deadline=now + self.timeout,
            request_id=f"{request.number:08d}-lambda",
        )
        self.invocations.append(invocation)
        self._tally["invocations"] += 1
        invocation.task = scheduler.spawn(self._run, invocation)
        if not scheduler.wait(invocation.task.done, timeout=self.timeout):
            self._tally["lambda time-outs"] += 1
            self.kill(invocation)
        invocation.ended = scheduler.now
        for timer in invocation.timers:
            if not timer.done.done:
                scheduler.kill(timer)
                if not invocation.killed:
                    # The process is frozen, not gone: the timer would go off in the middle of the next invocation.
                    self.complaints.append(f"{request}: a timer was left armed")
        return invocation.error is None and not invocation.killed

    def _run(self, invocation: Invocation) -> None:
        try:
            self._handle(invocation, json.loads(invocation.request.body))
        except Exception as error:  # noqa: BLE001 - whatever it is, to Lambda it is a function error
            invocation.error = error

    def kill(self, invocation: Invocation) -> None:
        """End the process, with its timers. The caller's own task goes last: killing it does not return."""
        invocation.killed = True
        scheduler = self._scheduler
        tasks = [task for task in (invocation.task, *invocation.timers) if task is not None]
        for task in sorted(tasks, key=lambda task: task is scheduler.current):
            scheduler.kill(task)

    def may_be_killed(self, invocation: Invocation) -> bool:
        """Whether one more kill keeps within the bounds."""
        return invocation.request.kills < KILLS_PER_REQUEST
