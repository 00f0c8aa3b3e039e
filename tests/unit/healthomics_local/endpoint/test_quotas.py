from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthomics_local.endpoint import Service, ServiceError, Settings
from healthomics_local.endpoint.throttle import TokenBucket

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_token_bucket_allows_a_burst_of_one_second_and_then_the_rate() -> None:
    bucket = TokenBucket(rate_per_second=2)

    assert [bucket.take(NOW) for _ in range(3)] == [True, True, False]
    assert bucket.take(NOW + timedelta(seconds=0.5))
    assert not bucket.take(NOW + timedelta(seconds=0.6))
    assert [bucket.take(NOW + timedelta(hours=1)) for _ in range(3)] == [True, True, False]


def test_a_slow_rate_still_allows_one_call() -> None:
    bucket = TokenBucket(rate_per_second=0.1)

    assert bucket.take(NOW)
    assert not bucket.take(NOW + timedelta(seconds=9))
    assert bucket.take(NOW + timedelta(seconds=11))


def test_start_run_is_throttled_at_its_rate_and_nothing_else_is(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, start_run_tps=1)
    start_run(service)

    with pytest.raises(ServiceError) as refused:
        start_run(service)
    service.call("ListRuns")
    service.advance(1)
    start_run(service)

    assert (refused.value.code, refused.value.http_status) == ("ThrottlingException", 429)
    assert len(service.runs()) == 2


def test_retained_runs_use_up_the_quota(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_stored_runs=2)
    for _ in range(2):
        start_run(service)
    service.run_until_idle()

    with pytest.raises(ServiceError) as refused:
        start_run(service, retentionMode="REMOVE")

    assert (refused.value.code, refused.value.http_status) == ("ServiceQuotaExceededException", 402)


def test_the_oldest_removable_run_that_has_ended_makes_room(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_stored_runs=3)
    retained = start_run(service)
    oldest = start_run(service, retentionMode="REMOVE")
    newer = start_run(service, retentionMode="REMOVE")
    service.run_until_idle()

    new = start_run(service)

    assert {run.run_id for run in service.runs()} == {retained["id"], newer["id"], new["id"]}
    assert oldest["id"] not in {run.run_id for run in service.runs()}


def test_an_active_run_is_never_removed_to_make_room(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, max_stored_runs=1)
    start_run(service, retentionMode="REMOVE")

    with pytest.raises(ServiceError) as refused:
        start_run(service)

    assert refused.value.code == "ServiceQuotaExceededException"


def test_a_run_group_with_active_runs_cannot_be_deleted(service: Service, start_run: StartRun) -> None:
    group = service.call("CreateRunGroup", {})
    start_run(service, runGroupId=group["id"])

    with pytest.raises(ServiceError) as refused:
        service.call("DeleteRunGroup", {"id": group["id"]})
    service.run_until_idle()
    service.call("DeleteRunGroup", {"id": group["id"]})

    assert refused.value.code == "ConflictException"
    assert service.call("ListRunGroups")["items"] == []


@pytest.mark.parametrize(
    ("setting", "operation", "members"),
    [
        ("max_run_groups", "CreateRunGroup", {}),
        ("max_run_caches", "CreateRunCache", {"cacheS3Location": "s3://bucket"}),
        (
            "max_workflow_versions",
            "CreateWorkflowVersion",
            {"workflowId": "1234567", "versionName": "v0", "definitionUri": "s3://b/w.zip"},
        ),
    ],
)
def test_a_quota_that_is_used_up_refuses_one_more(
    make_service: MakeService, setting: str, operation: str, members: dict[str, Any]
) -> None:
    service = make_service(**{setting: 2})
    service.add_workflow(workflow_id="1234567")
    names = [{"versionName": f"v{number}"} if "versionName" in members else {} for number in range(3)]
    for name in names[:2]:
        service.call(operation, members | name)

    with pytest.raises(ServiceError) as refused:
        service.call(operation, members | names[2])

    assert (refused.value.code, refused.value.http_status) == ("ServiceQuotaExceededException", 402)


def test_the_quotas_are_those_that_aws_documents() -> None:
    settings = Settings()

    assert (settings.max_run_groups, settings.max_run_caches, settings.max_workflow_versions) == (1000, 1000, 1000)
