"""What a run replaces, what that one replaces, and so on: the way back that a rollback goes."""

from collections.abc import Iterator

from healthomics_run_handler import ledger
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.session import Session

_LONGEST = 20
"""Ancestors that are looked at. A chain grows only while updates fail and rollback is disabled."""


def ancestors(session: Session, run: Run) -> Iterator[tuple[RunIdentity, Run | None]]:
    """Yield the runs before a run, the latest first, each with its record.

    A record that is gone is None, and the last: what that run has replaced is not known any more.
    """
    earlier = run.replaces
    for _ in range(_LONGEST):
        if earlier is None:
            return
        record = session.find(earlier)
        if record is not None and not earlier.output_uri:
            earlier = _with_uri(earlier, record)
        yield earlier, record
        earlier = record.replaces if record is not None else None


def before_rollback(session: Session, run: Run | None, spec_digest: str) -> RunIdentity | None:
    """Return the run to which a rollback leads from ``run``, which is None if its record is gone.

    It is the *oldest* one with the wanted spec that was not given back: when an update of the whole stack succeeds,
    CloudFormation sends the Delete for whatever was replaced until then. Its id is the one that its replacement has
    written down, not what its own tags say: those may have been touched.
    """
    known_to_the_end = run is not None
    oldest: RunIdentity | None = None
    for earlier, record in ancestors(session, run) if run is not None else ():
        known_to_the_end = record is not None
        if record is not None and record.released:
            break
        oldest = earlier if earlier.spec_digest == spec_digest else oldest
    return oldest or (None if known_to_the_end else _listed(session, spec_digest))


def _listed(session: Session, spec_digest: str) -> RunIdentity | None:
    """Return the oldest run of this resource with a spec, where the way back is lost; only the listing knows it."""
    request = session.request
    runs = [
        run
        for run in session.own_runs(request.run_names, active_only=False)
        if not run.released and run.tags.get(ledger.SPEC) == spec_digest
    ]
    if any(run.started_by(request.request_id) for run in runs):
        return None  # not the Update of a rollback, but the late delivery of one that had to start this run
    oldest = min(runs, key=lambda run: run.tags.get(ledger.DELIVERY, ""), default=None)
    return oldest.identity() if oldest is not None else None


def _with_uri(run: RunIdentity, record: Run) -> RunIdentity:
    return RunIdentity(run_id=run.run_id, uuid=run.uuid, spec_digest=run.spec_digest, output_uri=record.output_uri)
