"""Random lives of a stack, as a state machine that hypothesis drives, shrinks and prints."""

import os
from collections import Counter
from dataclasses import replace
from math import inf
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from laws import strategies
from laws.chaos import CALM, Chaos
from laws.deployment import Deployment, Options
from laws.healthomics import HealthOmicsReadings, SameToken
from laws.simulator import Simulator
from laws.stack import Readings
from laws.strategies import Change
from laws.template import RunTemplate

KEEPS_JOURNAL = "LAWS_JOURNAL" in os.environ
"""Whether a failing sequence is printed with every call that the handler made."""

EVER = "ever" in strategies.EXTRAS
"""Whether Lambda delivers again what was sent in earlier operations; else only a late duplicate comes so late."""

DELETION_TRIES = 4
"""How often the stack is deleted at the end of a life, without faults, before that counts as a failure."""

TOUCHES = 1
FOREIGN_RUNS = 1
"""How often others interfere in one life. More of it would take the steps of what CloudFormation and Lambda do."""

TERMINAL_STATUSES = (
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
)


def _status(machine: "StackLife") -> str:
    stack = machine.simulator.stack
    return stack.status if stack is not None else ""


def _at_rest(machine: "StackLife") -> bool:
    return not machine.simulator.busy


def _can_update(machine: "StackLife") -> bool:
    return _at_rest(machine) and _status(machine) in TERMINAL_STATUSES


def _can_create(machine: "StackLife") -> bool:
    return _at_rest(machine) and _status(machine) in ("", "DELETE_COMPLETE")


def _may_idle(machine: "StackLife") -> bool:
    simulator = machine.simulator
    idled = machine.idled_after == len(simulator.cloudformation.requests)
    return simulator.scheduler.idle and bool(simulator.omics.runs) and not idled


def _may_retry(machine: "StackLife") -> bool:
    return _can_update(machine) and machine.last_failed


def _can_delete(machine: "StackLife") -> bool:
    return _at_rest(machine) and _status(machine) not in ("", "DELETE_COMPLETE")


def _may_delete(machine: "StackLife") -> bool:
    """Every life ends with a deletion anyway; before that, there should be something to delete."""
    return _can_delete(machine) and (machine.deployments > 1 or not _can_update(machine))


def _can_cancel(machine: "StackLife") -> bool:
    operation = machine.simulator.operation
    return isinstance(operation, Deployment) and operation.can_be_cancelled


