"""The waiter under random orders of events, ticks, lost and doubled events, replacements, rollbacks and failing calls.

1. No wait is signalled before the run that the stack holds has ended, or is gone, or the time of the wait is up.
2. Nothing is signalled, and nothing waits, in a rollback.
3. If ticks come, every wait ends with a signal, before CloudFormation's own time-out.
4. A deployment goes on only if the run ended as it was asked for.
5. The schedule is off when the stack rests and a tick has come.
6. What a completion has said stays as it is, however often the library is upgraded and whatever HealthOmics says.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from handler_fakes import CONFLICT, DENIED, INVALID, LOST, STACK_ID, THROTTLED
from healthomics_run_handler.contract import RESOURCE_TYPE
from healthomics_run_handler.errors import ApiError
from healthomics_run_handler.identity import RunIdentity, parse_physical_id
from healthomics_run_waiter import contract
from healthomics_run_waiter.answering import handle_request
from healthomics_run_waiter.looking import look
from waiter_fakes import NOT_WAITING, RULE, FakeCloud

NAMES = ("A", "B", "C")
SECONDS = (60, 900, 43_200)
RESTING = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE")
TROUBLE = (THROTTLED, LOST, CONFLICT, INVALID, DENIED, NOT_WAITING)


@dataclass(kw_only=True)
class JudgedCloud(FakeCloud):
    """Judges every signal, with a knowledge that the waiter has not."""

    enabled: bool = False
    verdicts: list[str] = field(default_factory=list)

    def signal(self, stack_id: str, logical_id: str, unique_id: str, /) -> None:
        before = len(self.signals)
        wait = self.listed.get(logical_id)
        super().signal(stack_id, logical_id, unique_id)
        assert len(self.signals) == before + 1
        assert wait is not None
        if self.status not in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
            self.verdicts.append(f"signalled while the stack was {self.status}")
        name = contract.parse_wait_id(logical_id)
        assert name is not None
        held = self.held(name.run)
        if held.uuid != unique_id:
            self.verdicts.append(f"signalled for {unique_id}, but {name.run} is {held.uuid}")
        age = self.clock.now() - wait.changed_at
        if self.true_status(held) == "RUNNING" and age < contract.gives_up_after(name.seconds):
            self.verdicts.append(f"signalled after {age} s of {name.seconds}, but {held.run_id} is running")
        if age >= contract.policy_seconds(name.seconds):
            self.verdicts.append(
                f"signalled after {age} s of {name.seconds}: CloudFormation's own time-out was earlier"
            )

    def held(self, name: str) -> RunIdentity:
        identity = parse_physical_id(self.listed[name].physical_id)
        assert isinstance(identity, RunIdentity)
        return identity

    def true_status(self, run: RunIdentity) -> str:
        record = self.runs.get(run.run_id)
        return str(record["status"]) if record is not None and record["uuid"] == run.uuid else "GONE"

    def enable(self, rule_name: str, /) -> None:
        super().enable(rule_name)
        self.enabled = True

    def disable(self, rule_name: str, /) -> None:
        super().disable(rule_name)
        self.enabled = False


class WaitingMachine(RuleBasedStateMachine):
    """One stack, deployed again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud = JudgedCloud(status="REVIEW_IN_PROGRESS")
        self.sent: list[tuple[str, str]] = []
        self.numbers = iter(range(1000))
        self.pending: dict[str, int] = {}  # run resources whose wait condition does not wait yet: seconds
        self.before: dict[str, Any] = {}
        self.completed: set[str] = set()
        self.said: dict[str, tuple[RunIdentity, dict[str, Any]]] = {}  # by the names of runs, of the last deployment
        self.deployments = 0

    # --- the deployment ---

    @initialize(names=st.sets(st.sampled_from(NAMES), min_size=1), seconds=st.sampled_from(SECONDS))
    def create(self, names: set[str], seconds: int) -> None:
        self._deploy("CREATE_IN_PROGRESS", names, seconds)

    @precondition(lambda self: self.cloud.status in RESTING)
    @rule(names=st.sets(st.sampled_from(NAMES)), seconds=st.sampled_from(SECONDS))
    def update(self, names: set[str], seconds: int) -> None:
        self._deploy("UPDATE_IN_PROGRESS", names, seconds)

    def _deploy(self, status: str, names: set[str], seconds: int) -> None:
        cloud = self.cloud
        self.deployments += 1
        self.before = dict(cloud.listed)
        cloud.status, cloud.began_at = status, cloud.now()
        if names:  # something new to wait for
            assert self._ask(contract.WAITING_TYPE, {contract.RULE_NAME: RULE})["Status"] == "SUCCESS"
            assert cloud.enabled
        for name in sorted(names):
            cloud.run(f"{next(self.numbers)}", of=name)
            self.pending[name] = seconds

    @precondition(lambda self: self.pending and self._forward())
    @rule(data=st.data())
    def begin_to_wait(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.pending)))
        digest = f"{self.deployments:016x}"
        self.cloud.wait(of=name, seconds=self.pending.pop(name), digest=digest)

    @precondition(lambda self: self._forward() and not self.pending)
    @rule()
    def go_on(self) -> None:
        """The completions, and then the end, if no wait is open."""
        cloud = self.cloud
        waits = [each for each in cloud.listed.values() if each.resource_type == contract.WAIT_CONDITION_TYPE]
        if any(each.status == "CREATE_IN_PROGRESS" for each in waits):
            return
        for wait in waits:
            if wait.logical_id in self.completed:
                continue
            name = contract.parse_wait_id(wait.logical_id)
            assert name is not None
            run = cloud.held(name.run)
            answer = self._complete(name.run, run, name.seconds)
            assert (answer["Status"] == "SUCCESS") == (cloud.true_status(run) == "COMPLETED"), answer
            if answer["Status"] == "FAILED":
                assert run.run_id in answer["Reason"]
                self.fail()
                return
            self.completed.add(wait.logical_id)
            self.said[name.run] = run, answer
        cloud.status = cloud.status.replace("IN_PROGRESS", "COMPLETE")

    @precondition(lambda self: self.cloud.status in RESTING and self.said)
    @rule(errors=st.lists(st.sampled_from(TROUBLE), max_size=3))
    def upgrade(self, errors: list[ApiError]) -> None:
        self.upgrade_the_library(errors)

    def upgrade_the_library(self, errors: list[ApiError]) -> None:
        """A deployment that touches everything and replaces nothing."""
        before, self.cloud.status = self.cloud.status, "UPDATE_IN_PROGRESS"
        for name, (run, answer) in self.said.items():
            if name in self.cloud.listed and run == self.cloud.held(name):
                again = self._complete(name, run, 60, was=answer["PhysicalResourceId"], errors=errors)
                assert again["Status"] == "SUCCESS"
                assert (again["Data"], again["PhysicalResourceId"]) == (answer["Data"], answer["PhysicalResourceId"])
        self.cloud.status = before

    @precondition(lambda self: self._forward())
    @rule()
    def fail(self) -> None:
        """Something fails, and the stack goes back: what this deployment started is cancelled."""
        cloud = self.cloud
        create = cloud.status == "CREATE_IN_PROGRESS"
        cloud.status = "ROLLBACK_IN_PROGRESS" if create else "UPDATE_ROLLBACK_IN_PROGRESS"
        self.pending.clear()
        for each in list(cloud.listed.values()):
            if each.status == "CREATE_IN_PROGRESS":
                cloud.listed[each.logical_id] = replace(each, status="CREATE_FAILED")
            if each.resource_type == RESOURCE_TYPE and each != self.before.get(each.logical_id):
                run = cloud.held(each.logical_id)
                if cloud.true_status(run) == "RUNNING":
                    self._end(run.run_id, "CANCELLED")

    @precondition(lambda self: "ROLLBACK_IN_PROGRESS" in self.cloud.status)
    @rule()
    def be_back(self) -> None:
        cloud = self.cloud
        began = cloud.now()
        for name in NAMES:
            if name in self.before and cloud.listed[name] != self.before[name]:
                old, new = parse_physical_id(self.before[name].physical_id), cloud.held(name)
                assert isinstance(old, RunIdentity)
                assert self._complete(name, old, 60, replaces=new)["Status"] == "SUCCESS"
        assert cloud.now() == began, "a rollback waits for nothing"
        cloud.listed = dict(self.before)
        cloud.status = cloud.status.replace("IN_PROGRESS", "COMPLETE")

    # --- the runs and what is told of them ---

    @precondition(lambda self: self._active())
    @rule(data=st.data(), status=st.sampled_from(contract.FINAL_STATUSES))
    def end_a_run(self, data: st.DataObject, status: str) -> None:
        self._end(data.draw(st.sampled_from(self._active())), status)

    @precondition(lambda self: self.cloud.runs)
    @rule(data=st.data(), reused=st.booleans())
    def delete_a_record(self, data: st.DataObject, reused: bool) -> None:  # noqa: FBT001
        run_id = data.draw(st.sampled_from(sorted(self.cloud.runs)))
        if self.cloud.runs[run_id]["status"] == "RUNNING":
            return
        del self.cloud.runs[run_id]
        if reused:
            self.cloud.runs[run_id] = {"id": run_id, "uuid": f"foreign-{run_id}", "status": "RUNNING", "tags": {}}

    @precondition(lambda self: self.sent or self._active())
    @rule(data=st.data())
    def deliver_an_event(self, data: st.DataObject) -> None:
        """Any event that was ever sent: late, again, out of order; or a false one. Those not drawn are lost."""
        false = [(run_id, self.cloud.runs[run_id]["uuid"]) for run_id in self._active()]
        run_id, uuid = data.draw(st.sampled_from([*self.sent, *false]))
        told = {contract.STACK_ID: STACK_ID, contract.EVENT_RUN_ID: run_id, contract.EVENT_RUN_UUID: uuid}
        self._invoke(told)

    @precondition(lambda self: self.cloud.enabled)
    @rule()
    def tick(self) -> None:
        self._invoke({contract.STACK_ID: STACK_ID, contract.RULE_ARNS: [f"arn:aws:events:r:a:rule/{RULE}"]})

    @rule(seconds=st.integers(1, contract.TICK_SECONDS))
    def pass_time(self, seconds: int) -> None:
        """Less than a tick, and then one comes: without ticks there is no promise."""
        self.cloud.clock.sleep(seconds)
        if self.cloud.enabled:
            self.tick()

    @precondition(lambda self: self._open() and self.cloud.enabled)
    @rule(hours=st.integers(1, 12), offset=st.integers(1, contract.TICK_SECONDS))
    def pass_hours(self, hours: int, offset: int) -> None:
        """Long waits: ticks come, at any time of the five minutes."""
        self.pass_time(offset)
        for _ in range(hours * 3600 // contract.TICK_SECONDS):
            self.pass_time(contract.TICK_SECONDS)
            self.no_wait_times_out()

    @rule(
        operation=st.sampled_from(["GetRun", "DescribeStacks", "ListStackResources", "SignalResource", "DisableRule"]),
        errors=st.lists(st.sampled_from(TROUBLE), min_size=1, max_size=3),
    )
    def have_trouble(self, operation: str, errors: list[ApiError]) -> None:
        self.cloud.script[operation] = list(errors)

    @precondition(lambda self: self._open() and self.cloud.enabled)
    @rule(error=st.sampled_from([THROTTLED, LOST, CONFLICT, DENIED]), hours=st.integers(0, 12))
    def have_long_trouble_with_healthomics(self, error: ApiError, hours: int) -> None:
        """Ticks come, for hours perhaps, and every GetRun fails. (An event's look would take the time of the ticks.)"""
        for _ in range(1 + hours * 3600 // contract.TICK_SECONDS):
            self.cloud.script["GetRun"] = [error] * 2000
            self.pass_time(contract.TICK_SECONDS)
            self.no_wait_times_out()
        self.cloud.script.pop("GetRun", None)

    # --- what must hold ---

    @invariant()
    def no_signal_was_wrong(self) -> None:
        assert self.cloud.verdicts == []

    @invariant()
    def no_wait_times_out(self) -> None:
        for wait in self._open():
            name = contract.parse_wait_id(wait.logical_id)
            assert name is not None
            assert self.cloud.now() - wait.changed_at < contract.policy_seconds(name.seconds), wait

    def teardown(self) -> None:
        """Whatever happened, a few more ticks bring every wait to its end, and the schedule to rest."""
        self.cloud.script.clear()
        if self._forward():
            for name in sorted(self.pending):
                self.cloud.wait(of=name, seconds=self.pending.pop(name), digest=f"{self.deployments:016x}")
            for run_id in self._active():
                self._end(run_id, "COMPLETED")
            if self._open():
                assert self.cloud.enabled
                self.tick()
            assert self._open() == []
            self.go_on()
        if self.cloud.status in RESTING:
            self.upgrade_the_library([THROTTLED])
        if "ROLLBACK_IN_PROGRESS" in self.cloud.status:
            self.be_back()
        if self.cloud.enabled:
            self.tick()
        assert not self.cloud.enabled
        self.no_signal_was_wrong()

    # --- how it is done ---

    def _forward(self) -> bool:
        return self.cloud.status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}

    def _open(self) -> list[Any]:
        return [
            each
            for each in self.cloud.listed.values()
            if each.resource_type == contract.WAIT_CONDITION_TYPE and each.status == "CREATE_IN_PROGRESS"
        ]

    def _active(self) -> list[str]:
        runs = self.cloud.runs.items()
        return sorted(run_id for run_id, run in runs if run["status"] == "RUNNING" and run["tags"])

    def _end(self, run_id: str, status: str) -> None:
        self.cloud.runs[run_id]["status"] = status
        self.sent.append((run_id, self.cloud.runs[run_id]["uuid"]))

    def _invoke(self, event: dict[str, Any]) -> None:
        """As EventBridge and Lambda do: an invocation that fails is made again."""
        for _ in range(20):
            try:
                look(self.cloud.calls_until(), event)
            except ApiError:
                continue
            return
        raise AssertionError("the invocation keeps failing")

    def _complete(
        self,
        name: str,
        run: RunIdentity,
        seconds: int,
        *,
        replaces: RunIdentity | None = None,
        was: str = "",
        errors: Sequence[ApiError] = (),
    ) -> dict[str, Any]:
        def properties(of: RunIdentity) -> dict[str, Any]:
            return {
                contract.RUN: name,
                contract.RUN_ID: of.run_id,
                contract.RUN_UUID: of.uuid,
                contract.RUN_OUTPUT_URI: of.output_uri,
                contract.REQUIRE: ["COMPLETED"],
                contract.SECONDS: str(seconds),
            }

        self.cloud.script = {"GetRun": list(errors)}
        old = properties(replaces or run) if replaces is not None or was else None
        return self._ask(contract.COMPLETION_TYPE, properties(run), old=old, was=was or "completion|before")

    def _ask(self, resource_type: str, properties: dict[str, Any], *, old: Any = None, was: str = "") -> dict[str, Any]:
        event = {
            "RequestType": "Create" if old is None else "Update",
            "StackId": STACK_ID,
            "LogicalResourceId": "Resource",
            "RequestId": "request",
            "ResponseURL": "https://response.example/",
            "ResourceType": resource_type,
            "ResourceProperties": properties,
            **({} if old is None else {"OldResourceProperties": old, "PhysicalResourceId": was}),
        }
        bodies: list[bytes] = []

        def put(_url: str, body: bytes) -> int:
            bodies.append(body)
            return 200

        handle_request(event, self.cloud.calls_until(), put=put, last_put=self.cloud.now() + 890)
        (body,) = bodies
        answer: dict[str, Any] = json.loads(body)
        return answer


TestWaiting = WaitingMachine.TestCase
TestWaiting.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
