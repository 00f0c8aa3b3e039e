"""Lives that a reviewer broke the laws with: late and repeated deliveries, retries, failures that stay.

Each is short and certain; the random sequences meet them too rarely.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from healthomics_run_handler import ledger, lineage, strays, wanted
from healthomics_run_handler.attempts import Attempts
from healthomics_run_handler.protocol import Protocol
from laws.chaos import CALM, Chaos, Fault, Kind
from laws.deployment import Options
from laws.healthomics import ACTIVE, SHORT, HealthOmicsReadings, Life, SameToken
from laws.law_checks import LawBrokenError
from laws.simulator import Simulator
from laws.stack import OldProperties, Readings, RollbackOfReplacement, ShownId
from laws.template import RunTemplate

A, B, C = (RunTemplate(sample=number) for number in range(3))
OTHER = {"Other": RunTemplate(name="other")}
KEPT = Options(sibling_fails_after=20.0, rollback=False)
"""A deployment that fails, and what it did stays."""


def one(template: RunTemplate) -> dict[str, RunTemplate]:
    return {"A": template}


def late(*, skip: int = 0, seconds: float = 1000.0) -> Fault:
    return Fault("deliver", Kind.LATE, skip=skip, seconds=seconds)


def again(*, skip: int = 0, seconds: float) -> Fault:
    return Fault("deliver", Kind.DUPLICATE, skip=skip, seconds=seconds)


def at_rest(simulator: Simulator) -> list[str]:
    """Let everything come to its end, check the laws, and tell which runs go on."""
    simulator.faults.prepare(CALM, simulator.scheduler.now)
    simulator.drain()
    simulator.check()
    assert list(simulator.judge.stray_runs()) == []
    simulator.pass_time(60.0)  # a cancelled run stops
    return ["active" if run.status(simulator.scheduler.now) in ACTIVE else "ended" for run in simulator.omics.runs]


def held_run(simulator: Simulator) -> int:
    """Which run the stack holds, counted from its start."""
    assert simulator.stack is not None
    uuid = (simulator.stack.resources["A"].physical_id or "").split("|")[2]
    return [run.uuid for run in simulator.omics.runs].index(uuid)


@pytest.fixture(params=RollbackOfReplacement, ids=lambda reading: reading.name)
def rollback(request: pytest.FixtureRequest) -> RollbackOfReplacement:
    return RollbackOfReplacement(request.param)


# --- a retried Update that keeps its RequestId ------------------------------------------------------------------


@pytest.mark.parametrize("shown", ShownId)
@pytest.mark.parametrize("throttled", [7.0, 11.0, 14.0])
@pytest.mark.parametrize("fails_after", [0.3, 1.3, 1.8])
@pytest.mark.parametrize("token", SameToken)
def test_a_retried_update_keeps_its_run_whatever_the_first_sending_still_does(
    token: SameToken, fails_after: float, throttled: float, shown: ShownId
) -> None:
    readings = Readings(reuses_request_ids=True, shown_id=shown)
    with Simulator(readings=readings, omics_readings=HealthOmicsReadings(same_token=token)) as simulator:
        simulator.deploy(one(A) | OTHER)
        faults = (Fault("start_run", Kind.LOST_RESPONSE), Fault("start_run", Kind.THROTTLED, 1, 1, throttled))
        stops = Options(sibling_fails_after=fails_after, rollback=False)
        simulator.deploy(one(B), options=stops, chaos=Chaos(faults=faults))
        stack = simulator.deploy(one(B), options=Options(is_retry=True))

        assert stack.status == "UPDATE_COMPLETE"
        at_rest(simulator)
        assert simulator.omics.runs[held_run(simulator)].status(simulator.scheduler.now) in ACTIVE
        assert simulator.deploy(one(C)).status == "UPDATE_COMPLETE"


# --- late Deletes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", ShownId)
@pytest.mark.parametrize("third", [Life(), SHORT], ids=["long", "short"])
def test_a_late_delete_of_a_run_spares_the_one_that_a_rollback_needs(
    rollback: RollbackOfReplacement, shown: ShownId, third: Life
) -> None:
    omics = HealthOmicsReadings(lives=(Life(), Life(), third), removal_delay=0.0)
    with Simulator(readings=Readings(replacement=rollback, shown_id=shown), omics_readings=omics) as simulator:
        simulator.deploy(one(A))
        simulator.deploy(one(B), chaos=Chaos(faults=(again(skip=1, seconds=300.0),)))
        simulator.pass_time(200.0)
        third_run = replace(C, removes_itself=True)
        stack = simulator.deploy(one(third_run), options=Options(sibling_fails_after=150.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["ended", "active", "ended"]
        assert held_run(simulator) == 1


def test_a_run_whose_delete_is_late_is_not_taken_again() -> None:
    with Simulator() as simulator:
        simulator.deploy(one(replace(A, service_timeout=240)))
        lates = tuple(late(skip=1) for _ in range(3))
        simulator.deploy(one(replace(B, service_timeout=240)), chaos=Chaos(faults=lates))
        assert [run.status(simulator.scheduler.now) for run in simulator.omics.runs] == ["RUNNING", "RUNNING"]

        simulator.deploy(one(replace(A, service_timeout=240)))

        assert at_rest(simulator) == ["ended", "ended", "active"]
        assert held_run(simulator) == 2


def test_a_resource_whose_run_was_given_back_by_mistake_is_replaced() -> None:
    with Simulator() as simulator:
        simulator.deploy(one(A))
        simulator.omics.runs[0].tags[ledger.RELEASED] = "by mistake"

        assert simulator.deploy(one(B)).status == "UPDATE_COMPLETE"
        assert at_rest(simulator) == ["ended", "active"]


# --- late Creates -----------------------------------------------------------------------------------------------


def test_a_late_create_starts_nothing_while_a_newer_one_is_in_progress() -> None:
    with Simulator() as simulator:
        cancelled = Options(sibling_fails_after=5.0, rollback=False)
        simulator.deploy(one(A), options=cancelled, chaos=Chaos(faults=(late(seconds=100.0),)), wait=20)
        slow = Fault("start_run", Kind.THROTTLED, times=4, seconds=15.0)
        simulator.deploy(one(A), options=Options(is_retry=True), chaos=Chaos(faults=(slow,)))

        assert at_rest(simulator) == ["active"]
        simulator.delete()
        assert at_rest(simulator) == ["ended"]


def test_a_late_create_spares_its_run_when_the_replacement_has_no_record(rollback: RollbackOfReplacement) -> None:
    omics = HealthOmicsReadings(lives=(Life(), SHORT), removal_delay=0.0)
    with Simulator(readings=Readings(replacement=rollback), omics_readings=omics) as simulator:
        simulator.deploy(one(A), chaos=Chaos(faults=(again(seconds=120.0),)))
        simulator.pass_time(20)
        stack = simulator.deploy(one(replace(B, removes_itself=True)), options=Options(sibling_fails_after=200.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["active", "ended"]
        assert held_run(simulator) == 0


def test_a_late_create_spares_its_run_when_it_was_replaced_twice_without_a_rollback() -> None:
    with Simulator() as simulator:
        simulator.deploy(one(A), chaos=Chaos(faults=(again(seconds=120.0),)))
        simulator.deploy(one(B), options=KEPT)
        stack = simulator.deploy(one(C), options=Options(sibling_fails_after=200.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["active", "ended", "ended"]
        assert held_run(simulator) == 0


# --- failures after StartRun ------------------------------------------------------------------------------------

UNKNOWN = (
    Fault("start_run", Kind.LOST_RESPONSE),
    Fault("start_run", Kind.REFUSED, skip=1),
    Fault("list_runs", Kind.DENIED, times=60),
)
"""A run is started, and the handler cannot find out."""
UNASKED = (Fault("describe_resource", Kind.DENIED, skip=1, times=60),)
"""A run is started, and CloudFormation cannot be asked whether it is still wanted."""


@pytest.mark.parametrize("then", ["back", "other", "removed", "deleted"])
@pytest.mark.parametrize("old", OldProperties)
@pytest.mark.parametrize("faults", [UNKNOWN, UNASKED], ids=["unknown", "unasked"])
def test_a_failed_update_leaves_no_run_behind_whatever_comes_next(
    faults: tuple[Fault, ...], old: OldProperties, then: str
) -> None:
    with Simulator(readings=Readings(old_properties=old)) as simulator:
        simulator.deploy(one(A) | OTHER)
        stack = simulator.deploy(one(B) | OTHER, options=Options(rollback=False), chaos=Chaos(faults=faults))
        assert stack.status == "UPDATE_FAILED"
        assert len(simulator.omics.runs) == 3

        match then:
            case "back":
                simulator.deploy(one(A) | OTHER)
            case "other":
                simulator.deploy(one(C) | OTHER)
            case "removed":
                simulator.deploy(OTHER)
            case _:
                simulator.delete()

        assert at_rest(simulator)[2] == "ended"


# --- rollbacks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stripped", [[ledger.SPEC], [ledger.SPEC, ledger.STACK_ID, ledger.LOGICAL_ID, ledger.REQUEST]])
def test_a_rollback_answers_the_earlier_id_whatever_became_of_that_runs_tags(
    rollback: RollbackOfReplacement, stripped: list[str]
) -> None:
    with Simulator(readings=Readings(replacement=rollback)) as simulator:
        simulator.deploy(one(A))
        for key in stripped:
            del simulator.omics.runs[0].tags[key]
        stack = simulator.deploy(one(B), options=Options(sibling_fails_after=20.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["active", "ended"]


def test_a_rollback_goes_back_several_replacements(rollback: RollbackOfReplacement) -> None:
    with Simulator(readings=Readings(replacement=rollback)) as simulator:
        simulator.deploy(one(A))
        simulator.deploy(one(B), options=KEPT)
        simulator.deploy(one(A), options=KEPT)
        stack = simulator.deploy(one(C), options=Options(sibling_fails_after=20.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["active", "ended", "ended", "ended"]
        assert held_run(simulator) == 0


def test_a_rollback_goes_back_to_the_first_of_two_runs_with_the_same_settings(
    rollback: RollbackOfReplacement,
) -> None:
    with Simulator(readings=Readings(replacement=rollback)) as simulator:
        simulator.deploy(one(A))
        simulator.deploy(one(B), options=KEPT)
        stack = simulator.deploy(one(A), options=Options(sibling_fails_after=20.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["active", "ended", "ended"]
        assert held_run(simulator) == 0


def test_a_rollback_of_tags_keeps_the_run_though_it_has_replaced_another_with_the_same_settings() -> None:
    with Simulator() as simulator:
        for template in (A, B, A):
            simulator.deploy(one(template))
        simulator.deploy(one(replace(A, tags={"a": "b"})), options=Options(sibling_fails_after=20.0))

        assert at_rest(simulator) == ["ended", "ended", "active"]
        assert held_run(simulator) == 2


def test_a_rollback_finds_its_run_when_the_replacement_has_no_record(rollback: RollbackOfReplacement) -> None:
    omics = HealthOmicsReadings(lives=(Life(), SHORT))
    with Simulator(readings=Readings(replacement=rollback), omics_readings=omics) as simulator:
        simulator.deploy(one(A))
        stack = simulator.deploy(one(replace(B, removes_itself=True)), options=Options(sibling_fails_after=300.0))

        assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["active", "ended"]
        assert held_run(simulator) == 0


# --- the end of a stack -----------------------------------------------------------------------------------------


def test_what_was_replaced_without_a_rollback_goes_with_its_stack_even_without_a_delete() -> None:
    with Simulator(readings=Readings(deletes_replaced=False)) as simulator:
        simulator.deploy(one(A))
        simulator.deploy(one(B), options=KEPT)
        simulator.deploy(one(C), options=KEPT)
        simulator.delete()

        assert at_rest(simulator) == ["ended", "ended", "ended"]


@pytest.mark.parametrize("lives", [(Life(), SHORT, Life()), (Life(), Life(), SHORT)], ids=["middle", "last"])
def test_what_was_replaced_goes_with_its_stack_though_a_record_is_gone(lives: tuple[Life, ...]) -> None:
    omics = HealthOmicsReadings(lives=lives, removal_delay=0.0)
    with Simulator(readings=Readings(deletes_replaced=False), omics_readings=omics) as simulator:
        for template in (A, replace(B, removes_itself=True), replace(C, removes_itself=True)):
            simulator.deploy(one(template), options=KEPT)
            simulator.pass_time(20.0)
        simulator.delete()

        assert at_rest(simulator) == ["ended", "ended", "ended"]


def test_what_was_replaced_goes_when_the_creation_of_its_stack_is_undone() -> None:
    with Simulator(readings=Readings(deletes_replaced=False)) as simulator:
        simulator.deploy(one(A), options=KEPT)
        stack = simulator.deploy(one(B), options=Options(sibling_fails_after=20.0))

        assert stack.status == "ROLLBACK_COMPLETE"
        assert at_rest(simulator) == ["ended", "ended"]


# --- each rule is needed ----------------------------------------------------------------------------------------


def _no_create_is_late(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wanted, "is_later", lambda *_, **__: False)


def _a_newer_sending_is_another_request(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Attempts, "latest_by", lambda *_: False)
    patch.setattr(wanted, "owner", lambda _: None)  # the second lock on the same door


def _what_was_held_is_a_stray(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Protocol, "_was_held", lambda *_: False)


def _what_a_deleted_run_had_is_a_stray(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strays, "_never_held", lambda _session, runs, *_: runs)


def _released_is_released(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Protocol, "_is_updated", lambda *_: False)


def _every_update_may_be_a_rollback(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wanted, "is_rolling_back", lambda _: True)


def _a_rollback_goes_one_step(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lineage, "_LONGEST", 1)


def _the_listing_knows_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lineage, "_listed", lambda *_: None)


def _only_a_rollback_looks_for_strays(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strays, "cancel_older_replacements", lambda *_: None)


def _nothing_is_deleted_for_good(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strays, "_is_deleted", lambda *_: False)


def _by_new_id(scenario: Callable[..., None], *arguments: object) -> Callable[[], None]:
    return lambda: scenario(RollbackOfReplacement.UPDATE_OF_NEW_ID, *arguments)


def _of_a_failure(then: str) -> Callable[[], None]:
    return lambda: test_a_failed_update_leaves_no_run_behind_whatever_comes_next(UNKNOWN, OldProperties.LAST_GOOD, then)


@pytest.mark.parametrize(
    ("mutate", "scenario"),
    [
        (_no_create_is_late, test_a_late_create_starts_nothing_while_a_newer_one_is_in_progress),
        (
            _a_newer_sending_is_another_request,
            lambda: test_a_retried_update_keeps_its_run_whatever_the_first_sending_still_does(
                SameToken.CONFLICT_IN_FLIGHT, 1.8, 7.0, ShownId.AT_ONCE
            ),
        ),
        (_what_was_held_is_a_stray, test_a_late_create_spares_its_run_when_it_was_replaced_twice_without_a_rollback),
        (
            _what_a_deleted_run_had_is_a_stray,
            _by_new_id(test_a_late_delete_of_a_run_spares_the_one_that_a_rollback_needs, ShownId.AT_ONCE, SHORT),
        ),
        (_released_is_released, test_a_resource_whose_run_was_given_back_by_mistake_is_replaced),
        (_every_update_may_be_a_rollback, test_a_run_whose_delete_is_late_is_not_taken_again),
        (_a_rollback_goes_one_step, _by_new_id(test_a_rollback_goes_back_several_replacements)),
        (
            _the_listing_knows_nothing,
            _by_new_id(test_a_rollback_finds_its_run_when_the_replacement_has_no_record),
        ),
        (_only_a_rollback_looks_for_strays, _of_a_failure("back")),
        (_nothing_is_deleted_for_good, _of_a_failure("removed")),
        (
            _nothing_is_deleted_for_good,
            test_what_was_replaced_without_a_rollback_goes_with_its_stack_even_without_a_delete,
        ),
    ],
)
def test_without_the_rule_the_life_ends_badly(
    mutate: Callable[[pytest.MonkeyPatch], None], scenario: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario()
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        scenario()


def test_the_law_sees_a_run_that_is_taken_again_after_its_delete_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    _every_update_may_be_a_rollback(monkeypatch)
    with pytest.raises(AssertionError) as caught:
        test_a_run_whose_delete_is_late_is_not_taken_again()
    assert not isinstance(caught.value, LawBrokenError)  # the second lock on the same door holds

    monkeypatch.setattr(Protocol, "_require_not_held_again", lambda *_: None)
    with pytest.raises(LawBrokenError, match="law 3"):
        test_a_run_whose_delete_is_late_is_not_taken_again()
