from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import Run, RunScript, Service, ServiceError

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def refusal(call: Callable[[], object]) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        call()
    return refused.value


def test_an_unknown_workflow_is_not_found(make_service: MakeService, start_run: StartRun) -> None:
    error = refusal(lambda: start_run(make_service()))

    assert (error.code, error.message) == ("ResourceNotFoundException", "Workflow 1234567 not found")


def test_a_ready2run_workflow_is_found_only_with_its_type(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()

    assert refusal(lambda: start_run(service, workflowId="9500764")).code == "ResourceNotFoundException"
    run = start_run(service, workflowId="9500764", workflowType="READY2RUN")

    described = service.call("GetRun", {"id": run["id"]})
    assert (described["workflowType"], described["storageType"]) == ("READY2RUN", "DYNAMIC")


def test_a_shared_workflow_is_found_only_with_its_owner(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    owner = "210987654321"
    workflow = service.add_workflow(owner_id=owner)

    wrong = refusal(lambda: start_run(service, workflowId=workflow.workflow_id))
    run = start_run(service, workflowId=workflow.workflow_id, workflowOwnerId=owner)

    assert wrong.code == "ResourceNotFoundException"
    assert workflow.arn == f"arn:aws:omics:us-east-1:{owner}:workflow/{workflow.workflow_id}"
    assert service.call("GetRun", {"id": run["id"]})["workflowOwnerId"] == owner


def test_a_run_of_a_shared_workflow_cannot_be_duplicated(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    workflow = service.add_workflow(owner_id="210987654321")
    run = start_run(service, workflowId=workflow.workflow_id, workflowOwnerId="210987654321")

    assert refusal(lambda: start_run(service, runId=run["id"])).code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"runGroupId": "1"}, id="run group"),
        pytest.param({"cacheId": "1"}, id="run cache"),
        pytest.param({"networkingMode": "VPC", "configurationName": "net"}, id="configuration"),
        pytest.param({"workflowVersionName": "v2"}, id="workflow version"),
        pytest.param({"workflowId": None, "runId": "1"}, id="source run"),
    ],
)
def test_whatever_a_run_names_must_exist(
    make_service: MakeService, start_run: StartRun, members: dict[str, Any]
) -> None:
    service = make_service()
    service.add_workflow(workflow_id="1234567")

    assert refusal(lambda: start_run(service, **members)).code == "ResourceNotFoundException"
    assert service.runs() == []


