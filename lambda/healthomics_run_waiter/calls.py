"""AWS calls of one invocation, made again while that may help and time is left."""

from collections.abc import Callable
from typing import TypeVar

from healthomics_run_handler import retry
from healthomics_run_handler.errors import ApiError
from healthomics_run_waiter.contract import DELETED
from healthomics_run_waiter.ports import Ports
from healthomics_run_waiter.run_state import RunState, run_state

T = TypeVar("T")

_NOT_FOUND = "ResourceNotFoundException"


class Calls:
    """Calls until a deadline, in epoch seconds."""

    def __init__(self, ports: Ports, *, deadline: float) -> None:
        self.ports = ports
        self.deadline = deadline

    def now(self) -> float:
        """Return the time, in epoch seconds."""
        return self.ports.clock.now()

    def pause(self, seconds: float, *, until: float | None = None) -> bool:
        """Wait; False, at once, if that would take too long."""
        if self.now() + seconds > min(self.deadline, self.deadline if until is None else until):
            return False
        self.ports.clock.sleep(seconds)
        return True

    def call(self, action: Callable[[], T], *, until: float | None = None) -> T:
        """Make one call.

        Args:
            action: The call.
            until: Epoch seconds after which it is not made again; by default the deadline.

        Raises:
            ApiError: It failed for good, or until the time was up.
        """
        began = self.now()
        attempt = 0
        while True:
            try:
                return action()
            except ApiError as error:
                delay = retry.backoff(attempt=attempt, random=self.ports.random, retry_after=error.retry_after)
                if not retry.worth_a_retry(error, elapsed=self.now() - began) or not self.pause(delay, until=until):
                    raise
                attempt += 1

    def find(self, run_id: str, uuid: str, *, until: float | None = None) -> RunState | None:
        """Return a run; None if its record is gone, even if another run has its id now."""
        try:
            found = run_state(self.call(lambda: self.ports.runs.get_run(run_id), until=until))
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return None
            raise
        return found if found.uuid == uuid and found.status != DELETED else None
