"""The length of a session policy is that of the text that StartRun gets, as far as synth knows it."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from cdk_healthomics.parameters import json_text
from cdk_healthomics.session_policies import policy_document_problems, session_policy_problems

TOKEN = "${Token[TOKEN.1]}"
BEFORE = len('{"Statement":""}')


@pytest.mark.parametrize(
    ("policy", "length"),
    [
        pytest.param({"Statement": "x" * 2033}, 2049, id="plain"),
        pytest.param({"Statement": "é" * 400}, BEFORE + 2400, id="escaped, as it is sent"),
        pytest.param({"Statement": "x" * 2033 + TOKEN}, 2049, id="beside a token"),
        pytest.param({"Statement": ["x" * 2028, TOKEN]}, 2049, id="beside a token of its own"),
        pytest.param({"Statement": "x" * 3000, "x": {"Reference": 1}}, 3036, id="beside what looks like an intrinsic"),
    ],
)
def test_a_mapping_is_measured_as_it_is_sent(policy: dict[str, Any], length: int) -> None:
    (problem,) = session_policy_problems(policy)

    assert f"session_policy has {length} characters as JSON, but HealthOmics takes at most 2048" in problem
    if TOKEN not in str(policy):
        assert len(json_text(policy, str, compact=True)) == length


def test_what_fits_is_no_problem() -> None:
    assert list(session_policy_problems({"Statement": "x" * 2032})) == []
    assert list(session_policy_problems({"Statement": TOKEN + "x" * 2032})) == []
    assert (
        list(policy_document_problems({"Statement": [{"Fn::GetAtt": ["x" * 3000, "Arn"]}, {"Ref": "x" * 3000}]})) == []
    )
    assert list(policy_document_problems({"Statement": "é" * 2032})) == []  # the CDK does not escape it


def test_a_document_is_measured_around_what_only_the_deployment_knows() -> None:
    stack = cdk.Stack()
    statement = iam.PolicyStatement(actions=["logs:*"], resources=[f"arn:{stack.partition}:{'x' * 2048}"])
    resolved = stack.resolve(iam.PolicyDocument(statements=[statement]))

    assert [problem[:25] for problem in policy_document_problems(resolved)] == ["session_policy has 2142 c"]


def test_a_policy_that_allows_nothing_is_refused() -> None:
    for problems in (
        session_policy_problems({}),
        session_policy_problems({"Statement": []}),
        policy_document_problems(None),
    ):
        (problem,) = problems
        assert "has no statement" in problem


def test_a_policy_that_is_no_json_is_not_measured() -> None:
    (problem,) = session_policy_problems({"Statement": {1: "x" * 3000}})

    assert "has the key 1" in problem
