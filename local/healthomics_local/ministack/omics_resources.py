"""CloudFormation handlers for ``AWS::Omics::*``: they call the HealthOmics endpoint with boto3."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from healthomics_local.ministack.binding import MiniStack
from healthomics_local.ministack.omics_types import (
    OMICS_TYPES,
    OmicsType,
    attribute_member,
    changed_properties,
    to_input,
)

SETTLE_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.1
SETTLED: Final = frozenset({"ACTIVE", "INACTIVE"})
NOT_FOUND: Final = "ResourceNotFoundException"


def install(ministack: MiniStack) -> None:
    """Teach CloudFormation the resource types."""
    for omics_type in OMICS_TYPES:
        handlers = OmicsHandlers(omics_type=omics_type, ministack=ministack)
        ministack.add_resource_type(
            omics_type.name, create=handlers.create, update=handlers.update, delete=handlers.delete
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OmicsHandlers:
    """Create, update and delete of one resource type, with the signatures that MiniStack calls."""

    omics_type: OmicsType
    ministack: MiniStack

    def create(self, _logical_id: str, props: Mapping[str, Any], _stack_name: str) -> tuple[str, dict[str, Any]]:
        """Create a resource and wait until it can be used."""
        client = self._client()
        created = self._call(client, "Create", to_input(props, self._input_shape(client, "Create")))
        physical_id = self.omics_type.physical_id(created)
        try:
            return physical_id, self._settled_attributes(client, physical_id)
        except Exception:
            # A resource that never worked is nothing the stack could refer to, so it would be left behind.
            self.delete(physical_id, props)
            raise

    def update(
        self, physical_id: str, old_props: Mapping[str, Any], new_props: Mapping[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        """Change a resource in place where the service can; else create its successor, which replaces it."""
        changed = changed_properties(old_props, new_props)
        if not changed <= self.omics_type.updatable | {"Tags"}:
            return self.create("", new_props, stack_name)
        client = self._client()
        key = self.omics_type.key_of(physical_id)
        settings = {name: new_props[name] for name in changed - {"Tags"} if name in new_props}
        if settings:
            self._call(client, "Update", {**key, **to_input(settings, self._input_shape(client, "Update"))})
        attributes = self._settled_attributes(client, physical_id)
        if "Tags" in changed:
            self._retag(client, attributes["Arn"], old_props.get("Tags") or {}, new_props.get("Tags") or {})
        return physical_id, attributes

    def delete(self, physical_id: str, _props: Mapping[str, Any]) -> None:
        """Delete a resource; one that is gone is deleted."""
        client = self._client()
        try:
            self._call(client, "Delete", self.omics_type.key_of(physical_id))
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != NOT_FOUND:
                raise

    def _client(self) -> Any:
        import boto3  # noqa: PLC0415 - 0.3 s that a server without HealthOmics resources need not spend
        from botocore.config import Config  # noqa: PLC0415

        # The endpoint is one address: no "workflows-" in front of it.
        return boto3.client("omics", region_name=self.ministack.region(), config=Config(inject_host_prefix=False))

    def _operation(self, client: Any, verb: str) -> str:
        methods: dict[str, str] = client.meta.method_to_api_mapping
        return next(name for name, called in methods.items() if called == f"{verb}{self.omics_type.noun}")

    def _call(self, client: Any, verb: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return getattr(client, self._operation(client, verb))(**arguments)  # type: ignore[no-any-return]

    def _input_shape(self, client: Any, verb: str) -> Any:
        return client.meta.service_model.operation_model(f"{verb}{self.omics_type.noun}").input_shape

    def _settled_attributes(self, client: Any, physical_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            described = self._call(client, "Get", self.omics_type.key_of(physical_id))
            status = described.get("status", "ACTIVE")
            if not self.omics_type.settles or status in SETTLED:
                return {name: _text(described.get(attribute_member(name))) for name in self.omics_type.attributes}
            if status == "FAILED" or time.monotonic() > deadline:
                reason = described.get("statusMessage") or f"still {status} after {SETTLE_SECONDS:.0f} s"
                raise ValueError(f"{self.omics_type.noun} {physical_id} did not become ACTIVE: {reason}")
            time.sleep(POLL_SECONDS)

    @staticmethod
    def _retag(client: Any, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        gone = [key for key in old if key not in new]
        if gone:
            client.untag_resource(resourceArn=arn, tagKeys=gone)
        if new:
            client.tag_resource(resourceArn=arn, tags=dict(new))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
