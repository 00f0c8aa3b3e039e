"""Failures that AWS finds only after StartRun has answered: buckets and inputs that are not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import MemoryObjectStore, S3Uri, Service, StorageChecks
from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, ObjectSummary
from healthomics_local.endpoint.storage_check import s3_uris

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


class Buckets(MemoryObjectStore):
    """A store that has only some buckets, in Regions, as S3 does."""

    def bucket_region(self, bucket: str) -> str | None:
        if bucket == "broken":
            raise ObjectStoreError("connection refused")
        region = {"bucket": "us-east-1", "in": "us-east-1", "far": "eu-west-1"}.get(bucket)
        if region is None:
            raise ObjectNotFoundError(bucket)
        return region

    def describe(self, uri: S3Uri) -> ObjectSummary:
        if uri.key == "secret":
            raise ObjectStoreError(f"S3 access denied for {uri}")
        return super().describe(uri)


@pytest.fixture
def store() -> Buckets:
    store = Buckets()
    store.put("s3://in/reads.fq", "ACGT")
    store.put("s3://in/index/part1", "")
    return store


@pytest.fixture
def outcome(
    make_service: MakeService, start_run: StartRun, store: Buckets
) -> Callable[..., tuple[str, str | None, str | None]]:
    def outcome(checks: StorageChecks, **members: Any) -> tuple[str, str | None, str | None]:
        service = make_service(accept_unknown_references=True, object_store=store, storage_checks=checks)
        run = start_run(service, **members)
        service.run_until_idle()
        ended = service.call("GetRun", {"id": run["id"]})
        return ended["status"], ended.get("failureReason"), ended.get("statusMessage")

    return outcome


Outcome = Callable[..., tuple[str, str | None, str | None]]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("s3://in/reads.fq", id="an object"),
        pytest.param("s3://in/index", id="a folder"),
        pytest.param("s3://in/results/", id="a folder for outputs"),
        pytest.param("s3://elsewhere/reads.fq", id="a bucket that is not here"),
        pytest.param("reads.fq", id="no address"),
        pytest.param("s3://", id="nothing but a scheme"),
    ],
)
def test_inputs_that_are_there_or_elsewhere_let_a_run_complete(outcome: Outcome, value: str) -> None:
    assert outcome(StorageChecks.KNOWN_BUCKETS, parameters={"reads": value})[0] == "COMPLETED"


@pytest.mark.parametrize("checks", [StorageChecks.KNOWN_BUCKETS, StorageChecks.ALL])
def test_a_missing_input_fails_a_simulated_run_wherever_it_is_named(outcome: Outcome, checks: StorageChecks) -> None:
    parameters = {"samples": [{"reads": "s3://in/reads.fq"}, {"reads": "s3://in/none.fq"}]}

    ended = outcome(checks, parameters=parameters)

    assert ended == ("FAILED", "INPUT_URI_NOT_FOUND", "Input URI not found: s3://in/none.fq")


def test_an_input_that_must_not_be_read_fails_the_import(outcome: Outcome) -> None:
    ended = outcome(StorageChecks.KNOWN_BUCKETS, parameters={"reads": "s3://in/secret"})

    assert ended == ("FAILED", "IMPORT_FAILED", "Input cannot be read: S3 access denied for s3://in/secret")


def test_an_input_in_a_bucket_that_is_not_here_is_missing_when_all_is_checked(outcome: Outcome) -> None:
    ended = outcome(StorageChecks.ALL, parameters={"reads": "s3://elsewhere/reads.fq"})

    assert ended[1] == "INPUT_URI_NOT_FOUND"


def test_an_output_bucket_in_another_region_fails_the_run_before_it_runs(
    make_service: MakeService, start_run: StartRun, store: Buckets
) -> None:
    events: list[dict[str, Any]] = []
    service = make_service(
        accept_unknown_references=True,
        object_store=store,
        storage_checks=StorageChecks.KNOWN_BUCKETS,
        event_sink=events.append,
    )

    run = start_run(service, outputUri="s3://far/out")
    service.run_until_idle()

    ended = service.call("GetRun", {"id": run["id"]})
    assert (ended["status"], ended["failureReason"]) == ("FAILED", "EXPORT_FAILED")
    assert ended["statusMessage"] == (
        "The output bucket far is in eu-west-1: it must be in us-east-1, as the workflow is"
    )
    assert [event["detail"]["status"] for event in events] == ["PENDING", "STARTING", "STOPPING", "FAILED"]


@pytest.mark.parametrize(
    ("checks", "bucket", "reason"),
    [
        (StorageChecks.KNOWN_BUCKETS, "bucket", None),
        (StorageChecks.KNOWN_BUCKETS, "elsewhere", None),
        (StorageChecks.ALL, "elsewhere", "EXPORT_FAILED"),
        (StorageChecks.ALL, "broken", "EXPORT_FAILED"),
        (StorageChecks.OFF, "far", None),
    ],
)
def test_an_output_bucket_must_be_there_when_all_is_checked(
    outcome: Outcome, checks: StorageChecks, bucket: str, reason: str | None
) -> None:
    assert outcome(checks, outputUri=f"s3://{bucket}/out")[1] == reason


def test_nothing_is_checked_when_that_is_off(outcome: Outcome) -> None:
    assert outcome(StorageChecks.OFF, parameters={"reads": "s3://in/none.fq"})[0] == "COMPLETED"


def test_the_engine_log_names_what_was_taken_as_existing(
    make_service: MakeService, start_run: StartRun, store: Buckets
) -> None:
    service = make_service(
        accept_unknown_references=True, object_store=store, storage_checks=StorageChecks.KNOWN_BUCKETS
    )

    run = start_run(service, parameters={"reads": "s3://elsewhere/reads.fq"})
    service.run_until_idle()

    assert service.logs.messages(f"run/{run['id']}/engine")[0] == (
        "Simulated: s3://elsewhere/reads.fq counts as existing, because there is no bucket elsewhere here"
    )


def test_a_store_in_memory_has_every_bucket(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, storage_checks=StorageChecks.ALL)

    run = start_run(service, outputUri="s3://anything/out")
    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["status"] == "COMPLETED"


def test_addresses_are_found_at_any_depth() -> None:
    value = {"a": ["s3://b/1", {"c": "s3://b/2"}], "d": 3, "e": "see s3://b/4", "f": "s3://b", "g": "s3://b/x/"}

    assert [str(uri) for uri in s3_uris(value)] == ["s3://b/1", "s3://b/2"]
