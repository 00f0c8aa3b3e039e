"""TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import OperationNotImplementedException, ResourceNotFoundException
from healthomics_local.endpoint.resource_arns import record_place
from healthomics_local.endpoint.run_request import check_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from healthomics_local.endpoint.backend import Backend

# Kinds of resources that can have tags on AWS, and that this endpoint does not know.
_NOT_IMPLEMENTED = frozenset({"annotationStore", "referenceStore", "sequenceStore", "variantStore"})


class TagOperations:
    """The operations on tags, which are the same for every kind of resource."""

    def __init__(self, backend: Backend) -> None:
        self._state = backend.state
        self._account_id = backend.settings.account_id

    def tag_resource(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Add tags, or change their values."""
        records, key = self._find(members["resourceArn"])
        tags = dict(records[key].tags) | members["tags"]
        check_tags(tags)
        records[key] = replace(records[key], tags=tags)
        return {}

    def untag_resource(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Remove tags; a key that is not there is no error."""
        records, key = self._find(members["resourceArn"])
        tags = {name: value for name, value in records[key].tags.items() if name not in members["tagKeys"]}
        records[key] = replace(records[key], tags=tags)
        return {}

    def list_tags_for_resource(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """All tags of a resource."""
        records, key = self._find(members["resourceArn"])
        return {"tags": dict(records[key].tags)}

    def _find(self, arn: str) -> tuple[MutableMapping[Any, Any], Any]:
        """The records that hold the resource with this ARN, and its key among them."""
        kind = arn.rpartition(":")[2].partition("/")[0]
        if kind in _NOT_IMPLEMENTED:
            # Whether it exists, nobody here can know.
            raise OperationNotImplementedException(f"tags of a {kind} are not implemented by the local HealthOmics")
        place = record_place(arn, self._state)
        # The ARN of a workflow that another account shares is right too, but its tags are its owner's affair.
        if place is None or arn.split(":")[4] != self._account_id:
            raise ResourceNotFoundException(f"Resource {arn} not found")
        return place
