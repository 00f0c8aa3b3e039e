"""What a rollback must do to custom resources, as a change of MiniStack's record of the failure. Pure.

MiniStack keeps one record per failed operation and rolls back from it. Three rules of CloudFormation are
missing there; all three can be had by changing that record before the rollback reads it:

* A custom resource whose Create failed or timed out is deleted like one that was created, under the id of the
  FAILED answer (or the one CloudFormation made up).
* An Update that failed is sent back under the id that the FAILED answer carried, because CloudFormation
  adopts it.
* A custom resource that was *replaced* before another resource failed gets an Update (new to old) first, and
  a Delete of the new id afterwards; MiniStack would only send the Delete.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedRequest:
    """A Create or Update that failed, and what it left behind."""

    logical_id: str
    resource_type: str
    physical_id: str
    properties: Mapping[str, Any]
    created: bool
    """True for a Create, False for an Update."""
    sent: bool
    """False when CloudFormation refused the request before the provider saw it."""


def is_custom(resource_type: str) -> bool:
    """Whether a type is a custom resource."""
    return resource_type.startswith("Custom::") or resource_type == "AWS::CloudFormation::CustomResource"


def failed_create_record(failure: FailedRequest, *, timestamp: str) -> dict[str, Any]:
    """Build the resource record under which the stack knows a failed Create."""
    return {
        "PhysicalResourceId": failure.physical_id,
        "ResourceType": failure.resource_type,
        "ResourceStatus": "CREATE_FAILED",
        "LogicalResourceId": failure.logical_id,
        "Properties": dict(failure.properties),
        "Attributes": {},
        "Timestamp": timestamp,
    }


def prepare(operation: dict[str, Any], resources: Mapping[str, Any], failure: FailedRequest | None) -> dict[str, Any]:
    """Return the operation as CloudFormation would roll it back.

    Args:
        operation: MiniStack's record of the failed operation; left as it is.
        resources: the stack's resource records at the time of the failure.
        failure: the custom resource that failed, if the operation failed in one.
    """
    prepared = dict(operation)
    previous = _copied_previous(prepared)
    if failure is not None and failure.created:
        prepared["created"] = [*operation["created"], failure.logical_id]
    if failure is not None and not failure.created and operation.get("failed_update") is not None:
        _adopt_failed_update(prepared, previous, failure)
    replaced = [name for name in operation.get("replaced_ids", []) if _replaced_in_place(resources, previous, name)]
    for name in replaced:
        # The rollback tells "changed in place" from "replaced" by comparing ids.
        previous[name] = {**previous[name], "PhysicalResourceId": resources[name]["PhysicalResourceId"]}
    prepared["replaced_ids"] = [name for name in operation.get("replaced_ids", []) if name not in replaced]
    if prepared.get("previous_stack"):
        prepared["previous_stack"] = {**prepared["previous_stack"], "_resources": previous}
    return prepared


def superseded_id(*, rolled_back_from: str, answered: str) -> str | None:
    """Return the id that the cleanup deletes after a rollback's Update, or None when the id stayed."""
    return rolled_back_from if answered != rolled_back_from else None


def _copied_previous(operation: Mapping[str, Any]) -> dict[str, Any]:
    previous_stack: dict[str, Any] = operation.get("previous_stack") or {}
    resources: dict[str, Any] = previous_stack.get("_resources") or {}
    return dict(resources)


def _adopt_failed_update(prepared: dict[str, Any], previous: dict[str, Any], failure: FailedRequest) -> None:
    logical_id, resource_type, _old_id, *rest = prepared["failed_update"]
    if logical_id != failure.logical_id:
        return
    if not failure.sent:
        prepared["failed_update"] = [logical_id, resource_type, failure.physical_id, None, None, None]
        return
    prepared["failed_update"] = [logical_id, resource_type, failure.physical_id, *rest]
    if logical_id in previous:
        previous[logical_id] = {**previous[logical_id], "PhysicalResourceId": failure.physical_id}


def _replaced_in_place(resources: Mapping[str, Any], previous: Mapping[str, Any], name: str) -> bool:
    """Whether a replaced resource is a custom one that an Update can send back."""
    record = resources.get(name)
    return record is not None and name in previous and is_custom(str(record.get("ResourceType", "")))
