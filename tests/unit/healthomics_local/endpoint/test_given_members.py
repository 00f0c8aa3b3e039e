from __future__ import annotations

from healthomics_local.endpoint.given_members import given_members
from healthomics_local.endpoint.service_model import operation_model


def test_nulls_are_left_out_at_every_depth_of_what_the_model_describes() -> None:
    shape = operation_model("StartRunBatch").input_shape
    settings = [{"runSettingId": "a", "name": None}]

    found = given_members(
        shape, {"batchName": None, "batchRunSettings": {"inlineSettings": settings, "s3UriSettings": None}}
    )

    assert found == {"batchRunSettings": {"inlineSettings": [{"runSettingId": "a"}]}}


def test_a_document_keeps_its_nulls() -> None:
    document = {"a": None, "b": {"c": [None, {"d": None}]}}

    assert given_members(operation_model("StartRun").input_shape, {"parameters": document}) == {"parameters": document}


def test_a_null_in_a_list_or_a_map_is_left_to_the_validation() -> None:
    shape = operation_model("StartRun").input_shape

    assert given_members(shape, {"tags": {"a": None}}) == {"tags": {"a": None}}
    shape = operation_model("GetRun").input_shape
    assert given_members(shape, {"export": [None]}) == {"export": [None]}


def test_what_has_the_wrong_type_or_an_unknown_name_is_left_to_the_validation() -> None:
    shape = operation_model("StartRunBatch").input_shape

    assert given_members(shape, {"batchRunSettings": 1, "other": {"a": None}}) == {
        "batchRunSettings": 1,
        "other": {"a": None},
    }
