"""What a person reads in the stack's events. Pure.

CloudFormation shows the reason of a failed answer; crhelper and this handler keep it to 256 characters. So the text
says what failed first, then as much of the service's own words as fits, then the cure and the run, which must survive.
A run's name may have 127 characters, so the run is named by the two ends of a long one.
"""

import re

from healthomics_run_handler.errors import PARAM_VALIDATION, ApiError

REASON_LIMIT = 256
ABOUT_LIMIT = 48
"""Characters for ``about``: nine say ``run name``, the others are the two ends of the name."""

_CURES_OF_START_RUN = {
    "ValidationException": "Correct the run's settings and deploy again",
    PARAM_VALIDATION: "Correct the settings, additional_start_run_parameters among them, and deploy again",
    "ResourceNotFoundException": "Check workflow id, type, owner, version, run group and cache",
    "ServiceQuotaExceededException": "Delete stored runs, use retention_mode REMOVE or raise the quota",
    "ConflictException": "Wait until the resources it names are active and deploy again",
    "ThrottlingException": "Deploy again, or ask for a higher StartRun rate in Service Quotas",
    "RequestTimeoutException": "Deploy again",
}
"""Every other call is about a run or a stack that is there, and the template's settings are not its arguments."""
_CURES = {
    "AccessDeniedException": "Allow the action in the provider role, or check the permissions boundary and SCPs",
    "ThrottlingException": "Try again in some minutes",
    "RequestTimeoutException": "Try again in some minutes",
    "InternalServerException": "Deploy again; if it stays, see the AWS Health Dashboard",
    "ConnectionError": "Check that the function reaches {service} (VPC endpoints, DNS) and deploy again",
}
_CLOUDFORMATION = frozenset({"DescribeStackResource", "DescribeStacks"})
_DENIED_USER = re.compile(r"^User: \S+ is (?=not authorized to perform)")
_BOTOCORE_PREFIX = re.compile(r"^Parameter validation failed:\s*")
_ALL_MEMBERS = re.compile(r", must be one of: [A-Za-z, ]+")
_DEFAULT_CURE = "See the function's log and deploy again"
_SHARED_DUPLICATE_CURE = "A run of a shared workflow cannot be duplicated: start it with workflow="


def compose(*, what: str, detail: str = "", cure: str, about: str) -> str:
    """Return the reason, at most 256 characters; the detail gives way first, then what failed.

    Args:
        what: What failed.
        detail: The service's words.
        cure: What the reader can do.
        about: Which run or resource, for example ``run 1234567``.
    """
    tail = f" {cure} [{_abridged(about)}]"
    head = what if what.endswith(".") else what + (":" if detail else ".")
    if len(head) + len(tail) > REASON_LIMIT:  # a property's text; the cure is short then
        return head[: max(REASON_LIMIT - len(tail) - 1, 0)].rstrip() + "…" + tail
    room = REASON_LIMIT - len(head) - len(tail) - 1
    text = " ".join(detail.split()).rstrip(".") + "." if detail.strip() else ""
    if len(text) > room:
        text = text[: max(room - 1, 0)].rstrip() + "…"
    return head + (" " + text if text and room > 0 else "") + tail


def _abridged(about: str) -> str:
    """Return a name by its two ends: the first says whose it is, and the last tells siblings apart."""
    if len(about) <= ABOUT_LIMIT:
        return about
    end = ABOUT_LIMIT // 3
    return f"{about[: ABOUT_LIMIT - end - 1]}…{about[-end:]}"


def api_failure(error: ApiError, *, about: str, duplicating: bool = False) -> str:
    """Return the reason for a failed AWS call."""
    cure = _cure(error)
    if (
        duplicating
        and error.code in ("ValidationException", "AccessDeniedException")
        and "shared" in error.message.lower()
    ):
        cure = _SHARED_DUPLICATE_CURE
    return compose(what=f"{error.operation} failed with {error.code}", detail=_detail(error), cure=cure, about=about)


def gave_up(error: ApiError, *, seconds: float, about: str) -> str:
    """Return the reason for a call that kept failing until the time was up."""
    return compose(
        what=f"{error.operation} kept failing with {error.code} for {seconds:.0f} s",
        detail=_detail(error),
        cure=_cure(error),
        about=about,
    )


def _cure(error: ApiError) -> str:
    if error.operation == "StartRun" and error.code in _CURES_OF_START_RUN:
        return _CURES_OF_START_RUN[error.code]
    service = "CloudFormation" if error.operation in _CLOUDFORMATION else "HealthOmics"
    return _CURES.get(error.code, _DEFAULT_CURE).format(service=service)


def _detail(error: ApiError) -> str:
    """Return the service's words, without what would crowd out the rest.

    Of a denial that is the caller, whose name is long; of botocore's refusal, the list of all members.
    """
    if error.code == PARAM_VALIDATION:
        return _ALL_MEMBERS.sub("", _BOTOCORE_PREFIX.sub("", error.message))
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
    again = (
        "Retry the deletion: it goes on where it was"
        if request_type == "Delete"
        else "No second run will start. Deploy again"
    )
    return compose(
        what=f"The {request_type} ran out of the function's time",
        cure=f"{again}, or raise the provider's timeout",
        about=about,
    )


def internal_error(error: BaseException, *, about: str) -> str:
    """Return the reason for a defect of this handler; the log has the place, not the values."""
    return compose(
        what=f"The handler failed unexpectedly ({type(error).__name__})",
        cure="Report it with the function's log",
        about=about,
    )
