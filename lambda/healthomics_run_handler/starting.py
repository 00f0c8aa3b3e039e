"""StartRun, exactly once: retries with the same request id, duplicates, reused RequestIds, lost answers."""

from collections.abc import Callable, Mapping
from typing import Any

from healthomics_run_handler import ledger, messages, retry
from healthomics_run_handler.errors import ApiError, RequestFailedError
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.retry import Failure
from healthomics_run_handler.session import LISTING_LAG, Session
from healthomics_run_handler.spec import RunSpec
from healthomics_run_handler.wanted import Verdict

CONFLICT_PATIENCE = 15.0
"""Seconds for which a 409 may mean "in progress"; then it may mean "started long ago", and the ledger is asked."""

WANTED_FOR = 20.0
"""Seconds for which an answer to "still wanted?" holds while StartRun is retried."""

CHECKED_JUST_NOW = 5.0
"""A start within this many seconds of the last check needs no check after it: the search of a Delete that comes in
between goes on for longer than that."""

_READ_LAG_PAUSES = (5.0, 10.0)
"""Seconds between the looks for a run that StartRun has named and GetRun does not know."""


class UnwantedError(Exception):
    """CloudFormation dropped the request before StartRun succeeded."""

    def __init__(self, *, may_have_started: bool) -> None:
        super().__init__("unwanted")
        self.may_have_started = may_have_started


class StartFailedError(RequestFailedError):
    """StartRun failed. Nothing was started unless ``may_have_started``."""

    def __init__(self, reason: str, *, may_have_started: bool) -> None:
        super().__init__(reason)
        self.may_have_started = may_have_started


class Starter:
    """Starts the run of one request."""

    def __init__(
        self,
        session: Session,
        spec: RunSpec,
        *,
        replaces: RunIdentity | None,
        still_wanted: Callable[[str | None], Verdict],
        asked_at: float,
        tried_before: bool = False,
    ) -> None:
        """Prepare.

        Args:
            session: The invocation.
            spec: The run to start.
            replaces: The run that it replaces.
            still_wanted: Asks CloudFormation; the argument is the uuid of the run that was started, or None.
            asked_at: When CloudFormation was asked last, in epoch seconds: the question, not the answer, which may have
                been long on its way.
            tried_before: An earlier delivery of this event may have started the run.
        """
        self._session = session
        self._spec = spec
        self._replaces = replaces
        self._still_wanted = still_wanted
        self._asked_at = asked_at
        self._tried_before = tried_before
        # The rest of the time is for finding out what became of a StartRun without an answer.
        left = session.deadline - session.now()
        self._start_until = session.deadline - min(LISTING_LAG + 2 * CHECKED_JUST_NOW, left / 3)

    def start(self) -> Run:
        """Return the one run of this request; the caller has just asked whether it is wanted.

        Raises:
            StartFailedError: StartRun failed.
            UnwantedError: CloudFormation dropped the request meanwhile.
            RequestFailedError: The run of this very event was given back already.
        """
        generation = 0
        while True:
            run = self._start_generation(generation)
            if not run.released:
                return run
            if run.delivery == self._session.request.delivery:
                raise RequestFailedError(messages.already_given_back(about=f"run {run.run_id}"))
            self._session.ports.log.info(
                "CloudFormation reuses a RequestId whose run was given back",
                run_id=run.run_id,
                generation=generation,
            )
            generation += 1

    @property
    def check_is_stale(self) -> bool:
        """Whether so much time has passed since the last check that a started run needs another."""
        return self._session.now() - self._asked_at > CHECKED_JUST_NOW

    def _start_generation(self, generation: int) -> Run:
        session = self._session
        request = session.request
        body = {
            **self._spec.start_run,
            "requestId": request.token(generation),
            "tags": {
                **self._spec.tags,
                **ledger.tags_at_start(
                    request, generation=generation, spec_digest=self._spec.digest, replaces=self._replaces
                ),
            },
        }
        began = session.now()
        may_have_started = self._tried_before
        conflicts_since: float | None = None
        attempt = 0
        while True:
            try:
                return self._confirmed(session.ports.omics.start_run(body))
            except ApiError as error:
                failure = retry.classify(error)
                may_have_started = may_have_started or failure in (Failure.IN_FLIGHT, Failure.OUTCOME_UNKNOWN)
                if failure is Failure.IN_FLIGHT:
                    conflicts_since = session.now() if conflicts_since is None else conflicts_since
                    if session.now() - conflicts_since >= CONFLICT_PATIENCE:
                        conflicts_since = session.now()
                        if (run := self._look_up(generation)) is not None:
                            return run
                elapsed = session.now() - began
                again = retry.worth_a_retry(error, elapsed=elapsed)
                if not again or not session.pause(attempt, error, until=self._start_until):
                    if may_have_started and (run := self._search(generation)) is not None:
                        return run
                    raise self._failure(error, elapsed, again=again, may_have_started=may_have_started) from error
                attempt += 1
                self._check_again(may_have_started=may_have_started)

    def _confirmed(self, response: Mapping[str, Any]) -> Run:
        """Return the run of a StartRun response as it is now.

        AWS does not document what a repeated request id returns: the run of old with its present status, or the
        first response once more. Only a response that bears this very sending's tag, and a run that has not moved,
        needs no second look.
        """
        run = ledger.run_from_response(response)
        mine = run.delivery == self._session.request.delivery
        if mine and run.status == "PENDING" and run.uuid and run.output_uri:
            return run
        seen = self._session.get_run(run.run_id, run.uuid)
        for pause in () if seen is not None or mine else _READ_LAG_PAUSES:
            # Before its record counts as gone, which would start another run: reads may lag behind StartRun.
            if seen is None and self._session.now() + pause <= self._session.deadline:
                self._session.ports.clock.sleep(pause)
                seen = self._session.get_run(run.run_id, run.uuid)
        if seen is not None:
            return seen
        tags = dict(run.tags)
        if not mine:
            # Its record is gone and another sending started it: it was given back, record and all.
            tags[ledger.RELEASED] = "record gone"
        return Run(
            run_id=run.run_id,
            uuid=run.uuid,
            arn=run.arn,
            status=ledger.GONE_STATUS,
            output_uri=run.output_uri,
            tags=tags,
        )

    def _look_up(self, generation: int) -> Run | None:
        session = self._session
        value = ledger.request_tag(session.request.request_id, generation)
        for run in session.own_runs([self._spec.name], active_only=False):
            if run.tags.get(ledger.REQUEST) == value:
                return run
        return None

    def _search(self, generation: int) -> Run | None:
        for _ in self._session.search_rounds():
            if (run := self._look_up(generation)) is not None:
                return run
        return None

    def _check_again(self, *, may_have_started: bool) -> None:
        now = self._session.now()
        if now - self._asked_at < WANTED_FOR:
            return
        verdict = self._still_wanted(None)
        self._asked_at = now
        if verdict is not Verdict.WANTED:
            raise UnwantedError(may_have_started=may_have_started)

    def _failure(self, error: ApiError, elapsed: float, *, again: bool, may_have_started: bool) -> StartFailedError:
        about = f"run name {self._spec.name}"
        reason = (
            messages.gave_up(error, seconds=elapsed, about=about)
            if again
            else messages.api_failure(error, about=about, duplicating="runId" in self._spec.start_run)
        )
        return StartFailedError(reason, may_have_started=may_have_started)