def test_a_run_of_a_version_uses_the_version(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    workflow = service.add_workflow(workflow_id="1234567")
    version = {"workflowId": workflow.workflow_id, "versionName": "v2"}
    created = service.call("CreateWorkflowVersion", version | {"definitionUri": "s3://b/w.zip"})
    assert refusal(lambda: start_run(service, workflowVersionName="v2")).code == "ResourceNotFoundException"
    service.advance(10)

    run = start_run(service, workflowVersionName="v2")

    described = service.call("GetRun", {"id": run["id"]})
    assert described["workflowUuid"] == created["uuid"] != workflow.uuid
    assert described["workflowVersionName"] == "v2"


def test_a_configuration_shows_in_the_response_and_in_the_run(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=False)
    service.add_workflow(workflow_id="1234567")
    vpc = {"securityGroupIds": ["sg-0123"], "subnetIds": ["subnet-0123"]}
    created = service.call("CreateConfiguration", {"name": "net", "runConfigurations": {"vpcConfig": vpc}})

    run = start_run(service, networkingMode="VPC", configurationName="net")

    expected = {"name": "net", "arn": created["arn"], "uuid": created["uuid"]}
    assert (run["networkingMode"], run["configuration"]) == ("VPC", expected)
    assert service.call("GetRun", {"id": run["id"]})["vpcConfig"]["subnetIds"] == ["subnet-0123"]


def test_a_duplicate_takes_over_what_is_not_given(service: Service, start_run: StartRun) -> None:
    source = start_run(service, name="first", parameters={"a": 1}, priority=5, tags={"k": "v"}, storageType="DYNAMIC")

    again = start_run(service, runId=source["id"], priority=7, outputUri="s3://other/place")

    described = service.call("GetRun", {"id": again["id"]})
    assert described["runId"] == source["id"]
    assert described["workflowId"] == "1234567"
    assert (described["name"], described["parameters"], described["priority"]) == ("first", {"a": 1}, 7)
    assert described["storageType"] == "DYNAMIC"
    assert described["tags"] == {}
    assert again["runOutputUri"] == f"s3://other/place/{again['id']}"


def test_a_duplicate_can_take_over_tags_on_demand(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, duplicate_copies_tags=True)
    source = start_run(service, tags={"k": "v"})
    service.call("TagResource", {"resourceArn": source["arn"], "tags": {"later": "x"}})

    assert start_run(service, runId=source["id"])["tags"] == {"k": "v", "later": "x"}


def test_parameters_keep_their_types(service: Service, start_run: StartRun) -> None:
    parameters = {"text": "1", "int": 1, "float": 1.0, "flag": True, "none": None, "list": [1, {"a": []}]}

    run = start_run(service, parameters=parameters)

    assert service.call("GetRun", {"id": run["id"]})["parameters"] == parameters


def test_runs_are_listed_newest_first_and_in_pages(service: Service, start_run: StartRun) -> None:
    ids = [start_run(service, name=f"run {n}")["id"] for n in range(5)]

    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        page = service.call("ListRuns", {"maxResults": 2, **token})
        pages.append([item["id"] for item in page["items"]])
        if page["nextToken"] is None:
            break
        token = {"startingToken": page["nextToken"]}

    assert pages == [ids[4:2:-1], ids[2:0:-1], ids[:1]]


def test_a_page_neither_repeats_nor_skips_when_runs_come_and_go(service: Service, start_run: StartRun) -> None:
    runs = [start_run(service) for _ in range(4)]
    first = service.call("ListRuns", {"maxResults": 2})
    service.run_until_idle()
    service.call("DeleteRun", {"id": runs[3]["id"]})
    start_run(service)

    second = service.call("ListRuns", {"maxResults": 2, "startingToken": first["nextToken"]})

    assert [item["id"] for item in second["items"]] == [runs[1]["id"], runs[0]["id"]]


@pytest.mark.parametrize("token", ["nonsense", "YWZ0ZXI6eA==", "YmVmb3JlOjE=", "é"])
def test_a_token_that_nobody_gave_is_refused(service: Service, token: str) -> None:
    assert refusal(lambda: service.call("ListRuns", {"startingToken": token})).code == "ValidationException"


def test_runs_are_filtered_by_name_status_and_group(service: Service, start_run: StartRun) -> None:
    group = service.call("CreateRunGroup", {})
    old = start_run(service, name="a", runGroupId=group["id"])
    service.run_until_idle()
    new = start_run(service, name="a")
    start_run(service, name="b")

    def listed(**members: str) -> list[str]:
        return [item["id"] for item in service.call("ListRuns", members)["items"]]

    assert listed(name="a") == [new["id"], old["id"]]
    assert listed(name="a", status="PENDING") == [new["id"]]
    assert listed(runGroupId=group["id"]) == [old["id"]]
    assert listed(batchId="1") == []


def test_cancelled_runs_can_be_left_out_of_the_listing(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(accept_unknown_references=True, cancelled_runs_are_listed=False)
    run = start_run(service)
    service.call("CancelRun", {"id": run["id"]})

    assert service.call("ListRuns")["items"] == []
    assert service.call("GetRun", {"id": run["id"]})["status"] == "CANCELLED"


def test_ids_have_seven_digits_and_arns_say_where_they_are_from(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service(
        accept_unknown_references=True, partition="aws-cn", region="cn-north-1", account_id="210987654321"
    )

    run = start_run(service)

    assert len(run["id"]) == 7
    assert run["arn"] == f"arn:aws-cn:omics:cn-north-1:210987654321:run/{run['id']}"


def test_the_same_seed_gives_the_same_ids(make_service: MakeService, start_run: StartRun) -> None:
    first, second = (start_run(make_service(accept_unknown_references=True, seed=seed)) for seed in (7, 7))

    assert (first["id"], first["uuid"]) == (second["id"], second["uuid"])


def test_a_reader_of_the_records_sees_no_later_change(service: Service, start_run: StartRun) -> None:
    start_run(service)
    (before,) = service.runs()
    service.run_until_idle()

    assert isinstance(before, Run)
    assert before.status == "PENDING"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engineVersion": "99.10"}, "engineSettings.engineVersion must be one of 22.04, "),
        ({"engineVersion": "25.10\n"}, "engineSettings.engineVersion must be one of"),
        ({"engineVersion": 25.1}, "engineSettings.engineVersion must be a string"),
        ({"syntaxVersion": "v3"}, "engineSettings.syntaxVersion must be one of v1, v2"),
        ({"profile": ["test"]}, "engineSettings.profile must be a string"),
        ({"enginVersion": "25.10"}, "engineSettings has no enginVersion: it can have engineVersion, "),
    ],
)
def test_engine_settings_that_nextflow_does_not_have_are_refused(
    make_service: MakeService, start_run: StartRun, settings: dict[str, Any], message: str
) -> None:
    service = make_service()
    service.add_workflow(workflow_id="1234567", engine="NEXTFLOW")

    refused = refusal(lambda: start_run(service, engineSettings=settings))

    assert refused.code == "ValidationException"
    assert refused.message.startswith(message)


def test_engine_settings_are_reported_for_nextflow_and_ignored_elsewhere(
    make_service: MakeService, start_run: StartRun
) -> None:
    service = make_service(nextflow_versions=("25.10", "27.04"))
    service.add_workflow(workflow_id="1234567", engine="NEXTFLOW")
    other = service.add_workflow(engine="WDL").workflow_id
    settings = {"engineVersion": "27.04", "syntaxVersion": "v2", "profile": "test", "agentMode": {"any": 1}}

    nextflow = service.call("GetRun", {"id": start_run(service, engineSettings=settings)["id"]})
    wdl = service.call("GetRun", {"id": start_run(service, workflowId=other, engineSettings={"nonsense": 1})["id"]})

    assert (nextflow["engineSettings"], nextflow["engineVersion"]) == (settings, "27.04.0")
    assert (wdl["engineSettings"], wdl["engineVersion"]) == (None, None)


@pytest.mark.parametrize(
    ("members", "length"),
    [({}, 742), ({"outputUriPrefixMode": "NONE_WITH_OVERWRITE"}, 750)],
)
def test_an_output_uri_leaves_room_for_the_prefix_of_the_run(
    service: Service, start_run: StartRun, members: dict[str, str], length: int
) -> None:
    longest = "s3://bucket/" + "x" * (length - 12)

    run = start_run(service, outputUri=longest, **members)

    assert len(run["runOutputUri"]) == 750
    if length < 750:
        refused = refusal(lambda: start_run(service, outputUri=f"{longest}x", **members))
        assert (refused.code, "outputUri is too long" in refused.message) == ("ValidationException", True)


def test_messages_are_lines_without_control_characters(make_service: MakeService, start_run: StartRun) -> None:
    script = RunScript(failure_reason="RUN_TASK_FAILED", status_message="a\n\tb\x00\u200bc")
    service = make_service(accept_unknown_references=True, script=lambda _: script)
    run = start_run(service)
    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["statusMessage"] == "a b  c"
    (task,) = service.call("ListRunTasks", {"id": run["id"]})["items"]
    described = service.call("GetRunTask", {"id": run["id"], "taskId": task["taskId"]})
    assert described["statusMessage"] == "a b  c"
