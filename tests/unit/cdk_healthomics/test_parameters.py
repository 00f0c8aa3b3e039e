"""JSON documents keep every type on their way through jsii and CloudFormation."""

import datetime
import json
import pathlib
from typing import Any

import aws_cdk as cdk
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdk_healthomics.parameters import json_problems, json_text, literal_strings, smallest_size
from template.support import deployed, new_stack, resources, synthesized

TOKEN = "${Token[TOKEN.1]}"

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(
        ["${AWS::Region}", "${Token", "#{Token", "{{resolve:ssm:/x}}", "\u2028", "\\", '"', "\x00", "0x1F"]
    )
)
DOCUMENTS = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
    ),
    max_size=6,
)


def no_token(value: object) -> str:
    raise AssertionError(value)


@given(DOCUMENTS)
def test_the_text_is_what_json_dumps_writes(document: dict[str, Any]) -> None:
    assert list(json_problems(document, "parameters")) == []
    assert json_text(document, no_token) == json.dumps(document, sort_keys=True)
    assert json_text(document, no_token, compact=True) == json.dumps(document, sort_keys=True, separators=(",", ":"))


@given(DOCUMENTS)
def test_the_size_is_that_of_the_shortest_text(document: dict[str, Any]) -> None:
    assert smallest_size(document) == len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(DOCUMENTS, min_size=25, max_size=25))
def test_a_document_comes_out_of_the_template_as_it_went_in(documents: list[dict[str, Any]]) -> None:
    stack = new_stack()
    for index, document in enumerate(documents):
        properties = {"Parameters": json_text(document, stack.to_json_string)}
        cdk.CustomResource(
            stack, f"C{index}", service_token="arn", resource_type=f"Custom::X{index}", properties=properties
        )
    template = synthesized(stack)

    for index, document in enumerate(documents):
        (resource,) = resources(template, f"Custom::X{index}").values()
        received = json.loads(deployed(resource["Properties"])["Parameters"])
        assert repr(received) == repr(json.loads(json.dumps(document, sort_keys=True)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(datetime.date(2026, 1, 1), "parameters['x'] is a date, which JSON does not know", id="date"),
        pytest.param(pathlib.PurePosixPath("/a"), "is a PurePosixPath", id="path"),
        pytest.param({1, 2}, "is a set", id="set"),
        pytest.param(b"x", "is a bytes", id="bytes"),
        pytest.param(1 + 2j, "is a complex", id="complex"),
        pytest.param(float("-inf"), "is -inf, which JSON does not know", id="infinity"),
        pytest.param("\ud800", "not valid Unicode", id="half a surrogate pair"),
        pytest.param({"\ud800": 1}, "has the key '\\ud800', which is not valid Unicode", id="key of half a pair"),
        pytest.param({None: 1}, "has the key None, a NoneType", id="key None"),
        pytest.param({TOKEN: 1}, "a key that only the deployment knows", id="key token"),
        pytest.param(["#{Token[TOKEN.7]}"], "give its items one by one", id="list token"),
        pytest.param([[], {"y": [object()]}], "parameters['x'][1]['y'][0] is a object", id="deep"),
    ],
)
def test_what_is_no_json_says_where_and_why(value: object, expected: str) -> None:
    (problem,) = json_problems({"x": value}, "parameters")

    assert expected in problem


def test_a_deploy_time_value_of_unknown_type_must_say_its_type() -> None:
    (problem,) = json_problems({"x": cdk.Fn.condition_if("C", "a", "b")}, "parameters")

    assert "say which with Token.as_string or Token.as_number" in problem


def test_real_list_tokens_are_found() -> None:
    stack = cdk.Stack()
    names = cdk.CfnParameter(stack, "Names", type="CommaDelimitedList").value_as_list

    (problem,) = json_problems({"x": names}, "parameters")

    assert "its length with it" in problem


def test_every_string_of_a_document_is_found() -> None:
    document = {"a": "1", "b": ["2", {"c": "3"}, ("4",), 5, None], "k": {"l": True}}

    assert list(literal_strings(document)) == ["1", "2", "3", "4"]


def test_a_document_in_a_circle_or_too_deep_is_refused() -> None:
    circle: dict[str, Any] = {}
    circle["a"] = [circle, circle]
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    shared = [1]

    assert [problem[:46] for problem in json_problems(circle, "parameters")] == [
        "parameters['a'][0] contains itself, which JSON",
        "parameters['a'][1] contains itself, which JSON",
    ]
    assert "is nested more than 200 levels deep" in next(json_problems(deep, "parameters"))
    assert list(json_problems({"a": shared, "b": [shared]}, "parameters")) == []
