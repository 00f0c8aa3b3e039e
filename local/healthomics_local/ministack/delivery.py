"""How CloudFormation talks to a custom resource: the event, and what it accepts as an answer. Pure.

MiniStack sends no ServiceToken, takes any answer and drops a failed resource's id; the rules here are those
of AWS, as documented ("Custom resource response objects") or observed in public issues. The texts are
CloudFormation's own, because people search for them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from healthomics_local.json_types import is_array, is_object

RequestType = Literal["Create", "Update", "Delete"]

RESPONSE_LIMIT_BYTES: Final = 4096
PHYSICAL_ID_LIMIT_BYTES: Final = 1024
SERVICE_TIMEOUT_LIMIT_SECONDS: Final = 3600
ECHOED: Final = ("StackId", "RequestId", "LogicalResourceId")


class DeliveryError(RuntimeError):
    """A request that failed, with the physical id that CloudFormation goes on with."""

    def __init__(self, message: str, *, physical_id: str, sent: bool = True) -> None:
        """Describe the failure; `sent` is False when the provider was never asked."""
        super().__init__(message)
        self.physical_id = physical_id
        self.sent = sent


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request to a custom resource, before it becomes an event."""

    request_type: RequestType
    request_id: str
    response_url: str
    stack_id: str
    stack_name: str
    logical_id: str
    resource_type: str
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any] | None
    """The properties before the update; None unless this is an Update."""
    physical_id: str | None
    """None on a Create: CloudFormation does not know one yet."""

    @property
    def service_token(self) -> str:
        """The function that answers."""
        return str(self.properties.get("ServiceToken", ""))

    @property
    def timeout_seconds(self) -> int:
        """How long CloudFormation waits for the answer; an hour unless ServiceTimeout says less."""
        try:
            asked = int(float(self.properties.get("ServiceTimeout", SERVICE_TIMEOUT_LIMIT_SECONDS)))
        except (TypeError, ValueError):
            return SERVICE_TIMEOUT_LIMIT_SECONDS
        return min(max(asked, 1), SERVICE_TIMEOUT_LIMIT_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A successful answer."""

    physical_id: str
    data: dict[str, Any]


def event_for(request: Request) -> dict[str, Any]:
    """Build the event as CloudFormation sends it, with every scalar property as a string."""
    event: dict[str, Any] = {
        "RequestType": request.request_type,
        "ServiceToken": request.service_token,
        "ResponseURL": request.response_url,
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
        "ResourceType": request.resource_type,
        "ResourceProperties": as_strings(request.properties),
    }
    if request.physical_id is not None:
        event["PhysicalResourceId"] = request.physical_id
    if request.old_properties is not None:
        event["OldResourceProperties"] = as_strings(request.old_properties)
    return event


def as_strings(value: Any) -> Any:
    """Turn every scalar inside into the string that CloudFormation sends for it."""
    if is_object(value):
        return {key: as_strings(item) for key, item in value.items()}
    if is_array(value):
        return [as_strings(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value


def refusal(request: Request) -> str | None:
    """Say why CloudFormation would not even send the request, or None if it would."""
    if request.old_properties is None:
        return None
    if request.old_properties.get("ServiceToken") != request.properties.get("ServiceToken"):
        return "Modifying service token is not allowed."
    return None


def invented_physical_id(request: Request) -> str:
    """Return the id that CloudFormation makes up for a resource that never told its own."""
    unique = request.request_id.replace("-", "")[:12].upper()
    return f"{request.stack_name}-{request.logical_id}-{unique}"


def accept(request: Request, response: Any) -> Answer:
    """Judge an answer as CloudFormation does.

    Raises:
        DeliveryError: the answer says FAILED, or is not a valid answer.
    """
    fallback = request.physical_id or invented_physical_id(request)
    if not is_object(response):
        raise DeliveryError("Invalid response object: not a JSON object", physical_id=fallback)
    raw_id: Any = response.get("PhysicalResourceId")
    physical_id = raw_id if isinstance(raw_id, str) and raw_id else fallback
    problem = _problem(request, response, raw_id)
    if problem is not None:
        raise DeliveryError(problem, physical_id=physical_id)
    if response["Status"] == "FAILED":
        raise DeliveryError(
            "Received response status [FAILED] from custom resource. "
            f"Message returned: {response.get('Reason', '')} (RequestId: {request.request_id})",
            physical_id=physical_id,
        )
    return Answer(physical_id=physical_id, data=_attributes(response.get("Data") or {}))


def timed_out(request: Request) -> DeliveryError:
    """Build the failure of a request that nobody answered in time."""
    return DeliveryError(
        "CloudFormation did not receive a response from your custom resource. "
        f"Please check your logs for requestId [{request.request_id}]. "
        "If you are using the Python cfn-response module, you may need to update your Lambda function.",
        physical_id=request.physical_id or invented_physical_id(request),
    )


def _problem(  # noqa: PLR0911 - one rule, one return
    request: Request, response: Mapping[str, Any], physical_id: Any
) -> str | None:
    echoed = {
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
    }
    status = response.get("Status")
    if status not in {"SUCCESS", "FAILED"}:
        return f"Invalid response object: Value of property Status must be SUCCESS or FAILED, got {status!r}"
    if not isinstance(physical_id, str) or not physical_id:
        return "Invalid PhysicalResourceId"
    if len(physical_id.encode()) > PHYSICAL_ID_LIMIT_BYTES:
        return f"Invalid PhysicalResourceId: longer than {PHYSICAL_ID_LIMIT_BYTES} bytes"
    for name in ECHOED:
        if response.get(name) != echoed[name]:
            return f"Invalid response object: {name} does not match the request"
    if status == "FAILED" and not response.get("Reason"):
        return "Invalid response object: Reason is required when Status is FAILED"
    if len(json.dumps(dict(response)).encode()) > RESPONSE_LIMIT_BYTES:
        return "Response object is too long."
    return None


def _attributes(data: Any) -> dict[str, Any]:
    """Attributes reach ``Fn::GetAtt`` as strings, except lists, which stay lists."""
    if not is_object(data):
        return {}
    return {
        str(key): value if isinstance(value, list) else as_strings(value)
        for key, value in data.items()
        if value is not None
    }
