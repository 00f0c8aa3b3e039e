"""Which failures are worth another try, and when. Pure: time and chance are arguments."""

from enum import Enum

from healthomics_run_handler.errors import PARAM_VALIDATION, ApiError
from healthomics_run_handler.ports import Random

PROPAGATION_WINDOW = 120.0
"""Seconds for which an access error may be a role or policy that was created moments ago."""

CONFLICT_WINDOW = 180.0
"""Seconds for which a 409 may still resolve itself."""

BASE_DELAY = 1.0
MAX_DELAY = 16.0
"""Cap of the backoff, in seconds. StartRun's default rate is 1 per second for the whole account: 200 waiting handlers
must between them still try about once a second when only a few are left, or the tail of a large stack idles."""

_THROTTLING_CODES = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
    }
)
_ACCESS_CODES = frozenset(
    {
        "AccessDeniedException",
        "AccessDenied",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    }
)


class Failure(Enum):
    """What a failed call means for the next step."""

    THROTTLED = "throttled"
    """Nothing happened; try later."""
    IN_FLIGHT = "in flight"
    """409: the same request is being worked on, or has been (AWS documents neither); ask again or look it up."""
    OUTCOME_UNKNOWN = "outcome unknown"
    """A time-out, a 5xx or a lost connection: it may have happened."""
    PROPAGATION = "propagation"
    """An access error: IAM is eventually consistent, so for a while it may go away by itself."""
    FINAL = "final"
    """The same call will fail again."""


def classify(error: ApiError) -> Failure:
    """Sort a failed call."""
    if error.code == PARAM_VALIDATION:  # its text lists every member there is, ``requestId`` among them
        return Failure.FINAL
    if error.code in _THROTTLING_CODES or error.status == 429:  # noqa: PLR2004 - Too Many Requests
        return Failure.THROTTLED
    if error.status in (0, 408) or error.status >= 500:  # noqa: PLR2004 - Request Timeout, server errors
        return Failure.OUTCOME_UNKNOWN
    if error.status == 409 or _same_token_other_request(error):  # noqa: PLR2004 - Conflict
        return Failure.IN_FLIGHT
    if error.code in _ACCESS_CODES or _role_not_there_yet(error):
        return Failure.PROPAGATION
    return Failure.FINAL


def _role_not_there_yet(error: ApiError) -> bool:
    """Whether a ValidationException is about a role that IAM has not spread yet ("role is invalid or inaccessible")."""
    text = error.message.lower()
    return error.code == "ValidationException" and "role" in text and ("assum" in text or "inaccessible" in text)


def _same_token_other_request(error: ApiError) -> bool:
    """Whether the service refuses a request id that it has seen with other members; AWS does not say how it would."""
    text = f"{error.code} {error.message}".lower()
    return error.status == 400 and ("idempoten" in text or "requestid" in text)  # noqa: PLR2004 - Bad Request


def worth_a_retry(error: ApiError, *, elapsed: float) -> bool:
    """Whether the same call may succeed later; ``elapsed`` is the time since its first try, in seconds."""
    match classify(error):
        case Failure.FINAL:
            return False
        case Failure.PROPAGATION:
            return elapsed < PROPAGATION_WINDOW
        case Failure.IN_FLIGHT:
            return elapsed < CONFLICT_WINDOW
        case Failure.THROTTLED | Failure.OUTCOME_UNKNOWN:
            return True


def backoff(*, attempt: int, random: Random, retry_after: float | None = None) -> float:
    """Return how long to wait after a try, in seconds: full jitter, never less than the service asks for.

    Args:
        attempt: 0 after the first try.
        random: Source of the jitter.
        retry_after: What the service asked for, in seconds.
    """
    ceiling = min(MAX_DELAY, BASE_DELAY * 2.0 ** min(attempt, 10))
    return max(random.uniform(0.0, ceiling), retry_after or 0.0)
