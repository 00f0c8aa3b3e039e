from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.endpoint import Service, ServiceError

if TYPE_CHECKING:
    from healthomics_local.endpoint.engines.engine import Inspection, Job, Reporter
    from healthomics_local.endpoint.records import Workflow

MakeService = Callable[..., Service]
StartRun = Callable[..., dict[str, Any]]


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name in names:
            opened.writestr(name, "version 1.0")
    return buffer.getvalue()


def refusal(call: Callable[[], object]) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        call()
    return refused.value


def test_a_workflow_is_creating_and_then_active(service: Service) -> None:
    created = service.call("CreateWorkflow", {"name": "w", "definitionZip": archive("main.wdl"), "engine": "WDL"})
    service.advance(10)

    described = service.call("GetWorkflow", {"id": created["id"]})

    assert created["status"] == "CREATING"
    assert (described["status"], described["name"], described["engine"]) == ("ACTIVE", "w", "WDL")
    assert described["digest"].startswith("sha256:")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        pytest.param({"definitionZip": b"no zip"}, "the definition is not a zip archive", id="no zip"),
        pytest.param(
            {"definitionZip": archive("main.wdl"), "main": "other.wdl"},
            "the definition has no file other.wdl",
            id="no main file",
        ),
    ],
)
def test_a_definition_that_cannot_be_used_fails_the_workflow(
    make_service: MakeService, start_run: StartRun, members: dict[str, Any], message: str
) -> None:
    service = make_service()
    created = service.call("CreateWorkflow", members)
    service.advance(10)

    described = service.call("GetWorkflow", {"id": created["id"]})

    assert (described["status"], described["statusMessage"]) == ("FAILED", message)
    assert refusal(lambda: start_run(service, workflowId=created["id"])).code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="none"),
        pytest.param({"definitionZip": b"PK", "definitionUri": "s3://b/k"}, id="two"),
    ],
)
def test_a_workflow_has_exactly_one_definition(service: Service, members: dict[str, Any]) -> None:
    assert refusal(lambda: service.call("CreateWorkflow", members)).code == "ValidationException"


@pytest.mark.parametrize(("main", "engine"), [("a.cwl", "CWL"), ("a.nf", "NEXTFLOW"), ("a.wdl", "WDL")])
def test_the_main_file_tells_the_engine(service: Service, main: str, engine: str) -> None:
    created = service.call("CreateWorkflow", {"definitionUri": "s3://b/w.zip", "main": main})

    assert service.call("GetWorkflow", {"id": created["id"]})["engine"] == engine


def test_a_run_keeps_its_workflow_when_that_is_deleted(make_service: MakeService, start_run: StartRun) -> None:
    service = make_service()
    workflow = service.add_workflow(name="germline")
    run = start_run(service, workflowId=workflow.workflow_id)

    service.call("DeleteWorkflow", {"id": workflow.workflow_id})
    service.run_until_idle()

    assert service.call("GetRun", {"id": run["id"]})["status"] == "COMPLETED"
    assert service.call("ListRuns")["items"][0]["workflowName"] == "germline"
    assert refusal(lambda: service.call("GetWorkflow", {"id": workflow.workflow_id})).http_status == 404


def test_a_workflow_that_is_deleted_while_it_is_looked_at_stays_deleted(service: Service) -> None:
    created = service.call("CreateWorkflow", {"definitionZip": archive("main.wdl")})
    service.call("DeleteWorkflow", {"id": created["id"]})

    service.advance(10)

    assert service.call("ListWorkflows")["items"] == []


def test_workflows_are_listed_by_type_and_name(service: Service) -> None:
    for name in ("a", "b", "a"):
        service.add_workflow(name=name)
    service.add_workflow(name="a", owner_id="210987654321")

    def listed(**members: str) -> list[str]:
        return [item["name"] for item in service.call("ListWorkflows", members)["items"]]

    assert listed() == ["a", "b", "a"]
    assert listed(name="a") == ["a", "a"]
    assert len(listed(type="READY2RUN")) == len(service.settings.ready2run_workflows)


def test_versions_belong_to_their_workflow(service: Service) -> None:
    workflow = service.add_workflow(engine="NEXTFLOW")
    version = {"workflowId": workflow.workflow_id, "versionName": "v2"}
    created = service.call("CreateWorkflowVersion", version | {"definitionUri": "s3://b/w.zip"})

    again = refusal(lambda: service.call("CreateWorkflowVersion", version | {"definitionUri": "s3://b/w.zip"}))
    listed = service.call("ListWorkflowVersions", {"workflowId": workflow.workflow_id})["items"]

    assert created["arn"] == f"{workflow.arn}/version/v2"
    assert again.code == "ConflictException"
    assert [item["versionName"] for item in listed] == ["v2"]
    assert service.call("GetWorkflowVersion", version)["engine"] == "NEXTFLOW"
    service.call("DeleteWorkflow", {"id": workflow.workflow_id})
    assert refusal(lambda: service.call("GetWorkflowVersion", version)).code == "ResourceNotFoundException"


def test_what_is_updated_is_what_can_be_updated(service: Service) -> None:
    workflow = service.add_workflow(name="old")

    service.call("UpdateWorkflow", {"id": workflow.workflow_id, "name": "new", "storageCapacity": 5})

    described = service.call("GetWorkflow", {"id": workflow.workflow_id})
    assert (described["name"], described["storageCapacity"]) == ("new", 5)


def test_an_operation_that_is_not_implemented_says_so(service: Service) -> None:
    error = refusal(lambda: service.call("ListReadSets", {"sequenceStoreId": "1"}))

    assert (error.code, error.http_status) == ("OperationNotImplementedException", 501)
    assert "ListReadSets is not implemented" in error.message
    assert refusal(lambda: service.call("StartRuns")).code == "UnknownOperationException"


class BrokenEngine:
    """An engine that breaks down whatever it is asked."""

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        raise RuntimeError("out of\norder")

    def start(self, job: Job, reporter: Reporter) -> Any:
        raise AssertionError

    def close(self) -> None:
        pass


def test_a_workflow_whose_engine_breaks_down_fails_and_says_so(
    make_service: MakeService, caplog: pytest.LogCaptureFixture
) -> None:
    service = make_service(engine={"WDL": BrokenEngine()})
    created = service.call("CreateWorkflow", {"definitionZip": archive("main.wdl")})

    service.advance(10)

    described = service.call("GetWorkflow", {"id": created["id"]})
    assert described["status"] == "FAILED"
    assert described["statusMessage"] == "The workflow could not be inspected: RuntimeError: out of order"
    assert "could not be inspected" in caplog.text


def test_a_message_about_a_definition_has_no_control_characters(service: Service) -> None:
    members = {"definitionZip": archive("main.wdl"), "main": "a\u00a0b.wdl"}
    created = service.call("CreateWorkflow", members)

    service.advance(10)

    message = service.call("GetWorkflow", {"id": created["id"]})["statusMessage"]
    assert message == "the definition has no file a b.wdl"
