from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import RepeatedRequest, Service, ServiceError

NETWORK = {"vpcConfig": {"subnetIds": ["subnet-0123"], "securityGroupIds": ["sg-0123"]}}
MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def lenient(make_service: MakeService, **settings: Any) -> Service:
    return make_service(accept_unknown_references=True, **settings)


def conflict(call: Callable[[], object]) -> str:
    with pytest.raises(ServiceError) as refused:
        call()
    assert refused.value.code == "ConflictException"
    return refused.value.message


def test_a_repeated_request_is_answered_with_the_run_in_its_present_status(
    make_service: MakeService, start_run: StartRun
) -> None:
    service = lenient(make_service)
    first = start_run(service, requestId="one")
    service.advance(60)

    second = start_run(service, requestId="one")

    assert len(service.runs()) == 1
    assert second == first | {"status": "RUNNING"}


def test_another_request_id_starts_another_run(make_service: MakeService, start_run: StartRun) -> None:
    service = lenient(make_service)

    assert start_run(service, requestId="one")["id"] != start_run(service, requestId="two")["id"]
    assert start_run(service)["id"] != start_run(service)["id"]


def test_a_request_that_was_refused_leaves_its_id_free(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    with pytest.raises(ServiceError):
        start_run(service, requestId="one")
    service.add_workflow(workflow_id="1234567")

    start_run(service, requestId="one")

    assert len(service.runs()) == 1


def test_replay_gives_the_first_response_word_for_word(make_service: MakeService, start_run: StartRun) -> None:
    service = lenient(make_service, repeated_request=RepeatedRequest.REPLAY)
    first = start_run(service, requestId="one")
    service.advance(60)

    assert start_run(service, requestId="one") == first


def test_a_repeated_request_can_be_a_conflict(make_service: MakeService, start_run: StartRun) -> None:
    service = lenient(make_service, repeated_request=RepeatedRequest.CONFLICT)
    start_run(service, requestId="one")

    conflict(lambda: start_run(service, requestId="one"))


def test_a_request_in_flight_is_a_conflict_for_a_while(make_service: MakeService, start_run: StartRun) -> None:
    service = lenient(make_service, in_flight_seconds=5)
    first = start_run(service, requestId="one")

    assert "in progress" in conflict(lambda: start_run(service, requestId="one"))
    service.advance(5)
    assert start_run(service, requestId="one")["id"] == first["id"]


@pytest.mark.parametrize("conflicts", [True, False])
def test_other_members_under_a_used_id_are_a_conflict_only_on_demand(
    make_service: MakeService, start_run: StartRun, *, conflicts: bool
) -> None:
    service = lenient(make_service, changed_request_conflicts=conflicts)
    first = start_run(service, requestId="one", parameters={"a": 1, "b": 2})

    assert start_run(service, requestId="one", parameters={"b": 2, "a": 1})["id"] == first["id"]
    if conflicts:
        conflict(lambda: start_run(service, requestId="one", parameters={"a": 2}))
    else:
        assert start_run(service, requestId="one", parameters={"a": 2})["id"] == first["id"]


def test_a_request_id_can_have_a_lifetime(make_service: MakeService, start_run: StartRun) -> None:
    service = lenient(make_service, request_id_lifetime_seconds=3600)
    first = start_run(service, requestId="one")

    service.advance(3599)
    assert start_run(service, requestId="one")["id"] == first["id"]
    service.advance(1)
    assert start_run(service, requestId="one")["id"] != first["id"]


@pytest.mark.parametrize("frees", [True, False])
def test_the_id_of_a_deleted_run_is_free_only_on_demand(
    make_service: MakeService, start_run: StartRun, *, frees: bool
) -> None:
    service = lenient(make_service, deletion_frees_request_id=frees)
    first = start_run(service, requestId="one")
    service.run_until_idle()
    service.call("DeleteRun", {"id": first["id"]})

    again = start_run(service, requestId="one")

    if frees:
        assert again["uuid"] != first["uuid"]
    else:
        assert again == first | {"status": "DELETED"}
        assert service.runs() == []


def test_each_operation_has_its_own_request_ids(make_service: MakeService, start_run: StartRun) -> None:
    service = lenient(make_service)
    group = service.call("CreateRunGroup", {"requestId": "one"})
    run = start_run(service, requestId="one")

    assert service.call("CreateRunGroup", {"requestId": "one"}) == group
    assert run["id"] != group["id"]


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("CreateWorkflow", {"definitionUri": "s3://b/w.zip", "requestId": "one"}),
        ("CreateRunGroup", {"name": "g", "requestId": "one"}),
        ("CreateRunCache", {"cacheS3Location": "s3://bucket", "requestId": "one"}),
        ("CreateConfiguration", {"name": "c", "runConfigurations": NETWORK, "requestId": "one"}),
    ],
)
def test_every_creation_is_repeatable(make_service: MakeService, operation: str, members: dict[str, Any]) -> None:
    service = make_service()
    first = service.call(operation, members)

    assert service.call(operation, members) == first


@pytest.mark.parametrize("mode", [RepeatedRequest.SAME_RUN, RepeatedRequest.REPLAY, RepeatedRequest.CONFLICT])
@pytest.mark.parametrize(
    ("noun", "members", "key"),
    [
        ("Workflow", {"definitionUri": "s3://b/w.zip"}, "id"),
        ("RunGroup", {"name": "g"}, "id"),
        ("RunCache", {"cacheS3Location": "s3://bucket"}, "id"),
        ("Configuration", {"name": "c", "runConfigurations": NETWORK}, "name"),
    ],
)
def test_the_request_id_of_a_deleted_resource_creates_a_new_one(
    make_service: MakeService, noun: str, members: dict[str, Any], key: str, mode: RepeatedRequest
) -> None:
    service = make_service(repeated_request=mode)
    first = service.call(f"Create{noun}", members | {"requestId": "one"})
    service.call(f"Delete{noun}", {key: first[key]})

    second = service.call(f"Create{noun}", members | {"requestId": "one"})

    assert service.call(f"Get{noun}", {key: second[key]})["arn"] == second["arn"]
    assert second != first


def test_a_repeated_creation_is_answered_with_the_present_tags(make_service: MakeService) -> None:
    service = make_service()
    group = service.call("CreateRunGroup", {"requestId": "one"})
    service.call("TagResource", {"resourceArn": group["arn"], "tags": {"k": "v"}})

    assert service.call("CreateRunGroup", {"requestId": "one"}) == group | {"tags": {"k": "v"}}
