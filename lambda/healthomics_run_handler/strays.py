"""Runs that nobody owns: finding them by the ledger, and cancelling them.

A *stray* is a run that this resource started and that CloudFormation does not know, or knows no more. None is ever
cancelled that the stack holds, or that a later request has started.
"""

from collections.abc import Sequence

from healthomics_run_handler import ledger, lineage, stopping, wanted
from healthomics_run_handler.identity import InventedId, Marker, RunIdentity
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.ports import ResourceState
from healthomics_run_handler.session import Session


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


def cancel_older_replacements(session: Session, held: RunIdentity) -> None:
    """Cancel, in an Update that keeps its run, what earlier Updates have tried to replace it with.

    Only what is surely older than this Update, and was never the stack's own: this may be a late second delivery.
    """
    before = session.find(held)
    if before is None or not session.request.sent_at or before.attempts.is_newer_than(session.request.sent_at):
        return
    before = session.remember(before, before.attempts.seen(session.request.sent_at))
    for _ in session.search_rounds():
        found = _replacements(session, held, before)
        if not found:
            continue
        owner = wanted.owner(session.resource_state())
        strays = [run for run in found if run.sent_before(session.request.sent_at) and not run.attempts.has_history]
        strays = [run for run in strays if owner is None or run.uuid != owner.uuid]
        stopping.cancel_all(session, strays, wait=False)
        if len(strays) < len(found):
            return  # the Delete of this run will have to look again
        break
    session.remember(before, before.attempts.settled())


def cancel_predecessors(session: Session, deleted: Run) -> None:
    """Cancel, when the whole stack goes, what a deleted run has replaced and what else was to replace that.

    An update that fails with rollback disabled leaves such runs, and whether CloudFormation sends Deletes for them is
    not documented.
    """
    before: list[Run] = []
    broken = False
    for _, record in lineage.ancestors(session, deleted):
        broken = record is None  # and what that run has replaced is not known any more
        if record is None or (record.released and not record.active):
            break
        before.append(record)
    if not (before or broken) or not _stack_goes(session) or not _is_deleted(session.resource_state(), deleted.uuid):
        return
    names = {attempt.name: None for record in before for attempt in record.attempts.known}
    listed = session.own_runs([*session.request.run_names, *names], active_only=True)
    # The oldest first: whoever goes on after a death in between follows the chain from its other end.
    chain = {run.uuid for run in [*before, deleted]}
    runs = [*(run for run in listed if run.uuid not in chain), *reversed(before)]
    rest = [run for run in runs if run.belongs_to(session.request) and not run.sent_after(session.request)]
    stopping.cancel_all(session, [run for run in rest if run.active and not run.left], wait=True)


def cancel_replacements_of_deleted(session: Session, held: RunIdentity, record: Run | None) -> None:
    """Cancel replacements of a deleted run that nobody owns; one may be the run that the stack holds now."""
    state = session.resource_state()
    for_good = _is_deleted(state, held.uuid)
    successor = wanted.owner(state)
    if successor is not None and successor.uuid == held.uuid:
        successor = None
    now_held = session.find(successor) if successor is not None else None
    if record is not None and now_held is not None and record.attempts.only_by(now_held.request_id):
        return  # nobody else has tried
    # Without its record nobody knows the names of the attempts; the one that was accepted is the best guess.
    names = [now_held.name] if now_held is not None else []
    # Nor what it has replaced, and what may still be active; when the stack goes, all of the resource's runs do.
    everything = record is None and for_good and _stack_goes(session)
    # Nor whether there were any. Only an Update replaces a run: what one of long ago has started is listed by now.
    at_rest = record is None and not session.updated_lately()
    for _ in (None,) if at_rest else session.search_rounds():
        strays = _replacements(session, None if everything else held, record, also_named=names)
        if strays and not for_good:
            strays = _never_held(session, strays, successor, now_held)
        if strays and successor is None and not for_good and not _goes_with_its_stack(session):
            # Nothing tells the wanted replacement from a stray, but that a stray may be older.
            newest = record.attempts.newest if record is not None else ""
            strays = [run for run in strays if run.sent_before(newest)]
        if strays:
            stopping.cancel_all(session, strays, wait=True)
            return


def _stack_goes(session: Session) -> bool:
    return session.stack_status().startswith(("DELETE_", "ROLLBACK_"))  # the latter undoes a creation


def _is_deleted(state: ResourceState, uuid: str) -> bool:
    """Whether the resource goes for good, with this run as its last."""
    last = wanted.owner(state)
    return state.status.startswith("DELETE_") and (last is None or last.uuid == uuid)


def _never_held(
    session: Session, runs: Sequence[Run], successor: RunIdentity | None, now_held: Run | None
) -> list[Run]:
    """Leave out the runs that the stack holds, or has held: for those CloudFormation sends a Delete of their own.

    This Delete may be a late second delivery, and a rollback about to go back to one of them. Whoever an Update has
    named as its resource's run carries that Update's attempt. A released one counts as a stray again: who released it
    may have died before the cancel.
    """
    spared = {successor.uuid} if successor is not None else set[str]()
    if now_held is not None:
        spared |= {earlier.uuid for earlier, _ in lineage.ancestors(session, now_held)}
    return [run for run in runs if run.uuid not in spared and (run.released or not run.attempts.has_history)]


def cancel_unanswered(session: Session, physical_id: Marker | InventedId) -> None:
    """Cancel what a request without an answer started: a marker knows the request, an invented id does not.

    The run may have been started a moment ago, by a delivery that is still being worked on, so the search goes on
    for as long as ListRuns may lag.
    """
    marked = [physical_id.name] if isinstance(physical_id, Marker) and physical_id.name else []
    for _ in session.search_rounds():
        runs = [
            run
            for run in session.own_runs([*marked, *session.request.run_names], active_only=True)
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
    session: Session, earlier: RunIdentity | None, before: Run | None, *, also_named: Sequence[str] = ()
) -> list[Run]:
    """Return the active runs that earlier requests than this one started to replace ``earlier``.

    Released ones are among them: whoever released one may have died before it was cancelled.

    Args:
        session: The invocation.
        earlier: The run; None for any.
        before: Its record, which knows the names of the attempts; None if it is gone.
        also_named: More names to look under.
    """
    tried = [attempt.name for attempt in before.attempts.known] if before is not None else []
    return [
        run
        for run in session.own_runs([*session.request.run_names, *tried, *also_named], active_only=True)
        if (earlier is None or run.tags.get(ledger.REPLACES) == ledger.replaces_tag(earlier))
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
