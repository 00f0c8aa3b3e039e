"""For each law, a handler that is broken in the one decision which keeps it: the law must catch it.

Each scenario is short and scripted, so that it is fast and certain; without the mutation it must pass.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

import pytest

from healthomics_run_handler import answer, ledger, protocol, strays, wanted
from healthomics_run_handler.ledger import Run
from healthomics_run_handler.protocol import Protocol
from healthomics_run_handler.request import Request
from healthomics_run_handler.resource import RunResource
from healthomics_run_handler.session import Session
from healthomics_run_handler.spec import RunSpec, parse_spec
from healthomics_run_handler.wanted import Verdict
from laws.chaos import CALM, Chaos, Fault, Kind
from laws.deployment import Options
from laws.healthomics import SHORT, HealthOmicsReadings, Life
from laws.law_checks import LawBrokenError
from laws.simulator import Simulator
from laws.template import RunTemplate

ONE = {"A": RunTemplate()}
CHANGED = {"A": RunTemplate(sample=1)}

Mutate = Callable[[pytest.MonkeyPatch], None]
Scenario = Callable[[Simulator], None]


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


@dataclass(frozen=True)
class Mutant:
    law: int
    mutate: Mutate
    scenario: Scenario
    lives: tuple[Life, ...] = (Life(),)

    @property
    def name(self) -> str:
        return f"law {self.law}: {self.mutate.__name__} ({self.scenario.__name__})"


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
)


def broken_laws(mutant: Mutant) -> frozenset[int]:
    with Simulator(omics_readings=HealthOmicsReadings(lives=mutant.lives)) as simulator:
        mutant.scenario(simulator)
        simulator.faults.prepare(CALM, simulator.scheduler.now)
        simulator.drain()
        try:
            simulator.check()
        except LawBrokenError as error:
            return error.laws
    return frozenset()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_law_catches_the_mutant(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broken_laws(mutant) == frozenset()
    mutant.mutate(monkeypatch)
    assert mutant.law in broken_laws(mutant)


def test_every_law_has_a_mutant() -> None:
    assert {mutant.law for mutant in MUTANTS} == {1, 2, 3, 4, 5, 6}
