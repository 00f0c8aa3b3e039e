"""An authorizer without IAM: callers, roles and their policies in memory, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.authorization.authorizer import (
    OMICS_PRINCIPAL,
    Credential,
    Denial,
    Permission,
    RoleSession,
)
from healthomics_local.endpoint.authorization.policies import Decision, Statement, decide, read_policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from healthomics_local.endpoint.authorization.authorizer import Context

Policy = Mapping[str, Any]
"""A policy document, as JSON has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Somebody with an access key."""

    arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    policies: Sequence[Policy] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A role that HealthOmics may assume for a run."""

    arn: str
    trust_policy: Policy
    policies: Sequence[Policy] = ()


class PolicyAuthorizer:
    """Evaluates the policies of the principals and roles that it was given; nobody else may do anything.

    >>> allow = {"Statement": {"Effect": "Allow", "Action": "omics:List*", "Resource": "*"}}
    >>> reader = Principal(
    ...     arn="arn:aws:iam::123456789012:user/reader", access_key_id="AKIA1", secret_access_key="s", policies=[allow]
    ... )
    >>> authorizer = PolicyAuthorizer([reader])
    >>> authorizer.caller_denial("AKIA1", [Permission(action="omics:ListRuns")]) is None
    True
    >>> authorizer.caller_denial("AKIA1", [Permission(action="omics:StartRun")]).message[:62]
    'User: arn:aws:iam::123456789012:user/reader is not authorized '
    """

    def __init__(self, principals: Iterable[Principal], roles: Iterable[Role] = ()) -> None:
        """Read all policies.

        Raises:
            ValueError: One uses something that is not evaluated here.
        """
        self._principals = {each.access_key_id: each for each in principals}
        self._statements = {key: _statements(each.policies) for key, each in self._principals.items()}
        self._roles = {each.arn: (read_policy(each.trust_policy), _statements(each.policies)) for each in roles}

    def credential(self, access_key_id: str) -> Credential | None:
        """What stands behind an access key."""
        principal = self._principals.get(access_key_id)
        if principal is None:
            return None
        return Credential(
            access_key_id=access_key_id,
            secret_access_key=principal.secret_access_key,
            session_token=principal.session_token,
            principal_arn=principal.arn,
        )

    def caller_denial(self, access_key_id: str, permissions: Sequence[Permission]) -> Denial | None:
        """The first of the permissions that a principal does not have."""
        return _denial(self._principals[access_key_id].arn, [self._statements[access_key_id]], permissions)

    def role_denial(self, session: RoleSession, permissions: Sequence[Permission]) -> Denial | None:
        """The first of the permissions that a role, narrowed by the session's policy, does not have."""
        _, statements = self._roles.get(session.role_arn, ((), ()))
        layers = [statements]
        if session.session_policy is not None:
            layers.append(read_policy(json.loads(session.session_policy)))
        return _denial(session.principal_arn, layers, permissions)

    def trust_problem(self, role_arn: str, context: Context) -> str | None:
        """Why HealthOmics cannot assume a role."""
        if role_arn not in self._roles:
            return f"there is no role {role_arn}"
        trust, _ = self._roles[role_arn]
        assume = Permission(action="sts:AssumeRole", context=context)
        about_us = [statement for statement in trust if OMICS_PRINCIPAL in statement.services]
        if decide(about_us, assume) is Decision.ALLOWED:
            return None
        return f"the trust policy of {role_arn} does not let {OMICS_PRINCIPAL} assume it"


def _statements(policies: Sequence[Policy]) -> tuple[Statement, ...]:
    return tuple(statement for policy in policies for statement in read_policy(policy))


def _denial(
    principal_arn: str, layers: Sequence[tuple[Statement, ...]], permissions: Sequence[Permission]
) -> Denial | None:
    for permission in permissions:
        decisions = [decide(layer, permission) for layer in layers]
        if any(decision is not Decision.ALLOWED for decision in decisions):
            explicit = Decision.DENIED in decisions
            return Denial(principal_arn=principal_arn, permission=permission, explicit=explicit)
    return None
