"""What a person reads when a wait has failed. Pure.

Whatever shows a stack event may cut it, so the run, what became of it and the link to its log come first, within 256
characters; the service's own words follow, as many as fit.
"""

from healthomics_run_handler.errors import ApiError
from healthomics_run_handler.messages import api_failure
from healthomics_run_waiter import console
from healthomics_run_waiter.contract import LONGEST_WAIT_SECONDS
from healthomics_run_waiter.run_state import RunState

REASON_LIMIT = 1000
"""Bytes. CloudFormation takes 4096 for the whole answer."""

_LOG_GROUP = "/aws/omics/WorkflowLog"


def log_link(region: str, run_id: str) -> str:
    """Return the console's page of the engine log of a run."""
    return console.log_stream(region, _LOG_GROUP, f"run/{run_id}/engine")


def ended_otherwise(run: RunState, *, region: str) -> str:
    """Return the reason for a run that ended, but not as it was asked for."""
    why = f" with {run.failure_reason}" if run.failure_reason else ""
    head = f"Run {run.run_id} {run.status}{why}. Log: {log_link(region, run.run_id)}"
    return _cut(f"{head} Message: {run.status_message}" if run.status_message else head)


def not_ended(run: RunState, *, seconds: int, region: str) -> str:
    """Return the reason for a run that still goes on."""
    head = f"Run {run.run_id} is {run.status} after {readable(seconds)}. Log: {log_link(region, run.run_id)}"
    longer = "" if seconds >= LONGEST_WAIT_SECONDS else "wait longer with timeout=, or "
    return _cut(
        f"{head} A rollback ends the run if it was started by this deployment. Next time {longer}let an event go on "
        "from where the run ends (on_completed) instead of waiting."
    )


def record_gone(run_id: str) -> str:
    """Return the reason for a run that nothing is known of."""
    return _cut(
        f"Run {run_id} is gone: its record was deleted before anybody could see how it ended. To go on, start it anew "
        "with rerun_on, or take wait_for_completion out. Use retention_mode RETAIN for a run that is waited for, and "
        "leave its record alone while the deployment waits."
    )


def replaced_late(run: RunState, *, region: str) -> str:
    """Return the reason for a run whose replacement the template did not show, and that takes long."""
    head = f"Run {run.run_id} is {run.status}, and cannot be waited for any longer. Log: {log_link(region, run.run_id)}"
    return _cut(
        f"{head} It replaced a run because of a value that only the deployment knows, so there is no new wait "
        "condition. Change rerun_on together with that value."
    )


def cannot_look(error: ApiError, run_id: str) -> str:
    """Return the reason for a run that cannot be looked at."""
    return api_failure(error, about=f"run {run_id}")


def no_longer_deploying(run_id: str) -> str:
    """Return the reason for a request that CloudFormation has dropped meanwhile."""
    return _cut(f"The stack no longer waits for run {run_id}.")


def readable(seconds: int) -> str:
    """Return a time as people say it."""
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    raise AssertionError(seconds)


def _cut(text: str) -> str:
    words = " ".join(text.split()).encode()
    if len(words) <= REASON_LIMIT:
        return words.decode()
    return words[: REASON_LIMIT - len("…".encode())].decode(errors="ignore") + "…"
