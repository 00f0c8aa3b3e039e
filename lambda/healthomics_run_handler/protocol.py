"""What each request does: Create, Update, Delete. The laws of the product live here.

1. One create or replacement intent starts at most one run.
2. When the stack is gone, none of its runs is active (unless ``OnDelete`` is LEAVE).
3. A rollback starts no run, and the run that was there before is neither cancelled nor replaced.
4. An update that changes no spec starts no run; neither does a new release of this library.
5. A run that is not this resource's own is never cancelled, tagged or deleted, whatever its id.
6. Every answer is valid.

``docs/decisions/`` tells why each step is as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from healthomics_run_handler import contract, ledger, lineage, messages, stopping, strays, wanted
from healthomics_run_handler.attempts import Attempts
from healthomics_run_handler.errors import ApiError, RequestFailedError
from healthomics_run_handler.identity import InventedId, Marker, RunIdentity, parse_physical_id
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.ports import Ports
from healthomics_run_handler.request import Request
from healthomics_run_handler.session import Session
from healthomics_run_handler.spec import InvalidPropertyError, RunSpec, name_of, on_delete_of, parse_spec
from healthomics_run_handler.starting import Starter, StartFailedError, UnwantedError
from healthomics_run_handler.wanted import Verdict

SECOND_LOOK_AFTER = 5.0
"""Seconds before an "unwanted" is believed: CloudFormation's own reads are eventually consistent."""

_STATUS_UNKNOWN = "UNKNOWN"

_Judge = Callable[[str | None], Verdict]
"""Asks CloudFormation whether this request is still wanted; the argument is the uuid of the run it started, if any."""


class DroppedError(RequestFailedError):
    """CloudFormation has dropped the request, and what it started has been dealt with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A request that succeeded."""

    physical_id: str
    run: RunIdentity | None = None
    """None for a Delete, which has no attributes."""
    run_status: str = ""
    run_name: str = ""


@dataclass(kw_only=True, slots=True)
class Progress:
    """What a failed answer says if it had to be given now: by a failure, or by the time-out guard."""

    physical_id: str
    about: str
    run_id: str | None = None
    """The run that this request started, for the log."""


