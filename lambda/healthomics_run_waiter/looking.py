"""The look after the waits of the stack: whoever triggers it, it goes by what CloudFormation and HealthOmics say now.

An event or a tick means no more than "look": nothing is remembered between looks, so events may be lost, late, doubled,
out of order or about a run of yesterday. A wait condition is signalled once the run that the stack holds has ended, or
the time is nearly up; how it ended is for the completion to say.
"""

from collections.abc import Mapping
from typing import Any

from healthomics_run_handler.errors import ApiError
from healthomics_run_waiter import contract
from healthomics_run_waiter.calls import Calls
from healthomics_run_waiter.run_state import RunState
from healthomics_run_waiter.stack_state import StackResource, Wait, held_runs, open_waits

EARLY_EVENT_SECONDS = 120.0
"""How long a look goes on for a run that ended before its wait condition was there."""
PAUSE_SECONDS = 15.0
"""Between two looks of one invocation."""
_FIRST_PAUSE = 0.5


class Look:
    """One invocation by a rule."""

    def __init__(self, calls: Calls, stack_id: str) -> None:
        self._calls = calls
        self._stack_id = stack_id

    def after_event(self, run_id: str, uuid: str) -> None:
        """Signal the wait for one run, if it has ended and somebody waits for it."""
        run = self._calls.run(run_id)
        if run is None or run.uuid != uuid or not run.has_ended or run.stack_id != self._stack_id:
            return
        until = self._calls.now() + EARLY_EVENT_SECONDS
        pause = _FIRST_PAUSE
        while self._goes_forward():
            resources = self._resources()
            waits = [wait for wait in open_waits(resources) if wait.run.uuid == uuid]
            if waits:
                signalled = [self._signal(wait) for wait in waits]
                if all(signalled):
                    return
            elif not _may_still_be_waited_for(resources, run):
                return
            if not self._calls.pause(pause, until=until):
                return
            pause = min(2 * pause, PAUSE_SECONDS)

    def after_tick(self, rule_name: str) -> None:
        """Look after all waits, and switch the schedule off when nothing can wait any more."""
        while True:
            state = self._calls.call(lambda: self._calls.ports.stacks.state(self._stack_id))
            if state.rests:
                self._switch_off(rule_name)
                return
            if not state.goes_forward:
                return
            open_still = [wait for wait in open_waits(self._resources()) if not self._settle(wait)]
            # The next tick would come too late for some: stay for them.
            next_end = min((wait.gives_up_at for wait in open_still), default=float("inf"))
            left = next_end - self._calls.now()
            if left > contract.LINGER_SECONDS:
                return
            if not self._calls.pause(min(PAUSE_SECONDS, max(left, 1.0))):
                return

    def _settle(self, wait: Wait) -> bool:
        """Signal a wait whose run has ended, or whose time is nearly up; False if it goes on."""
        try:
            run = self._calls.find(wait.run)
        except ApiError as error:
            self._calls.ports.log.problem("Run could not be looked at", run=wait.run.run_id, code=error.code)
            over = False
        else:
            over = run is None or run.has_ended
        if not over and self._calls.now() < wait.gives_up_at:
            return False
        return self._signal(wait)

    def _signal(self, wait: Wait) -> bool:
        """Let the deployment go on to the completion, which says how the run has ended."""
        stacks, log = self._calls.ports.stacks, self._calls.ports.log
        try:
            self._calls.call(lambda: stacks.signal(self._stack_id, wait.logical_id, wait.run.uuid))
        except ApiError as error:
            # It may have begun to wait a moment ago, or no longer wait: the next look tells.
            log.problem("Wait was not signalled", wait=wait.logical_id, run=wait.run.run_id, code=error.code)
            return False
        log.info("Wait signalled", wait=wait.logical_id, run=wait.run.run_id)
        return True

    def _switch_off(self, rule_name: str) -> None:
        schedule = self._calls.ports.schedule
        self._calls.call(lambda: schedule.disable(rule_name))
        state = self._calls.call(lambda: self._calls.ports.stacks.state(self._stack_id))
        if not state.rests:
            # A deployment began meanwhile, and may have switched it on before this switched it off.
            self._calls.call(lambda: schedule.enable(rule_name))

    def _goes_forward(self) -> bool:
        return self._calls.call(lambda: self._calls.ports.stacks.state(self._stack_id)).goes_forward

    def _resources(self) -> list[StackResource]:
        return list(self._calls.call(lambda: self._calls.ports.stacks.resources(self._stack_id)))


def look(calls: Calls, event: Mapping[str, Any]) -> None:
    """Do what a rule's event asks for."""
    looking = Look(calls, str(event[contract.STACK_ID]))
    if contract.EVENT_RUN_ID in event:
        looking.after_event(str(event[contract.EVENT_RUN_ID]), str(event[contract.EVENT_RUN_UUID]))
    else:
        (rule_arn, *_) = event[contract.RULE_ARNS]
        looking.after_tick(str(rule_arn).rpartition("/")[2])


def _may_still_be_waited_for(resources: list[StackResource], run: RunState) -> bool:
    """Whether a wait for a run that has ended may begin in a moment: the stack holds it, or is about to."""
    held = held_runs(resources).get(contract.run_name(run.logical_id))
    if held is not None and held.uuid == run.uuid:
        return True
    return any(
        resource.logical_id == run.logical_id and resource.status.endswith("_IN_PROGRESS") for resource in resources
    )
