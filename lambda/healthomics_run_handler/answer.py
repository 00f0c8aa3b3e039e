"""The response object for CloudFormation: always valid, never too long. Pure.

Source: User Guide, "Custom resource response objects": the whole body at most 4096 bytes; PhysicalResourceId non-empty,
at most 1 KB; Reason on FAILED; StackId, RequestId and LogicalResourceId copied verbatim.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from healthomics_run_handler import contract
from healthomics_run_handler.identity import PHYSICAL_ID_MAX_BYTES, RunIdentity
from healthomics_run_handler.messages import REASON_LIMIT
from healthomics_run_handler.protocol import Outcome
from healthomics_run_handler.request import Request

BODY_LIMIT = 4096

OPTIONAL_ATTRIBUTES = ("RunName",)
"""Given up, in this order, when the body would be too long; the others never are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What goes to CloudFormation."""

    status: str
    physical_id: str
    reason: str
    data: Mapping[str, str]


def success(request: Request, outcome: Outcome) -> Answer:
    """Answer a request that succeeded, with every attribute if it leaves a run behind."""
    data: dict[str, str] = {}
    if outcome.run is not None:
        data = attributes(request.stack_id, outcome.run, outcome.run_status)
        data["RunName"] = outcome.run_name
    return Answer(status="SUCCESS", physical_id=outcome.physical_id, reason="", data=data)


def failure(*, physical_id: str, reason: str) -> Answer:
    """Answer a request that failed."""
    return Answer(status="FAILED", physical_id=physical_id, reason=reason[-REASON_LIMIT:] or "failed", data={})


def attributes(stack_id: str, run: RunIdentity, status: str) -> dict[str, str]:
    """Return what ``Fn::GetAtt`` offers. A run lives in its stack's partition, Region and account."""
    _, partition, _, region, account, *_ = stack_id.split(":")
    return {
        contract.ATTRIBUTE_RUN_ARN: f"arn:{partition}:omics:{region}:{account}:run/{run.run_id}",
        contract.ATTRIBUTE_RUN_ID: run.run_id,
        contract.ATTRIBUTE_RUN_UUID: run.uuid,
        contract.ATTRIBUTE_RUN_OUTPUT_URI: run.output_uri,
        contract.ATTRIBUTE_RUN_STATUS: status,
    }


def body(request: Request, answer: Answer) -> tuple[bytes, list[str]]:
    """Return the JSON body, and the names of optional attributes that were left out to keep it short."""
    data = dict(answer.data)
    physical_id = answer.physical_id or request.physical_id or request.request_id
    dropped: list[str] = []
    text = _encode(request, answer, physical_id, data)
    for name in OPTIONAL_ATTRIBUTES:
        if len(text) <= BODY_LIMIT:
            break
        if data.pop(name, None) is not None:
            dropped.append(name)
            text = _encode(request, answer, physical_id, data)
    return text, dropped


def _encode(request: Request, answer: Answer, physical_id: str, data: Mapping[str, str]) -> bytes:
    fields: dict[str, object] = {
        "Status": answer.status,
        "PhysicalResourceId": _clip(physical_id),
        "StackId": request.stack_id,
        "RequestId": request.request_id,
        "LogicalResourceId": request.logical_id,
        "NoEcho": False,
    }
    if answer.reason:
        fields["Reason"] = answer.reason
    if data:
        fields["Data"] = dict(data)
    # UTF-8 as it is: an escape takes up to six times the bytes.
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _clip(physical_id: str) -> str:
    return physical_id.encode(errors="replace")[:PHYSICAL_ID_MAX_BYTES].decode(errors="ignore")
