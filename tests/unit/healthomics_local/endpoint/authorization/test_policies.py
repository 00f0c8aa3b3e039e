"""The part of IAM's language that the stand-alone authorizer understands, and that it refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest

from healthomics_local.endpoint.authorization.authorizer import Permission
from healthomics_local.endpoint.authorization.policies import Decision, decide, read_policy

RUN = "arn:aws:omics:us-east-1:123456789012:run/1"


def decision(statement: dict[str, Any], action: str = "omics:GetRun", resource: str = RUN, **context: Any) -> Decision:
    statements = read_policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"} | statement})
    return decide(statements, Permission(action=action, resource=resource, context=context.pop("context", context)))


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("omics:GetRun", True),
        ("OMICS:getrun", True),
        ("omics:GetRuns", False),
        ("omics:Get", False),
        ("s3:GetRun", False),
    ],
)
def test_an_action_matches_without_case_and_as_a_whole(action: str, *, allowed: bool) -> None:
    assert (decision({"Action": ["omics:GetRun", "omics:List*"]}, action) is Decision.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (RUN, True),
        ("arn:aws:omics:us-east-1:123456789012:run/*", True),
        ("arn:aws:omics:us-east-1:123456789012:run/?", True),
        ("arn:aws:omics:us-east-1:123456789012:run/??", False),
        ("arn:aws:omics:us-east-1:123456789012:RUN/1", False),
        ("arn:aws:omics:us-east-1:123456789012:run", False),
        # A dot stands for itself.
        ("arn:aws:omics:us-east-1:123456789012:run.1", False),
    ],
)
def test_a_resource_matches_with_case_and_wildcards(pattern: str, *, allowed: bool) -> None:
    assert (decision({"Resource": pattern}) is Decision.ALLOWED) is allowed


@pytest.mark.parametrize("key", ["a*b", "what?", "$x", "${x}"])
def test_wildcards_can_be_written_literally(key: str) -> None:
    escaped = "".join(f"${{{char}}}" if char in "*?$" else char for char in key)

    assert decision({"Resource": f"arn:aws:s3:::b/{escaped}/*"}, resource=f"arn:aws:s3:::b/{key}/x") is Decision.ALLOWED
    assert (
        decision({"Resource": f"arn:aws:s3:::b/{escaped}/*"}, resource="arn:aws:s3:::b/a-b/x") is Decision.NOT_ALLOWED
    )


def test_a_denial_wins_and_silence_allows_nothing() -> None:
    allow = {"Effect": "Allow", "Action": "omics:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "omics:GetRun", "Resource": "*"}

    def of(*statements: dict[str, Any]) -> Decision:
        return decide(read_policy({"Statement": list(statements)}), Permission(action="omics:GetRun", resource=RUN))

    assert of(allow) is Decision.ALLOWED
    assert of(allow, deny) is Decision.DENIED
    assert of(deny, allow) is Decision.DENIED
    assert of() is Decision.NOT_ALLOWED


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"a": "1"}}, {"a": "1"}, True),
        ({"StringEquals": {"a": ["0", "1"]}}, {"A": "1"}, True),
        ({"StringEquals": {"a": "1"}}, {"a": "2"}, False),
        ({"StringEquals": {"a": "1"}}, {}, False),
        ({"StringEqualsIfExists": {"a": "1"}}, {}, True),
        ({"StringEqualsIfExists": {"a": "1"}}, {"a": "2"}, False),
        ({"StringNotEquals": {"a": "1"}}, {"a": "2"}, True),
        ({"StringNotEquals": {"a": ["1", "2"]}}, {"a": "2"}, False),
        ({"StringNotEquals": {"a": "1"}}, {}, True),
        ({"StringLike": {"a": "x*"}}, {"a": "xyz"}, True),
        ({"StringLike": {"a": "x*"}}, {"a": "yxz"}, False),
        ({"ArnLike": {"a": "arn:aws:omics:*:*:run/*"}}, {"a": RUN}, True),
        ({"ArnNotLike": {"a": "arn:aws:omics:*:*:run/*"}}, {"a": RUN}, False),
        ({"Bool": {"a": False}}, {"a": "false"}, True),
        ({"ForAllValues:StringEquals": {"a": ["1", "2"]}}, {"a": ["1", "2"]}, True),
        ({"ForAllValues:StringEquals": {"a": ["1", "2"]}}, {"a": ["1", "3"]}, False),
        ({"ForAllValues:StringEquals": {"a": ["1", "2"]}}, {}, True),
        ({"ForAnyValue:StringEquals": {"a": "1"}}, {"a": ["3", "1"]}, True),
        ({"ForAnyValue:StringEquals": {"a": "1"}}, {}, False),
        ({"StringEquals": {"a": "1"}, "StringLike": {"b": "2*"}}, {"a": "1", "b": "3"}, False),
        ({"StringEquals": {"a": "1", "b": "2"}}, {"a": "1", "b": "2"}, True),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, Any], *, allowed: bool) -> None:
    assert (decision({"Condition": condition}, context=context) is Decision.ALLOWED) is allowed


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Condition": {"NumericEquals": {"a": "1"}}}, "NumericEquals is not evaluated here"),
        ({"NotAction": "omics:*"}, "NotAction"),
        ({"Effect": "allow"}, "'allow'"),
    ],
)
def test_what_is_not_understood_is_refused(statement: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decision(statement)
