"""Ending runs: giving them back to nobody, cancelling them, and waiting until they have stopped."""

from collections.abc import Iterable

from healthomics_run_handler import ledger, messages, retry
from healthomics_run_handler.errors import ApiError, RequestFailedError
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.session import Session

_FIRST_LOOK = 2.0
_LAST_LOOKS = 15.0
_NOT_FOUND = "ResourceNotFoundException"
_STOPPING = "STOPPING"


def release(session: Session, run: Run, *, leave: bool = False) -> None:
    """Write into the ledger that nobody owns the run any more, and whether it may go on; the best we can."""
    if run.released:
        return
    try:
        session.tag(run, {ledger.RELEASED: ledger.released_tag(session.request, leave=leave)})
    except ApiError as error:
        # Refused for good: too many tags, an explicit deny. A run that goes on costs more than a missing tag.
        session.ports.log.problem("The run could not be tagged as released", run_id=run.run_id, code=error.code)


def cancel_all(session: Session, runs: Iterable[Run], *, wait: bool) -> int:
    """Release and cancel runs that nobody owns; return how many there were.

    Args:
        session: The invocation.
        runs: The runs.
        wait: Wait until all have stopped.
    """
    cancelled: list[Run] = []
    for run in runs:
        session.ports.log.info("Cancelling a run that nobody owns", run_id=run.run_id, run_status=run.status)
        release(session, run)
        if run.active:
            cancel(session, run)
        cancelled.append(run)
    for run in cancelled if wait else ():
        wait_until_stopped(session, run)
    return len(cancelled)


def cancel(session: Session, run: Run) -> None:
    """Cancel a run; one that is gone or has ended meanwhile is fine.

    What CancelRun says of a run that is stopping or has just ended is not documented, so any refusal is checked against
    GetRun.
    """
    attempt = 0
    began = session.now()
    while True:
        try:
            session.ports.omics.cancel_run(run.run_id)
        except ApiError as error:
            if error.code == _NOT_FOUND or (error.status in (400, 409) and _ending(session, run)):
                return
            again = error.status == 409 or retry.worth_a_retry(error, elapsed=session.now() - began)  # noqa: PLR2004
            if not again:
                raise
            if not session.pause(attempt, error):
                reason = messages.gave_up(error, seconds=session.now() - began, about=f"run {run.run_id}")
                raise RequestFailedError(reason) from error
            attempt += 1
        else:
            session.ports.log.info("Run cancelled", run_id=run.run_id)
            return


def wait_until_stopped(session: Session, run: Run) -> None:
    """Wait for a cancelled run's terminal status: its run group cannot be deleted before.

    Raises:
        RequestFailedError: It is still active when the function's time is up.
    """
    pause = _FIRST_LOOK
    current: Run | None = run
    while current is not None and current.active:
        if session.now() + pause > session.deadline:
            raise RequestFailedError(messages.still_active(status=current.status, about=f"run {run.run_id}"))
        session.ports.clock.sleep(pause)
        pause = min(2 * pause, _LAST_LOOKS)
        current = session.get_run(run.run_id, run.uuid)


def _ending(session: Session, run: Run) -> bool:
    """Whether the run has ended, or will without being cancelled."""
    current = session.get_run(run.run_id, run.uuid)
    return current is None or not current.active or current.status == _STOPPING
