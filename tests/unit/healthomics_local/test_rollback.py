"""What the rollback of custom resources is told."""

from __future__ import annotations

from typing import Any

from healthomics_local.ministack.rollback import FailedRequest, failed_create_record, prepare, superseded_id


def record(physical_id: str, resource_type: str = "Custom::Thing") -> dict[str, Any]:
    return {"PhysicalResourceId": physical_id, "ResourceType": resource_type, "Properties": {}}


def failure(logical_id: str, physical_id: str, *, created: bool, sent: bool = True) -> FailedRequest:
    return FailedRequest(
        logical_id=logical_id,
        resource_type="Custom::Thing",
        physical_id=physical_id,
        properties={"A": "1"},
        created=created,
        sent=sent,
    )


def operation(**changes: Any) -> dict[str, Any]:
    return {"created": [], "replaced_ids": [], "failed_update": None, "previous_stack": None, **changes}


def test_a_failed_create_is_deleted_like_a_created_resource() -> None:
    before = operation(created=["First"])

    prepared = prepare(before, {}, failure("Second", "half", created=True))

    assert prepared["created"] == ["First", "Second"]
    assert before["created"] == ["First"]


def test_the_record_of_a_failed_create_has_what_its_delete_needs() -> None:
    kept = failed_create_record(failure("Thing", "half", created=True), timestamp="now")

    assert kept["PhysicalResourceId"] == "half"
    assert kept["Properties"] == {"A": "1"}
    assert kept["ResourceStatus"] == "CREATE_FAILED"


def test_a_failed_update_goes_back_under_the_id_of_its_answer() -> None:
    before = operation(
        failed_update=["Thing", "Custom::Thing", "old", {"A": "2"}, {"A": "1"}, {}],
        previous_stack={"_resources": {"Thing": record("old")}},
    )

    prepared = prepare(before, {"Thing": record("old")}, failure("Thing", "new", created=False))

    assert prepared["failed_update"][2:5] == ["new", {"A": "2"}, {"A": "1"}]
    assert prepared["previous_stack"]["_resources"]["Thing"]["PhysicalResourceId"] == "new"
    assert before["previous_stack"]["_resources"]["Thing"]["PhysicalResourceId"] == "old"


def test_an_update_that_was_refused_before_it_was_sent_is_not_sent_back() -> None:
    before = operation(
        failed_update=["Thing", "Custom::Thing", "old", {"A": "2"}, {"A": "1"}, {}],
        previous_stack={"_resources": {"Thing": record("old")}},
    )

    prepared = prepare(before, {"Thing": record("old")}, failure("Thing", "old", created=False, sent=False))

    assert prepared["failed_update"][3:] == [None, None, None]


def test_a_replaced_custom_resource_is_sent_back_instead_of_only_deleted() -> None:
    before = operation(
        created=["Thing"],
        replaced_ids=["Thing"],
        previous_stack={"_resources": {"Thing": record("old")}},
    )

    prepared = prepare(before, {"Thing": record("new")}, None)

    assert prepared["replaced_ids"] == []
    assert prepared["previous_stack"]["_resources"]["Thing"]["PhysicalResourceId"] == "new"


def test_a_replaced_resource_of_another_type_is_left_to_ministack() -> None:
    before = operation(
        created=["Bucket"],
        replaced_ids=["Bucket"],
        previous_stack={"_resources": {"Bucket": record("old", "AWS::S3::Bucket")}},
    )

    prepared = prepare(before, {"Bucket": record("new", "AWS::S3::Bucket")}, None)

    assert prepared == before


def test_the_cleanup_deletes_an_id_only_if_the_rollback_answered_with_another_one() -> None:
    assert superseded_id(rolled_back_from="new", answered="old") == "new"
    assert superseded_id(rolled_back_from="same", answered="same") is None
