"""What a person reads in the stack's events. Pure.

CloudFormation shows the reason of a failed answer; crhelper and this handler keep it to 256 characters. So the text
says what failed first, then as much of the service's own words as fits, then the cure and the run, which must survive.
"""

import re

from healthomics_run_handler.errors import ApiError

REASON_LIMIT = 256

_CURES = {
    "ValidationException": "Correct the run's settings and deploy again",
    "ResourceNotFoundException": "Check workflow id, type, owner, version, run group and cache",
    "AccessDeniedException": "Allow the action in the provider role, or check the permissions boundary and SCPs",
    "ServiceQuotaExceededException": "Delete stored runs, use retention_mode REMOVE or raise the quota",
    "ConflictException": "Wait until the resources it names are active and deploy again",
    "ThrottlingException": "Deploy again, or ask for a higher StartRun rate in Service Quotas",
    "RequestTimeoutException": "Deploy again",
    "InternalServerException": "Deploy again; if it stays, see the AWS Health Dashboard",
    "ConnectionError": "Check that the function reaches HealthOmics (VPC endpoints, DNS) and deploy again",
}
_DENIED_USER = re.compile(r"^User: \S+ is (?=not authorized to perform)")
_DEFAULT_CURE = "See the function's log and deploy again"
_SHARED_DUPLICATE_CURE = "A run of a shared workflow cannot be duplicated: start it with workflow="


def compose(*, what: str, detail: str = "", cure: str, about: str) -> str:
    """Return the reason, at most 256 characters; the detail gives way first.

    Args:
        what: What failed.
        detail: The service's words.
        cure: What the reader can do.
        about: Which run or resource, for example ``run 1234567``.
    """
    tail = f" {cure} [{about}]"
    head = what if what.endswith(".") else what + (":" if detail else ".")
    room = REASON_LIMIT - len(head) - len(tail) - 1
    text = " ".join(detail.split()).rstrip(".") + "." if detail.strip() else ""
    if len(text) > room:
        text = text[: max(room - 1, 0)].rstrip() + "…"
    return (head + (" " + text if text else "") + tail)[-REASON_LIMIT:]


def api_failure(error: ApiError, *, about: str, duplicating: bool = False) -> str:
    """Return the reason for a failed AWS call."""
    cure = _CURES.get(error.code, _DEFAULT_CURE)
    if (
        duplicating
        and error.code in ("ValidationException", "AccessDeniedException")
        and "shared" in error.message.lower()
    ):
        cure = _SHARED_DUPLICATE_CURE
    return compose(what=f"{error.operation} failed with {error.code}", detail=_detail(error), cure=cure, about=about)


def gave_up(error: ApiError, *, seconds: float, about: str) -> str:
    """Return the reason for a call that kept failing until the time was up."""
    cure = _CURES.get(error.code, _DEFAULT_CURE)
    return compose(
        what=f"{error.operation} kept failing with {error.code} for {seconds:.0f} s",
        detail=_detail(error),
        cure=cure,
        about=about,
    )


def _detail(error: ApiError) -> str:
    """Return the service's words; of a denial without the caller, whose long name would crowd out the action."""
    return _DENIED_USER.sub("", error.message)


def invalid_property(text: str, *, logical_id: str) -> str:
    """Return the reason for properties that cannot be read."""
    return compose(what=text, cure="Correct it and deploy again", about=logical_id)


def not_wanted(*, started: bool, about: str) -> str:
    """Return the reason for a request that CloudFormation has dropped meanwhile."""
    done = "The run that it started was cancelled" if started else "No run was started"
    return compose(what="CloudFormation no longer wants this request", cure=done, about=about)


def already_given_back(*, about: str) -> str:
    """Return the reason for a late delivery of a request whose run was already released."""
    return compose(
        what="This request was delivered again after CloudFormation had given its run back",
        cure="Nothing was started. To run anew, change rerun_on and deploy",
        about=about,
    )


def superseded(*, about: str) -> str:
    """Return the reason for an Update of a run that was already replaced."""
    return compose(
        what="This update was delivered after its run had been replaced or deleted",
        cure="Nothing was started. Deploy again if the run is still wanted",
        about=about,
    )


def sent_again(*, about: str) -> str:
    """Return the reason for a sending of an Update that CloudFormation has sent once more."""
    return compose(
        what="CloudFormation has sent this update again",
        cure="The later sending answers for the run. Nothing was cancelled",
        about=about,
    )


def held_again(*, about: str) -> str:
    """Return the reason for a late Delete of a run that the stack holds."""
    return compose(
        what="This deletion came late: the stack has taken the run since",
        cure="Nothing was cancelled. Deploy again to clean up",
        about=about,
    )


def nothing_to_roll_back_to(*, about: str) -> str:
    """Return the reason for a rollback whose earlier run cannot be found."""
    return compose(
        what="The stack is rolling back, and no run of this resource with the earlier settings was found",
        cure="No run was started. Continue the rollback skipping this resource",
        about=about,
    )


def still_active(*, status: str, about: str) -> str:
    """Return the reason for a Delete whose run did not stop in time."""
    return compose(
        what=f"CancelRun was accepted, but the run is still {status}",
        cure="Retry the deletion in some minutes",
        about=about,
    )


def timed_out(*, request_type: str, about: str) -> str:
    """Return the reason for an invocation that ran out of time."""
    return compose(
        what=f"The {request_type} ran out of the function's time",
        cure="No second run will start. Deploy again, or raise the provider's timeout",
        about=about,
    )


def internal_error(error: BaseException, *, about: str) -> str:
    """Return the reason for a defect of this handler; the log has the place, not the values."""
    return compose(
        what=f"The handler failed unexpectedly ({type(error).__name__})",
        cure="Report it with the function's log",
        about=about,
    )
