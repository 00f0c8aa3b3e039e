"""AWS calls of one invocation: retried within the function's time, looked up by the ledger."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from healthomics_run_handler import ledger, messages, retry
from healthomics_run_handler.attempts import Attempts
from healthomics_run_handler.errors import ApiError, RequestFailedError
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.ports import Ports, ResourceState
from healthomics_run_handler.request import Request

T = TypeVar("T")

_SEARCH_PAUSES = (5.0, 10.0, 10.0, 15.0)
LISTING_LAG = sum(_SEARCH_PAUSES)
"""Seconds after which ListRuns surely shows a run that was started: how long a search goes on that finds nothing."""

UPDATES_TAKE = 48 * 3600.0
"""Seconds: more than an update of a stack takes from its begin, with wait conditions of 12 hours and its rollback."""

_NOT_FOUND = frozenset({"ResourceNotFoundException"})


class Session:
    """One invocation's dealings with AWS."""

    def __init__(self, ports: Ports, request: Request, *, deadline: float) -> None:
        """Begin.

        Args:
            ports: The outside.
            request: What CloudFormation asks for.
            deadline: Epoch seconds; no wait ends later.
        """
        self.ports = ports
        self.request = request
        self.deadline = deadline
        self.began = ports.clock.now()

    @property
    def about(self) -> str:
        """What a failure text ends with while no run is known."""
        return self.request.logical_id

    def now(self) -> float:
        """Return the time, in epoch seconds."""
        return self.ports.clock.now()

    def call(self, action: Callable[[], T], *, about: str | None = None) -> T:
        """Make one AWS call, again and again while that may help and time is left.

        Raises:
            ApiError: It failed for good.
            RequestFailedError: It kept failing until the time was up.
        """
        began = self.now()
        attempt = 0
        while True:
            try:
                return action()
            except ApiError as error:
                elapsed = self.now() - began
                if not retry.worth_a_retry(error, elapsed=elapsed):
                    raise
                if not self.pause(attempt, error):
                    reason = messages.gave_up(error, seconds=elapsed, about=about or self.about)
                    raise RequestFailedError(reason) from error
                attempt += 1

    def pause(self, attempt: int, error: ApiError, *, until: float | None = None) -> bool:
        """Wait before the next try; False, at once, if that try would come too late."""
        delay = retry.backoff(attempt=attempt, random=self.ports.random, retry_after=error.retry_after)
        if self.now() + delay > (self.deadline if until is None else until):
            return False
        self.ports.log.info(
            "AWS call failed, trying again",
            operation=error.operation,
            code=error.code,
            attempt=attempt,
            delay=delay,
        )
        self.ports.clock.sleep(delay)
        return True

    # --- HealthOmics ------------------------------------------------------------------------------------------

    def get_run(self, run_id: str, uuid: str) -> Run | None:
        """Return a run, or None if it is gone; another run that got its id counts as gone."""
        try:
            response = self.call(lambda: self.ports.omics.get_run(run_id), about=f"run {run_id}")
        except ApiError as error:
            if error.code in _NOT_FOUND:
                return None
            raise
        run = ledger.run_from_response(response)
        return run if not uuid or run.uuid == uuid else None

    def find(self, run: RunIdentity) -> Run | None:
        """Return the run that an identity names, or None if it is gone."""
        return self.get_run(run.run_id, run.uuid)

    def own_runs(self, names: Iterable[str], *, active_only: bool) -> Iterator[Run]:
        """Yield the runs that this resource started and that ListRuns shows under some names."""
        seen: set[str] = set()
        for name in dict.fromkeys(names):
            for status in ledger.ACTIVE_STATUSES if active_only else (None,):
                for run_id in self._run_ids(name, status):
                    if run_id in seen:
                        continue
                    seen.add(run_id)
                    run = self.get_run(run_id, "")
                    if run is not None and run.belongs_to(self.request):
                        yield run

    def _run_ids(self, name: str, status: str | None) -> list[str]:
        omics = self.ports.omics
        return self.call(lambda: [str(item["id"]) for item in omics.list_runs(name=name, status=status)])

    def search_rounds(self) -> Iterator[None]:
        """Yield once at once and then until the listing's lag has surely passed, waiting in between."""
        yield
        for pause in _SEARCH_PAUSES:
            if self.now() + pause > self.deadline:
                return
            self.ports.clock.sleep(pause)
            yield

    def tag(self, run: Run, tags: dict[str, str]) -> None:
        """Set tags on a run; a run that is gone needs none."""
        self._unless_gone(lambda: self.ports.omics.tag_run(run.arn, tags), run.run_id)

    def untag(self, run: Run, keys: list[str]) -> None:
        """Remove tags from a run; a run that is gone has none."""
        self._unless_gone(lambda: self.ports.omics.untag_run(run.arn, keys), run.run_id)

    def remember(self, run: Run, attempts: Attempts) -> Run:
        """Write what a run remembers about attempts to replace it; return the run as it is then."""
        text = attempts.to_tag()
        if text == run.tags.get(ledger.ATTEMPTED, ""):
            return run
        if text:
            self.tag(run, {ledger.ATTEMPTED: text})
        else:
            self.untag(run, [ledger.ATTEMPTED])
        return replace(run, tags={**run.tags, ledger.ATTEMPTED: text})

    def delete_record(self, run: Run) -> None:
        """Delete a finished run's record."""
        self._unless_gone(lambda: self.ports.omics.delete_run(run.run_id), run.run_id)

    def _unless_gone(self, action: Callable[[], None], run_id: str) -> None:
        try:
            self.call(action, about=f"run {run_id}")
        except ApiError as error:
            if error.code not in _NOT_FOUND:
                raise

    # --- CloudFormation ---------------------------------------------------------------------------------------

    def resource_state(self) -> ResourceState:
        """Return what CloudFormation knows about this resource."""
        request, stacks = self.request, self.ports.stacks
        return self.call(lambda: stacks.resource(request.stack_id, request.logical_id))

    def stack_status(self) -> str:
        """Return this stack's status."""
        return self.call(lambda: self.ports.stacks.stack_status(self.request.stack_id))

    def updated_lately(self) -> bool:
        """Whether an Update of this stack may have started a run so short a time ago that ListRuns may lag.

        An operation of a stack takes hours at most, and every later delivery finds its Update unwanted. Where the
        answer is not to be had, the longer search is the safe one.
        """
        try:
            updated = self.call(lambda: self.ports.stacks.last_update(self.request.stack_id))
        except (ApiError, RequestFailedError):
            return True
        return updated is not None and self.now() - updated < UPDATES_TAKE
