"""What run the properties ask for."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler_fakes import PROPERTIES
from healthomics_run_handler import contract
from healthomics_run_handler.spec import InvalidPropertyError, name_of, on_delete_of, parse_spec

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def stringified(value: Any) -> Any:
    """Return a property as CloudFormation hands it to a custom resource."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return {key: stringified(inner) for key, inner in value.items()}
    return [stringified(inner) for inner in value] if isinstance(value, list) else value


@given(parameters=st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_parameters_keep_their_types_and_values_through_cloudformation(parameters: dict[str, Any]) -> None:
    properties = stringified({**PROPERTIES, "Parameters": json.dumps(parameters, sort_keys=True, ensure_ascii=False)})

    received = parse_spec(properties).start_run["parameters"]

    assert json.dumps(received, sort_keys=True) == json.dumps(parameters, sort_keys=True)


def test_parameters_of_every_kind_arrive_as_they_were() -> None:
    text = '{"i": 4, "f": 4.0, "b": true, "n": null, "big": 9007199254740993, "deep": {"l": [1, "x", {"y": false}]}}'

    parameters = parse_spec({**PROPERTIES, "Parameters": text}).start_run["parameters"]

    assert parameters == json.loads(text)
    assert [type(parameters[key]) for key in ("i", "f", "b", "n", "big")] == [int, float, bool, type(None), int]
    assert parameters["big"] == 9007199254740993


def test_every_member_of_the_contract_reaches_start_run() -> None:
    properties: dict[str, Any] = dict.fromkeys(contract.START_RUN_MEMBERS, "text")
    properties |= dict.fromkeys(contract.INTEGER_PROPERTIES, "7") | dict.fromkeys(contract.JSON_PROPERTIES, '{"a": 1}')

    start_run = parse_spec(properties).start_run

    assert set(start_run) == set(contract.START_RUN_MEMBERS.values())
    assert start_run["priority"] == 7
    assert start_run["storageCapacity"] == 7
    assert start_run["engineSettings"] == {"a": 1}
    assert start_run["workflowId"] == "text"


def test_additional_members_are_laid_over_the_rest() -> None:
    spec = parse_spec({**PROPERTIES, "AdditionalStartRunParameters": '{"brandNew": [1], "storageType": "STATIC"}'})

    assert spec.start_run["brandNew"] == [1]
    assert spec.start_run["storageType"] == "STATIC"


def test_the_digest_is_frozen() -> None:
    """A new value would make every no-op Update of a deployed run look like a change."""
    spec = parse_spec({**PROPERTIES, "RerunOn": "2026-11", "Priority": "5"})

    assert spec.digest == "998a34609a66352de9ba6bd3a06a4312"


@pytest.mark.parametrize(
    "change",
    [
        {"ServiceTimeout": "900"},
        {"ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:other"},
        {"Tags": {"team": "genomes"}},
        {"OnDelete": "LEAVE"},
        {"AddedByALaterRelease": "x"},
        {"Parameters": '{"threads":4,"sample":"NA12878","paired":true}'},
    ],
)
def test_what_is_not_the_run_does_not_change_the_digest(change: dict[str, Any]) -> None:
    assert parse_spec({**PROPERTIES, **change}).digest == parse_spec(PROPERTIES).digest


@pytest.mark.parametrize(
    "change",
    [
        {"RerunOn": "again"},
        {"WorkflowId": "7654321"},
        {"Parameters": '{"paired": true, "sample": "NA12878", "threads": 4.0}'},
        {"Parameters": '{"paired": "true", "sample": "NA12878", "threads": 4}'},
        {"AdditionalStartRunParameters": '{"brandNew": null}'},
        {"Priority": "1"},
    ],
)
def test_what_is_the_run_changes_the_digest(change: dict[str, Any]) -> None:
    assert parse_spec({**PROPERTIES, **change}).digest != parse_spec(PROPERTIES).digest


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Priority": "high"}, "property Priority is not a whole number"),
        ({"StorageCapacity": "1.5"}, "property StorageCapacity is not a whole number"),
        (
            {"Parameters": '{"a": "b"c"}'},
            "property Parameters is not JSON once its tokens .* a backslash or a line break$",
        ),
        ({"AdditionalStartRunParameters": "{"}, "property AdditionalStartRunParameters is not JSON"),
        ({"AdditionalStartRunParameters": "[]"}, "AdditionalStartRunParameters is not a JSON object"),
        ({"AdditionalStartRunParameters": '{"requestId": "x"}'}, "may not set requestId"),
        ({"AdditionalStartRunParameters": '{"tags": {}}'}, "may not set tags"),
        ({"Tags": ["a"]}, "property Tags is not a map"),
        ({"Tags": {"cdk-healthomics:spec": "x"}}, "tag cdk-healthomics:spec begins with"),
        ({"Name": ""}, "^property Name is missing: without it a lost run could not be found again$"),
        ({"WorkflowId": ["1"]}, "property WorkflowId is not a string"),
        ({"OutputUri": "s3://b/" + "x" * 744}, "property OutputUri has more than 750 bytes"),
        ({"OutputUri": "s3://b/" + "é" * 372}, "property OutputUri has more than 750 bytes"),
        ({"OutputUri": "s3://b/" + "|" * 248}, "property OutputUri has more than 750 bytes"),
    ],
)
def test_a_property_that_cannot_be_read_says_which_and_why(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidPropertyError, match=text):
        parse_spec({**PROPERTIES, **change})


def test_an_output_uri_of_750_bytes_is_fine() -> None:
    assert parse_spec({**PROPERTIES, "OutputUri": "s3://b/" + "x" * 743}).start_run["outputUri"].endswith("x")


def test_tags_are_texts() -> None:
    assert parse_spec({**PROPERTIES, "Tags": {"team": "genomes", "cost": 7}}).tags == {"team": "genomes", "cost": "7"}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("CANCEL", "CANCEL"),
        ("LEAVE", "LEAVE"),
        ("CANCEL_AND_DELETE_RECORD", "CANCEL_AND_DELETE_RECORD"),
        ("leave", "CANCEL"),
        (None, "CANCEL"),
    ],
)
def test_on_delete_is_cancel_unless_it_says_otherwise(value: object, meant: str) -> None:
    assert on_delete_of({"OnDelete": value} if value else {}) == meant


def test_a_name_is_found_whatever_else_is_wrong() -> None:
    assert name_of({"Name": "n", "Priority": "high"}) == "n"
    assert name_of({"Name": ""}) is None
    assert name_of({"Name": 5}) is None
    assert name_of(None) is None


def test_a_spec_says_what_delete_does_and_what_reruns() -> None:
    spec = parse_spec({**PROPERTIES, "OnDelete": "LEAVE", "RerunOn": "again"})

    assert (spec.on_delete, spec.rerun_on, spec.name) == ("LEAVE", "again", "genomes-alignment")
    assert parse_spec(PROPERTIES).rerun_on == ""


def test_a_run_needs_no_output_uri_here() -> None:
    """StartRun says so itself, and better."""
    assert "outputUri" not in parse_spec({"Name": "n"}).start_run
