"""Deploy-time values are told from literals without asking jsii for each."""

import aws_cdk as cdk
import pytest

from cdk_healthomics import tokens


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    return cdk.Stack()


def test_tokens_of_each_kind_are_known(stack: cdk.Stack) -> None:
    assert tokens.is_string_token(stack.region)
    assert tokens.is_string_token(f"s3://{stack.account}/x")
    assert tokens.begins_with_token(f"{stack.account}/x")
    assert tokens.is_number_token(cdk.Token.as_number({"Ref": "N"}))
    assert tokens.is_list_token(cdk.Token.as_list({"Ref": "L"}))
    assert tokens.is_resolvable(cdk.Fn.condition_if("C", 1, 2))
    assert tokens.is_token(stack.region)
    assert tokens.is_token(cdk.Token.as_number({"Ref": "N"}))


@pytest.mark.parametrize("value", ["", "x", "${Token", "${AWS::Region}", None, 1, True, ["${Token[TOKEN.1]}"]])
def test_other_values_are_no_tokens(value: object) -> None:
    assert not tokens.is_token(value)


def test_literals_that_look_a_little_like_tokens_are_literals(stack: cdk.Stack) -> None:
    assert not tokens.begins_with_token(f"s3://{stack.account}")
    assert not tokens.is_number_token(-1.5e300)
    assert not tokens.is_number_token(-1.888e289)
    assert not tokens.is_list_token(["x", 1])
    assert not tokens.is_resolvable({"resolve": 1, "to_string": 2})


def test_strings_are_split_where_they_are_known() -> None:
    odd = "${Token[AWS::Region.4]}"

    assert tokens.split_around_tokens(f"a:{odd}b:c:d", ":", 2) == ["a", f"{odd}b", "c:d"]
    assert tokens.split_around_tokens(f"{odd}{odd}/x", "/") == [odd + odd, "x"]
    assert tokens.is_one_token(odd)
    assert not tokens.is_one_token(f"{odd}x")


def test_the_literal_text_leaves_tokens_out(stack: cdk.Stack) -> None:
    assert tokens.literal_text(f"s3://{stack.account}/x") == "s3:///x"
