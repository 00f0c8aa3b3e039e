"""Runs that nobody owns: finding them by the ledger, and cancelling them.

A *stray* is a run that this resource started and that CloudFormation does not know, or knows no more. None is ever
cancelled that the stack holds, or that a later request has started.
"""

from collections.abc import Sequence

from healthomics_run_handler import ledger, stopping, wanted
from healthomics_run_handler.identity import InventedId, Marker, RunIdentity
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.request import Request
from healthomics_run_handler.session import Session
from healthomics_run_handler.spec import name_of


def names_to_search(request: Request, physical_id: Marker | InventedId | None = None) -> list[str]:
    """Return the names under which a run of this resource may be listed."""
    names = [name_of(request.properties), name_of(request.old_properties)]
    if isinstance(physical_id, Marker):
        names.insert(0, physical_id.name)
    return [name for name in names if name]


def cancel_replacements(session: Session, earlier: RunIdentity) -> None:
    """Cancel, in a rollback, what was started to replace the run that stays."""
    before = session.find(earlier)
    if before is not None:
        if before.attempts.is_newer_than(session.request.sent_at):
            return  # a late second delivery: a newer update is on its way
        # So that the update that is taken back knows, if it is delivered again, that it is late.
        before = session.remember(before, before.attempts.seen(session.request.sent_at))
    for _ in session.search_rounds():
        strays = _replacements(session, earlier, before)
        if strays:
            # The run that the stack holds is no stray: if it is to go, CloudFormation sends its Delete.
            held = wanted.owner(session.resource_state())
            strays = [run for run in strays if held is None or run.uuid != held.uuid]
            stopping.cancel_all(session, strays, wait=False)
            break
        if before is not None and not before.attempts.any:
            return
    if before is not None:
        session.remember(before, before.attempts.settled())


def cancel_replacements_of_deleted(session: Session, held: RunIdentity, record: Run | None) -> None:
    """Cancel replacements of a deleted run that nobody owns; one may be the run that the stack holds now."""
    successor = wanted.owner(session.resource_state())
    if successor is not None and successor.uuid == held.uuid:
        successor = None
    now_held = session.find(successor) if successor is not None else None
    if record is not None and now_held is not None and record.attempts.only_by(now_held.request_id):
        return  # nobody else has tried
    # This delivery may be a late second one, in the middle of an update: a rollback would go back to that run.
    goes_back_to = now_held.replaces.uuid if now_held is not None and now_held.replaces is not None else None
    # Without its record nobody knows the names of the attempts; the one that was accepted is the best guess.
    names = [now_held.name] if now_held is not None else []
    # Nor whether there were any. Only an Update replaces a run: what one of long ago has started is listed by now.
    at_rest = record is None and not session.updated_lately()
    for _ in (None,) if at_rest else session.search_rounds():
        strays = [
            run
            for run in _replacements(session, held, record, also_named=names)
            if successor is None or run.uuid not in (successor.uuid, goes_back_to)
        ]
        if strays and successor is None and not _goes_with_its_stack(session):
            # Nothing tells the wanted replacement from a stray, but that a stray may be older.
            newest = record.attempts.newest if record is not None else ""
            strays = [run for run in strays if run.sent_before(newest)]
        if strays:
            stopping.cancel_all(session, strays, wait=True)
            return


def cancel_unanswered(session: Session, physical_id: Marker | InventedId) -> None:
    """Cancel what a request without an answer started: a marker knows the request, an invented id does not.

    The run may have been started a moment ago, by a delivery that is still being worked on, so the search goes on
    for as long as ListRuns may lag.
    """
    for _ in session.search_rounds():
        runs = [
            run
            for run in session.own_runs(names_to_search(session.request, physical_id), active_only=True)
            if not run.left and not run.sent_after(session.request) and _may_be_of(run, physical_id)
        ]
        if not runs:
            continue
        state = session.resource_state()
        if not _over(state.status, physical_id):
            continue  # a late second delivery: the resource lives again, and the run may be its
        held = wanted.owner(state)
        strays = [run for run in runs if held is None or run.uuid != held.uuid]
        stopping.cancel_all(session, strays, wait=True)
        return


def _replacements(
    session: Session, earlier: RunIdentity, before: Run | None, *, also_named: Sequence[str] = ()
) -> list[Run]:
    """Return the active runs that earlier requests than this one started to replace ``earlier``.

    Released ones are among them: whoever released one may have died before it was cancelled.

    Args:
        session: The invocation.
        earlier: The run.
        before: Its record, which knows the names of the attempts; None if it is gone.
        also_named: More names to look under.
    """
    tried = [attempt.name for attempt in before.attempts.known] if before is not None else []
    return [
        run
        for run in session.own_runs([*names_to_search(session.request), *tried, *also_named], active_only=True)
        if run.tags.get(ledger.REPLACES) == ledger.replaces_tag(earlier)
        and not run.left
        and not run.sent_after(session.request)
    ]


def _goes_with_its_stack(session: Session) -> bool:
    status = session.stack_status()
    return status.startswith("DELETE_") or wanted.is_rollback(status)


def _over(status: str, physical_id: Marker | InventedId) -> bool:
    """Whether a resource in this state has nothing to do any more with a run that such an id may stand for."""
    if isinstance(physical_id, Marker):
        return status not in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
    # CloudFormation invents ids for Creates that gave no valid answer.
    return status == "CREATE_FAILED" or status.startswith("DELETE_")


def _may_be_of(run: Run, physical_id: Marker | InventedId) -> bool:
    """Whether the Delete of an id that names no run may be about this one."""
    if isinstance(physical_id, Marker):
        return run.started_by(physical_id.request_id)
    # A run that an Update has tried to replace is known to CloudFormation by its own id.
    return not run.attempts.any
