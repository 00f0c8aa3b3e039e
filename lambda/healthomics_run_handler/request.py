"""The CloudFormation event, parsed once. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

from healthomics_run_handler.errors import MalformedEventError
from healthomics_run_handler.spec import name_of

RequestType = Literal["Create", "Update", "Delete"]
_REQUEST_TYPES = get_args(RequestType)
_DATE = re.compile(r"[?&]X-Amz-Date=(\d{8}T\d{6}Z)(?:&|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One custom resource request, as CloudFormation sends it (User Guide, "Custom resource request objects")."""

    request_type: RequestType
    stack_id: str
    logical_id: str
    request_id: str
    response_url: str
    physical_id: str
    """Empty on Create."""
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any] | None
    """Only on Update."""

    @property
    def delivery(self) -> str:
        """Tells two *sendings* of a request apart; deliveries of one sending are byte-identical.

        CloudFormation reuses a RequestId when it retries a deployment (aws/aws-cdk#35957), but presigns a new
        ResponseURL for it. The digest is short and one-way: the URL itself must not be stored.
        """
        return hashlib.sha256(self.response_url.encode()).hexdigest()[:16]

    @property
    def sent_at(self) -> str:
        """When CloudFormation sent the request, ``20261122T101500Z``; empty if the ResponseURL does not tell.

        A URL that is presigned with SigV4 in its query always carries the date (IAM User Guide, "Authenticating
        requests: using query parameters"). It orders requests: texts of this form sort by time.
        """
        found = _DATE.search(self.response_url)
        return found[1] if found else ""

    @property
    def sent(self) -> float | None:
        """The same in epoch seconds, to compare it with times that AWS reports; None if unknown."""
        try:
            return datetime.strptime(self.sent_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None

    @property
    def run_names(self) -> list[str]:
        """The names under which a run of this resource may be listed."""
        names = (name_of(self.properties), name_of(self.old_properties))
        return [name for name in names if name]

    def token(self, generation: int) -> str:
        """Return StartRun's ``requestId``: the same for every delivery of this request, 64 hex digits.

        Generation 0 is the request itself; the next ones serve a RequestId that CloudFormation reuses after the
        run of the one before was given back by a Delete.
        """
        parts = [self.stack_id, self.logical_id, self.request_id]
        if generation:
            parts.append(str(generation))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def parse_request(event: object) -> Request:
    """Read a CloudFormation event.

    Raises:
        MalformedEventError: A field that every request has is missing or of the wrong type.
    """
    if not isinstance(event, Mapping):
        raise MalformedEventError("the event is not an object")
    fields = cast("Mapping[str, Any]", event)
    texts: dict[str, str] = {}
    for name in ("RequestType", "StackId", "LogicalResourceId", "RequestId", "ResponseURL"):
        value = fields.get(name)
        if not isinstance(value, str) or not value:
            raise MalformedEventError(f"{name} is missing")
        texts[name] = value
    request_type = texts["RequestType"]
    if request_type not in _REQUEST_TYPES:
        raise MalformedEventError("RequestType is none of Create, Update, Delete")
    physical_id = fields.get("PhysicalResourceId", "")
    if not isinstance(physical_id, str) or (request_type != "Create" and not physical_id):
        raise MalformedEventError("PhysicalResourceId is missing")
    return Request(
        request_type=cast("RequestType", request_type),
        stack_id=texts["StackId"],
        logical_id=texts["LogicalResourceId"],
        request_id=texts["RequestId"],
        response_url=texts["ResponseURL"],
        physical_id=physical_id,
        properties=_properties(fields, "ResourceProperties") or {},
        old_properties=_properties(fields, "OldResourceProperties"),
    )


def _properties(fields: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise MalformedEventError(f"{name} is not an object")
    return cast("Mapping[str, Any]", value)
