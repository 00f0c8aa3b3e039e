"""The look after the waits of the stack: whoever triggers it, it goes by what CloudFormation and HealthOmics say now.

An event or a tick means no more than "look": nothing is remembered between looks, so events may be lost, late, doubled,
out of order or about a run of yesterday. A wait condition is signalled once the run that the stack holds has ended, or
the time is nearly up; how it ended is for the completion to say.

No wait may be late because of a call that keeps failing, its own or another's: CloudFormation's time-out says nothing
about the run. So a tick makes calls again only until the first wait is over, which is then signalled unseen.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from healthomics_run_handler.errors import ApiError
from healthomics_run_waiter import contract
from healthomics_run_waiter.calls import Calls
from healthomics_run_waiter.stack_state import StackResource, StackState, Wait, may_come_to_wait, open_waits

EARLY_EVENT_SECONDS = 120.0
"""How long a look goes on for a run that ended before its wait condition was there."""
PAUSE_SECONDS = 15.0
"""Between two looks of one invocation."""
PATIENCE_SECONDS = 60.0
"""How long a tick makes failing calls again, all together; the next tick looks anyway."""
_FIRST_PAUSE = 0.5


class Look:
    """One invocation by a rule."""

    def __init__(self, calls: Calls, stack_id: str) -> None:
        self._calls = calls
        self._stack_id = stack_id

    def after_event(self, run_id: str, uuid: str) -> None:
        """Signal the wait for one run, if it has ended or is gone, and somebody waits for it."""
        run = self._calls.find(run_id, uuid)
        if run is not None and not (run.has_ended and run.stack_id == self._stack_id):
            return
        until = self._calls.now() + EARLY_EVENT_SECONDS
        pause = _FIRST_PAUSE
        while (state := self._state()).goes_forward:
            resources = self._resources()
            waits = [wait for wait in open_waits(resources) if wait.run.uuid == uuid]
            if waits:
                signalled = [self._signal(wait) for wait in waits]
                if all(signalled):
                    return
            elif not may_come_to_wait(resources, state, uuid=uuid, logical_id=run.logical_id if run else ""):
                return
            if not self._calls.pause(pause, until=until):
                return
            pause = min(2 * pause, PAUSE_SECONDS)

    def after_tick(self, rule_name: str) -> None:
        """Look after all waits, and switch the schedule off when nothing can wait any more."""
        patience = self._calls.now() + PATIENCE_SECONDS
        waits: list[Wait] = []
        while True:
            first_end = _first_end(waits)
            try:
                state = self._state(until=first_end)
                if state.rests:
                    self._switch_off(rule_name)
                    return
                if not state.goes_forward:
                    return
                waits = open_waits(self._resources(until=first_end))
            except ApiError as error:
                if not waits:
                    raise
                # They are those of a moment ago; CloudFormation refuses the signal if one does not wait any more.
                self._calls.ports.log.problem("Stack could not be looked at", code=error.code)
            waits = self._settle(waits, patience=patience)
            # The next tick would come too late for some: stay for them.
            left = _first_end(waits) - self._calls.now()
            if left > contract.LINGER_SECONDS:
                return
            if not self._calls.pause(min(PAUSE_SECONDS, max(left, 1.0))):
                return

    def _settle(self, waits: list[Wait], *, patience: float) -> list[Wait]:
        """Look at each wait, and signal those that are over; return the others.

        Args:
            waits: All that are open.
            patience: Epoch seconds until which failing calls are made again, if no wait ends before.
        """
        left = sorted(waits, key=lambda wait: wait.gives_up_at)
        go_on: list[Wait] = []
        first_end = float("inf")  # of those that went on when they were looked at
        while left and self._calls.now() < first_end:
            wait = left.pop(0)
            until = min(patience, first_end)
            if not (self._is_over(wait, until=until) and self._signal(wait, until=min(until, self._soon()))):
                go_on.append(wait)
                if self._calls.now() < wait.gives_up_at:
                    first_end = min(first_end, wait.gives_up_at)
        return go_on + left

    def _is_over(self, wait: Wait, *, until: float) -> bool:
        """Whether the run has ended or is gone, or the time is up: then nobody is asked."""
        if self._calls.now() >= wait.gives_up_at:
            return True
        try:
            run = self._calls.find(wait.run.run_id, wait.run.uuid, until=min(until, wait.gives_up_at))
        except ApiError as error:
            self._calls.ports.log.problem("Run could not be looked at", run=wait.run.run_id, code=error.code)
            return self._calls.now() >= wait.gives_up_at
        return run is None or run.has_ended or self._calls.now() >= wait.gives_up_at

    def _signal(self, wait: Wait, *, until: float | None = None) -> bool:
        """Let the deployment go on to the completion, which says how the run has ended."""
        stacks, log = self._calls.ports.stacks, self._calls.ports.log
        try:
            self._calls.call(lambda: stacks.signal(self._stack_id, wait.logical_id, wait.run.uuid), until=until)
        except ApiError as error:
            # It may have begun to wait a moment ago, or no longer wait: the next look tells.
            log.problem("Wait was not signalled", wait=wait.logical_id, run=wait.run.run_id, code=error.code)
            return False
        log.info("Wait signalled", wait=wait.logical_id, run=wait.run.run_id)
        return True

    def _switch_off(self, rule_name: str) -> None:
        schedule = self._calls.ports.schedule
        self._calls.call(lambda: schedule.disable(rule_name))
        if not self._state().rests:
            # A deployment began meanwhile, and may have switched it on before this switched it off.
            self._calls.call(lambda: schedule.enable(rule_name))

    def _soon(self) -> float:
        """Return the time after which a call for one wait gives way to those for the others."""
        return self._calls.now() + PAUSE_SECONDS

    def _state(self, *, until: float | None = None) -> StackState:
        return self._calls.call(lambda: self._calls.ports.stacks.state(self._stack_id), until=until)

    def _resources(self, *, until: float | None = None) -> list[StackResource]:
        return list(self._calls.call(lambda: self._calls.ports.stacks.resources(self._stack_id), until=until))


def look(calls: Calls, event: Mapping[str, Any]) -> None:
    """Do what a rule's event asks for."""
    looking = Look(calls, str(event[contract.STACK_ID]))
    if contract.EVENT_RUN_ID in event:
        looking.after_event(str(event[contract.EVENT_RUN_ID]), str(event[contract.EVENT_RUN_UUID]))
    else:
        (rule_arn, *_) = event[contract.RULE_ARNS]
        looking.after_tick(str(rule_arn).rpartition("/")[2])


def _first_end(waits: Iterable[Wait]) -> float:
    return min((wait.gives_up_at for wait in waits), default=float("inf"))
