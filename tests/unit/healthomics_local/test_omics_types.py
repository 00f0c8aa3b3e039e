"""CloudFormation's properties as members of the service's operations."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from healthomics_local.ministack.omics_types import OMICS_TYPES, attribute_member, changed_properties, to_input


@pytest.fixture(scope="module")
def model() -> Any:
    return boto3.client("omics", region_name="us-east-1").meta.service_model


def test_properties_become_members_along_the_operations_shape(model: Any) -> None:
    shape = model.operation_model("CreateWorkflow").input_shape

    members = to_input(
        {
            "Name": "genome",
            "StorageCapacity": "1200",
            "ParameterTemplate": {"Reads": {"Description": "FASTQ", "Optional": "true"}},
            "Tags": {"Team": "A"},
        },
        shape,
    )

    assert members == {
        "name": "genome",
        "storageCapacity": 1200,
        "parameterTemplate": {"Reads": {"description": "FASTQ", "optional": True}},
        "tags": {"Team": "A"},
    }


def test_an_unknown_property_is_refused_with_its_path(model: Any) -> None:
    shape = model.operation_model("CreateWorkflow").input_shape

    with pytest.raises(ValueError, match=r"unsupported property ParameterTemplate\.Text"):
        to_input({"ParameterTemplate": {"Reads": {"Text": "FASTQ"}}}, shape)


@pytest.mark.parametrize("omics_type", OMICS_TYPES, ids=lambda omics_type: omics_type.noun)
def test_every_resource_type_fits_the_service(omics_type: Any, model: Any) -> None:
    verbs = ("Create", "Get", "Delete", *(["Update"] if omics_type.updatable else []))
    operations = {verb: model.operation_model(f"{verb}{omics_type.noun}") for verb in verbs}

    answered = operations["Get"].output_shape.members
    assert set(omics_type.key) <= set(operations["Get"].input_shape.members)
    assert set(omics_type.key) <= set(operations["Create"].output_shape.members)
    assert {attribute_member(name) for name in omics_type.attributes} <= set(answered)
    for name in omics_type.updatable:
        assert attribute_member(name) in operations["Update"].input_shape.members


def test_a_physical_id_of_two_parts_is_split_again() -> None:
    version = next(each for each in OMICS_TYPES if each.noun == "WorkflowVersion")
    created = {"workflowId": "1234567", "versionName": "v1/beta"}

    physical_id = version.physical_id(created)

    assert physical_id == "1234567/v1/beta"
    assert version.key_of(physical_id) == created


def test_changed_properties_are_those_that_differ_on_either_side() -> None:
    assert changed_properties({"A": 1, "B": 2}, {"B": 3, "C": 4}) == {"A", "B", "C"}
