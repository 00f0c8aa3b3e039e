"""Run groups, run caches and configurations, as far as they matter to runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import Service, ServiceError, Timings

NETWORK = {"vpcConfig": {"subnetIds": ["subnet-0123"], "securityGroupIds": ["sg-0123"]}}
MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def refusal(service: Service, operation: str, members: dict[str, Any]) -> str:
    with pytest.raises(ServiceError) as refused:
        service.call(operation, members)
    return refused.value.code


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetRunGroup", {"id": "1"}),
        ("UpdateRunGroup", {"id": "1"}),
        ("DeleteRunGroup", {"id": "1"}),
        ("GetRunCache", {"id": "1"}),
        ("UpdateRunCache", {"id": "1"}),
        ("DeleteRunCache", {"id": "1"}),
        ("GetConfiguration", {"name": "x"}),
        ("DeleteConfiguration", {"name": "x"}),
        ("GetWorkflow", {"id": "1"}),
        ("GetWorkflow", {"id": "1", "type": "READY2RUN"}),
        ("UpdateWorkflow", {"id": "1"}),
        ("DeleteWorkflow", {"id": "1"}),
        ("GetWorkflowVersion", {"workflowId": "1", "versionName": "x"}),
        ("GetRun", {"id": "1"}),
        ("CancelRun", {"id": "1"}),
        ("DeleteRun", {"id": "1"}),
        ("ListRunTasks", {"id": "1"}),
        ("GetRunTask", {"id": "1", "taskId": "1"}),
    ],
)
def test_what_does_not_exist_is_not_found(service: Service, operation: str, members: dict[str, Any]) -> None:
    assert refusal(service, operation, members) == "ResourceNotFoundException"


def test_a_task_of_another_run_is_not_found(service: Service, start_run: StartRun) -> None:
    first, second = start_run(service), start_run(service)
    service.advance(60)
    task = service.call("ListRunTasks", {"id": first["id"]})["items"][0]

    members = {"id": second["id"], "taskId": task["taskId"]}
    assert refusal(service, "GetRunTask", members) == "ResourceNotFoundException"


def test_an_unknown_ready2run_workflow_is_not_found(make_service: MakeService, start_run: StartRun) -> None:
    with pytest.raises(ServiceError) as refused:
        start_run(make_service(), workflowType="READY2RUN")
    assert refused.value.code == "ResourceNotFoundException"


def test_a_configuration_has_one_name_and_stays_while_a_run_uses_it(
    make_service: MakeService, start_run: StartRun
) -> None:
    service = make_service()
    service.add_workflow(workflow_id="1234567")
    members = {"name": "net", "runConfigurations": NETWORK}
    service.call("CreateConfiguration", members)
    start_run(service, networkingMode="VPC", configurationName="net")

    assert refusal(service, "CreateConfiguration", members) == "ConflictException"
    assert refusal(service, "DeleteConfiguration", {"name": "net"}) == "ConflictException"
    service.run_until_idle()
    service.call("DeleteConfiguration", {"name": "net"})
    assert service.call("ListConfigurations")["items"] == []


def test_a_run_takes_over_the_behaviour_of_its_cache_unless_it_names_one(
    make_service: MakeService, start_run: StartRun
) -> None:
    service = make_service()
    service.add_workflow(workflow_id="1234567")
    members = {"cacheS3Location": "s3://bucket/cache", "cacheBehavior": "CACHE_ALWAYS"}
    cache_id = service.call("CreateRunCache", members)["id"]
    runs = [
        start_run(service, cacheId=cache_id),
        start_run(service, cacheId=cache_id, cacheBehavior="CACHE_ON_FAILURE"),
    ]
    service.call("UpdateRunCache", {"id": cache_id, "cacheBehavior": "CACHE_ON_FAILURE"})

    found = [service.call("GetRun", {"id": run["id"]})["cacheBehavior"] for run in runs]

    assert found == ["CACHE_ALWAYS", "CACHE_ON_FAILURE"]
    assert service.call("GetRunCache", {"id": cache_id})["cacheBucketOwnerId"] == service.settings.account_id
    service.call("DeleteRunCache", {"id": cache_id})
    with pytest.raises(ServiceError, match=f"Run cache {cache_id} not found"):
        start_run(service, cacheId=cache_id)


def test_unknown_references_can_be_taken_as_existing(service: Service, start_run: StartRun) -> None:
    run = start_run(
        service,
        workflowOwnerId="210987654321",
        workflowVersionName="v2",
        runGroupId="1",
        cacheId="2",
        networkingMode="VPC",
        configurationName="net",
    )

    assert run["configuration"]["name"] == "net"
    assert run["configuration"]["arn"].endswith(":configuration/net")


def test_a_repeated_creation_of_a_version_is_answered_with_the_version(service: Service) -> None:
    workflow = service.add_workflow()
    members = {
        "workflowId": workflow.workflow_id,
        "versionName": "v2",
        "definitionUri": "s3://b/w.zip",
        "requestId": "one",
    }
    first = service.call("CreateWorkflowVersion", members)
    service.advance(10)

    assert service.call("CreateWorkflowVersion", members) == first | {"status": "ACTIVE"}
    service.call("DeleteWorkflow", {"id": workflow.workflow_id})
    assert refusal(service, "CreateWorkflowVersion", members) == "ResourceNotFoundException"


def test_a_service_with_a_local_aws_needs_it_only_for_objects(make_service: MakeService) -> None:
    service = make_service(aws_endpoint_url="http://127.0.0.1:1")

    assert service.call("ListRuns")["items"] == []


@pytest.mark.parametrize(
    "network",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"vpcConfig": None}, id="null"),
        pytest.param({"vpcConfig": {}}, id="an empty one"),
        pytest.param({"vpcConfig": {"subnetIds": ["subnet-0123"]}}, id="no security group"),
        pytest.param({"vpcConfig": {"subnetIds": [], "securityGroupIds": ["sg-0123"]}}, id="no subnet"),
        pytest.param({"vpcConfig": {"subnetIds": None, "securityGroupIds": ["sg-0123"]}}, id="null for subnets"),
    ],
)
def test_a_configuration_needs_subnets_and_security_groups(service: Service, network: dict[str, Any]) -> None:
    members = {"name": "net", "runConfigurations": network}

    assert refusal(service, "CreateConfiguration", members) == "ValidationException"


def test_a_configuration_can_be_named_once_it_is_active(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(timings=Timings(configuration_creating=60))
    service.add_workflow(workflow_id="1234567")
    created = service.call("CreateConfiguration", {"name": "net", "runConfigurations": NETWORK})
    service.advance(59)

    with pytest.raises(ServiceError) as refused:
        start_run(service, networkingMode="VPC", configurationName="net")
    service.advance(1)
    start_run(service, networkingMode="VPC", configurationName="net")

    assert (created["status"], refused.value.code) == ("CREATING", "ResourceNotFoundException")
    assert service.call("GetConfiguration", {"name": "net"})["status"] == "ACTIVE"
