"""Which failures are worth another try, and when."""

import random

import pytest

from handler_fakes import api_error
from healthomics_run_handler.retry import (
    CONFLICT_WINDOW,
    MAX_DELAY,
    PROPAGATION_WINDOW,
    Failure,
    backoff,
    classify,
    worth_a_retry,
)


@pytest.mark.parametrize(
    ("code", "status", "message", "failure"),
    [
        ("ThrottlingException", 429, "", Failure.THROTTLED),
        ("TooManyRequestsException", 400, "", Failure.THROTTLED),
        ("Whatever", 429, "", Failure.THROTTLED),
        ("InternalServerException", 500, "", Failure.OUTCOME_UNKNOWN),
        ("Whatever", 503, "", Failure.OUTCOME_UNKNOWN),
        ("RequestTimeoutException", 408, "", Failure.OUTCOME_UNKNOWN),
        ("ConnectionError", 0, "", Failure.OUTCOME_UNKNOWN),
        ("ConflictException", 409, "", Failure.IN_FLIGHT),
        ("ValidationException", 400, "requestId was used with other parameters", Failure.IN_FLIGHT),
        ("IdempotentParameterMismatch", 400, "", Failure.IN_FLIGHT),
        ("ParamValidationError", 400, 'Unknown parameter: "x", must be one of: requestId', Failure.FINAL),
        ("AccessDeniedException", 403, "", Failure.PROPAGATION),
        ("UnrecognizedClientException", 403, "", Failure.PROPAGATION),
        ("ValidationException", 400, "IAM role is invalid or inaccessible", Failure.PROPAGATION),
        ("ValidationException", 400, "Unable to assume role arn:x", Failure.PROPAGATION),
        ("ValidationException", 400, "role name is wrong", Failure.FINAL),
        ("ValidationException", 400, "assumed nothing", Failure.FINAL),
        ("ServiceQuotaExceededException", 402, "", Failure.FINAL),
        ("ResourceNotFoundException", 404, "role assumed inaccessible", Failure.FINAL),
    ],
)
def test_failures_are_sorted(code: str, status: int, message: str, failure: Failure) -> None:
    assert classify(api_error(code, status, message)) is failure


@pytest.mark.parametrize("elapsed", [0.0, 800.0])
@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 429), ("X", 500), ("ConnectionError", 0)])
def test_what_passes_by_itself_is_always_worth_a_retry(code: str, status: int, elapsed: float) -> None:
    assert worth_a_retry(api_error(code, status), elapsed=elapsed)


def test_what_will_fail_again_is_not_worth_a_retry() -> None:
    assert not worth_a_retry(api_error("ValidationException", 400), elapsed=0)


def test_an_access_error_is_retried_while_iam_may_still_spread() -> None:
    denied = api_error("AccessDeniedException", 403)

    assert worth_a_retry(denied, elapsed=PROPAGATION_WINDOW - 0.001)
    assert not worth_a_retry(denied, elapsed=PROPAGATION_WINDOW)


def test_a_conflict_is_retried_while_it_may_resolve_itself() -> None:
    conflict = api_error("ConflictException", 409)

    assert worth_a_retry(conflict, elapsed=CONFLICT_WINDOW - 0.001)
    assert not worth_a_retry(conflict, elapsed=CONFLICT_WINDOW)


def test_the_backoff_has_full_jitter_below_a_doubling_ceiling() -> None:
    for attempt, ceiling in enumerate([1, 2, 4, 8, 16, 16, 16]):
        delays = [backoff(attempt=attempt, random=random.Random(seed)) for seed in range(200)]

        assert 0 <= min(delays) < 0.1 * ceiling
        assert 0.9 * ceiling < max(delays) <= ceiling
    assert 0 <= backoff(attempt=10_000, random=random.Random(1)) <= MAX_DELAY


def test_the_service_may_ask_for_more_time() -> None:
    assert backoff(attempt=0, random=random.Random(1), retry_after=30.0) == 30.0
    assert backoff(attempt=0, random=random.Random(1), retry_after=0.0) <= 1.0
