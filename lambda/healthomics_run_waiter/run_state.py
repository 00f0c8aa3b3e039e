"""A run as GetRun shows it, for somebody who waits for its end. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from healthomics_run_handler.ledger import LOGICAL_ID, STACK_ID
from healthomics_run_waiter.contract import FINAL_STATUSES

_REASON_LENGTH = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class RunState:
    """One run."""

    run_id: str
    uuid: str
    status: str
    failure_reason: str = ""
    """One word, of failed runs only."""
    status_message: str = ""
    start_time: str = ""
    stop_time: str = ""
    stack_id: str = ""
    """The stack whose run it is, by its ledger tags; empty if it has none."""
    logical_id: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other run."""
        return self.run_id, self.uuid

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status in FINAL_STATUSES


def run_state(response: Mapping[str, Any]) -> RunState:
    """Read a GetRun response."""
    tags: Mapping[str, str] = response.get("tags") or {}
    return RunState(
        run_id=str(response["id"]),
        uuid=str(response.get("uuid") or ""),
        status=str(response.get("status") or ""),
        # As long as the API says; a completion's physical id must hold it.
        failure_reason=str(response.get("failureReason") or "")[:_REASON_LENGTH],
        status_message=str(response.get("statusMessage") or ""),
        start_time=_text(response.get("startTime")),
        stop_time=_text(response.get("stopTime")),
        stack_id=tags.get(STACK_ID, ""),
        logical_id=tags.get(LOGICAL_ID, ""),
    )


def _text(time: object) -> str:
    return time.isoformat() if isinstance(time, datetime) else str(time or "")
