"""Reasons for what checkers such as cdk-nag find in the library's resources.

What a rule asks for and the library can do is an option of ``RunProvider.configure``; with the option the reason goes.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
import jsii
from constructs import IConstruct, IValidation

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_logs as logs

_RULE: Final = "AwsSolutions-IAM5"
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R5")

_INLINE_REASON: Final = (
    "the permissions are those of this one role: nobody else is to have them, and they change and go with it"
)
HANDLER_LOGS_REASON: Final = (
    "CloudWatch Logs encrypts every log group; the handler logs ids and statuses, no parameters; "
    "RunProvider.configure(log_group=…) takes a group with a key"
)
HISTORY_REASON: Final = (
    "CloudWatch Logs encrypts every log group; the events of runs have ids, names and statuses, no parameters"
)
_CONCURRENCY_REASON: Final = (
    "a reservation would take from the account's limit for good, for a function that works during deployments only; "
    "RunProvider.configure(reserved_concurrent_executions=…) makes one"
)
_DEAD_LETTERS_REASON: Final = (
    "CloudFormation waits for an answer to each event and fails the deployment without one: an event in a queue would "
    "be found too late, and must not be delivered later"
)
_VPC_REASON: Final = "the function calls AWS APIs only, over TLS; RunProvider.configure(vpc=…) puts it into a VPC"


def acknowledge_wildcards(construct: IConstruct, arns: Iterable[str], reason: str) -> None:
    """Say why a policy below the construct names resources with a wildcard.

    Each finding has an id of its own, which contains the ARN as the rule prints it; nothing else is silenced.
    """
    stack = cdk.Stack.of(construct)
    if stack not in _UNPRINTED:
        _UNPRINTED[stack] = unprinted = _UnprintedReasons()
        stack.node.add_validation(unprinted)
    _UNPRINTED[stack].add(construct, [arn for arn in arns if "*" in arn], reason)


@jsii.implements(IValidation)
class _UnprintedReasons:
    """Reasons for wildcards in a stack, until it is known how the template writes the ARNs.

    A reference to another stack is an output or an export of it only once the app is complete.
    """

    def __init__(self) -> None:
        self._reasons: list[tuple[IConstruct, str, str]] = []

    def add(self, construct: IConstruct, arns: Iterable[str], reason: str) -> None:
        """Note a reason for each ARN."""
        self._reasons += [(construct, arn, reason) for arn in arns]

    def validate(self) -> list[str]:
        """Give the reasons to the checkers, which come after the validation; nothing is wrong."""
        if self._reasons:
            stack = cdk.Stack.of(self._reasons[0][0])
            printed = [_printed(value) for value in stack.resolve([arn for _, arn, _ in self._reasons])]
            for (construct, _, reason), text in zip(self._reasons, printed, strict=True):
                rule = cdk.Acknowledgment(id=f"{_RULE}[Resource::{text}]", reason=reason)
                cdk.Validations.of(construct).acknowledge(rule)
            self._reasons.clear()
        return []


_UNPRINTED: Final[WeakKeyDictionary[cdk.Stack, _UnprintedReasons]] = WeakKeyDictionary()


def acknowledge_inline_policy(construct: IConstruct) -> None:
    """Say why the policy of a role is part of it."""
    _acknowledge_in_packs(construct, {"IAMNoInlinePolicy": _INLINE_REASON})


def acknowledge_log_group(log_group: "logs.LogGroup", reason: str) -> None:
    """Say why a log group has no key of its own."""
    _acknowledge_in_packs(log_group, {"CloudWatchLogGroupEncrypted": reason})
    _skip_in_checkov(log_group, {"CKV_AWS_158": reason})


def acknowledge_function(function: "lambda_.Function", *, in_vpc: bool, reserved_concurrency: bool) -> None:
    """Say why the function has no dead-letter queue, and neither a VPC nor a reservation if it has none."""
    found = {"LambdaDLQ": ("CKV_AWS_116", _DEAD_LETTERS_REASON)}
    if not in_vpc:
        found["LambdaInsideVPC"] = ("CKV_AWS_117", _VPC_REASON)
    if not reserved_concurrency:
        found["LambdaConcurrency"] = ("CKV_AWS_115", _CONCURRENCY_REASON)
    _acknowledge_in_packs(function, {rule: reason for rule, (_, reason) in found.items()})
    _skip_in_checkov(function, dict(found.values()))


def _acknowledge_in_packs(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    rules = [
        cdk.Acknowledgment(id=f"{pack}-{rule}", reason=reason) for pack in _PACKS for rule, reason in reasons.items()
    ]
    cdk.Validations.of(construct).acknowledge(*rules)


def _skip_in_checkov(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    resource = construct.node.default_child
    if isinstance(resource, cdk.CfnResource):
        skipped = [{"id": check, "comment": reason} for check, reason in reasons.items()]
        resource.add_metadata("checkov", {"skip": skipped})


def _printed(value: object) -> str:
    """An ARN as cdk-nag prints it: references in angle brackets."""
    if not isinstance(value, dict):
        return str(value)
    (function, argument), *_ = cast("dict[str, object]", value).items()
    match function:
        case "Ref":
            return f"<{argument}>"
        case "Fn::ImportValue":
            return _printed(argument)
        case "Fn::GetAtt":
            return f"<{'.'.join(cast('list[str]', argument))}>"
        case "Fn::Join":
            separator, parts = cast("tuple[str, list[object]]", argument)
            return separator.join(_printed(part) for part in parts)
        case _:
            return json.dumps(value, separators=(",", ":"))
