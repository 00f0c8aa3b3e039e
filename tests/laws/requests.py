"""Custom resource requests and the answers to them, as CloudFormation sees both."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from laws.scheduler import Future

MAX_ANSWER_BYTES: Final = 4096
MAX_PHYSICAL_ID_BYTES: Final = 1024
URL_LIFETIME: Final = 7200.0
"""``X-Amz-Expires=7200`` in ResponseURLs (aws-solutions-library-samples/qnabot-on-aws#536)."""


class Phase(StrEnum):
    """What CloudFormation is about when it sends a request."""

    FORWARD = "forward"
    ROLLBACK = "rollback"
    CLEANUP = "cleanup"
    DELETION = "deletion"


class Ending(StrEnum):
    """How a request ended for CloudFormation."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    INVALID = "INVALID"  # an answer that CloudFormation cannot use
    TIMED_OUT = "TIMED_OUT"  # no answer within the ServiceTimeout
    CANCELLED = "CANCELLED"  # a sibling failed, or the user cancelled the operation


@dataclass(frozen=True)
class Outcome:
    """The end of a request."""

    ending: Ending
    physical_id: str | None = None
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Request:
    """One request. A retried deployment may reuse its RequestId; its ResponseURL is its own."""

    number: int
    event: dict[str, Any]
    phase: Phase
    allowance: int
    """How many runs it may start: 1 for a create or replacement intent, else 0 (laws 1, 3 and 4)."""
    sent: float
    future: Future[Outcome]
    body: bytes = b""
    kills: int = 0

    def __post_init__(self) -> None:
        self.body = json.dumps(self.event).encode()

    @property
    def type(self) -> str:
        return str(self.event["RequestType"])

    @property
    def stack_id(self) -> str:
        return str(self.event["StackId"])

    @property
    def logical_id(self) -> str:
        return str(self.event["LogicalResourceId"])

    @property
    def physical_id(self) -> str | None:
        return self.event.get("PhysicalResourceId")

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.event["ResourceProperties"])

    @property
    def url(self) -> str:
        return str(self.event["ResponseURL"])

    @property
    def outstanding(self) -> bool:
        """Answers are accepted only while the request waits, and only once."""
        return not self.future.done

    def __str__(self) -> str:
        return f"request {self.number} ({self.phase} {self.type} of {self.logical_id})"


def faults_of(body: bytes, request: Request) -> list[str]:
    """Everything that makes an answer invalid (crpg-ref-responses unless another source is named)."""
    faults = []
    if len(body) > MAX_ANSWER_BYTES:
        faults.append(f"{len(body)} bytes: response object is too long")
    try:
        answer = json.loads(body)
    except ValueError:
        return [*faults, "not JSON"]
    if not isinstance(answer, dict):
        return [*faults, "not a JSON object"]
    status = answer.get("Status")
    if status not in ("SUCCESS", "FAILED"):
        faults.append(f"Status {status!r}")
    copied = ("StackId", "RequestId", "LogicalResourceId")  # "copied verbatim"
    faults += [f"{key} is not the request's" for key in copied if answer.get(key) != request.event[key]]
    physical_id = answer.get("PhysicalResourceId")
    if not isinstance(physical_id, str) or not physical_id:
        faults.append("Invalid PhysicalResourceId: must be a non-empty string")
    elif len(physical_id.encode()) > MAX_PHYSICAL_ID_BYTES:
        faults.append("Invalid PhysicalResourceId: longer than 1 KB")
    elif request.type == "Delete" and physical_id != request.physical_id:
        # "a Delete may not change the physical id" (aws-cdk, provider-framework/runtime/framework.ts)
        faults.append("a Delete changed the physical id")
    reason = answer.get("Reason")
    if status == "FAILED" and not (isinstance(reason, str) and reason):
        faults.append("FAILED without a Reason")
    if "Reason" in answer and not isinstance(reason, str):
        faults.append("a Reason that is no string invalidates the whole response")
    if not isinstance(answer.get("Data", {}), dict):
        faults.append("Data is not an object")
    return faults


def outcome_of(body: bytes, request: Request) -> Outcome:
    """What CloudFormation makes of an answer."""
    faults = faults_of(body, request)
    if faults:
        return Outcome(Ending.INVALID, reason="; ".join(faults))
    answer = json.loads(body)
    return Outcome(
        Ending(answer["Status"]),
        physical_id=answer["PhysicalResourceId"],
        reason=answer.get("Reason", ""),
        data=answer.get("Data", {}),
    )
