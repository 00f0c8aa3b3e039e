"""What CloudFormation does with a stack: create, update, roll back, clean up, delete. One task per operation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from laws.cloudformation import CloudFormation
from laws.requests import Ending, Outcome, Phase, Request
from laws.stack import FailedWithOtherId, InFlight, Known, Resource, RollbackOfReplacement, Stack
from laws.template import Properties, RunTemplate, stringified

CLEANUP_TRIES: Final = 3
"""A cleanup Delete is tried three times; "even if a resource delete fails during cleanup, this will not fail the stack
update" (aws-cdk docs/CLOUDFORMATION.md)."""

STEP: Final = 1.5
"""Seconds before each phase of an operation. Stack events show CloudFormation taking several; one matters here:
successive requests for a resource then differ in their X-Amz-Date, which has a resolution of a second."""

StackTemplate = Mapping[str, RunTemplate]


@dataclass(frozen=True)
class Options:
    """How a deployment is run."""

    sibling_fails_after: float | None = None
    """Another resource of the stack, not one of ours, fails after so many seconds."""
    rollback: bool = True
    is_retry: bool = False
    """The deployment before this one failed."""
    shares_request_id: bool = False
    """All resources get the same RequestId; only StackId, RequestId and resource together are promised unique."""


class Operation:
    """Something that a stack goes through."""

    def __init__(self, cloudformation: CloudFormation, stack: Stack, options: Options) -> None:
        self.cloudformation: Final = cloudformation
        self.scheduler: Final = cloudformation.scheduler
        self.tally: Final = cloudformation.tally
        self.readings: Final = cloudformation.readings
        self.stack: Final = stack
        self.options: Final = options
        self._request_id = cloudformation.new_request_id() if options.shares_request_id else None

    # --- building blocks --------------------------------------------------------------------------------------

    def _post(
        self,
        resource: Resource,
        request_type: str,
        phase: Phase,
        properties: Properties,
        *,
        old_properties: Properties | None = None,
        physical_id: str | None = None,
        is_retry: bool | None = None,
    ) -> Request:
        return self.cloudformation.post(
            self.stack,
            resource,
            request_type,
            phase=phase,
            properties=properties,
            old_properties=old_properties,
            physical_id=physical_id,
            request_id=self._request_id if request_type != "Delete" else None,
            is_retry=self.options.is_retry if is_retry is None else is_retry,
        )

    def _each(self, work: Callable[[Resource], object], resources: Iterable[Resource]) -> None:
        """Independent resources are worked on all at once."""
        self.scheduler.join([self.scheduler.spawn(work, resource) for resource in list(resources)])

    def _delete(self, resource: Resource, known: Known, phase: Phase, *, tries: int = 1) -> bool:
        for attempt in range(tries):
            request = self._post(
                resource,
                "Delete",
                phase,
                known.properties,
                physical_id=known.physical_id,
                is_retry=attempt > 0 or (phase is Phase.DELETION and self.options.is_retry),
            )
            if self.cloudformation.outcome(request).ending is Ending.SUCCESS:
                return True
            self.tally["failed Deletes"] += 1
        return False

    def _delete_resource(self, resource: Resource, phase: Phase, *, tries: int = 1) -> bool:
        """Delete a resource with everything that is left over from it."""
        resource.status = "DELETE_IN_PROGRESS"
        if phase is Phase.DELETION and not self.readings.deletes_replaced:
            # A bound of the model: under another name, and its successor's record gone, nothing leads to a run.
            name = resource.properties["Name"]
            others = [known for known in resource.leftovers if known.undone or known.properties["Name"] != name]
            self.tally["replaced ids that nobody deletes"] += len(resource.leftovers) - len(others)
            resource.leftovers = others
        deleted = self._clean_up(resource, phase, tries=tries)
        if resource.physical_id is None:
            # The Create was cancelled, or never answered.
            resource.physical_id = self.cloudformation.invented_id(self.stack, resource)
        known = Known(resource.physical_id, self.cloudformation.current_properties(resource))
        deleted = self._delete(resource, known, phase, tries=tries) and deleted
        resource.status = "DELETE_COMPLETE" if deleted else "DELETE_FAILED"
        return deleted

    def _clean_up(self, resource: Resource, phase: Phase, *, tries: int = CLEANUP_TRIES) -> bool:
        """Send the Delete for every id that the resource had and has no more."""
        leftovers = {known.physical_id: known for known in resource.leftovers}
        leftovers.pop(resource.physical_id or "", None)
        resource.leftovers = list(leftovers.values())
        for known in list(leftovers.values()):
            if self._delete(resource, known, phase, tries=tries) or tries == CLEANUP_TRIES:
                resource.leftovers.remove(known)
        return not resource.leftovers

    def _delete_all(self) -> bool:
        self._each(
            lambda resource: self._delete_resource(resource, Phase.DELETION),
            [resource for resource in self.stack.resources.values() if resource.status != "DELETE_COMPLETE"],
        )
        return all(resource.status == "DELETE_COMPLETE" for resource in self.stack.resources.values())