class Protocol:
    """One request, from its event to its outcome."""

    def __init__(self, ports: Ports, request: Request, *, deadline: float) -> None:
        """Prepare; nothing is called yet. ``deadline`` is in epoch seconds."""
        self._request = request
        self._session = Session(ports, request, deadline=deadline)
        self._ports = ports
        self.progress = Progress(physical_id=request.physical_id, about=request.logical_id)
        if request.request_type == "Create":
            self.progress.physical_id = self._marker(may_have_started=False)

    def run(self) -> Outcome:
        """Do what the request asks.

        Raises:
            RequestFailedError: It cannot be done; ``progress.physical_id`` is the id to answer with.
        """
        try:
            match self._request.request_type:
                case "Create":
                    return self._create()
                case "Update":
                    return self._update()
                case "Delete":
                    return self._delete()
        except ApiError as error:
            raise RequestFailedError(messages.api_failure(error, about=self.progress.about)) from error
        except InvalidPropertyError as error:
            raise RequestFailedError(
                messages.invalid_property(str(error), logical_id=self._request.logical_id)
            ) from error

    # --- Create -----------------------------------------------------------------------------------------------

    def _create(self) -> Outcome:
        spec = parse_spec(self._request.properties)
        return self._start_first(spec, self._judge_create, check_always=False)

    def _start_first(self, spec: RunSpec, judge: _Judge, *, check_always: bool) -> Outcome:
        """Start a run that replaces none."""
        asked_at = self._require_wanted(judge)
        self.progress.physical_id = self._marker(may_have_started=True)
        starter = Starter(self._session, spec, replaces=None, still_wanted=judge, asked_at=asked_at)
        try:
            run = starter.start()
        except (StartFailedError, UnwantedError) as error:
            self.progress.physical_id = self._marker(may_have_started=error.may_have_started)
            if isinstance(error, UnwantedError):
                raise self._dropped(None) from error
            raise
        identity = _identity(run, spec)
        self._note_started(run, physical_id=identity.physical_id())
        if check_always or starter.check_is_stale:
            self._require_still_wanted(run, judge)
        return _outcome(identity, run.status, spec)

    def _judge_create(self, run_uuid: str | None) -> Verdict:
        state = self._session.resource_state()
        return wanted.judge_create(state, run_uuid, self._request.sent)

    # --- Update -----------------------------------------------------------------------------------------------

    def _update(self) -> Outcome:
        spec = parse_spec(self._request.properties)
        old = self._old_spec()
        match parse_physical_id(self._request.physical_id):
            case RunIdentity() as held:
                self.progress.about = f"run {held.run_id}"
                # Judged by the run: after a failed update OldResourceProperties may be those of the attempt.
                if spec.digest == held.spec_digest:
                    return self._keep(held, spec, old)
                run = self._session.find(held)
                if (earlier := self._rolled_back_to(run, spec)) is not None:
                    return self._roll_back(earlier, spec, old)
                return self._replace(held, run, spec)
            case Marker() | InventedId():
                return self._update_without_run(spec)

    def _keep(self, held: RunIdentity, spec: RunSpec, old: RunSpec | None) -> Outcome:
        """Answer the run that is there: only tags changed, or nothing, or what an Update has tried is taken back."""
        run, status = self._reconcile(held, spec, old)
        if run is not None and run.replaces is not None and self._is_rolling_back():
            # Through other settings back to those of before, rollback disabled, and only then a rollback.
            earlier = lineage.before_rollback(self._session, run, spec.digest)
            if earlier is not None:
                return self._roll_back(earlier, spec, old)
        tried = run is not None and run.attempts.any
        if tried or (old is not None and old.digest != spec.digest):
            self._take_back(held, tried=tried)
        return _outcome(held, status, spec)

    def _roll_back(self, earlier: RunIdentity, spec: RunSpec, old: RunSpec | None) -> Outcome:
        """Answer the run that was there before, and cancel what was started to replace it."""
        _, status = self._reconcile(earlier, spec, old)
        self._take_back(earlier, tried=False)
        return _outcome(earlier, status, spec)

    def _reconcile(self, held: RunIdentity, spec: RunSpec, old: RunSpec | None) -> tuple[Run | None, str]:
        """Bring the run's tags up to date; return it and its status. A run whose record is gone has no tags."""
        before: Mapping[str, str] = old.tags if old is not None else {}
        try:
            run = self._session.find(held)
        except (ApiError, RequestFailedError):
            if dict(before) != dict(spec.tags):
                raise
            # The answer is known without the record, and a failure here could block a rollback.
            return None, _STATUS_UNKNOWN
        if run is None:
            return None, ledger.GONE_STATUS
        if run.attempts.is_newer_than(self._request.sent_at):
            return run, run.status  # a late second delivery: the tags are those that a newer request wants
        to_set, to_remove = ledger.tag_changes(run=run, wanted=spec.tags, before=before)
        if to_remove:
            self._session.untag(run, to_remove)  # first, for a run has at most 50 tags
        if to_set or to_remove or dict(before) != dict(spec.tags):
            # The date also where nothing is left to do: the Update that is taken back may still be on its way.
            seen = run.attempts.seen(self._request.sent_at).to_tag()
            if seen != run.tags.get(ledger.ATTEMPTED, ""):
                to_set[ledger.ATTEMPTED] = seen
        if to_set:
            self._session.tag(run, to_set)
        if to_set or to_remove:
            self._ports.log.info("Tags brought up to date", run_id=run.run_id)
        return run, run.status

    def _rolled_back_to(self, run: Run | None, spec: RunSpec) -> RunIdentity | None:
        """Return the run that was there before, if this Update takes its replacement ``run`` back.

        A rollback sends an Update that looks like any other; only the stack's status tells. On the way forward the run
        of before is never taken again, even if it still looks free: the Delete for it may be late.
        """
        if self._is_rolling_back() or (self._looks_like_a_rollback(run, spec) and self._is_rolling_back(again=True)):
            earlier = lineage.before_rollback(self._session, run, spec.digest)
            if earlier is None and run is None:
                self._cancel_own(self._judge_update)
                raise DroppedError(messages.nothing_to_roll_back_to(about=self._request.logical_id))
            return earlier if earlier is not None and self._names_the_held(earlier) else None
        return None

    def _names_the_held(self, earlier: RunIdentity) -> bool:
        """Whether this Update is about the run that the stack holds; else it is a late delivery of one before."""
        owner = wanted.owner(self._session.resource_state())
        return owner is None or owner.physical_id() == self._request.physical_id or owner.uuid == earlier.uuid

    def _looks_like_a_rollback(self, run: Run | None, spec: RunSpec) -> bool:
        earlier = run.replaces if run is not None else None
        if earlier is None or earlier.spec_digest != spec.digest:
            return False
        record = self._session.find(earlier)
        return record is not None and not record.released

    def _is_rolling_back(self, *, again: bool = False) -> bool:
        if again:  # CloudFormation's reads are eventually consistent
            self._ports.clock.sleep(SECOND_LOOK_AFTER)
        return wanted.is_rolling_back(self._session.stack_status())

    def _take_back(self, held: RunIdentity, *, tried: bool) -> None:
        """Cancel what was started to replace the run that the stack keeps."""
        if wanted.is_rollback(self._session.stack_status()):
            strays.cancel_replacements(self._session, held)
        elif tried:
            # Without a rollback nobody else looks for what a failed Update may have left.
            strays.cancel_older_replacements(self._session, held)

    def _replace(self, held: RunIdentity, before: Run | None, spec: RunSpec) -> Outcome:
        self._require_not_late(held, before)
        asked_at = self._require_wanted(self._judge_update)
        tried_before = before is None  # unknown
        if before is not None:
            # Ahead of StartRun, so that a Delete of the earlier run knows that there may be another. Read again just
            # before it is written, because a late delivery may be writing there as well.
            before = self._session.find(held) or before
            self._require_not_late(held, before)
            tried_before = before.attempts.has(self._request.request_id)
            before = self._session.remember(before, self._attempt(before, spec))
        starter = Starter(
            self._session,
            spec,
            replaces=held,
            still_wanted=self._judge_update,
            asked_at=asked_at,
            tried_before=tried_before,
        )
        try:
            run = starter.start()
        except (StartFailedError, UnwantedError) as error:
            if before is not None and not error.may_have_started:
                self._session.remember(before, before.attempts.withdrawn_by(self._request.request_id))
            if isinstance(error, UnwantedError):
                raise self._dropped(None) from error
            raise
        # A failed answer still names the earlier run: CloudFormation then sends an Update back to it, and no Delete.
        self._note_started(run, physical_id=self.progress.physical_id)
        try:
            self._require_still_wanted(run, self._judge_update)
            self._require_newest(held, run, spec)
        except DroppedError:
            raise
        except (ApiError, RequestFailedError):
            self._abandon(run, tried_before=tried_before)
            raise
        return _outcome(_identity(run, spec), run.status, spec)

    def _abandon(self, run: Run, *, tried_before: bool) -> None:
        """Cancel a run about which CloudFormation could not be asked: the answer is a failure.

        Unless an earlier delivery may have answered it. ``attempted`` lets a later request find what is left.
        """
        if tried_before or run.delivery != self._request.delivery:
            return
        try:
            stopping.cancel_all(self._session, [run], wait=False)
        except (ApiError, RequestFailedError):
            self._ports.log.problem("A run that nobody owns could not be cancelled", run_id=run.run_id)

    def _require_not_late(self, held: RunIdentity, before: Run | None) -> None:
        if before is None:
            return
        if before.attempts.is_newer_than(self._request.sent_at) or (before.released and not self._is_updated(held)):
            self._cancel_own(self._judge_update)
            raise DroppedError(messages.superseded(about=f"run {held.run_id}"))

    def _is_updated(self, held: RunIdentity) -> bool:
        """Whether the stack holds a run and updates it: ``released`` is then wrong, for a Delete comes only after."""
        state = self._session.resource_state()
        owner = wanted.owner(state)
        return state.status == "UPDATE_IN_PROGRESS" and owner is not None and owner.uuid == held.uuid

    def _require_newest(self, held: RunIdentity, run: Run, spec: RunSpec) -> None:
        """Look again whether a newer request has reached the earlier run, and restore what it may have overwritten."""
        if run.delivery != self._request.delivery:
            # Another sending of this request started it, and may have given it back by now.
            shared = self._session.find(run.identity())
            if shared is not None and shared.released:
                raise DroppedError(messages.already_given_back(about=f"run {run.run_id}"))
        before = self._session.find(held)
        if before is None:
            return
        if before.attempts.is_newer_than(self._request.sent_at) and not before.released:
            if self._is_shared(before):
                raise DroppedError(messages.sent_again(about=f"run {run.run_id}"))
            owner = wanted.owner(self._session.resource_state())
            if owner is not None and owner.uuid == run.uuid:
                return  # the stack holds it: this is a second delivery
            stopping.cancel_all(self._session, [run], wait=False)
            raise self._dropped(run)
        attempts = self._attempt(before, spec)
        if attempts.to_tag() != before.attempts.to_tag():
            self._session.remember(before, attempts)

    def _attempt(self, before: Run, spec: RunSpec) -> Attempts:
        return before.attempts.seen(self._request.sent_at).made_by(self._request.request_id, spec.name)

    def _update_without_run(self, spec: RunSpec) -> Outcome:
        """Update a resource whose id names no run: a failed Create that was kept, or a failed Update that stuck."""
        for run in self._session.own_runs(self._request.run_names, active_only=False):
            if not run.released and run.tags.get(ledger.SPEC) == spec.digest:
                return _outcome(_identity(run, spec), run.status, spec)
        if wanted.is_rollback(self._session.stack_status()):
            raise RequestFailedError(messages.nothing_to_roll_back_to(about=self._request.logical_id))
        return self._start_first(spec, self._judge_update, check_always=True)

    def _judge_update(self, run_uuid: str | None) -> Verdict:
        state = self._session.resource_state()
        return wanted.judge_update(
            state,
            self._session.stack_status(),
            event_physical_id=self._request.physical_id,
            run_uuid=run_uuid,
        )

    # --- Delete -----------------------------------------------------------------------------------------------

    def _delete(self) -> Outcome:
        physical_id = parse_physical_id(self._request.physical_id)
        match physical_id:
            case RunIdentity() as held:
                self.progress.about = f"run {held.run_id}"
                self._delete_run(held)
            case Marker() | InventedId():
                strays.cancel_unanswered(self._session, physical_id)
        return Outcome(physical_id=self._request.physical_id)

    def _delete_run(self, held: RunIdentity) -> None:
        on_delete = on_delete_of(self._request.properties)
        run = self._session.find(held)
        if run is not None:
            leave = on_delete == contract.ON_DELETE_LEAVE
            if run.active and not leave:
                self._require_not_held_again(held)
            stopping.release(self._session, run, leave=leave)
            if run.active and not leave:
                stopping.cancel(self._session, run)
                stopping.wait_until_stopped(self._session, run)
            if run.replaces is not None and not leave:
                strays.cancel_predecessors(self._session, run)
        if run is None or run.attempts.any:
            strays.cancel_replacements_of_deleted(self._session, held, run)
        if run is not None and on_delete == contract.ON_DELETE_CANCEL_AND_DELETE_RECORD:
            self._session.delete_record(run)

    def _require_not_held_again(self, held: RunIdentity) -> None:
        """Fail if the stack has taken the run since this Delete was sent: then the Delete is late."""
        try:
            state = self._session.resource_state()
        except ApiError:
            return  # a Delete is CloudFormation's own word, and must not depend on another answer of it
        owner = wanted.owner(state)
        if owner is None or owner.uuid != held.uuid or state.status.startswith("DELETE_"):
            return
        if wanted.is_later(state, self._request.sent):
            raise DroppedError(messages.held_again(about=f"run {held.run_id}"))

    # --- shared -----------------------------------------------------------------------------------------------

    def _old_spec(self) -> RunSpec | None:
        if self._request.old_properties is None:
            return None
        try:
            return parse_spec(self._request.old_properties)
        except InvalidPropertyError:
            return None  # a failed earlier deployment; it has no run to compare with

    def _marker(self, *, may_have_started: bool) -> str:
        return Marker(
            request_id=self._request.request_id,
            may_have_started=may_have_started,
            name=name_of(self._request.properties) or "",
        ).physical_id()

    def _require_wanted(self, judge: _Judge) -> float:
        """Return when CloudFormation was asked; fail if it does not want this request any more."""
        asked_at = self._session.now()
        if judge(None) is Verdict.WANTED:
            return asked_at
        self._ports.clock.sleep(SECOND_LOOK_AFTER)
        asked_at = self._session.now()
        if judge(None) is Verdict.WANTED:
            return asked_at
        self._cancel_own(judge)
        raise self._dropped(None)

    def _require_still_wanted(self, run: Run, judge: _Judge) -> None:
        if self._cancel_if_unwanted(run, judge):
            raise self._dropped(run)

    def _cancel_own(self, judge: _Judge) -> None:
        """Cancel what an earlier delivery of this event started, if that one died before it could."""
        for run in self._session.own_runs(self._request.run_names, active_only=True):
            of_this_event = run.started_by(self._request.request_id) and run.delivery == self._request.delivery
            if of_this_event and not run.left:
                self._cancel_if_unwanted(run, judge)

    def _cancel_if_unwanted(self, run: Run, judge: _Judge) -> bool:
        verdict = judge(run.uuid)
        if verdict is Verdict.WANTED or self._is_sent_again():
            return False
        if verdict is Verdict.OWNED_BY_ANOTHER and self._was_held(run):
            return False  # this delivery is late; the Delete of the run has come, is on its way, or a rollback needs it
        stopping.cancel_all(self._session, [run], wait=False)
        return True

    def _is_sent_again(self) -> bool:
        """Whether CloudFormation has sent this very Update once more: whatever run it has belongs to that sending."""
        held = parse_physical_id(self._request.physical_id)
        before = self._session.find(held) if isinstance(held, RunIdentity) else None
        return before is not None and self._is_shared(before)

    def _is_shared(self, before: Run) -> bool:
        """Whether the newer date on the earlier run is that of another sending of this Update, and not a rollback's."""
        return (
            before.attempts.is_newer_than(self._request.sent_at)
            and before.attempts.latest_by(self._request.request_id)
            and not wanted.is_rollback(self._session.stack_status())
        )

    def _was_held(self, run: Run) -> bool:
        """Whether the stack may have held a run before the one that it holds now."""
        record = self._session.get_run(run.run_id, run.uuid)
        if record is None or record.attempts.has_history:
            return True  # nothing to cancel; or an Update named it, so the stack held it
        successor = wanted.owner(self._session.resource_state())
        now_held = self._session.find(successor) if successor is not None else None
        if now_held is None:
            return False
        return any(earlier.uuid == run.uuid for earlier, _ in lineage.ancestors(self._session, now_held))

    def _dropped(self, run: Run | None) -> DroppedError:
        about = f"run {run.run_id}" if run is not None else self._request.logical_id
        self._ports.log.info("CloudFormation no longer wants this request", run_id=run.run_id if run else None)
        return DroppedError(messages.not_wanted(started=run is not None, about=about))

    def _note_started(self, run: Run, *, physical_id: str) -> None:
        self.progress.physical_id = physical_id
        self.progress.about = f"run {run.run_id}"
        self.progress.run_id = run.run_id
        self._ports.log.info("Run started", run_id=run.run_id, run_status=run.status)


def _identity(run: Run, spec: RunSpec) -> RunIdentity:
    return RunIdentity(run_id=run.run_id, uuid=run.uuid, spec_digest=spec.digest, output_uri=run.output_uri)


def _outcome(identity: RunIdentity, status: str, spec: RunSpec) -> Outcome:
    return Outcome(physical_id=identity.physical_id(), run=identity, run_status=status, run_name=spec.name)
