"""``AWS::Omics::*`` in templates: CloudFormation creates, changes, replaces and deletes what the service holds."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Server, Stack

pytestmark = pytest.mark.e2e

DEFINITION = "version 1.0\nworkflow Nothing {\n}\n"


@pytest.fixture(scope="module")
def definition_uri(server: Server) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as definition:
        definition.writestr("main.wdl", DEFINITION)
    s3 = server.client("s3")
    s3.create_bucket(Bucket="definitions", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name in ("one.zip", "two.zip"):
        s3.put_object(Bucket="definitions", Key=name, Body=archive.getvalue())
    return "s3://definitions/one.zip"


def workflow(definition_uri: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Omics::Workflow",
        "Properties": {"Name": "one", "Engine": "WDL", "DefinitionUri": definition_uri, **properties},
    }


def physical_id(stack: Stack, logical_id: str) -> str:
    detail = stack.client.describe_stack_resource(StackName=stack.name, LogicalResourceId=logical_id)
    return detail["StackResourceDetail"]["PhysicalResourceId"]


def test_a_workflow_has_its_attributes(server: Server, stack: Stack, definition_uri: str) -> None:
    names = ("Arn", "Id", "Status", "Type", "Uuid", "CreationTime")
    outputs = {name: {"Value": {"Fn::GetAtt": ["W", name]}} for name in names}
    template = {"reads": {"Description": "FASTQ", "Optional": False}}
    resources = {"W": workflow(definition_uri, ParameterTemplate=template, Tags={"Team": "A"})}

    status = stack.create(resources, {**outputs, "Ref": {"Value": {"Ref": "W"}}})

    assert status == "CREATE_COMPLETE", stack.reasons()
    values = {output["OutputKey"]: output["OutputValue"] for output in stack.describe()["Outputs"]}
    described = server.omics.client().get_workflow(id=values["Id"])
    assert values["Ref"] == values["Id"] == physical_id(stack, "W")
    assert values["Arn"] == described["arn"] == f"arn:aws:omics:eu-west-1:000000000000:workflow/{values['Id']}"
    assert (values["Status"], values["Type"], values["Uuid"]) == ("ACTIVE", "PRIVATE", described["uuid"])
    assert described["parameterTemplate"] == {"reads": {"description": "FASTQ", "optional": False}}
    assert described["tags"]["Team"] == "A"


def test_another_definition_replaces_the_workflow(server: Server, stack: Stack, definition_uri: str) -> None:
    stack.create({"W": workflow(definition_uri)})
    first = physical_id(stack, "W")

    assert stack.update({"W": workflow(definition_uri.replace("one", "two"))}) == "UPDATE_COMPLETE"

    second = physical_id(stack, "W")
    client = server.omics.client()
    assert first != second
    assert client.get_workflow(id=second)["status"] == "ACTIVE"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_workflow(id=first)


def test_a_definition_that_is_not_there_fails_the_stack_and_leaves_no_workflow(
    server: Server, stack: Stack, definition_uri: str
) -> None:
    before = server.omics.client().list_workflows(type="PRIVATE")["items"]

    # Only the definitions of workflows that are really executed are looked at.
    status = stack.create({"W": workflow(definition_uri.replace("one", "none"), Engine="CWL")})

    assert status == "ROLLBACK_COMPLETE"
    assert "none.zip" in stack.reasons()
    assert server.omics.client().list_workflows(type="PRIVATE")["items"] == before


def test_run_groups_and_caches_are_created_changed_and_deleted(server: Server, stack: Stack) -> None:
    def resources(most_runs: int) -> dict[str, Any]:
        location = {"CacheS3Location": "s3://definitions/cache", "CacheBehavior": "CACHE_ON_FAILURE"}
        return {
            "Group": {"Type": "AWS::Omics::RunGroup", "Properties": {"Name": "group", "MaxRuns": most_runs}},
            "Cache": {"Type": "AWS::Omics::RunCache", "Properties": {"Name": "cache", **location}},
        }

    client = server.omics.client()
    assert stack.create(resources(2)) == "CREATE_COMPLETE", stack.reasons()
    group = physical_id(stack, "Group")
    assert client.get_run_group(id=group)["maxRuns"] == 2

    assert stack.update(resources(3)) == "UPDATE_COMPLETE", stack.reasons()
    assert physical_id(stack, "Group") == group
    assert client.get_run_group(id=group)["maxRuns"] == 3

    assert stack.delete() == "DELETE_COMPLETE"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_run_group(id=group)


def test_an_unknown_property_fails_with_what_is_supported(stack: Stack, definition_uri: str) -> None:
    status = stack.create({"W": workflow(definition_uri, Speed=3)})

    assert status == "ROLLBACK_COMPLETE"
    assert "unsupported property Speed; supported are Accelerators, " in stack.reasons()
