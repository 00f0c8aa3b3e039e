"""The six laws of design §4, judged from what the services saw. The handler's own words count for nothing.

Law 0 stands for what is no law of its own and has to hold all the same: no call that the service can only refuse, and
the tags that the template asks for.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from healthomics_run_handler.contract import ATTRIBUTES, ON_DELETE_LEAVE, ON_DELETE_PROPERTY, TAGS_PROPERTY
from laws.cloudformation import CloudFormation, Receipt
from laws.healthomics import ACTIVE, FakeHealthOmics, Run, Write
from laws.lambda_service import Invocation, LambdaService
from laws.requests import Request, faults_of
from laws.stack import Known, Resource, Stack
from laws.template import spec_of

AT_REST: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
ENDS_A_RUN: Final = frozenset({"cancel_run", "delete_run"})

ServiceRun = Run[Invocation]


class LawBrokenError(AssertionError):
    """At least one law does not hold."""

    def __init__(self, breaches: list["Breach"]) -> None:
        super().__init__(breaches)
        self.breaches: Final = breaches

    def __str__(self) -> str:
        return "\n".join(map(str, self.breaches))

    @property
    def laws(self) -> frozenset[int]:
        return frozenset(breach.law for breach in self.breaches)


@dataclass(frozen=True)
class Breach:
    """One law, broken."""

    law: int
    what: str

    def __str__(self) -> str:
        return f"law {self.law}: {self.what}"


class Judge:
    """Watches the services; the laws about moments are judged at that moment, the others when asked."""

    def __init__(
        self,
        cloudformation: CloudFormation,
        omics: FakeHealthOmics[Invocation],
        lambda_service: LambdaService,
    ) -> None:
        self._cloudformation = cloudformation
        self._omics = omics
        self._lambda = lambda_service
        self._breaches: list[Breach] = []
        omics.on_write = self._watch_write
        cloudformation.on_receipt = self._watch_receipt

    def check(self, *, drained: bool) -> None:
        """Raise if a law was broken so far. ``drained``: nothing is under way any more."""
        breaches = [*self._breaches, *self._law_1_and_3_and_4()]
        breaches += [Breach(0, complaint) for complaint in self._omics.complaints]
        if drained:
            breaches += self._law_2()
            breaches += self._tags()
        breaches += self._law_6()
        if breaches:
            raise LawBrokenError(breaches)

    # --- 0: tags ------------------------------------------------------------------------------------------------

    def _tags(self) -> Iterator[Breach]:
        """At rest, every run that is held has the tags of its template. Nobody else sets those.

        Two requests that are worked on at the same time are let off: TagResource has no conditions, so of an update
        that is cancelled in flight and the rollback behind it either may write last.
        """
        for stack in self._cloudformation.stacks.values():
            for resource in stack.resources.values() if stack.status in AT_REST else ():
                run = self._omics.run_with_uuid(self._named(stack, resource.logical_id, resource.good) or "")
                if run is None or resource.good is None or not self._omics.existing(run):
                    continue
                if self._worked_on_at_once(stack, resource):
                    continue
                wanted = resource.good.properties.get(TAGS_PROPERTY, {})
                wrong = {key: run.tags.get(key) for key, value in wanted.items() if run.tags.get(key) != value}
                if wrong:
                    yield Breach(0, f"run {run.id} of {resource.logical_id} has {wrong}, wanted is {wanted}")

    def _worked_on_at_once(self, stack: Stack, resource: Resource) -> bool:
        """Whether an invocation for another request overlapped with one for the last Create or Update."""
        last: Request | None = None
        for request in self._cloudformation.requests:
            if (request.stack_id, request.logical_id) == (stack.id, resource.logical_id) and request.type != "Delete":
                last = request
        own = [invocation for invocation in self._lambda.invocations if invocation.request is last]
        return any(
            one.began <= other.ended and other.began <= one.ended
            for other in self._lambda.invocations
            if other.request is not last
            and (other.request.stack_id, other.request.logical_id) == (stack.id, resource.logical_id)
            for one in own
        )

    # --- 1, 3 and 4: how many runs a request starts ------------------------------------------------------------

    def _law_1_and_3_and_4(self) -> Iterator[Breach]:
        starts: dict[int, int] = {}
        for run in self._omics.runs:
            if run.starter is not None:
                number = run.starter.request.number
                starts[number] = starts.get(number, 0) + 1
        for request in self._cloudformation.requests:
            started = starts.get(request.number, 0)
            if started <= request.allowance:
                continue
            if request.allowance:
                yield Breach(1, f"{request} started {started} runs")
            elif request.phase == "forward" and request.type == "Update":
                yield Breach(4, f"{request} changed no spec and started {started} runs")
            else:
                yield Breach(3, f"{request} started {started} runs")

    # --- 2: nothing of a stack that is gone is active ----------------------------------------------------------

    def _law_2(self) -> Iterator[Breach]:
        for run in self.ownerless_runs():
            starter = run.starter
            assert starter is not None
            yield Breach(
                2,
                f"run {run.id} is {run.status(self._now)}, started by {starter.request}, and its resource is gone",
            )

    def ownerless_runs(self) -> Iterator[ServiceRun]:
        """Active runs, not being cancelled, whose resource or whose whole stack is gone."""
        for run in self._omics.runs:
            starter = run.starter
            if starter is None or run.cancelled <= self._now or run.status(self._now) not in ACTIVE:
                continue
            stack = self._cloudformation.stacks[starter.request.stack_id]
            gone = stack.gone or starter.request.logical_id not in stack.resources
            if gone and not self._may_be_left(run):
                yield run

    def stray_runs(self) -> Iterator[ServiceRun]:
        """Active runs of stacks at rest that no resource holds: "never an orphan" is the product's promise."""
        for run in self._omics.runs:
            starter = run.starter
            if starter is None or run.cancelled <= self._now or run.status(self._now) not in ACTIVE:
                continue
            stack = self._cloudformation.stacks[starter.request.stack_id]
            resource = stack.resources.get(starter.request.logical_id)
            if resource is None or stack.status not in AT_REST or self._may_be_left(run):
                continue
            if self._named(stack, resource.logical_id, resource.good) != run.uuid:
                yield run

    def _may_be_left(self, run: ServiceRun) -> bool:
        """Whether a Delete of this very run has said LEAVE. A run that no Delete names is an orphan, LEAVE or not.

        Unless CloudFormation sends no Delete for runs that were replaced: then that of the last one speaks for all.
        """
        assert run.starter is not None
        own = run.starter.request
        speaks_for_all = not self._cloudformation.readings.deletes_replaced
        return any(
            request.properties.get(ON_DELETE_PROPERTY) == ON_DELETE_LEAVE
            and (speaks_for_all or self._named_by(request) == run.uuid)
            for request in self._cloudformation.requests
            if request.type == "Delete" and request.stack_id == own.stack_id and request.logical_id == own.logical_id
        )

    # --- 3 and 5: what may be written to a run ----------------------------------------------------------------

    def _watch_write(self, write: Write[Invocation]) -> None:
        run, request = write.run, write.caller.request
        starter = run.starter
        if starter is None:
            self._broken(5, f"{request} called {write.operation} on the foreign run {run.id}")
            return
        own = starter.request
        if (own.stack_id, own.logical_id) != (request.stack_id, request.logical_id):
            self._broken(5, f"{request} called {write.operation} on run {run.id} of {own}")
        if write.operation == "untag_run":
            for key in write.details:
                if key.startswith("external:"):
                    self._broken(5, f"{request} removed somebody else's tag {key} from run {run.id}")
        if write.operation in ENDS_A_RUN and run.cancelled > self._now and self._was_left(run, write.caller):
            self._broken(5, f"{request} called {write.operation} on run {run.id}, which was left to go on")
        if write.operation in ENDS_A_RUN and (holder := self._holder(run)) is not None:
            self._broken(3, f"{request} called {write.operation} on run {run.id}, which {holder} still holds")

    def _was_left(self, run: ServiceRun, caller: Invocation) -> bool:
        """Whether a Delete of this very run with LEAVE had succeeded when an invocation began: it is nobody's own then.

        One that was under way already may have looked before the run was left; tags have no conditions.
        """
        assert run.starter is not None
        return any(
            receipt.accepted
            and receipt.time < caller.began
            and receipt.request.type == "Delete"
            and receipt.request.properties.get(ON_DELETE_PROPERTY) == ON_DELETE_LEAVE
            and self._named_by(receipt.request) == run.uuid
            and json.loads(receipt.body).get("Status") == "SUCCESS"
            for receipt in self._cloudformation.receipts
        )

    def _named_by(self, request: Request) -> str | None:
        key = (request.stack_id, request.logical_id, request.physical_id or "")
        return self._cloudformation.named_runs.get(key)

    def _holder(self, run: ServiceRun) -> str | None:
        """The resource that a run belongs to and whose Delete for it has not been sent.

        While an operation is failing or rolling back, the stack's earlier state counts and what came after does not.
        """
        assert run.starter is not None
        stack = self._cloudformation.stacks[run.starter.request.stack_id]
        resource = stack.resources.get(run.starter.request.logical_id)
        if resource is None or stack.gone:
            return None
        held = [resource.stable]
        if resource.status.startswith("DELETE_"):
            # It goes for good, and what it had replaced with it, whichever first.
            held = [known for known in held if known is not None and known.physical_id == resource.physical_id]
        if not stack.failing and resource.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            held.append(resource.good)
        for known in held:
            if (
                known is not None
                and self._named(stack, resource.logical_id, known) == run.uuid
                and (stack.id, resource.logical_id, known.physical_id) not in self._cloudformation.deleted_ids
            ):
                return f"{resource.logical_id} ({resource.status}, {stack.status})"
        return None

    def _named(self, stack: Stack, logical_id: str, known: Known | None) -> str | None:
        if known is None:
            return None
        return self._cloudformation.named_runs.get((stack.id, logical_id, known.physical_id))

    def check_rollback(self, stack: Stack, before: dict[str, str]) -> None:
        """Law 3 at the end of a rollback: every resource has the physical id (and so the run) that it had before."""
        for logical_id, physical_id in before.items():
            resource: Resource | None = stack.resources.get(logical_id)
            if resource is None or resource.physical_id == physical_id:
                continue
            if not self._gone_and_equal(stack, logical_id, physical_id, resource.physical_id):
                self._broken(
                    3, f"after the rollback {logical_id} is {resource.physical_id!r}, before it was {physical_id!r}"
                )

    def _gone_and_equal(self, stack: Stack, logical_id: str, before: str, after: str) -> bool:
        """Whether the run of before has no record any more, and the one of now has the same spec.

        With rollback disabled the template can go from s0 to s1 and back to s0, and only then roll back. If the record
        of the first s0 run is gone by the time s0 is wanted again, a second one is started, which is right, and the
        rollback has no way to tell that the stack once knew the first: there is nothing left to keep.
        """
        uuid = self._cloudformation.named_runs.get((stack.id, logical_id, before))
        gone = any(run.uuid == uuid and run.gone_since() <= self._now for run in self._omics.runs)
        return gone and _spec_in(before) == _spec_in(after)

    # --- 6: answers -------------------------------------------------------------------------------------------

    def _law_6(self) -> Iterator[Breach]:
        """CloudFormation takes one answer per event; here the handler must not even try to give two."""
        for invocation in self._lambda.invocations:
            if len({put.body for put in invocation.puts}) > 1:
                yield Breach(6, f"{invocation.request}: one invocation gave different answers")
        for complaint in self._lambda.complaints:
            yield Breach(6, complaint)

    def _watch_receipt(self, receipt: Receipt) -> None:
        request = receipt.request
        for fault in faults_of(receipt.body, request):
            self._broken(6, f"answer to {request}: {fault}")
        try:
            answer = json.loads(receipt.body)
        except ValueError:
            return
        if answer.get("Status") != "SUCCESS":
            return
        if request.type == "Delete":
            self._check_deleted(receipt)
            return
        data = answer.get("Data") or {}
        missing = [name for name in ATTRIBUTES if not isinstance(data.get(name), str) or not data[name]]
        if missing:
            self._broken(6, f"answer to {request}: attributes {missing} are missing")
            return
        self._check_truth(receipt, data)
        keeps_its_run = request.type == "Update" and request.phase == "forward" and not request.allowance
        if keeps_its_run and answer["PhysicalResourceId"] != request.physical_id:
            self._broken(4, f"{request} changed no spec, and the answer has another physical id")

    def _check_deleted(self, receipt: Receipt) -> None:
        """Law 2, sharpened: a successful Delete of a run means that the run has stopped; its run group may go next."""
        request = receipt.request
        uuid = self._named_by(request)
        run = self._omics.run_with_uuid(uuid) if uuid is not None else None
        if run is not None and run.status(self._now) in ACTIVE and not self._may_be_left(run):
            self._broken(2, f"{request} succeeded while run {run.id} is {run.status(self._now)}")

    def _check_truth(self, receipt: Receipt, data: dict[str, str]) -> None:
        """A successful answer names a run of this resource, and that run does what the request asks for."""
        request = receipt.request
        run = self._omics.run_with_uuid(data["RunUuid"])
        if run is None or run.starter is None:
            self._broken(6, f"answer to {request}: run {data['RunUuid']} is not the handler's")
            return
        own = run.starter.request
        if (own.stack_id, own.logical_id) != (request.stack_id, request.logical_id):
            self._broken(6, f"answer to {request}: run {run.id} belongs to {own}")
        if (data["RunId"], data["RunArn"]) != (run.id, run.arn):
            self._broken(6, f"answer to {request}: {data} does not describe run {run.id}")
        if receipt.accepted and request.allowance and self._was_given_back(run, receipt):
            self._broken(6, f"answer to {request}: run {run.id} was given back before, and cancelled")
        if spec_of(own.properties) != spec_of(request.properties):
            self._broken(6, f"answer to {request}: run {run.id} has not the wanted spec")

    def _was_given_back(self, run: ServiceRun, receipt: Receipt) -> bool:
        """Whether the handler has cancelled a run on behalf of a request before the one that is answered."""
        return any(
            write.run is run and write.operation == "cancel_run" and write.caller.request is not receipt.request
            for write in self._omics.writes
        )

    @property
    def _now(self) -> float:
        return self._cloudformation.scheduler.now

    def _broken(self, law: int, what: str) -> None:
        self._breaches.append(Breach(law, what))


def _spec_in(physical_id: str) -> str:
    """The spec digest that a physical id carries."""
    return physical_id.split("|")[3] if physical_id.count("|") == 4 else physical_id
