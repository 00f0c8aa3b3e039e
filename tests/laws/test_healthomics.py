"""The HealthOmics of the simulator behaves as documented."""

from typing import Any

import pytest

from healthomics_run_handler.errors import ApiError
from laws.healthomics import SHORT, FakeHealthOmics, HealthOmicsReadings, Life, SameToken
from laws.simulator import START


class Service:
    """A fake HealthOmics with a clock of its own."""

    def __init__(self, **readings: Any) -> None:
        from collections import Counter  # noqa: PLC0415 - the tests' only use

        self.now = START
        self.omics: FakeHealthOmics[str] = FakeHealthOmics(lambda: self.now, HealthOmicsReadings(**readings), Counter())

    def start(self, token: str = "token", **members: str) -> dict[str, Any]:
        request = {"name": "run", "workflowId": "1", "roleArn": "arn:role", "outputUri": "s3://bucket"}
        return self.omics.start_run({**request, "requestId": token, **members}, "me")

    def status(self, run_id: str) -> str:
        return str(self.omics.get_run(run_id)["status"])


def test_a_run_lives_and_ends() -> None:
    service = Service(lives=(Life(pending=1, starting=2, running=3, stopping=4),))
    run_id = service.start()["id"]
    statuses = []
    for _ in range(11):
        statuses.append(service.status(run_id))
        service.now += 1

    assert len(run_id) == 7
    expected = ["PENDING", *["STARTING"] * 2, *["RUNNING"] * 3, *["STOPPING"] * 4, "COMPLETED"]
    assert statuses == expected


def test_a_cancelled_run_stops_for_a_while() -> None:
    service = Service(lives=(Life(stopping=60),))
    run_id = service.start()["id"]
    service.now += 100
    service.omics.cancel_run(run_id, "me")

    assert service.status(run_id) == "STOPPING"
    with pytest.raises(ApiError, match="ConflictException"):
        service.omics.delete_run(run_id, "me")
    service.now += 60
    assert service.status(run_id) == "CANCELLED"
    with pytest.raises(ApiError, match="ConflictException"):
        service.omics.cancel_run(run_id, "me")
    service.omics.delete_run(run_id, "me")
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        service.omics.get_run(run_id)


def test_start_run_admits_one_call_a_second() -> None:
    service = Service()
    service.start("one")
    service.now += 0.9
    with pytest.raises(ApiError, match="ThrottlingException"):
        service.start("two")
    service.now += 0.1
    service.start("two")

    assert len(service.omics.runs) == 2


@pytest.mark.parametrize(
    ("reading", "soon", "late"),
    [
        (SameToken.SAME_RUN, "STARTING", "RUNNING"),
        (SameToken.REPLAY, "PENDING", "PENDING"),
        (SameToken.CONFLICT, "ConflictException", "ConflictException"),
        (SameToken.CONFLICT_IN_FLIGHT, "ConflictException", "RUNNING"),
    ],
)
def test_the_same_token_never_starts_a_second_run(reading: SameToken, soon: str, late: str) -> None:
    service = Service(same_token=reading, lives=(Life(pending=1, starting=3),))
    first = service.start()
    replies = []
    for seconds in (2, 10):
        service.now += seconds
        try:
            again = service.start()
        except ApiError as error:
            replies.append(error.code)
        else:
            assert again["uuid"] == first["uuid"]
            replies.append(again["status"])

    assert replies == [soon, late]
    assert len(service.omics.runs) == 1


def test_ids_of_deleted_runs_are_used_again() -> None:
    service = Service(lives=(SHORT,))
    first = service.start()
    service.now += 60
    service.omics.delete_run(first["id"], "me")
    service.now += 3600
    second = service.omics.foreign_start("run", takes_over_id=True)

    assert second.id == first["id"]
    assert second.uuid != first["uuid"]
    assert service.omics.get_run(first["id"])["uuid"] == second.uuid


def test_the_record_of_a_run_with_retention_remove_vanishes() -> None:
    service = Service(lives=(SHORT,), removal_delay=30)
    run_id = service.start(retentionMode="REMOVE")["id"]
    service.now += 39
    assert service.status(run_id) == "COMPLETED"
    service.now += 2
    with pytest.raises(ApiError, match="ResourceNotFoundException"):
        service.status(run_id)


def test_new_runs_are_listed_late_and_in_pages() -> None:
    service = Service(listing_lag=30, page=2)
    for token in "abc":
        service.start(token)
        service.now += 1
    service.omics.foreign_start("another name", takes_over_id=False)

    assert service.omics.page_of_runs("run", None, 0) == ([], None)
    service.now += 30
    items, following = service.omics.page_of_runs("run", None, 0)
    assert [len(items), following] == [2, 2]
    assert len(service.omics.page_of_runs("run", None, 2)[0]) == 1
    assert not {"uuid", "tags", "requestId"} & items[0].keys()
    assert service.omics.page_of_runs("run", "COMPLETED", 0) == ([], None)


def test_a_known_token_with_another_body_may_be_refused() -> None:
    service = Service(same_token=SameToken.OTHER_BODY_REFUSED)
    first = service.start()
    service.now += 2

    assert service.start()["id"] == first["id"]
    service.now += 2
    with pytest.raises(ApiError, match="ValidationException"):
        service.start(name="other")
    assert len(service.omics.runs) == 1


@pytest.mark.parametrize(("forgets", "runs"), [(False, 1), (True, 2)])
def test_a_token_may_be_forgotten_with_the_record(forgets: bool, runs: int) -> None:  # noqa: FBT001
    service = Service(lives=(SHORT,), forgets_tokens=forgets)
    service.start()
    service.now += 60
    service.start()
    assert len(service.omics.runs) == 1
    service.omics.external_delete(service.omics.runs[0])
    service.now += 2

    service.start()

    assert len(service.omics.runs) == runs


@pytest.mark.parametrize("accepts", [True, False])
def test_a_run_that_is_stopping_may_refuse_to_be_cancelled(accepts: bool) -> None:  # noqa: FBT001
    service = Service(cancels_stopping=accepts)
    run_id = service.start()["id"]
    service.omics.cancel_run(run_id, "me")
    service.now += 5

    if accepts:
        service.omics.cancel_run(run_id, "me")
    else:
        with pytest.raises(ApiError, match="ValidationException"):
            service.omics.cancel_run(run_id, "me")
    assert service.status(run_id) == "STOPPING"


def test_somebody_may_strip_the_ledger_off_a_run() -> None:
    service = Service()
    service.omics.start_run(
        {
            "workflowId": "1",
            "roleArn": "arn",
            "outputUri": "s3://b",
            "requestId": "t",
            "tags": {"cdk-healthomics:spec": "x", "a": "b"},
        },
        "me",
    )

    service.omics.external_strip(service.omics.runs[0])

    assert service.omics.runs[0].tags == {"a": "b"}
