"""crhelper, hardened: it dispatches the request and guards the time-out; this subclass sees to the answer.

What crhelper 2.0.12 does and this class does not: log the event and the ResponseURL, answer a time-out without a
physical id and then again, invent physical ids, answer a malformed event in the name of the one before, ignore the HTTP
status, wait without a socket time-out, exceed 4096 bytes, keep NoEcho in a warm function, sleep on Delete, poll, and
make three clients on import.
"""

import logging
import os
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from crhelper import CfnResource

from healthomics_run_handler import answer, messages
from healthomics_run_handler import delivery as answers
from healthomics_run_handler.answer import Answer
from healthomics_run_handler.errors import MalformedEventError, RequestFailedError
from healthomics_run_handler.identity import RunIdentity, parse_physical_id
from healthomics_run_handler.ports import Ports
from healthomics_run_handler.protocol import Protocol as RunProtocol
from healthomics_run_handler.request import Request, parse_request

GUARD_SECONDS = 12.0
"""The guard answers this long before Lambda ends the invocation: time for one PUT, even one that hangs."""

STOP_SECONDS = 16.0
"""The protocol begins no further wait this long before Lambda ends the invocation."""


_LOOK_AGAIN = 0.1


class Context(Protocol):
    """What the handler uses of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the time until Lambda ends the invocation."""
        ...


class Timer(Protocol):
    """A running timer."""

    def cancel(self) -> None:
        """Stop it."""
        ...


StartTimer = Callable[[float, Callable[[], None]], Timer]


def start_thread_timer(seconds: float, callback: Callable[[], None]) -> Timer:
    """Call back in a thread of its own."""
    timer = threading.Timer(seconds, callback)
    timer.daemon = True
    timer.start()
    return timer


