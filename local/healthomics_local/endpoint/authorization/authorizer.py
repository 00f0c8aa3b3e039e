"""The port to IAM: what the endpoint asks, and whoever answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

OMICS_PRINCIPAL = "omics.amazonaws.com"
"""As whom the service assumes the roles of runs."""

Context = Mapping[str, str | Sequence[str]]
"""Condition keys of a request, such as ``iam:PassedToService``, and their values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What stands behind an access key."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    """What a request with temporary credentials must carry; None: the credentials are not temporary."""
    principal_arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """One thing that somebody must be allowed to do."""

    action: str
    """As policies name it: ``omics:StartRun``."""
    resource: str = "*"
    """An ARN; ``*`` for actions that know no resource."""
    context: Context = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Denial:
    """The first permission that is missing, and why."""

    principal_arn: str
    permission: Permission
    explicit: bool
    """A statement denies it; False: none allows it."""

    @property
    def message(self) -> str:
        """The denial in AWS's words."""
        action = self.permission.action
        where = "" if self.permission.resource == "*" else f" on resource: {self.permission.resource}"
        reason = (
            "with an explicit deny in an identity-based policy"
            if self.explicit
            else f"because no identity-based policy allows the {action} action"
        )
        return f"User: {self.principal_arn} is not authorized to perform: {action}{where} {reason}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleSession:
    """A role as HealthOmics uses it for one run."""

    role_arn: str
    session_name: str
    session_policy: str | None = None
    """A policy document that narrows what the role may do; None: it does not."""

    @property
    def principal_arn(self) -> str:
        """The session's own ARN, which denials name."""
        partition, account, name = _role_parts(self.role_arn)
        return f"arn:{partition}:sts::{account}:assumed-role/{name}/{self.session_name}"


class Authorizer(Protocol):
    """Knows credentials, roles and policies. Called from many threads at once, and never with a lock held."""

    def credential(self, access_key_id: str) -> Credential | None:
        """What stands behind an access key; None: nobody has such a key.

        Raises:
            ExpiredTokenException: The key is one of temporary credentials that have expired.
        """
        ...

    def caller_denial(self, access_key_id: str, permissions: Sequence[Permission]) -> Denial | None:
        """The first of the permissions that the owner of the key does not have; None: all are there."""
        ...

    def role_denial(self, session: RoleSession, permissions: Sequence[Permission]) -> Denial | None:
        """The first of the permissions that the session of a role does not have; None: all are there."""
        ...

    def trust_problem(self, role_arn: str, context: Context) -> str | None:
        """Why HealthOmics cannot assume a role; None: its trust policy lets it."""
        ...


def _role_parts(role_arn: str) -> tuple[str, str, str]:
    """Partition, account and name; a role's path is no part of its name."""
    parts = role_arn.split(":", 5)
    partition, account, resource = (parts[1], parts[4], parts[5]) if len(parts) == 6 else ("aws", "", role_arn)  # noqa: PLR2004 - the parts of an ARN
    return partition, account, resource.rpartition("/")[2]
