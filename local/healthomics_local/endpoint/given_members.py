"""What a caller has given: a member that is null counts as left out, as in every AWS API. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from healthomics_local.endpoint.json_values import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping


def given_members(shape: StructureShape | None, members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not null, at every depth of what the model describes.

    A null in a list or as a value of a map stays, because it is in no member's place; and a document belongs to the
    caller, nulls and all.

    >>> from healthomics_local.endpoint.service_model import operation_model
    >>> shape = operation_model("CreateConfiguration").input_shape
    >>> given_members(shape, {"name": "n", "tags": None, "runConfigurations": {"vpcConfig": None}})
    {'name': 'n', 'runConfigurations': {}}
    """
    known: Mapping[str, Shape] = {} if shape is None else shape.members
    return {
        name: _given(known[name], value) if name in known else value
        for name, value in members.items()
        if value is not None
    }


def _given(shape: Shape, value: Any) -> Any:
    match shape:
        case StructureShape() if not shape.is_document_type and is_object(value):
            return given_members(shape, value)
        case ListShape() if is_array(value):
            return [_given(shape.member, item) for item in value]
        case MapShape() if is_object(value):
            return {key: _given(shape.value, item) for key, item in value.items()}
        case _:
            return value
