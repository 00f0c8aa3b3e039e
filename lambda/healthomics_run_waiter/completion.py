"""The completion of a run as a resource: it succeeds or fails as the run did, and fails with words.

A signal to a wait condition carries no text, so the wait condition only waits, and this resource, which comes after it,
says how the run has ended. It judges once: what it found is in its physical id from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from healthomics_run_handler.errors import ApiError, RequestFailedError
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.request import Request
from healthomics_run_handler.wanted import is_rollback
from healthomics_run_waiter import contract, texts
from healthomics_run_waiter.calls import Calls
from healthomics_run_waiter.completion_id import CompletionId, parse_completion_id, remembered_ending
from healthomics_run_waiter.run_state import RunState
from healthomics_run_waiter.stack_state import StackState, changed_in_this_operation

_UNKNOWN = "UNKNOWN"
_PAUSE = 15.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A request that succeeded."""

    physical_id: str
    data: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """What the properties ask for."""

    run: RunIdentity
    logical_id: str
    require: frozenset[str]
    seconds: int

    @property
    def key(self) -> tuple[str, str]:
        """What tells the run from every other."""
        return self.run.run_id, self.run.uuid


class Completion:
    """One request for a completion."""

    def __init__(self, calls: Calls, request: Request) -> None:
        self._calls = calls
        self._request = request
        self._region = request.stack_id.split(":")[3]

    def answer(self) -> Outcome:
        """Do what the request asks.

        Raises:
            RequestFailedError: The run did not end as it was asked for.
        """
        request = self._request
        if request.request_type == "Delete":
            return Outcome(physical_id=request.physical_id, data={})
        asked = _asked(request.properties)
        try:
            if request.request_type == "Create":
                return _outcome(asked, CompletionId(run=self._judge(asked, self._calls.find(*asked.key))))
            return self._update(asked)
        except ApiError as error:
            raise RequestFailedError(texts.cannot_look(error, asked.run.run_id)) from error

    def _update(self, asked: _Asked) -> Outcome:
        """Answer for a run that was judged before, or wait for one whose replacement the template did not show."""
        known = parse_completion_id(self._request.physical_id)
        last, before = (known.run, known.before) if known is not None else (None, None)
        if known is not None and known.run.key == asked.key:
            return _outcome(asked, known)
        if self._rolls_back():
            # Which waits for nothing, and is held up by nothing.
            ended = before if before is not None and before.key == asked.key else self._glance(asked)
            return _outcome(asked, CompletionId(run=ended))
        while True:
            run = self._calls.find(*asked.key)
            if run is None or run.has_ended:
                return _outcome(asked, CompletionId(run=self._judge(asked, run), before=last))
            if not self._calls.pause(_PAUSE):
                raise RequestFailedError(texts.replaced_late(run, region=self._region))
            if not self._state().goes_forward:
                raise RequestFailedError(texts.no_longer_deploying(asked.run.run_id))

    def _judge(self, asked: _Asked, run: RunState | None) -> RunState:
        """Return how the run ended, if it ended as it was asked for."""
        if run is None:
            run = self._recall(asked)
        if run.status == contract.DELETED:
            return run
        if not run.has_ended:
            raise RequestFailedError(texts.not_ended(run, seconds=asked.seconds, region=self._region))
        if run.status not in asked.require:
            raise RequestFailedError(texts.ended_otherwise(run, region=self._region))
        return run

    def _recall(self, asked: _Asked) -> RunState:
        """Return how a run without a record ended, as far as the stack knows."""
        resources = self._calls.call(lambda: self._calls.ports.stacks.resources(self._request.stack_id))
        remembered = remembered_ending(resources, asked.key)
        if remembered is not None:
            return remembered
        # That its resource was touched in this deployment does not say that the run was started by it, but nothing else
        # tells them apart; to let a run pass of which nobody knows the end would be worse.
        if changed_in_this_operation(resources, asked.logical_id, self._state()):
            raise RequestFailedError(texts.record_gone(asked.run.run_id))
        # A run of an earlier deployment: who asked for it has seen it end, or did not want to.
        return _without_record(asked.run, contract.DELETED)

    def _glance(self, asked: _Asked) -> RunState:
        """Look once; whatever happens, the request succeeds."""
        try:
            run = self._calls.find(*asked.key, until=self._calls.now())
        except ApiError as error:
            self._calls.ports.log.info("Run could not be looked at", run=asked.run.run_id, code=error.code)
            return _without_record(asked.run, _UNKNOWN)
        return run or _without_record(asked.run, contract.DELETED)

    def _rolls_back(self) -> bool:
        return is_rollback(self._state().status)

    def _state(self) -> StackState:
        return self._calls.call(lambda: self._calls.ports.stacks.state(self._request.stack_id))


def _asked(properties: Mapping[str, Any]) -> _Asked:
    return _Asked(
        run=RunIdentity(
            run_id=str(properties[contract.RUN_ID]),
            uuid=str(properties[contract.RUN_UUID]),
            spec_digest="",
            output_uri=str(properties[contract.RUN_OUTPUT_URI]),
        ),
        logical_id=str(properties[contract.RUN]),
        require=frozenset(properties[contract.REQUIRE]),
        seconds=int(properties[contract.SECONDS]),
    )


def _without_record(identity: RunIdentity, status: str) -> RunState:
    return RunState(run_id=identity.run_id, uuid=identity.uuid, status=status)


def _outcome(asked: _Asked, known: CompletionId) -> Outcome:
    """Answer with every attribute, as Fn::GetAtt wants it; a run without a record has none of its own."""
    run = known.run
    return Outcome(
        physical_id=str(known),
        data={
            contract.ATTRIBUTE_OUTPUTS_URI: f"{asked.run.output_uri.rstrip('/')}/{contract.OUTPUTS_FILE}",
            contract.ATTRIBUTE_RUN_OUTPUT_URI: asked.run.output_uri,
            contract.ATTRIBUTE_RUN_STATUS: run.status,
            contract.ATTRIBUTE_FAILURE_REASON: run.failure_reason,
            contract.ATTRIBUTE_START_TIME: run.start_time,
            contract.ATTRIBUTE_STOP_TIME: run.stop_time,
        },
    )