class StackLife(RuleBasedStateMachine):
    """One stack from its creation to its end, with everything that may happen to it in between."""

    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.simulator = Simulator(tally=self.tally)
        self.template: dict[str, RunTemplate] = {}
        self.wanted: dict[str, RunTemplate] = {}
        self.last_failed = False
        self.broken = False
        self.deployments = 0
        """Of the stack that there is."""
        self.touches = 0
        self.foreign_runs = 0
        self.idled_after = -1

    @initialize(
        readings=strategies.READINGS,
        omics=strategies.OMICS_READINGS,
        template=strategies.TEMPLATES,
        birth=strategies.BIRTHS,
        lambda_timeout=strategies.LAMBDA_TIMEOUTS,
    )
    def begin(
        self,
        readings: Readings,
        omics: HealthOmicsReadings,
        template: dict[str, RunTemplate],
        birth: Options | None,
        lambda_timeout: float,
    ) -> None:
        """Begin with a stack that was created in peace, with one that was not, or with none."""
        self.simulator.scheduler.close()
        self.simulator = Simulator(
            readings=readings, omics_readings=omics, tally=self.tally, keeps_journal=KEEPS_JOURNAL
        )
        self.simulator.lambda_service.timeout = lambda_timeout
        self.tally["sequences"] += 1
        if birth is not None:
            self._deploy(template, birth, CALM, inf)

    # --- deployments ------------------------------------------------------------------------------------------

    @precondition(_can_create)
    @rule(
        template=strategies.TEMPLATES,
        options=strategies.OPTIONS,
        chaos=strategies.CHAOS,
        wait=strategies.WAITS,
    )
    def create(self, template: dict[str, RunTemplate], options: Options, chaos: Chaos, wait: float) -> None:
        self._deploy(template, options, chaos, wait)

    @precondition(_can_update)
    @rule(
        changes=strategies.SPEC_CHANGES,
        options=strategies.OPTIONS,
        chaos=strategies.CHAOS,
        wait=strategies.WAITS,
    )
    def change_specs(self, changes: list[Change], options: Options, chaos: Chaos, wait: float) -> None:
        self._deploy(self._changed(changes), options, chaos, wait)

    @precondition(_can_update)
    @rule(
        changes=strategies.OTHER_CHANGES,
        options=strategies.OPTIONS,
        chaos=strategies.CHAOS,
        wait=strategies.WAITS,
    )
    def change_other_things(self, changes: list[Change], options: Options, chaos: Chaos, wait: float) -> None:
        self._deploy(self._changed(changes), options, chaos, wait)

    @precondition(_can_update)
    @rule(
        template=strategies.TEMPLATES,
        options=strategies.OPTIONS,
        chaos=strategies.CHAOS,
        wait=strategies.WAITS,
    )
    def add_and_remove_resources(
        self, template: dict[str, RunTemplate], options: Options, chaos: Chaos, wait: float
    ) -> None:
        kept = dict(list(self.template.items())[:1])
        self._deploy({**template, **kept}, options, chaos, wait)

    @precondition(_may_retry)
    @rule(options=strategies.OPTIONS, chaos=strategies.CHAOS, wait=strategies.WAITS)
    def retry(self, options: Options, chaos: Chaos, wait: float) -> None:
        self._deploy(self.wanted, replace(options, is_retry=True), chaos, wait)

    @precondition(lambda self: _at_rest(self) and _status(self) == "UPDATE_ROLLBACK_FAILED")
    @rule(chaos=strategies.CHAOS, wait=strategies.WAITS)
    def continue_rollback(self, chaos: Chaos, wait: float) -> None:
        calm = chaos.calm and self.simulator.scheduler.idle
        self.simulator.continue_rollback(chaos=chaos, wait=wait)
        self._after_step()
        if calm:
            self._require_rolled_back()

    @precondition(_may_delete)
    @rule(chaos=strategies.CHAOS, wait=strategies.WAITS)
    def delete(self, chaos: Chaos, wait: float) -> None:
        calm = chaos.calm and self.simulator.scheduler.idle
        is_retry = _status(self) == "DELETE_FAILED"
        self.simulator.delete(is_retry=is_retry, chaos=chaos, wait=wait)
        self._after_step()
        if calm and not self.simulator.busy:
            self._require_deleted()

    @precondition(_can_cancel)
    @rule(wait=strategies.WAITS)
    def cancel(self, wait: float) -> None:
        self.simulator.cancel(wait=wait)
        self._after_step()

    # --- meanwhile --------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.simulator.scheduler.idle)
    @rule(seconds=st.sampled_from((1.0, 20.0, 130.0, 1000.0, 4000.0)))
    def pass_time(self, seconds: float) -> None:
        self.simulator.pass_time(seconds)
        self._after_step()

    @precondition(lambda self: self.simulator.recent_requests(ever=EVER))
    @rule(number=st.integers(0, 5), chaos=strategies.CHAOS, wait=st.sampled_from((400.0, 0.5, 20.0)))
    def lambda_delivers_again(self, number: int, chaos: Chaos, wait: float) -> None:
        if not self.simulator.busy:  # the faults of an operation go on to its end
            self.simulator.faults.prepare(chaos, self.simulator.scheduler.now)
        self.simulator.deliver_again(number, wait=wait, ever=EVER)
        self._after_step()

    @precondition(_may_idle)
    @rule(seconds=st.sampled_from((60.0, 3600.0, 50_000.0, 180_000.0)))
    def pass_idle_time(self, seconds: float) -> None:
        self.idled_after = len(self.simulator.cloudformation.requests)
        self.simulator.pass_time(seconds)

    @precondition(lambda self: self.simulator.omics.runs and self.touches < TOUCHES)
    @rule(number=st.integers(0, 20), what=strategies.TOUCHES)
    def somebody_touches_a_run(self, number: int, what: str) -> None:
        self.touches += 1
        omics = self.simulator.omics
        run = omics.runs[number % len(omics.runs)]
        if what == "cancel":
            omics.external_cancel(run)
        elif what == "delete":
            omics.external_delete(run)
        elif what == "strip":
            omics.external_strip(run)
        elif omics.existing(run):
            run.tags["external:note"] = "somebody else's"

    @precondition(lambda self: self.foreign_runs < FOREIGN_RUNS)
    @rule(name=st.sampled_from(("run-A", "shared", "renamed")), takes_over_id=st.booleans())
    def somebody_starts_a_run(self, name: str, takes_over_id: bool) -> None:  # noqa: FBT001 - drawn
        self.foreign_runs += 1
        self.simulator.omics.foreign_start(name, takes_over_id=takes_over_id)

    # --- what must hold ---------------------------------------------------------------------------------------

    @invariant()
    def the_laws_hold(self) -> None:
        try:
            self.simulator.check()
        except AssertionError:
            self.broken = True
            raise

    def teardown(self) -> None:
        try:
            if not self.broken:
                self._end()
        finally:
            for line in self.simulator.journal.lines:
                note(line)
            self.simulator.scheduler.close()

    def _end(self) -> None:
        """Let everything come to rest, then delete the stack in peace."""
        simulator = self.simulator
        simulator.faults.prepare(CALM, simulator.scheduler.now)
        simulator.drain()
        simulator.check()
        strays = [
            f"run {run.id}, started by {run.starter.request}" for run in simulator.judge.stray_runs() if run.starter
        ]
        self.tally["strays in stacks at rest"] += len(strays)
        self._require(not strays, f"strays in a stack at rest: {strays}")
        for _ in range(DELETION_TRIES):
            if not _can_delete(self):
                break
            simulator.delete()
            simulator.drain()
            simulator.check()
        if simulator.stack is not None:
            self._require_deleted()

    def _changed(self, changes: list[Change]) -> dict[str, RunTemplate]:
        template = self.template
        for change in changes:
            template = change.applied(template)
        return template

    def _deploy(self, template: dict[str, RunTemplate], options: Options, chaos: Chaos, wait: float) -> None:
        simulator = self.simulator
        # If it is refused, nothing tells a reused RequestId whose run is gone from one whose run is in flight.
        refused = (SameToken.CONFLICT, SameToken.OTHER_BODY_REFUSED)
        hopeless = options.is_retry and simulator.omics.readings.same_token in refused
        healthy = options.sibling_fails_after is None and not hopeless
        undisturbed = chaos.calm and simulator.scheduler.idle
        calm = undisturbed and healthy
        self.wanted = template
        self.deployments = 1 if _can_create(self) else self.deployments + 1
        simulator.deploy(template, options=options, chaos=chaos, wait=wait)
        self._after_step()
        if calm and not simulator.busy:
            self._require(_status(self) in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), "a deployment without faults failed")
        if undisturbed:
            self._require_rolled_back()

    def _after_step(self) -> None:
        if self.simulator.busy:
            return
        status = _status(self)
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            self.template = self.wanted
            self.last_failed = False
        elif status in ("CREATE_FAILED", "UPDATE_FAILED"):
            self.template = self.wanted
            self.last_failed = True
        elif status == "UPDATE_ROLLBACK_COMPLETE":
            self.last_failed = True

    def _require_rolled_back(self) -> None:
        """A rollback without faults completes, as long as the runs that it needs have their records."""
        now = self.simulator.scheduler.now
        lost = any(run.gone_since() <= now for run in self.simulator.omics.runs)
        if not self.simulator.busy and not lost:
            self._require(_status(self) != "UPDATE_ROLLBACK_FAILED", "a rollback without faults failed")

    def _require_deleted(self) -> None:
        self._require(_status(self) == "DELETE_COMPLETE", "a deletion without faults failed")

    def _require(self, condition: bool, complaint: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not condition:
            self.broken = True
            raise AssertionError(f"{complaint}: {_status(self)}")
