"""What happened, in order: to read after a law was broken. Kept only on request."""

from laws.lambda_service import Invocation
from laws.requests import Request
from laws.scheduler import Scheduler


class Journal:
    """Lines of text, with their virtual time."""

    def __init__(self, scheduler: Scheduler, *, kept: bool) -> None:
        self._scheduler = scheduler
        self._began = scheduler.now
        self._kept = kept
        self.lines: list[str] = []

    def note(self, invocation: Invocation, operation: str, subject: str, result: object) -> None:
        """A call of the handler has ended."""
        if self._kept:
            again = (
                f" (duplicate, attempt {invocation.attempt})" if invocation.duplicate else f" ({invocation.attempt})"
            )
            self._add(f"    {invocation.request}{again}: {operation} {subject} -> {result}")

    def sent(self, request: Request, stack_status: str) -> None:
        """CloudFormation has sent a request."""
        if self._kept:
            self._add(f"{stack_status}: {request}, physical id {request.physical_id}, {request.event}")

    def _add(self, line: str) -> None:
        self.lines.append(f"{self._scheduler.now - self._began:9.2f} {line}")
