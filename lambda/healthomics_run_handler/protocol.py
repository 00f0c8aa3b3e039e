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

from healthomics_run_handler import contract, ledger, messages, stopping, strays, wanted
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
        return wanted.judge_create(state, run_uuid)

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
        """Answer the run that is there: only tags changed, or nothing, or a rollback takes back a failed Update."""
        if old is not None and old.digest != spec.digest:
            return self._roll_back(held, spec, old)
        return _outcome(held, self._reconcile(held, spec, old), spec)

    def _reconcile(self, held: RunIdentity, spec: RunSpec, old: RunSpec | None) -> str:
        """Bring the run's tags up to date; return its status. A run whose record is gone has none."""
        before: Mapping[str, str] = old.tags if old is not None else {}
        try:
            run = self._session.find(held)
        except (ApiError, RequestFailedError):
            if dict(before) != dict(spec.tags):
                raise
            # The answer is known without the record, and a failure here could block a rollback.
            return _STATUS_UNKNOWN
        if run is None:
            return ledger.GONE_STATUS
        if run.attempts.is_newer_than(self._request.sent_at):
            return run.status  # a late second delivery: the tags are those that a newer request wants
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
        return run.status

    def _rolled_back_to(self, run: Run | None, spec: RunSpec) -> RunIdentity | None:
        """Return the run that was there before, if this Update takes its replacement ``run`` back.

        A rollback sends an Update that looks like any other. But the run that this one replaces has the wanted spec
        *and is not released*: CloudFormation sends the Delete for it only when an update has succeeded.
        """
        earlier = run.replaces if run is not None else None
        if earlier is None or earlier.spec_digest != spec.digest:
            return None
        before = self._session.find(earlier)
        if before is not None:
            return None if before.released else before.identity()
        # Its record is gone, and with it the ledger: the stack's status decides.
        return earlier if wanted.is_rollback(self._session.stack_status()) else None

    def _roll_back(self, earlier: RunIdentity, spec: RunSpec, old: RunSpec | None) -> Outcome:
        """Answer the run that was there before, and cancel what was started to replace it."""
        status = self._reconcile(earlier, spec, old)
        if wanted.is_rollback(self._session.stack_status()):
            strays.cancel_replacements(self._session, earlier)
        return _outcome(earlier, status, spec)

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
        self._require_still_wanted(run, self._judge_update)
        self._require_newest(held, run, spec)
        return _outcome(_identity(run, spec), run.status, spec)

    def _require_not_late(self, held: RunIdentity, before: Run | None) -> None:
        late = before is not None and (before.released or before.attempts.is_newer_than(self._request.sent_at))
        if late:
            self._cancel_own(self._judge_update)
            raise RequestFailedError(messages.superseded(about=f"run {held.run_id}"))

    def _require_newest(self, held: RunIdentity, run: Run, spec: RunSpec) -> None:
        """Look again whether a newer request has reached the earlier run, and restore what it may have overwritten."""
        before = self._session.find(held)
        if before is None:
            return
        if before.attempts.is_newer_than(self._request.sent_at) and not before.released:
            stopping.cancel_all(self._session, [run], wait=False)
            raise self._dropped(run)
        attempts = self._attempt(before, spec)
        if attempts.to_tag() != before.attempts.to_tag():
            self._session.remember(before, attempts)

    def _attempt(self, before: Run, spec: RunSpec) -> Attempts:
        return before.attempts.seen(self._request.sent_at).made_by(self._request.request_id, spec.name)

    def _update_without_run(self, spec: RunSpec) -> Outcome:
        """Update a resource whose id names no run: a failed Create that was kept, or a failed Update that stuck."""
        for run in self._session.own_runs(strays.names_to_search(self._request), active_only=False):
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
            stopping.release(self._session, run, leave=leave)
            if run.active and not leave:
                stopping.cancel(self._session, run)
                stopping.wait_until_stopped(self._session, run)
        if run is None or run.attempts.any:
            strays.cancel_replacements_of_deleted(self._session, held, run)
        if run is not None and on_delete == contract.ON_DELETE_CANCEL_AND_DELETE_RECORD:
            self._session.delete_record(run)

    def _replaced(self, uuid: str, *, by: RunIdentity) -> bool:
        run = self._session.find(by)
        return run is not None and run.replaces is not None and run.replaces.uuid == uuid

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
        for run in self._session.own_runs(strays.names_to_search(self._request), active_only=True):
            of_this_event = run.started_by(self._request.request_id) and run.delivery == self._request.delivery
            if of_this_event and not run.left:
                self._cancel_if_unwanted(run, judge)

    def _cancel_if_unwanted(self, run: Run, judge: _Judge) -> bool:
        verdict = judge(run.uuid)
        if verdict is Verdict.OWNED_BY_ANOTHER:
            successor = wanted.owner(self._session.resource_state())
            if successor is not None and self._replaced(run.uuid, by=successor):
                return False  # this delivery is late; the Delete of the run has come or is on its way
            verdict = Verdict.UNWANTED
        if verdict is Verdict.UNWANTED:
            stopping.cancel_all(self._session, [run], wait=False)
        return verdict is Verdict.UNWANTED

    def _dropped(self, run: Run | None) -> RequestFailedError:
        about = f"run {run.run_id}" if run is not None else self._request.logical_id
        self._ports.log.info("CloudFormation no longer wants this request", run_id=run.run_id if run else None)
        return RequestFailedError(messages.not_wanted(started=run is not None, about=about))

    def _note_started(self, run: Run, *, physical_id: str) -> None:
        self.progress.physical_id = physical_id
        self.progress.about = f"run {run.run_id}"
        self.progress.run_id = run.run_id
        self._ports.log.info("Run started", run_id=run.run_id, run_status=run.status)


def _identity(run: Run, spec: RunSpec) -> RunIdentity:
    return RunIdentity(run_id=run.run_id, uuid=run.uuid, spec_digest=spec.digest, output_uri=run.output_uri)


def _outcome(identity: RunIdentity, status: str, spec: RunSpec) -> Outcome:
    return Outcome(physical_id=identity.physical_id(), run=identity, run_status=status, run_name=spec.name)
