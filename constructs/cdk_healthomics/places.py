"""In which account and Region something is, as far as synth knows."""

from dataclasses import dataclass
from typing import Final, Self

import aws_cdk as cdk
from constructs import IConstruct

_REGION: Final = 3
_ACCOUNT: Final = 4
"""Which of the parts of an ARN, between colons."""


@dataclass(frozen=True, slots=True)
class Place:
    """An account and a Region; None for what only the deployment knows."""

    account: str | None
    region: str | None

    @classmethod
    def of(cls, scope: IConstruct) -> Self:
        """Where the stack of a construct is deployed."""
        stack = cdk.Stack.of(scope)
        return cls(account=_known(stack.account), region=_known(stack.region))

    @classmethod
    def of_arn(cls, arn: str) -> Self:
        """Where the resource of an ARN is."""
        parts = arn.split(":")
        if len(parts) <= _ACCOUNT:
            return cls(account=None, region=None)
        return cls(account=_known(parts[_ACCOUNT]), region=_known(parts[_REGION]))

    @property
    def is_known(self) -> bool:
        """Whether synth knows both."""
        return self.account is not None and self.region is not None

    def is_elsewhere(self, other: "Place") -> bool:
        """Whether it is another place, by what is known of both."""
        pairs = ((self.account, other.account), (self.region, other.region))
        return any(mine is not None and theirs is not None and mine != theirs for mine, theirs in pairs)

    def __str__(self) -> str:
        """As a message says it."""
        return f"account {self.account or '(unknown)'} and Region {self.region or '(unknown)'}"


def _known(name: str) -> str | None:
    return None if not name or cdk.Token.is_unresolved(name) else name
