"""Authorization by the IAM of the local AWS, which is in MiniStack's process."""

import json
import secrets
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from healthomics_local.endpoint.authorization.authorizer import (
    OMICS_PRINCIPAL,
    Context,
    Credential,
    Denial,
    Permission,
    RoleSession,
)
from healthomics_local.endpoint.errors import ExpiredTokenException, UnrecognizedClientException
from healthomics_local.ministack.authorization import PATH, SECRET_HEADER


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, kw_only=True, slots=True)
class MiniStackAuthorizer:
    """Asks MiniStack, one request for each question."""

    endpoint_url: str
    region: str
    account_id: str
    secret: str = field(repr=False)

    def credential(self, access_key_id: str) -> Credential | None:
        """What stands behind an access key.

        Raises:
            ExpiredTokenException: The key is one of temporary credentials that have expired.
        """
        answer = self._ask("credential", access_key_id=access_key_id, account_id=self.account_id)
        match answer.get("error"):
            case None:
                return Credential(access_key_id=access_key_id, **answer)
            case "ExpiredTokenException":
                raise ExpiredTokenException("The security token included in the request is expired")
            case _:
                return None

    def caller_denial(self, access_key_id: str, permissions: Sequence[Permission]) -> Denial | None:
        """The first of the permissions that the owner of the key does not have."""
        answer = self._ask(
            "caller",
            access_key_id=access_key_id,
            account_id=self.account_id,
            permissions=_as_documents(permissions),
        )
        return _denial(answer, permissions)

    def role_denial(self, session: RoleSession, permissions: Sequence[Permission]) -> Denial | None:
        """The first of the permissions that the session of a role does not have."""
        answer = self._ask(
            "role",
            role_arn=session.role_arn,
            session_arn=session.principal_arn,
            session_policy=session.session_policy,
            permissions=_as_documents(permissions),
        )
        return _denial(answer, permissions)

    def trust_problem(self, role_arn: str, context: Context) -> str | None:
        """Why HealthOmics cannot assume a role."""
        answer = self._ask("trust", role_arn=role_arn, service=OMICS_PRINCIPAL, context=dict(context))
        problem = answer["problem"]
        return None if problem is None else f"{role_arn}: {problem}"

    def _ask(self, question: str, **details: Any) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.endpoint_url}{PATH}",
            data=json.dumps({"question": question, "region": self.region, **details}).encode(),
            headers={"Content-Type": "application/json", SECRET_HEADER: self.secret},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - as above
            answer: dict[str, Any] = json.loads(response.read())
        return answer


def _as_documents(permissions: Sequence[Permission]) -> list[dict[str, Any]]:
    return [{"action": each.action, "resource": each.resource, "context": dict(each.context)} for each in permissions]


def _denial(answer: Mapping[str, Any], permissions: Sequence[Permission]) -> Denial | None:
    if "error" in answer:  # the key was deleted since its signature was verified
        raise UnrecognizedClientException("The security token included in the request is invalid.")
    index: int | None = answer["denied"]
    if index is None:
        return None
    return Denial(principal_arn=answer["principal_arn"], permission=permissions[index], explicit=answer["explicit"])
