from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from healthomics_local.endpoint import Service, ServiceError

StartRun = Callable[..., dict[str, Any]]
NETWORK = {"vpcConfig": {"subnetIds": ["subnet-0123"], "securityGroupIds": ["sg-0123"]}}


def tags_of(service: Service, arn: str) -> dict[str, str]:
    return service.call("ListTagsForResource", {"resourceArn": arn})["tags"]


def test_tags_are_added_changed_and_removed(service: Service, start_run: StartRun) -> None:
    arn = start_run(service, tags={"a": "1", "b": "2"})["arn"]

    service.call("TagResource", {"resourceArn": arn, "tags": {"b": "3", "c": ""}})
    service.call("UntagResource", {"resourceArn": arn, "tagKeys": ["a", "never there"]})

    assert tags_of(service, arn) == {"b": "3", "c": ""}
    assert service.call("GetRun", {"id": service.runs()[0].run_id})["tags"] == {"b": "3", "c": ""}


def test_every_kind_of_resource_can_be_tagged(service: Service) -> None:
    version = {"workflowId": service.add_workflow().workflow_id, "versionName": "v2"}
    created = [
        service.call("CreateWorkflow", {"definitionUri": "s3://b/w.zip"}),
        service.call("CreateWorkflowVersion", version | {"definitionUri": "s3://b/w.zip"}),
        service.call("CreateRunGroup"),
        service.call("CreateRunCache", {"cacheS3Location": "s3://bucket"}),
        service.call("CreateConfiguration", {"name": "c", "runConfigurations": NETWORK}),
    ]

    for each in created:
        service.call("TagResource", {"resourceArn": each["arn"], "tags": {"k": "v"}})
        assert tags_of(service, each["arn"]) == {"k": "v"}


def test_a_resource_has_at_most_fifty_tags(service: Service, start_run: StartRun) -> None:
    arn = start_run(service, tags={f"k{n}": "" for n in range(50)})["arn"]
    service.call("TagResource", {"resourceArn": arn, "tags": {"k0": "changed"}})

    with pytest.raises(ServiceError) as refused:
        service.call("TagResource", {"resourceArn": arn, "tags": {"one more": ""}})

    assert refused.value.code == "ValidationException"
    assert len(tags_of(service, arn)) == 50


def test_tags_survive_a_change_of_status(service: Service, start_run: StartRun) -> None:
    run = start_run(service)
    service.call("TagResource", {"resourceArn": run["arn"], "tags": {"k": "v"}})

    service.run_until_idle()

    assert tags_of(service, run["arn"]) == {"k": "v"}


def test_an_arn_that_names_nothing_is_not_found(service: Service) -> None:
    with pytest.raises(ServiceError) as refused:
        tags_of(service, "arn:aws:omics:us-east-1:123456789012:run/1")

    assert refused.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize("resource", ["sequenceStore/1", "referenceStore/1/reference/2", "variantStore/v"])
def test_tags_of_what_is_not_implemented_are_no_matter_of_existence(service: Service, resource: str) -> None:
    with pytest.raises(ServiceError) as refused:
        tags_of(service, f"arn:aws:omics:us-east-1:123456789012:{resource}")

    assert refused.value.code == "OperationNotImplementedException"
    assert refused.value.message.startswith(f"tags of a {resource.partition('/')[0]} are not implemented")
