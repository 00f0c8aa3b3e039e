"""Definitions and READMEs for download: the addresses that GetRun and GetWorkflow give, and what lies there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from healthomics_local.endpoint import LocalHealthOmics, MemoryObjectStore, Service, ServiceError
from healthomics_local.endpoint.messages import Request, Response
from healthomics_local.testing import local_healthomics

StartRun = Callable[..., dict[str, Any]]


def archive(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("main.wdl", text)
    return buffer.getvalue()


@pytest.fixture
def omics() -> Iterator[LocalHealthOmics]:
    with local_healthomics() as omics:
        yield omics


def download(omics: Service, url: str) -> Response:
    """What lies at an address. Nothing is signed, as with a presigned URL."""
    return omics.handle(Request(method="GET", path=urlsplit(url).path))


def create(omics: Service, **members: Any) -> str:
    return str(omics.call("CreateWorkflow", {"definitionZip": archive("one"), "main": "main.wdl"} | members)["id"])


def test_a_workflow_a_version_and_a_run_export_their_definition(omics: LocalHealthOmics, start_run: StartRun) -> None:
    workflow_id = create(omics)
    version = {"workflowId": workflow_id, "versionName": "v2"}
    omics.call("CreateWorkflowVersion", {**version, "definitionZip": archive("two")})
    omics.advance(2)
    export = {"export": ["DEFINITION"]}
    workflow = omics.call("GetWorkflow", {"id": workflow_id, **export})
    run = start_run(omics, workflowId=workflow_id, workflowVersionName="v2")
    described = omics.call("GetRun", {"id": run["id"], **export})
    two = omics.call("GetWorkflowVersion", {**version, **export})

    assert workflow["definition"].startswith(f"{omics.url}/_local/")
    assert len(described["definition"]) <= 256
    assert download(omics, workflow["definition"]).body == archive("one")
    assert download(omics, workflow["definition"]).headers["Content-Type"] == "application/zip"
    assert download(omics, two["definition"]).body == archive("two")
    omics.call("DeleteWorkflow", {"id": workflow_id})
    assert download(omics, described["definition"]).body == archive("two")
    assert download(omics, workflow["definition"]).status == 404


def test_nothing_is_exported_that_nobody_asks_for(omics: LocalHealthOmics, start_run: StartRun) -> None:
    workflow_id = create(omics, readmeMarkdown="# Hello")
    omics.advance(2)
    run = start_run(omics, workflowId=workflow_id)

    assert {"definition", "readme"} & omics.call("GetWorkflow", {"id": workflow_id}).keys() == set()
    assert "definition" not in omics.call("GetRun", {"id": run["id"]})


def test_a_definition_in_s3_is_fetched_from_there() -> None:
    store = MemoryObjectStore()
    store.put("s3://bucket/w.zip", archive("three"))
    with local_healthomics(object_store=store) as omics:
        workflow_id = omics.call("CreateWorkflow", {"definitionUri": "s3://bucket/w.zip"})["id"]
        url = omics.call("GetWorkflow", {"id": workflow_id, "export": ["DEFINITION"]})["definition"]

        assert download(omics, url).body == archive("three")
        store._objects.clear()
        gone = download(omics, url)

    assert gone.status == 404
    assert b"there is no object s3://bucket/w.zip" in gone.body


def test_a_readme_is_exported_from_the_request_or_from_s3() -> None:
    store = MemoryObjectStore()
    store.put("s3://bucket/readme.md", "# From S3")
    with local_healthomics(object_store=store) as omics:
        for members, text in (
            ({"readmeMarkdown": "# Hélice"}, "# Hélice"),
            ({"readmeUri": "s3://bucket/readme.md"}, "# From S3"),
        ):
            workflow_id = create(omics, **members)
            found = omics.call("GetWorkflow", {"id": workflow_id, "export": ["README", "DEFINITION"]})

            assert download(omics, found["readme"]).body == text.encode()
            assert download(omics, found["definition"]).body == archive("one")


def test_a_workflow_without_a_readme_exports_none(omics: LocalHealthOmics) -> None:
    workflow_id = create(omics)

    assert "readme" not in omics.call("GetWorkflow", {"id": workflow_id, "export": ["README"]})
    assert download(omics, f"/_local/exports/workflow/{workflow_id}/readme.md").status == 404


def test_a_shared_workflow_is_exported_by_its_owner_only(omics: LocalHealthOmics, start_run: StartRun) -> None:
    owner = "210987654321"
    workflow = omics.add_workflow(owner_id=owner, definition=archive("secret"))
    run = start_run(omics, workflowId=workflow.workflow_id, workflowOwnerId=owner)
    export = {"export": ["DEFINITION"]}

    for operation, members in (
        ("GetWorkflow", {"id": workflow.workflow_id, "workflowOwnerId": owner}),
        ("GetRun", {"id": run["id"]}),
    ):
        with pytest.raises(ServiceError) as refused:
            omics.call(operation, members | export)
        assert refused.value.code == "AccessDeniedException"
        assert omics.call(operation, members)["status"] in {"ACTIVE", "PENDING"}
    for resource in (f"workflow/{workflow.workflow_id}", f"run/{run['id']}"):
        assert download(omics, f"/_local/exports/{resource}/definition.zip").status == 404


@pytest.mark.parametrize("path", ["run/1/definition.zip", "workflow/1/definition.zip", "x", "", "workflow/1/x.zip"])
def test_nothing_lies_elsewhere(omics: LocalHealthOmics, path: str) -> None:
    assert download(omics, f"/_local/exports/{path}").status == 404


def test_a_service_without_a_port_gives_no_address(service: Service) -> None:
    workflow = service.add_workflow(definition=archive("one"))

    members = {"id": workflow.workflow_id, "export": ["DEFINITION"]}
    assert "definition" not in service.call("GetWorkflow", members)