class Deletion(Operation):
    """DeleteStack. A failed Delete blocks it; it can be tried again."""

    def run(self) -> None:
        self.stack.status = "DELETE_IN_PROGRESS"
        self.scheduler.sleep(STEP)
        self.stack.status = "DELETE_COMPLETE" if self._delete_all() else "DELETE_FAILED"


class Rollback(Operation):
    """Back to where the stack was when it was last complete. Also ContinueUpdateRollback."""

    def run(self) -> None:
        self.tally["rollbacks"] += 1
        if all(resource.stable is None for resource in self.stack.resources.values()):
            self._undo_creation()
            return
        self.stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self.scheduler.sleep(STEP)
        self._each(self._restore, self._unrestored())
        if self._unrestored():
            self.stack.status = "UPDATE_ROLLBACK_FAILED"
            return
        self.stack.status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
        self.scheduler.sleep(STEP)
        self._each(self._clean_up_after_rollback, self.stack.resources.values())
        for resource in list(self.stack.resources.values()):
            if resource.stable is None:
                del self.stack.resources[resource.logical_id]
        self.stack.status = "UPDATE_ROLLBACK_COMPLETE"

    def _undo_creation(self) -> None:
        self.stack.status = "ROLLBACK_IN_PROGRESS"
        self.scheduler.sleep(STEP)
        self.stack.status = "ROLLBACK_COMPLETE" if self._delete_all() else "ROLLBACK_FAILED"

    def _unrestored(self) -> list[Resource]:
        return [resource for resource in self.stack.resources.values() if resource.touched and resource.stable]

    def _clean_up_after_rollback(self, resource: Resource) -> None:
        if resource.stable is None:  # created by the failed update
            self._delete_resource(resource, Phase.CLEANUP, tries=CLEANUP_TRIES)
        else:
            self._clean_up(resource, Phase.CLEANUP)

    def _restore(self, resource: Resource) -> None:
        stable = resource.stable
        assert stable is not None
        assert resource.physical_id is not None
        replaced = resource.physical_id != stable.physical_id
        if replaced and resource.status != "UPDATE_FAILED":
            reading = self.readings.replacement
            self.tally[f"rollback of a replacement: {reading.name}"] += 1
            if reading is not RollbackOfReplacement.UPDATE_OF_NEW_ID:
                current = self.cloudformation.current_properties(resource)
                resource.leftovers.append(Known(resource.physical_id, current, undone=True))
                resource.physical_id = stable.physical_id
            if reading is RollbackOfReplacement.DELETE_ONLY:
                self._restored(resource, stable)
                return
        elif not replaced and resource.failed_with_other_id:
            self.tally["rollback without a reverse Update"] += 1
            self._restored(resource, stable)
            return
        self._reverse_update(resource, stable)

    def _reverse_update(self, resource: Resource, stable: Known) -> None:
        """ "On a later stack failure a reverse Update (ResourceProperties=OLD, OldResourceProperties=NEW)", and "if an
        Update fails, CloudFormation will trigger a second Update during rollback" (aws-cdk docs/CLOUDFORMATION.md)."""
        sent = resource.physical_id
        assert sent is not None
        resource.status = "UPDATE_IN_PROGRESS"
        request = self._post(
            resource,
            "Update",
            Phase.ROLLBACK,
            stable.properties,
            old_properties=resource.properties,
            physical_id=sent,
            is_retry=False,
        )
        outcome = self.cloudformation.outcome(request)
        if outcome.ending is not Ending.SUCCESS:
            resource.status = "UPDATE_FAILED"
            self.tally["failed rollbacks"] += 1
            return
        assert outcome.physical_id is not None
        if outcome.physical_id != sent:
            resource.leftovers.append(Known(sent, resource.properties, undone=True))
            resource.physical_id = outcome.physical_id
        self._restored(resource, stable)

    def _restored(self, resource: Resource, stable: Known) -> None:
        assert resource.physical_id is not None
        resource.status = "UPDATE_COMPLETE"
        resource.properties = stable.properties
        resource.good = Known(resource.physical_id, stable.properties)
        resource.touched = False


