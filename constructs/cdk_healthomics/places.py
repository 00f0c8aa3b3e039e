"""Where something is: account and Region, as far as synth knows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import aws_cdk as cdk
from constructs import IConstruct

from cdk_healthomics.tokens import is_string_token, split_around_tokens

_ARN_PARTS: Final = 6
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
        return cls(_known(stack.account), _known(stack.region))

    @classmethod
    def of_arn(cls, arn: str) -> Self:
        """Where the resource of an ARN is."""
        parts = split_around_tokens(arn, ":", _ARN_PARTS - 1)
        if len(parts) != _ARN_PARTS:
            return cls(None, None)
        return cls(_known(parts[_ACCOUNT]), _known(parts[_REGION]))

    @classmethod
    def of_resource(cls, resource: object, arn: str | None = None) -> Self:
        """Where a resource is: as its ARN says, or else as the CDK knows it.

        Args:
            resource: The construct, or another object that stands for the resource.
            arn: Its ARN, which may be a token.
        """
        said = cls(None, None) if arn is None else cls.of_arn(arn)
        environment: object = getattr(resource, "env", None)
        account, region = (_known(getattr(environment, name, None)) for name in ("account", "region"))
        return cls(said.account or account, said.region or region)

    @property
    def is_known(self) -> bool:
        """Whether synth knows both."""
        return self.account is not None and self.region is not None

    def is_in_another_account(self, other: "Place") -> bool:
        """Whether two places are known to be in different accounts."""
        return None not in (self.account, other.account) and self.account != other.account

    def is_in_another_region(self, other: "Place") -> bool:
        """Whether two places are known to be in different Regions."""
        return None not in (self.region, other.region) and self.region != other.region

    def is_elsewhere(self, other: "Place") -> bool:
        """Whether it is another place, by what is known of both."""
        return self.is_in_another_account(other) or self.is_in_another_region(other)

    def __str__(self) -> str:
        """As a message says it."""
        return f"account {self.account or '(unknown)'} and Region {self.region or '(unknown)'}"


def reach_problems(what: str, there: Place, here: Place) -> Iterator[str]:
    """Why a run cannot use something that has to be of its account and Region.

    Args:
        what: The argument that names it.
        there: Where it is.
        here: Where the run is.
    """
    if there.is_in_another_region(here):
        yield (
            f"{what} is in Region {there.region}, but the run is in {here.region}: a run uses what is in its own "
            f"Region, so give one of {here.region}"
        )
    if there.is_in_another_account(here):
        yield (
            f"{what} is in account {there.account}, but the run is in {here.account}, and other accounts cannot share "
            "it: give one of the run's account"
        )


def place_problems(stack: cdk.Stack, output_bucket: object, role: object) -> Iterator[str]:
    """Where a bucket or a role that was given is too far away for the run."""
    here = Place.of(stack)
    bucket, owner = Place.of_resource(output_bucket), Place.of_resource(role)
    if bucket.is_in_another_region(here):
        yield (
            f"output_bucket is in Region {bucket.region}, but the run is in {here.region}, and HealthOmics writes to "
            "buckets of the run's Region only: give one of that Region"
        )
    if owner.is_in_another_account(here):
        yield (
            f"role is of account {owner.account}, but the run is in {here.account}, and nobody can hand a service a "
            "role of another account: give a role of the run's own account"
        )


def _known(name: object) -> str | None:
    return name if isinstance(name, str) and name and not is_string_token(name) else None
