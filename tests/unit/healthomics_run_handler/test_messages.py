"""What a person reads in the stack's events."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler_fakes import api_error
from healthomics_run_handler import messages
from healthomics_run_handler.messages import REASON_LIMIT, compose


@given(detail=st.text(max_size=600))
def test_a_reason_never_exceeds_the_limit_and_ends_with_cure_and_run(detail: str) -> None:
    reason = compose(what="StartRun failed", detail=detail, cure="Do this", about="run 1234567")

    assert len(reason) <= REASON_LIMIT
    assert reason.startswith("StartRun failed")
    assert reason.endswith(" Do this [run 1234567]")


def test_a_long_detail_is_cut_and_says_so() -> None:
    reason = compose(what="StartRun failed", detail="x" * 500, cure="Do this", about="run 1")

    assert len(reason) == REASON_LIMIT
    assert "x… Do this [run 1]" in reason


def test_a_short_detail_is_there_in_full() -> None:
    assert (
        compose(what="StartRun failed", detail="It is\nso. ", cure="Do this", about="run 1")
        == "StartRun failed: It is so. Do this [run 1]"
    )


def test_without_a_detail_the_sentence_ends() -> None:
    assert compose(what="It failed", cure="Do this", about="run 1") == "It failed. Do this [run 1]"
    assert compose(what="It failed.", cure="Do this", about="run 1") == "It failed. Do this [run 1]"


def test_where_all_is_too_long_the_end_survives() -> None:
    reason = compose(what="w" * 300, detail="d", cure="Do this", about="run 1")

    assert len(reason) == REASON_LIMIT
    assert reason.endswith(" Do this [run 1]")


@pytest.mark.parametrize(
    ("code", "status", "cure"),
    [
        ("InternalServerException", 500, "Deploy again; if it stays, see the AWS Health Dashboard"),
        ("ServiceQuotaExceededException", 402, "Delete stored runs, use retention_mode REMOVE or raise the quota"),
        ("ThrottlingException", 429, "Deploy again, or ask for a higher StartRun rate in Service Quotas"),
        ("ValidationException", 400, "Correct the run's settings and deploy again"),
        ("ConflictException", 409, "Wait until the resources it names are active and deploy again"),
        ("ResourceNotFoundException", 404, "Check workflow id, type, owner, version, run group and cache"),
        (
            "AccessDeniedException",
            403,
            "Allow the action in the provider role, or check the permissions boundary and SCPs",
        ),
        ("RequestTimeoutException", 408, "Deploy again"),
        ("ConnectionError", 0, "Check that the function reaches HealthOmics (VPC endpoints, DNS) and deploy again"),
        ("SomethingNew", 418, "See the function's log and deploy again"),
    ],
)
def test_every_failure_has_its_cure(code: str, status: int, cure: str) -> None:
    error = api_error(code, status, "the service's words")

    final = messages.api_failure(error, about="run name n")
    gave_up = messages.gave_up(error, seconds=12.4, about="run name n")

    assert final == f"StartRun failed with {code}: the service's words. {cure} [run name n]"
    assert gave_up == f"StartRun kept failing with {code} for 12 s: the service's words. {cure} [run name n]"


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_duplicating_a_run_of_a_shared_workflow_says_what_to_do_instead(code: str) -> None:
    error = api_error(code, 400, "Workflow is Shared with you")

    assert "cannot be duplicated" in messages.api_failure(error, about="x", duplicating=True)
    assert "cannot be duplicated" not in messages.api_failure(error, about="x")
    other = api_error("ThrottlingException", 429, "shared")
    assert "cannot be duplicated" not in messages.api_failure(other, about="x", duplicating=True)


@pytest.mark.parametrize(
    ("compose_it", "expected"),
    [
        (
            lambda: messages.invalid_property("property Priority is not a whole number", logical_id="Alignment"),
            "property Priority is not a whole number. Correct it and deploy again [Alignment]",
        ),
        (
            lambda: messages.not_wanted(started=True, about="run 1"),
            "CloudFormation no longer wants this request. The run that it started was cancelled [run 1]",
        ),
        (
            lambda: messages.not_wanted(started=False, about="run 1"),
            "CloudFormation no longer wants this request. No run was started [run 1]",
        ),
        (
            lambda: messages.already_given_back(about="run 1"),
            "This request was delivered again after CloudFormation had given its run back. "
            "Nothing was started. To run anew, change rerun_on and deploy [run 1]",
        ),
        (
            lambda: messages.superseded(about="run 1"),
            "This update was delivered after its run had been replaced or deleted. "
            "Nothing was started. Deploy again if the run is still wanted [run 1]",
        ),
        (
            lambda: messages.nothing_to_roll_back_to(about="run 1"),
            "The stack is rolling back, and no run of this resource with the earlier settings was found. "
            "No run was started. Continue the rollback skipping this resource [run 1]",
        ),
        (
            lambda: messages.still_active(status="STOPPING", about="run 1"),
            "CancelRun was accepted, but the run is still STOPPING. Retry the deletion in some minutes [run 1]",
        ),
        (
            lambda: messages.timed_out(request_type="Create", about="run 1"),
            "The Create ran out of the function's time. "
            "No second run will start. Deploy again, or raise the provider's timeout [run 1]",
        ),
        (
            lambda: messages.timed_out(request_type="Delete", about="run 1"),
            "The Delete ran out of the function's time. "
            "Retry the deletion: it goes on where it was, or raise the provider's timeout [run 1]",
        ),
        (
            lambda: messages.internal_error(KeyError("5ecret"), about="run 1"),
            "The handler failed unexpectedly (KeyError). Report it with the function's log [run 1]",
        ),
    ],
)
def test_the_other_texts_say_what_and_the_cure(compose_it: Callable[[], str], expected: str) -> None:
    assert compose_it() == expected
    assert len(expected) <= REASON_LIMIT


def test_a_detail_that_just_fits_is_not_cut() -> None:
    fitting = REASON_LIMIT - len("StartRun failed: x. Do this [run 1]")
    assert "…" not in compose(what="StartRun failed", detail="x" + "y" * fitting, cure="Do this", about="run 1")
    assert "…" in compose(what="StartRun failed", detail="x" + "y" * (fitting + 1), cure="Do this", about="run 1")
    for length in range(190, 240):
        reason = compose(what="StartRun failed", detail=" x" + "y" * length, cure="Do this", about="run 1")

        if "…" in reason:
            assert len(reason) == REASON_LIMIT
        else:
            assert reason == f"StartRun failed: x{'y' * length}. Do this [run 1]"
    assert len(compose(what="w", detail="a" * 225 + " " * 9 + "b" * 50, cure="Do this", about="run 1")) <= REASON_LIMIT


def test_where_there_is_no_room_for_a_detail_there_is_none() -> None:
    reason = compose(what="w" * 241, detail="detail", cure="Do this", about="r")

    assert reason == ("w" * 241 + ": … Do this [r]")[-REASON_LIMIT:]


def test_a_cut_detail_ends_with_a_word_and_an_ellipsis() -> None:
    room = REASON_LIMIT - len("w:  Do this [r]")
    detail = "a" * (room - 2) + " " + "b" * 50

    assert compose(what="w", detail=detail, cure="Do this", about="r") == f"w: {'a' * (room - 2)}… Do this [r]"


DENIAL = (
    "User: arn:aws:sts::123456789012:assumed-role/Genomics-HealthOmicsRunProviderRoleA1B2C3D4-XXXXXXXXXXXX/"
    "Genomics-HealthOmicsRunProviderFunctionA1B2C3D4-YYYYYYYYYYYY is not authorized to perform: iam:PassRole on "
    "resource: arn:aws:iam::123456789012:role/run because no identity-based policy allows the iam:PassRole action"
)


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param(
            messages.api_failure(api_error("AccessDeniedException", 403, message=DENIAL), about="run 1234567"),
            id="at once",
        ),
        pytest.param(
            messages.gave_up(
                api_error("AccessDeniedException", 403, message=DENIAL), seconds=120.0, about="run 1234567"
            ),
            id="after retries",
        ),
    ],
)
def test_a_denial_names_the_action_however_long_the_callers_name_is(reason: str) -> None:
    assert ": not authorized to perform: iam:PassRole on" in reason
    assert "User:" not in reason
    assert reason.endswith("[run 1234567]")


LONG_NAME = "GenomicsProductionStack-Cohort2026-SampleNA12878-AlignmentAndVariantCalling-WithAnnotation-1a2b3c4d"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ServiceQuotaExceededException", "X"])
def test_a_long_run_name_crowds_out_neither_the_operation_nor_the_services_words(code: str) -> None:
    error = api_error(code, 400, message=DENIAL)

    for reason in (
        messages.api_failure(error, about=f"run name {LONG_NAME}"),
        messages.gave_up(error, seconds=846.2, about=f"run name {LONG_NAME}"),
    ):
        assert reason.startswith("StartRun ")
        assert len(reason) <= REASON_LIMIT
        assert reason.endswith("-1a2b3c4d]")
        assert "[run name GenomicsProductionSta" in reason
        assert "iam:PassRole" in reason or code != "AccessDeniedException"


def test_a_long_logical_id_crowds_nothing_out() -> None:
    about = "L" * 255

    assert messages.superseded(about=about).startswith("This update was delivered after")
    assert messages.nothing_to_roll_back_to(about=about).startswith("The stack is rolling back")


def test_what_alone_is_too_long_is_cut_at_its_end() -> None:
    reason = compose(what="w" * 300, detail="detail", cure="Do this", about="r")

    assert reason == "w" * (REASON_LIMIT - 13) + "… Do this [r]"


@given(what=st.text(min_size=1, max_size=300), detail=st.text(max_size=300), about=st.text(max_size=300))
def test_no_reason_exceeds_the_limit(what: str, detail: str, about: str) -> None:
    assert len(compose(what=what, detail=detail, cure="Do this", about=about)) <= REASON_LIMIT


@pytest.mark.parametrize(
    ("operation", "code", "status", "cure"),
    [
        ("DescribeStackResource", "ConnectionError", 0, "the function reaches CloudFormation"),
        ("DescribeStacks", "ConnectionError", 0, "the function reaches CloudFormation"),
        ("CancelRun", "ConnectionError", 0, "the function reaches HealthOmics"),
        ("GetRun", "ThrottlingException", 429, "Try again in some minutes"),
        ("ListRuns", "RequestTimeoutException", 408, "Try again in some minutes"),
        ("CancelRun", "ValidationException", 400, "See the function's log"),
        ("DeleteRun", "ConflictException", 409, "See the function's log"),
        ("TagResource", "ResourceNotFoundException", 404, "See the function's log"),
    ],
)
def test_only_start_run_is_cured_by_other_settings(operation: str, code: str, status: int, cure: str) -> None:
    error = api_error(code, status, operation=operation)

    assert cure in messages.api_failure(error, about="run 1")
    assert cure in messages.gave_up(error, seconds=846.0, about="run 1")
    assert "StartRun" not in messages.gave_up(error, seconds=846.0, about="run 1")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param(
            messages.sent_again(about="run 1234567"),
            "CloudFormation has sent this update again. The later sending answers for the run. Nothing was cancelled "
            "[run 1234567]",
            id="sent again",
        ),
        pytest.param(
            messages.held_again(about="run 1234567"),
            "This deletion came late: the stack has taken the run since. Nothing was cancelled. Deploy again to clean "
            "up [run 1234567]",
            id="held again",
        ),
    ],
)
def test_a_late_sending_says_that_nothing_was_cancelled(reason: str, text: str) -> None:
    assert reason == text


@pytest.mark.parametrize(
    ("about", "named"),
    [
        pytest.param("a" * 48, "a" * 48, id="just short enough"),
        pytest.param("a" * 31 + "." * 2 + "b" * 16, "a" * 31 + "…" + "b" * 16, id="one too long"),
    ],
)
def test_a_long_name_is_told_by_its_two_ends(about: str, named: str) -> None:
    assert compose(what="W", cure="C", about=about) == f"W. C [{named}]"


def test_a_text_that_just_fits_is_not_cut() -> None:
    what = "w" * (REASON_LIMIT - len(". C [r]"))

    assert compose(what=what, cure="C", about="r") == f"{what}. C [r]"
    assert compose(what=f"{what} w", cure="C", about="r").endswith("w… C [r]")
