"""Settings as words, and values that no setting can have."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from healthomics_local.endpoint import RepeatedRequest, RunOutputLayout, Settings, Timings
from healthomics_local.endpoint.setting_options import READERS, with_options

# What no word can express, and what has an option of its own for its form.
NO_WORDS = {
    "authorizer",
    "check_run_role",
    "clock",
    "engine",
    "event_sink",
    "log_sink",
    "object_store",
    "ready2run_workflows",
    "script",
    "shared_workflows",
    "state_file",
    "timings",
}


def test_every_setting_that_a_word_can_express_can_be_given() -> None:
    timings = {f"timings.{field.name}" for field in fields(Timings)}

    assert {field.name for field in fields(Settings)} - NO_WORDS | timings == set(READERS)


def test_words_become_values_of_the_right_type() -> None:
    changed = with_options(
        Settings(max_stored_runs=7),
        [
            "repeated_request=CONFLICT",
            "changed-request-conflicts=true",
            "in_flight_seconds=1.5",
            "request_id_lifetime_seconds=60",
            "deletion_frees_request_id=true",
            "reuse_deleted_run_ids=false",
            "max_stored_runs=none",
            "max_concurrent_runs=3",
            "start_run_tps=0.5",
            "default_storage_type=DYNAMIC",
            "run_output_layout=RUN_ID_AND_UUID",
            "allowed_hosts=omics,omics.test",
            "timings.running=5",
            "timings.pending=0",
        ],
    )

    assert changed == Settings(
        repeated_request=RepeatedRequest.CONFLICT,
        changed_request_conflicts=True,
        in_flight_seconds=1.5,
        request_id_lifetime_seconds=60,
        deletion_frees_request_id=True,
        max_stored_runs=None,
        max_concurrent_runs=3,
        start_run_tps=0.5,
        default_storage_type="DYNAMIC",
        run_output_layout=RunOutputLayout.RUN_ID_AND_UUID,
        allowed_hosts=("omics", "omics.test"),
        timings=Timings(running=5, pending=0),
    )


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ("seed", "must be NAME=VALUE"),
        ("sed=1", "there is no setting 'sed'; there are .*seed"),
        ("clock=1", "there is no setting 'clock'"),
        ("reuse_deleted_run_ids=yes", "cannot be 'yes': give true or false"),
        ("max_stored_runs=many", "cannot be 'many': give an integer"),
        ("start_run_tps=fast", "cannot be 'fast': give a number"),
        ("start_run_tps=0", "start_run_tps must be above 0"),
        ("start_run_tps=nan", "start_run_tps must be above 0"),
        ("repeated_request=AGAIN", "give one of SAME_RUN, REPLAY, CONFLICT"),
        ("in_flight_seconds=none", "cannot be 'none': give a number"),
        ("timings.running=-1", "running must be at least 0"),
        ("timings.sleeping=1", "there is no setting"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(option: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        with_options(Settings(), [option])


@pytest.mark.parametrize(
    "members",
    [
        {"account_id": "12"},
        {"account_id": "12345678901x"},
        {"region": "US EAST"},
        {"partition": ""},
        {"aws_endpoint_url": "nonsense"},
        {"aws_endpoint_url": "http://"},
        {"aws_endpoint_url": "http://localhost:x"},
        {"aws_endpoint_url": "ftp://localhost"},
        {"start_run_tps": 0},
        {"start_run_tps": float("inf")},
        {"in_flight_seconds": -1},
        {"max_stored_runs": 0},
        {"max_body_bytes": 0},
    ],
)
def test_a_setting_that_no_endpoint_can_have_is_refused(members: dict[str, object]) -> None:
    (name,) = members

    with pytest.raises(ValueError, match=f"^{name} must "):
        replace(Settings(), **members)  # type: ignore[arg-type]
