"""The names that construct and waiter share, and the times both reckon with. Standard library only.

A wait condition cannot tell the function anything but its logical id, so that holds what the function must know: whose
run is waited for, for how long, and, as a digest, which run. A changed digest is a new wait condition.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

COMPLETION_TYPE: Final = "Custom::HealthOmicsRunCompletion"
"""Waits for nothing: says how the run has ended, and fails where that is not what was asked for."""
WAITING_TYPE: Final = "Custom::HealthOmicsWaiting"
"""Switches the schedule on when a deployment begins that has something new to wait for."""
WAIT_CONDITION_TYPE: Final = "AWS::CloudFormation::WaitCondition"

LAMBDA_HANDLER: Final = "healthomics_run_waiter.index.handler"

# Properties of the completion.
RUN: Final = "Run"
"""Logical id of the run's resource."""
RUN_ID: Final = "RunId"
RUN_UUID: Final = "RunUuid"
RUN_OUTPUT_URI: Final = "RunOutputUri"
REQUIRE: Final = "Require"
"""The statuses that are a success, a list."""
SECONDS: Final = "Seconds"
"""How long the wait lasts at most."""
WAIT_CONDITION: Final = "WaitCondition"
"""What comes first."""

# Properties of the waiting.
RULE_NAME: Final = "RuleName"
WAITS: Final = "Waits"
"""Digest of everything that the stack waits for."""

ATTRIBUTE_OUTPUTS_URI: Final = "OutputsUri"
ATTRIBUTE_RUN_OUTPUT_URI: Final = "RunOutputUri"
ATTRIBUTE_RUN_STATUS: Final = "RunStatus"
ATTRIBUTE_FAILURE_REASON: Final = "FailureReason"
ATTRIBUTE_START_TIME: Final = "StartTime"
ATTRIBUTE_STOP_TIME: Final = "StopTime"
OUTPUTS_FILE: Final = "logs/outputs.json"
"""Below the run's output URI; names every output, of CWL workflows and of the newer engines."""

# What the rules hand over.
STACK_ID: Final = "stackId"
EVENT_RUN_ID: Final = "runId"
EVENT_RUN_UUID: Final = "runUuid"
RULE_ARNS: Final = "ruleArns"

FINAL_STATUSES: Final = ("COMPLETED", "FAILED", "CANCELLED")
"""How a run ends."""
DELETED: Final = "DELETED"
"""What the service calls a run whose record is gone, or goes: nobody can tell how it ended."""
EVENT_STATUSES: Final = (*FINAL_STATUSES, DELETED)
"""After these events somebody looks."""

TICK_SECONDS: Final = 300
"""How often the schedule looks."""
LINGER_SECONDS: Final = TICK_SECONDS + 60
"""A tick stays for a wait that would be over before the next tick is surely there."""
LONGEST_WAIT_SECONDS: Final = 43_200
"""CloudFormation's limit."""
LAST_SECONDS: Final = 60
"""Before that limit: time to say what became of the run, instead of a time-out that says nothing."""

_DIGEST_LENGTH: Final = 16
_LONGEST_NAME: Final = 210
_WAIT_ID: Final = re.compile(
    rf"(?P<run>[A-Za-z0-9]+)Wait(?P<seconds>[1-9][0-9]{{1,4}})S(?P<digest>[0-9a-f]{{{_DIGEST_LENGTH}}})"
)


def policy_seconds(seconds: int) -> int:
    """Return CloudFormation's time-out for a wait: long enough that the function gives up before it."""
    return min(seconds + LINGER_SECONDS + LAST_SECONDS, LONGEST_WAIT_SECONDS)


def gives_up_after(seconds: int) -> int:
    """Return how long the function waits."""
    return min(seconds, LONGEST_WAIT_SECONDS - LAST_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitId:
    """The logical id of a wait condition."""

    run: str
    """Name of the run's resource (:func:`run_name`)."""
    seconds: int
    digest: str

    def __str__(self) -> str:
        return f"{self.run}Wait{self.seconds}S{self.digest}"


def wait_id(run_logical_id: str, *, seconds: int, digest: str) -> WaitId:
    """Name the wait condition of a run.

    Args:
        run_logical_id: Of the run's resource.
        seconds: How long the wait lasts at most.
        digest: Of what tells this run from its replacement, in hex.
    """
    return WaitId(run=run_name(run_logical_id), seconds=seconds, digest=digest[:_DIGEST_LENGTH])


def parse_wait_id(logical_id: str) -> WaitId | None:
    """Read such a name; None for those of others."""
    found = _WAIT_ID.fullmatch(logical_id)
    if found is None:
        return None
    return WaitId(run=found["run"], seconds=int(found["seconds"]), digest=found["digest"])


def run_name(run_logical_id: str) -> str:
    """Return a logical id, short enough to be part of another: those have at most 255 characters."""
    if len(run_logical_id) <= _LONGEST_NAME:
        return run_logical_id
    digest = hashlib.sha256(run_logical_id.encode()).hexdigest()[:_DIGEST_LENGTH]
    return run_logical_id[: _LONGEST_NAME - _DIGEST_LENGTH] + digest