class RunResource(CfnResource):
    """The custom resource: call it with an event and a context."""

    def __init__(
        self,
        ports: Callable[[], Ports],
        *,
        put: answers.Put = answers.put,
        start_timer: StartTimer = start_thread_timer,
    ) -> None:
        """Prepare; no AWS client is made yet.

        Args:
            ports: Makes the outside for one invocation; called after the event was found well-formed.
            put: Transport of the answer.
            start_timer: Starts the time-out guard.
        """
        before = os.environ.get("AWS_SAM_LOCAL")
        os.environ["AWS_SAM_LOCAL"] = "true"  # crhelper's own switch: no polling, hence none of its three clients
        try:
            super().__init__(json_logging=False, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0)
        finally:
            if before is None:
                del os.environ["AWS_SAM_LOCAL"]
            else:
                os.environ["AWS_SAM_LOCAL"] = before
        # Its lines hold exception texts, which may quote parameter values; ours say the same without.
        logging.getLogger("crhelper").setLevel(logging.CRITICAL + 1)
        self._make_ports = ports
        self._put = put
        self._start_timer = start_timer
        self._lock = threading.Lock()
        self._request: Request | None = None
        self._protocol: RunProtocol | None = None
        self._ports: Ports | None = None
        self._deadline = 0.0
        self._answered = False
        self._delivering = False
        self._undelivered = False
        self._remaining_seconds = 0.0
        for register in (self.create, self.update, self.delete):
            register(self._run)

    def __call__(self, event: Any, context: Any) -> None:
        """Handle one delivery of one event.

        Raises:
            UndeliveredError: CloudFormation did not take the answer; failing makes Lambda deliver the event again.
        """
        self._ports = ports = self._make_ports()
        try:
            self._request = request = parse_request(event)
        except MalformedEventError as error:
            # Nobody to answer: whoever sent this is not CloudFormation. Certainly not the request before.
            ports.log.problem("Event is not a custom resource request", problem=str(error))
            return
        if not answers.check_url(request.response_url):
            ports.log.problem(
                "ResponseURL is neither https nor loopback: request refused",
                request_type=request.request_type,
            )
            return
        self._remaining_seconds = context.get_remaining_time_in_millis() / 1000
        self._deadline = ports.clock.now() + self._remaining_seconds
        self._protocol = RunProtocol(ports, request, deadline=self._deadline - STOP_SECONDS)
        self._answered = self._delivering = self._undelivered = False
        self.NoEcho = False
        self.Data = {}
        super().__call__(event, context)
        while self._delivering and ports.clock.now() < self._deadline:
            # The guard is putting its answer, and Lambda would freeze it on the way.
            ports.clock.sleep(_LOOK_AGAIN)
        if self._undelivered:
            raise answers.UndeliveredError

    # --- what crhelper calls ----------------------------------------------------------------------------------

    def _log_setup(self, event: Any, context: Any) -> None:
        """Leave the root logger alone; every line of ours is bound to its request already."""

    def _set_timeout(self) -> None:
        self._timer = self._start_timer(max(self._remaining_seconds - GUARD_SECONDS, 0.0), self._timeout)

    def _timeout(self) -> None:
        """Answer in the protocol's stead: its time is up."""
        protocol, request = self._current()
        reason = messages.timed_out(request_type=request.request_type, about=protocol.progress.about)
        self._answer(answer.failure(physical_id=protocol.progress.physical_id, reason=reason))

    def _run(self, _event: Any, _context: Any) -> str:
        """Run the protocol and answer; the same for Create, Update and Delete."""
        protocol, request = self._current()
        result: Answer
        try:
            outcome = protocol.run()
            result = answer.success(request, outcome)
        except RequestFailedError as error:
            self._log().problem(
                "Request failed", error=type(error.__cause__ or error).__name__, run_id=protocol.progress.run_id
            )
            result = answer.failure(physical_id=protocol.progress.physical_id, reason=error.reason)
        except Exception as error:  # noqa: BLE001 - a defect must be answered too, or the stack waits for an hour
            self._log().problem(
                "Handler defect", error=type(error).__name__, place=_place(error), run_id=protocol.progress.run_id
            )
            reason = messages.internal_error(error, about=protocol.progress.about)
            result = answer.failure(physical_id=protocol.progress.physical_id, reason=reason)
        self._answer(result)
        return result.physical_id

    def _send(self, status: Any = None, reason: Any = "", send_response: Any = None) -> None:
        """Answer for crhelper, if nothing has been answered yet: it met a defect outside the protocol."""
        protocol, _ = self._current()
        text = messages.compose(
            what="The handler failed outside the protocol",
            cure="Report it with the log",
            about=protocol.progress.about,
        )
        self._answer(answer.failure(physical_id=protocol.progress.physical_id, reason=text))

    # --- the answer -------------------------------------------------------------------------------------------

    def _answer(self, result: Answer) -> None:
        """Give the one answer of this event; whoever comes second, the guard or the protocol, gives none."""
        with self._lock:
            if self._answered:
                return
            self._answered = self._delivering = True
        try:
            self._deliver(result)
        except answers.UndeliveredError:
            self._undelivered = True
        except Exception as error:  # noqa: BLE001 - crhelper would swallow it, and the stack wait for an hour
            self._log().problem("Answer was not delivered", error=type(error).__name__, place=_place(error))
            self._undelivered = True
        finally:
            self._delivering = False

    def _deliver(self, result: Answer) -> None:
        protocol, request = self._current()
        text, dropped = answer.body(request, result)
        if dropped:
            self._log().info("Optional attributes left out: the answer was too long", attributes=",".join(dropped))
        assert self._ports is not None  # noqa: S101 - set with the request
        taken = answers.deliver(
            request.response_url,
            text,
            put=self._put,
            clock=self._ports.clock,
            log=self._ports.log,
            deadline=self._deadline,
        )
        if taken:
            held = parse_physical_id(result.physical_id)
            run_id = protocol.progress.run_id
            if result.status == "SUCCESS" and isinstance(held, RunIdentity):
                run_id = held.run_id
            self._log().info("Answered", status=result.status, run_id=run_id)

    def _current(self) -> tuple[RunProtocol, Request]:
        assert self._protocol is not None  # noqa: S101 - crhelper calls back within __call__ only
        assert self._request is not None  # noqa: S101 - as above
        return self._protocol, self._request

    def _log(self) -> Any:
        assert self._ports is not None  # noqa: S101 - as above
        return self._ports.log


def _place(error: BaseException) -> str:
    """Return where an exception came from: files, lines and functions, never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
