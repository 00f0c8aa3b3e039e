"""READY2RUN workflows and workflows that other accounts share: seeds, and what may be done with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import Ready2RunWorkflow, Service, ServiceError, SharedWorkflow

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]

TEMPLATE = {"reads": {"description": "FASTQ"}, "threads": {"description": "number", "optional": True}}
OWNER = "210987654321"


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        call()
    return refused.value.code, refused.value.message


@pytest.fixture
def published(make_service: MakeService) -> Service:
    return make_service(
        ready2run_workflows={
            "77": Ready2RunWorkflow(
                name="Published",
                engine="NEXTFLOW",
                description="by somebody",
                parameter_template=TEMPLATE,
                version_names=("1.0.0", "2.0.0"),
            )
        },
        shared_workflows=(
            SharedWorkflow(workflow_id="88", owner_id=OWNER, parameter_template=TEMPLATE, version_names=("v1",)),
        ),
    )


def test_a_seeded_ready2run_workflow_is_described_with_what_is_known(published: Service) -> None:
    workflow = published.call("GetWorkflow", {"id": "77", "type": "READY2RUN"})
    published.advance(60)

    assert workflow["arn"] == "arn:aws:omics:us-east-1::workflow/77"
    assert (workflow["name"], workflow["engine"], workflow["description"]) == ("Published", "NEXTFLOW", "by somebody")
    assert workflow["parameterTemplate"] == TEMPLATE
    assert published.call("GetWorkflow", {"id": "77", "type": "READY2RUN"}) == workflow


def test_the_versions_of_a_ready2run_workflow_can_be_listed_and_run(published: Service, start_run: StartRun) -> None:
    members = {"workflowId": "77", "type": "READY2RUN"}
    listed = published.call("ListWorkflowVersions", members)["items"]
    version = published.call("GetWorkflowVersion", {**members, "versionName": "1.0.0"})
    start = {"workflowId": "77", "workflowType": "READY2RUN", "parameters": {"reads": "r"}}

    run = start_run(published, workflowVersionName="2.0.0", **start)

    assert [each["versionName"] for each in listed] == ["2.0.0", "1.0.0"]
    assert version["arn"] == listed[1]["arn"] == "arn:aws:omics:us-east-1::workflow/77/version/1.0.0"
    assert len({each["digest"] is None for each in listed}) == 1
    assert published.call("GetRun", {"id": run["id"]})["workflowVersionName"] == "2.0.0"
    assert refusal(lambda: start_run(published, workflowVersionName="3", **start))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("parameters", "message"), [({}, "are missing: reads"), ({"reads": "r", "x": 1}, "not in the parameter template")]
)
@pytest.mark.parametrize(
    "workflow", [{"workflowId": "77", "workflowType": "READY2RUN"}, {"workflowId": "88", "workflowOwnerId": OWNER}]
)
def test_the_parameters_of_a_seeded_workflow_are_checked(
    published: Service, start_run: StartRun, workflow: dict[str, str], parameters: dict[str, Any], message: str
) -> None:
    code, text = refusal(lambda: start_run(published, parameters=parameters, **workflow))

    assert code == "ValidationException"
    assert message in text
    start_run(published, parameters={"reads": "r"}, **workflow)


def test_the_examples_can_be_run_with_any_parameters(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    for item in service.call("ListWorkflows", {"type": "READY2RUN"})["items"]:
        start_run(service, workflowId=item["id"], workflowType="READY2RUN", parameters={"any": 1})

    assert len(service.runs()) == len(service.settings.ready2run_workflows) > 0


def test_a_shared_workflow_needs_its_owner(published: Service, start_run: StartRun) -> None:
    members = {"workflowId": "88", "parameters": {"reads": "r"}}
    run = start_run(published, workflowOwnerId=OWNER, workflowVersionName="v1", **members)

    assert published.runs()[0].workflow.arn == f"arn:aws:omics:us-east-1:{OWNER}:workflow/88/version/v1"
    for owner in ({}, {"workflowOwnerId": "123456789012"}, {"workflowOwnerId": "111111111111"}):
        assert refusal(lambda owner=owner: start_run(published, **members, **owner))[0] == "ResourceNotFoundException"
    assert refusal(lambda: start_run(published, runId=run["id"]))[0] == "ResourceNotFoundException"


def test_the_owner_of_a_workflow_may_name_himself(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    service.add_workflow(workflow_id="1234567")

    start_run(service, workflowOwnerId=service.settings.account_id)

    members = {"id": "1234567", "workflowOwnerId": service.settings.account_id}
    assert service.call("GetWorkflow", members)["id"] == "1234567"


def test_a_shared_workflow_can_be_looked_at_but_not_changed(published: Service) -> None:
    workflow = published.call("GetWorkflow", {"id": "88", "workflowOwnerId": OWNER})

    assert workflow["arn"] == f"arn:aws:omics:us-east-1:{OWNER}:workflow/88"
    assert published.call("ListWorkflows", {"type": "PRIVATE"})["items"] == []
    for operation, members in (
        ("UpdateWorkflow", {"id": "88", "name": "mine"}),
        ("DeleteWorkflow", {"id": "88"}),
        ("TagResource", {"resourceArn": workflow["arn"], "tags": {"a": "b"}}),
        ("ListTagsForResource", {"resourceArn": workflow["arn"]}),
    ):
        assert (
            refusal(lambda call=operation, given=members: published.call(call, given))[0] == "ResourceNotFoundException"
        )


def test_ready2run_workflows_are_listed_page_by_page(service: Service) -> None:
    wanted = {"type": "READY2RUN"}
    everything = [each["id"] for each in service.call("ListWorkflows", wanted)["items"]]
    found: list[str] = []
    token: dict[str, str] = {}
    while len(found) <= len(everything):
        page = service.call("ListWorkflows", wanted | {"maxResults": 1} | token)
        found += [each["id"] for each in page["items"]]
        if page["nextToken"] is None:
            break
        token = {"startingToken": page["nextToken"]}

    assert found == everything
    assert len(found) > 1