class Deployment(Operation):
    """CreateStack and UpdateStack."""

    def __init__(self, cloudformation: CloudFormation, stack: Stack, template: StackTemplate, options: Options) -> None:
        super().__init__(cloudformation, stack, options)
        self._template: Final = template
        self._kind: Final = "CREATE" if not stack.status else "UPDATE"
        self._in_flight: list[Request] = []
        self._cancelled = False

    def run(self) -> None:
        stack = self.stack
        stack.status = f"{self._kind}_IN_PROGRESS"
        stack.failing = False
        if self._kind == "UPDATE":
            stack.updated = self.scheduler.now
        self.scheduler.sleep(STEP)
        self._go_forward()
        if not stack.failing:
            self._complete()
        elif self._cancelled and self._kind == "CREATE":  # DeleteStack of a stack that was being created
            Deletion(self.cloudformation, stack, Options()).run()
        elif self.options.rollback or self._cancelled:
            Rollback(self.cloudformation, stack, Options(shares_request_id=self.options.shares_request_id)).run()
        else:
            self.tally["failures without a rollback"] += 1
            stack.failing = False  # what succeeded stays
            stack.status = f"{self._kind}_FAILED"

    @property
    def can_be_cancelled(self) -> bool:
        return self.stack.status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS") and not self.stack.failing

    def cancel(self) -> None:
        """CancelUpdateStack, or DeleteStack while the stack is being created."""
        self._cancelled = True
        self.tally[f"cancelled by the user: {self._kind}"] += 1
        self._fail(InFlight.CANCEL)

    def _go_forward(self) -> None:
        tasks = []
        for logical_id, template in self._template.items():
            properties: Properties = stringified(template.properties())
            resource = self.stack.resources.get(logical_id)
            if resource is None:
                resource = self.stack.resources[logical_id] = Resource(
                    logical_id, properties, now=lambda: self.scheduler.now
                )
                tasks.append(self.scheduler.spawn(self._create, resource, properties))
            elif resource.good is None:
                tasks.append(self.scheduler.spawn(self._create_anew, resource, properties))
            elif resource.status == "UPDATE_FAILED" or resource.good.properties != properties:
                tasks.append(self.scheduler.spawn(self._update, resource, properties))
        if self.options.sibling_fails_after is not None:
            tasks.append(self.scheduler.spawn(self._sibling, self.options.sibling_fails_after))
        self.scheduler.join(tasks)

    def _sibling(self, seconds: float) -> None:
        self.scheduler.sleep(seconds)
        self.tally["failed siblings"] += 1
        self._fail(self.readings.in_flight)

    def _fail(self, in_flight: InFlight) -> None:
        """Something failed; what is in flight is cancelled or awaited."""
        self.stack.failing = True
        self.tally[f"in flight: {in_flight.name}"] += 1
        if in_flight is InFlight.CANCEL:
            for request in self._in_flight:
                if request.future.resolve(Outcome(Ending.CANCELLED)):
                    self.tally[f"cancelled in flight: {request.type}"] += 1

    def _outcome(self, request: Request) -> Outcome:
        self._in_flight.append(request)
        outcome = self.cloudformation.outcome(request)
        self._in_flight.remove(request)
        if outcome.ending is not Ending.SUCCESS and not self.stack.failing:
            self._fail(self.readings.in_flight)
        return outcome

    def _create(self, resource: Resource, properties: Properties) -> None:
        if self.stack.failing:
            del self.stack.resources[resource.logical_id]
            return
        resource.status = "CREATE_IN_PROGRESS"
        resource.properties = properties
        resource.physical_id = None
        resource.touched = True
        outcome = self._outcome(self._post(resource, "Create", Phase.FORWARD, properties))
        if outcome.ending is Ending.SUCCESS:
            assert outcome.physical_id is not None
            resource.physical_id = outcome.physical_id
            resource.good = Known(outcome.physical_id, properties)
            resource.status = "CREATE_COMPLETE"
            return
        # FAILED with id X leads to Delete(X); without a valid answer CloudFormation invents an id (aws-cdk PR 5525).
        resource.status = "CREATE_FAILED"
        resource.physical_id = outcome.physical_id

    def _create_anew(self, resource: Resource, properties: Properties) -> None:
        """ "CloudFormation doesn't do an update, it rather issues a delete and creates a new resource"
        (pulumi-aws-native#1915), for a CREATE_FAILED resource that a disabled rollback kept."""
        self.tally["Delete and Create of a failed resource"] += 1
        if self._delete_resource(resource, Phase.FORWARD):
            self._create(resource, properties)
        else:
            self._fail(self.readings.in_flight)

    def _update(self, resource: Resource, properties: Properties) -> None:
        if self.stack.failing:
            return
        sent = resource.physical_id
        assert sent is not None
        before = resource.good or Known(sent, resource.properties)
        old_properties = self.cloudformation.current_properties(resource)
        resource.status = "UPDATE_IN_PROGRESS"
        resource.touched = True
        resource.failed_with_other_id = False
        request = self._post(
            resource, "Update", Phase.FORWARD, properties, old_properties=old_properties, physical_id=sent
        )
        before = Known(sent, before.properties)
        resource.properties = properties
        outcome = self._outcome(request)
        if outcome.ending is Ending.SUCCESS:
            assert outcome.physical_id is not None
            if outcome.physical_id != sent:
                self.tally["replacements"] += 1
                resource.leftovers.append(before)
            resource.physical_id = outcome.physical_id
            resource.good = Known(outcome.physical_id, properties)
            resource.status = "UPDATE_COMPLETE"
            return
        resource.status = "UPDATE_FAILED"
        if outcome.ending is Ending.FAILED and outcome.physical_id not in (None, sent):
            assert outcome.physical_id is not None
            reading = self.readings.failed_with_other_id
            self.tally[f"failed with another id: {reading.name}"] += 1
            if reading is FailedWithOtherId.DELETE:
                resource.failed_with_other_id = True
                resource.leftovers.append(Known(outcome.physical_id, properties))
            else:
                resource.leftovers.append(before)
                resource.physical_id = outcome.physical_id

    def _complete(self) -> None:
        stack = self.stack
        removed = [resource for logical_id, resource in stack.resources.items() if logical_id not in self._template]
        if self._kind == "UPDATE":
            stack.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            self._each(lambda resource: self._delete_resource(resource, Phase.CLEANUP, tries=CLEANUP_TRIES), removed)
            for resource in removed:
                del stack.resources[resource.logical_id]
            # The old physical id of a replaced resource: crpg-ref-requesttypes-update.
            self._each(lambda resource: self._clean_up(resource, Phase.CLEANUP), stack.resources.values())
        for resource in stack.resources.values():
            resource.stable = resource.good
            resource.touched = False
        stack.status = f"{self._kind}_COMPLETE"
