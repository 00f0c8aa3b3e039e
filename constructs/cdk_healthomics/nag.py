"""Reasons for the wildcards in the library's policies, for policy checkers such as cdk-nag."""

import json
from collections.abc import Iterable
from typing import Final, cast

import aws_cdk as cdk
from constructs import IConstruct

_RULE: Final = "AwsSolutions-IAM5"


def acknowledge_wildcards(construct: IConstruct, arns: Iterable[str], reason: str) -> None:
    """Say why a policy below the construct names resources with a wildcard.

    Each finding has an id of its own, which contains the ARN as the rule prints it; nothing else is silenced.
    """
    stack = cdk.Stack.of(construct)
    rules = [
        cdk.Acknowledgment(id=f"{_RULE}[Resource::{printed_arn(stack, arn)}]", reason=reason)
        for arn in arns
        if "*" in arn
    ]
    if rules:
        cdk.Validations.of(construct).acknowledge(*rules)


def printed_arn(stack: cdk.Stack, arn: str) -> str:
    """An ARN as cdk-nag prints it: references in angle brackets."""
    return _printed(stack.resolve(arn))


def _printed(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    (function, argument), *_ = cast("dict[str, object]", value).items()
    match function:
        case "Ref":
            return f"<{argument}>"
        case "Fn::GetAtt":
            return f"<{'.'.join(cast('list[str]', argument))}>"
        case "Fn::Join":
            separator, parts = cast("tuple[str, list[object]]", argument)
            return separator.join(_printed(part) for part in parts)
        case _:
            return json.dumps(value, separators=(",", ":"))
