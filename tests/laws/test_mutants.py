"""For each law, a handler that is broken in the one decision which keeps it: the law must catch it.

Each scenario is short and scripted, so that it is fast and certain; without the mutation it must pass. A scenario may
have a goal beside the laws, such as a deployment that succeeds: missing it counts as law 0.

Many doors have two locks. Where breaking one alone changes nothing that a law could see, both are broken, or the
scenario keeps the other from being tried, for example by a queue that delivers no event again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from healthomics_run_handler import answer, ledger, protocol, strays, wanted
from healthomics_run_handler.contract import ON_DELETE_LEAVE
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.protocol import Protocol
from healthomics_run_handler.request import Request
from healthomics_run_handler.resource import RunResource
from healthomics_run_handler.session import Session
from healthomics_run_handler.spec import RunSpec, parse_spec
from healthomics_run_handler.starting import Starter
from healthomics_run_handler.wanted import Verdict
from laws.chaos import CALM, DELIVER, Chaos, Fault, Kind
from laws.deployment import Options
from laws.healthomics import SHORT, HealthOmicsReadings, Life, SameToken
from laws.law_checks import LawBrokenError
from laws.simulator import Simulator
from laws.stack import Readings
from laws.template import RunTemplate

ONE = {"A": RunTemplate()}
CHANGED = {"A": RunTemplate(sample=1)}

Mutate = Callable[[pytest.MonkeyPatch], None]
Scenario = Callable[[Simulator], bool | None]
"""Returns False if its goal was missed."""


# --- scenarios ----------------------------------------------------------------------------------------------------


def lambda_dies_after_start_run(simulator: Simulator) -> None:
    simulator.deploy(ONE, chaos=Chaos(faults=(Fault("start_run", Kind.KILLED_AFTER),)))


def create_and_delete(simulator: Simulator) -> None:
    simulator.deploy(ONE)
    simulator.delete()


def sibling_fails_while_start_run_is_throttled(simulator: Simulator) -> None:
    throttles = Fault("start_run", Kind.THROTTLED, times=8, seconds=12.0)
    simulator.deploy(ONE, options=Options(sibling_fails_after=5.0), chaos=Chaos(faults=(throttles,)))


def sibling_fails_while_start_run_is_under_way(simulator: Simulator) -> None:
    slow = Fault("start_run", Kind.SLOW, seconds=3.0)
    simulator.deploy(ONE, options=Options(sibling_fails_after=1.0), chaos=Chaos(faults=(slow,)))


def lambda_dies_before_it_cancels(simulator: Simulator) -> None:
    slow = Fault("start_run", Kind.SLOW, seconds=3.0)
    dies = Fault("cancel_run", Kind.KILLED_BEFORE)
    simulator.deploy(ONE, options=Options(sibling_fails_after=1.0), chaos=Chaos(faults=(slow, dies)))


def replacement_is_rolled_back(simulator: Simulator) -> None:
    simulator.deploy(ONE)
    simulator.deploy(CHANGED, options=Options(sibling_fails_after=30.0))


def update_back_to_a_run_without_a_record_is_cancelled(simulator: Simulator) -> None:
    simulator.deploy(ONE)
    simulator.deploy({"A": RunTemplate(rerun_on="1")})
    simulator.omics.external_delete(simulator.omics.runs[0])
    simulator.deploy(ONE, options=Options(sibling_fails_after=0.0))


def tag_changes(simulator: Simulator) -> None:
    simulator.deploy(ONE)
    simulator.deploy({"A": RunTemplate(tags={"project": "x"})})


def library_upgrade(simulator: Simulator) -> None:
    simulator.deploy(ONE)
    simulator.deploy({"A": RunTemplate(release=3)})


def run_id_is_used_again(simulator: Simulator) -> None:
    simulator.deploy({"A": RunTemplate(removes_itself=True)})
    simulator.pass_time(3600.0)
    simulator.omics.foreign_start("run", takes_over_id=True)
    simulator.delete()


def name_is_shared(simulator: Simulator) -> None:
    slow = Fault("start_run", Kind.SLOW, seconds=3.0)
    simulator.deploy(ONE)
    both = ONE | {"B": RunTemplate()}
    simulator.deploy(both, options=Options(sibling_fails_after=1.0), chaos=Chaos(faults=(slow,)))


def time_runs_out(simulator: Simulator) -> None:
    simulator.lambda_service.timeout = 30.0
    slow = Fault("start_run", Kind.SLOW, seconds=27.0)
    simulator.deploy(ONE, chaos=Chaos(faults=(slow,)))


def quota_is_exhausted(simulator: Simulator) -> None:
    simulator.deploy(ONE, chaos=Chaos(faults=(Fault("start_run", Kind.REFUSED),)))


def event_is_lost_after_start_run_of_a_replacement(simulator: Simulator) -> None:
    """Nobody but the rollback is left to find the run."""
    simulator.deploy(ONE)
    simulator.lambda_service.pauses = ()
    dies = Fault("start_run", Kind.KILLED_AFTER)
    simulator.deploy(CHANGED, options=Options(sibling_fails_after=1.5), chaos=Chaos(faults=(dies,)))


def event_is_lost_and_the_deletion_comes(simulator: Simulator) -> None:
    """A kept failure: nobody but the Delete of the earlier run is left to find its replacement."""
    simulator.deploy(ONE)
    simulator.lambda_service.pauses = ()
    dies = Fault("start_run", Kind.KILLED_AFTER)
    options = Options(sibling_fails_after=1.5, rollback=False)
    simulator.deploy(CHANGED, options=options, chaos=Chaos(faults=(dies,)))
    simulator.delete()


def delete_looks_before_the_listing_shows_the_run(simulator: Simulator) -> None:
    """StartRun succeeds 20 s after the question, and the listing lags for longer than the Delete searches."""
    throttles = Fault("start_run", Kind.THROTTLED, times=2, seconds=9.0)
    dies = Fault("start_run", Kind.KILLED_AFTER, skip=2)
    simulator.deploy(ONE, options=Options(sibling_fails_after=1.0), chaos=Chaos(faults=(throttles, dies)))


def failed_deployment_is_retried_with_its_request_ids(simulator: Simulator) -> bool:
    both = ONE | {"B": RunTemplate(name="b")}
    simulator.deploy(ONE)
    simulator.deploy(both, options=Options(sibling_fails_after=30.0))
    simulator.deploy(both, options=Options(is_retry=True))
    return simulator.stack is not None and simulator.stack.status == "UPDATE_COMPLETE"


def failed_create_beside_a_run_that_was_left(simulator: Simulator) -> None:
    leaves = {"A": RunTemplate(on_delete=ON_DELETE_LEAVE)}
    other = {"B": RunTemplate(name="b")}
    simulator.deploy(leaves | other)
    simulator.deploy(other)
    slow = Fault("start_run", Kind.SLOW, seconds=3.0)
    simulator.deploy(leaves | other, options=Options(sibling_fails_after=1.0), chaos=Chaos(faults=(slow,)))


def start_run_never_answers(simulator: Simulator) -> bool:
    lost = Fault("start_run", Kind.LOST_RESPONSE, times=10_000)
    simulator.deploy(ONE, chaos=Chaos(faults=(lost,)))
    return _created(simulator)


def start_run_answers_409_after_a_lost_response(simulator: Simulator) -> bool:
    simulator.deploy(ONE, chaos=Chaos(faults=(Fault("start_run", Kind.LOST_RESPONSE),)))
    return _created(simulator)


def an_older_update_arrives_during_a_newer_one(simulator: Simulator) -> bool:
    """Cancelled in flight and rolled back, while the queue kept it. The resource looks as when it was sent."""
    simulator.deploy(ONE)
    late = Fault(DELIVER, Kind.LATE, seconds=60.0)
    simulator.deploy(CHANGED, options=Options(sibling_fails_after=1.5), chaos=Chaos(faults=(late,)))
    throttled = Fault("start_run", Kind.THROTTLED, seconds=90.0)
    simulator.deploy({"A": RunTemplate(sample=2)}, chaos=Chaos(faults=(throttled,)))
    simulator.drain()
    return [run.request["priority"] for run in simulator.omics.runs] == [10, 12]


def tag_keys_change(simulator: Simulator) -> bool:
    simulator.deploy({"A": RunTemplate(tags={f"a{number}": "1" for number in range(38)})})
    simulator.deploy({"A": RunTemplate(tags={f"b{number}": "1" for number in range(38)})})
    tags = simulator.omics.runs[0].tags
    return "b37" in tags and "a0" not in tags


def an_older_update_of_tags_arrives_late(simulator: Simulator) -> None:
    simulator.deploy({"A": RunTemplate(tags={"v": "0"})})
    again = Fault(DELIVER, Kind.DUPLICATE, seconds=90.0)
    simulator.deploy({"A": RunTemplate(tags={"v": "1"})}, chaos=Chaos(faults=(again,)))
    simulator.deploy({"A": RunTemplate(tags={"v": "2"})})


def _created(simulator: Simulator) -> bool:
    return simulator.stack is not None and simulator.stack.status == "CREATE_COMPLETE"


# --- mutations ----------------------------------------------------------------------------------------------------


def a_token_for_each_delivery(patch: pytest.MonkeyPatch) -> None:
    tokens = count()
    patch.setattr(Request, "token", lambda _, generation: f"{generation}-{next(tokens)}")


def nothing_is_ever_active(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "active", property(lambda _: False))


def a_create_is_always_wanted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wanted, "judge_create", lambda *_: Verdict.WANTED)


def an_unanswered_create_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strays, "cancel_unanswered", lambda *_: None)


def what_is_released_may_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "left", property(lambda run: ledger.RELEASED in run.tags))


def a_rollback_is_an_update(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Protocol, "_rolled_back_to", lambda *_: None)
    patch.setattr(wanted, "is_rollback", lambda _: False)  # the second lock on the same door


def the_held_run_is_a_stray(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wanted, "owner", lambda _: None)


def tags_belong_to_the_spec(patch: pytest.MonkeyPatch) -> None:
    honest = RunSpec.digest.fget  # type: ignore[attr-defined]
    patch.setattr(RunSpec, "digest", property(lambda spec: honest(spec) + json.dumps(dict(spec.tags))))


def unknown_properties_belong_to_the_spec(patch: pytest.MonkeyPatch) -> None:
    def parse_everything(properties: dict[str, str]) -> RunSpec:
        spec = parse_spec(properties)
        added = {key: value for key, value in properties.items() if key.startswith("Added")}
        return replace(spec, start_run={**spec.start_run, **added})

    patch.setattr(protocol, "parse_spec", parse_everything)


def a_run_is_its_id(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "find", lambda session, run: session.get_run(run.run_id, ""))


def a_run_is_its_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "belongs_to", lambda *_: True)


def an_attribute_is_missing(patch: pytest.MonkeyPatch) -> None:
    honest = answer.attributes

    def attributes(*arguments: object) -> dict[str, str]:
        data = honest(*arguments)  # type: ignore[arg-type]
        del data["RunUuid"]
        return data

    patch.setattr(answer, "attributes", attributes)


def a_failure_has_no_reason(patch: pytest.MonkeyPatch) -> None:
    honest = answer.failure
    patch.setattr(answer, "failure", lambda **fields: replace(honest(**fields), reason=""))


def the_guard_and_the_protocol_both_answer(patch: pytest.MonkeyPatch) -> None:
    never = property(lambda _: False, lambda *_: None)
    patch.setattr(RunResource, "_answered", never, raising=False)


def nothing_is_remembered_of_attempts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "remember", lambda _, run, attempts: run)


def a_late_delivery_looks_for_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Protocol, "_cancel_own", lambda *_: None)


def a_reused_request_id_is_taken_for_a_delivery(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "released", property(lambda _: False))


def the_first_response_is_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Starter, "_confirmed", lambda _, response: ledger.run_from_response(response))


def nothing_is_left_on_purpose(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "left", property(lambda _: False))


def an_open_outcome_is_a_failure(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Starter, "_search", lambda *_: None)


def a_conflict_is_only_waited_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Starter, "_look_up", lambda *_: None)


def no_delivery_is_late(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Protocol, "_require_not_late", lambda *_: None)


def requests_have_no_date(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Request, "sent_at", "")


def new_tags_come_first(patch: pytest.MonkeyPatch) -> None:
    untags: list[Callable[[], None]] = []
    honest_untag, honest_tag = Session.untag, Session.tag

    def untag(session: Session, run: Run, keys: list[str]) -> None:
        untags.append(lambda: honest_untag(session, run, keys))

    def tag(session: Session, run: Run, tags: dict[str, str]) -> None:
        honest_tag(session, run, tags)
        while untags:
            untags.pop()()

    patch.setattr(Session, "untag", untag)
    patch.setattr(Session, "tag", tag)


def old_tags_stay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Session, "untag", lambda *_: None)


def tags_are_not_updated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "tag_changes", lambda **_: ({}, []))


@dataclass(frozen=True)
class Mutant:
    law: int
    mutate: Mutate
    scenario: Scenario
    lives: tuple[Life, ...] = (Life(),)
    omics: HealthOmicsReadings = field(default_factory=HealthOmicsReadings)
    readings: Readings = field(default_factory=Readings)

    @property
    def name(self) -> str:
        same_token = self.omics.same_token.name
        return f"law {self.law}: {self.mutate.__name__} ({self.scenario.__name__}, {same_token})"


MUTANTS = (
    Mutant(1, a_token_for_each_delivery, lambda_dies_after_start_run),
    Mutant(2, nothing_is_ever_active, create_and_delete),
    Mutant(2, a_create_is_always_wanted, sibling_fails_while_start_run_is_throttled),
    Mutant(2, an_unanswered_create_is_forgotten, sibling_fails_while_start_run_is_under_way),
    Mutant(2, what_is_released_may_go_on, lambda_dies_before_it_cancels),
    Mutant(3, a_rollback_is_an_update, replacement_is_rolled_back),
    Mutant(3, the_held_run_is_a_stray, update_back_to_a_run_without_a_record_is_cancelled),
    Mutant(4, tags_belong_to_the_spec, tag_changes),
    Mutant(4, unknown_properties_belong_to_the_spec, library_upgrade),
    Mutant(5, a_run_is_its_id, run_id_is_used_again, lives=(SHORT,)),
    Mutant(5, a_run_is_its_name, name_is_shared),
    Mutant(6, an_attribute_is_missing, create_and_delete),
    Mutant(6, a_failure_has_no_reason, quota_is_exhausted),
    Mutant(6, the_guard_and_the_protocol_both_answer, time_runs_out),
    Mutant(
        2,
        nothing_is_remembered_of_attempts,
        event_is_lost_after_start_run_of_a_replacement,
        omics=HealthOmicsReadings(listing_lag=30.0),
    ),
    Mutant(2, nothing_is_remembered_of_attempts, event_is_lost_and_the_deletion_comes),
    Mutant(
        2,
        a_late_delivery_looks_for_nothing,
        delete_looks_before_the_listing_shows_the_run,
        omics=HealthOmicsReadings(listing_lag=30.0),
    ),
    *(
        Mutant(
            6,
            mutate,
            failed_deployment_is_retried_with_its_request_ids,
            omics=HealthOmicsReadings(same_token=same_token),
            readings=Readings(reuses_request_ids=True),
        )
        for mutate, same_token in (
            (a_reused_request_id_is_taken_for_a_delivery, SameToken.SAME_RUN),
            (a_reused_request_id_is_taken_for_a_delivery, SameToken.REPLAY),
            (the_first_response_is_believed, SameToken.REPLAY),
        )
    ),
    Mutant(5, nothing_is_left_on_purpose, failed_create_beside_a_run_that_was_left),
    Mutant(0, an_open_outcome_is_a_failure, start_run_never_answers),
    Mutant(
        0,
        a_conflict_is_only_waited_for,
        start_run_answers_409_after_a_lost_response,
        omics=HealthOmicsReadings(same_token=SameToken.CONFLICT),
    ),
    Mutant(0, no_delivery_is_late, an_older_update_arrives_during_a_newer_one),
    Mutant(0, requests_have_no_date, an_older_update_arrives_during_a_newer_one),
    Mutant(0, requests_have_no_date, an_older_update_of_tags_arrives_late),
    Mutant(0, new_tags_come_first, tag_keys_change),
    Mutant(0, old_tags_stay, tag_keys_change),
    Mutant(0, tags_are_not_updated, tag_changes),
)


def broken_laws(mutant: Mutant) -> frozenset[int]:
    omics = replace(mutant.omics, lives=mutant.lives)
    with Simulator(readings=mutant.readings, omics_readings=omics) as simulator:
        laws = {0} if mutant.scenario(simulator) is False else set[int]()
        simulator.faults.prepare(CALM, simulator.scheduler.now)
        simulator.drain()
        if list(simulator.judge.stray_runs()):
            laws.add(2)
        try:
            simulator.check()
        except LawBrokenError as error:
            laws |= error.laws
    return frozenset(laws)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_law_catches_the_mutant(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken_laws(mutant) == frozenset()
    mutant.mutate(monkeypatch)
    assert mutant.law in broken_laws(mutant)


def test_every_law_has_a_mutant() -> None:
    assert {mutant.law for mutant in MUTANTS} == {0, 1, 2, 3, 4, 5, 6}
