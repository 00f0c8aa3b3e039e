"""The ``AWS::Omics::*`` resource types that belong to runs, as properties and service calls. Pure.

A property and its member of the API differ in the first letter only, so one table of resource types and
botocore's service model are enough: no list of properties to keep in step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from healthomics_local.json_types import is_array, is_object


@dataclass(frozen=True, kw_only=True, slots=True)
class OmicsType:
    """One resource type: how CloudFormation's verbs map to the service's operations."""

    name: str
    noun: str
    """The noun in the operations' names: ``Create<noun>``, ``Get<noun>``, ``Delete<noun>``."""
    key: tuple[str, ...]
    """The members that name one resource in Get and Delete; joined by a slash they are the physical id."""
    attributes: tuple[str, ...]
    """What ``Fn::GetAtt`` offers; each is the Get operation's member with a capital first letter."""
    updatable: frozenset[str] = frozenset()
    """Properties that change in place; a change of any other replaces the resource."""
    settles: bool = False
    """Whether the resource is created in the background, so that its status must be awaited."""

    def key_of(self, physical_id: str) -> dict[str, str]:
        """Split a physical id into the arguments of Get and Delete."""
        parts = physical_id.split("/", maxsplit=len(self.key) - 1)
        return dict(zip(self.key, parts, strict=True))

    def physical_id(self, created: Mapping[str, Any]) -> str:
        """Join the id from what Create answered."""
        return "/".join(str(created[member]) for member in self.key)


WORKFLOW_UPDATABLE: Final = frozenset({"Description", "ReadmeMarkdown", "StorageCapacity", "StorageType"})

OMICS_TYPES: Final = (
    OmicsType(
        name="AWS::Omics::Workflow",
        noun="Workflow",
        key=("id",),
        attributes=("Arn", "CreationTime", "Id", "Status", "Type", "Uuid"),
        updatable=WORKFLOW_UPDATABLE | {"Name"},
        settles=True,
    ),
    OmicsType(
        name="AWS::Omics::WorkflowVersion",
        noun="WorkflowVersion",
        key=("workflowId", "versionName"),
        attributes=("Arn", "CreationTime", "Status", "Type", "Uuid"),
        updatable=WORKFLOW_UPDATABLE,
        settles=True,
    ),
    OmicsType(
        name="AWS::Omics::RunGroup",
        noun="RunGroup",
        key=("id",),
        attributes=("Arn", "CreationTime", "Id"),
        updatable=frozenset({"Name", "MaxCpus", "MaxDuration", "MaxGpus", "MaxRuns"}),
    ),
    OmicsType(
        name="AWS::Omics::RunCache",
        noun="RunCache",
        key=("id",),
        attributes=("Arn", "CreationTime", "Id", "Status"),
        updatable=frozenset({"CacheBehavior", "Description", "Name"}),
    ),
    OmicsType(
        name="AWS::Omics::Configuration",
        noun="Configuration",
        key=("name",),
        attributes=("Arn", "CreationTime", "Status", "Uuid"),
        settles=True,
    ),
)


def member_name(property_name: str) -> str:
    """Return the API member of a property: ``ParameterTemplate`` is ``parameterTemplate``."""
    return property_name[:1].lower() + property_name[1:]


def attribute_member(attribute: str) -> str:
    """Return the member of Get's answer that holds an attribute."""
    return member_name(attribute)


def to_input(properties: Mapping[str, Any], shape: Any, *, path: str = "") -> dict[str, Any]:
    """Turn resource properties into the input of an operation, along its shape.

    Raises:
        ValueError: a property that the operation does not have.
    """
    members: Mapping[str, Any] = shape.members
    translated: dict[str, Any] = {}
    for name, value in properties.items():
        member = name if name in members else member_name(name)
        if member not in members:
            allowed = ", ".join(sorted(key[:1].upper() + key[1:] for key in members))
            raise ValueError(f"unsupported property {path}{name}; supported are {allowed}")
        translated[member] = _to_member(value, members[member], path=f"{path}{name}.")
    return translated


def changed_properties(old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
    """Name the properties that differ."""
    return frozenset(name for name in {*old, *new} if old.get(name) != new.get(name))


def _to_member(  # noqa: PLR0911 - one type, one return
    value: Any, shape: Any, *, path: str
) -> Any:
    match shape.type_name:
        case "structure" if is_object(value):
            return to_input(value, shape, path=path)
        case "list" if is_array(value):
            return [_to_member(item, shape.member, path=path) for item in value]
        case "map" if is_object(value):
            return {key: _to_member(item, shape.value, path=path) for key, item in value.items()}
        case "integer" | "long":
            return int(float(value))
        case "boolean":
            return str(value).lower() == "true"
        case "string":
            return str(value)
        case _:
            return value
