"""Members of CreateWorkflow that name files: in the definition, or in S3."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import MemoryObjectStore, Service, ServiceError
from healthomics_local.endpoint.exports import EXPORTS_PATH
from healthomics_local.endpoint.messages import Request

MakeService = Callable[..., Service]

TEMPLATE = {"reads": {"description": "FASTQ"}, "threads": {"description": "number", "optional": True}}
REGISTRIES = {"imageMappings": [{"sourceImage": "a", "destinationImage": "b"}]}
REPOSITORY = {
    "connectionArn": "arn:aws:codeconnections:us-east-1:123456789012:connection/c",
    "fullRepositoryId": "owner/name",
    "sourceReference": {"type": "BRANCH", "value": "main"},
}


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in ({"main.wdl": "version 1.0"} | files).items():
            opened.writestr(name, content)
    return buffer.getvalue()


def created(service: Service, **members: Any) -> dict[str, Any]:
    """A workflow once it is not CREATING any more."""
    definition = {} if "definitionUri" in members else {"definitionZip": archive()}
    workflow = service.call("CreateWorkflow", {"engine": "WDL", **definition, **members})
    service.advance(10)
    return service.call("GetWorkflow", {"id": workflow["id"]})


def readme(service: Service, resource: str) -> bytes:
    request = Request(method="GET", path=f"{EXPORTS_PATH}{resource}/readme.md")
    response = service.handle(request)
    assert response.status == 200
    return response.body


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


@pytest.fixture
def stored(make_service: MakeService, store: MemoryObjectStore) -> Service:
    return make_service(object_store=store)


def test_a_parameter_template_can_lie_in_the_definition(service: Service) -> None:
    definition = archive(**{"meta/p.json": json.dumps(TEMPLATE)})

    workflow = created(service, definitionZip=definition, parameterTemplatePath="meta/p.json")

    assert (workflow["status"], workflow["parameterTemplate"]) == ("ACTIVE", TEMPLATE)


def test_a_container_registry_map_can_lie_in_s3(stored: Service, store: MemoryObjectStore) -> None:
    store.put("s3://bucket/map.json", json.dumps(REGISTRIES))

    workflow = created(stored, containerRegistryMapUri="s3://bucket/map.json")

    assert (workflow["status"], workflow["containerRegistryMap"]) == ("ACTIVE", REGISTRIES)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"parameterTemplatePath": "none.json"}, "the definition has no file none.json"),
        ({"parameterTemplatePath": "main.wdl"}, "main.wdl is no parameterTemplate: "),
        ({"parameterTemplatePath": "list.json"}, "list.json is no parameterTemplate: "),
        ({"readmePath": "README.md"}, "the definition has no file README.md"),
        ({"containerRegistryMapUri": "s3://bucket/none.json"}, "there is no object s3://bucket/none.json"),
        ({"containerRegistryMapUri": "s3://bucket/bad.json"}, "s3://bucket/bad.json is no containerRegistryMap: "),
        ({"containerRegistryMapUri": "https://example.com"}, "https://example.com cannot be read: "),
    ],
)
def test_a_file_that_is_missing_or_wrong_fails_the_workflow(
    stored: Service, store: MemoryObjectStore, members: dict[str, str], message: str
) -> None:
    store.put("s3://bucket/bad.json", json.dumps({"unknown": 1}))

    workflow = created(stored, definitionZip=archive(**{"list.json": "[]"}), **members)

    assert workflow["status"] == "FAILED"
    assert workflow["statusMessage"].startswith(message)


def test_a_readme_can_lie_in_the_definition(service: Service) -> None:
    workflow = created(service, definitionZip=archive(**{"doc/README.md": "# hi"}), readmePath="doc/README.md")

    assert workflow["readmePath"] == "doc/README.md"
    assert readme(service, f"workflow/{workflow['id']}") == b"# hi"


@pytest.mark.parametrize("source", [{"readmeMarkdown": "# one"}, {"readmePath": "main.wdl"}, {}])
def test_an_update_replaces_the_readme(service: Service, source: dict[str, str]) -> None:
    workflow = created(service, **source)
    key = {"workflowId": workflow["id"], "versionName": "v2"}
    service.call("CreateWorkflowVersion", key | {"definitionZip": archive()} | source)

    service.call("UpdateWorkflow", {"id": workflow["id"], "readmeMarkdown": "# two"})
    service.call("UpdateWorkflowVersion", key | {"readmeMarkdown": "# three"})

    assert readme(service, f"workflow/{workflow['id']}") == b"# two"
    assert readme(service, f"workflow/{workflow['id']}/version/v2") == b"# three"
    assert service.call("GetWorkflow", {"id": workflow["id"]})["readmePath"] is None


@pytest.mark.parametrize(
    "members",
    [
        {"containerRegistryMap": REGISTRIES, "containerRegistryMapUri": "s3://bucket/map.json"},
        {"parameterTemplate": TEMPLATE, "parameterTemplatePath": "p.json"},
        {"readmeMarkdown": "# hi", "readmePath": "README.md"},
        {"readmePath": "README.md", "readmeUri": "s3://bucket/README.md"},
    ],
)
def test_one_thing_cannot_be_said_twice(service: Service, members: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="At most one of") as refused:
        created(service, **members)
    assert refused.value.code == "ValidationException"


def test_a_repository_is_refused_as_a_gap_of_this_endpoint(service: Service) -> None:
    with pytest.raises(ServiceError, match="give definitionZip or definitionUri") as refused:
        service.call("CreateWorkflow", {"definitionRepository": REPOSITORY})
    assert refused.value.code == "OperationNotImplementedException"
