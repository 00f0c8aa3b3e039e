"""Policy statements that grow: many runs share a role, and IAM limits how long its policies are."""

from collections.abc import Callable, Iterable
from typing import Final

from aws_cdk import aws_iam as iam

from cdk_healthomics.linters import acknowledge_wildcards

_STATEMENT_ARNS_LIMIT: Final = 12
"""ARNs in one statement. The CDK moves statements that overflow the inline policy into managed ones, but never splits
one."""


class GrowingStatements:
    """Statements of one kind whose resources are added one by one; each ARN once, and few to a statement."""

    def __init__(
        self, role: iam.IRole, new_statement: Callable[[], iam.PolicyStatement], *, reason: str | None = None
    ) -> None:
        """Begin without a statement.

        Args:
            role: Whose statements they are.
            new_statement: Makes one without resources.
            reason: Why resources may have a wildcard; None leaves that to whoever has defined the role.
        """
        self._role = role
        self._new_statement = new_statement
        self._reason = reason
        self._arns: dict[str, None] = {}
        self._open: iam.PolicyStatement | None = None

    def add(self, arns: Iterable[str]) -> None:
        """Name some more resources."""
        for arn in arns:
            if arn in self._arns:
                continue
            if self._open is None or len(self._arns) % _STATEMENT_ARNS_LIMIT == 0:
                self._open = self._new_statement()
                self._open.add_resources(arn)
                self._role.add_to_principal_policy(self._open)
            else:
                self._open.add_resources(arn)
            self._arns[arn] = None
            if self._reason is not None:
                acknowledge_wildcards(self._role, [arn], self._reason)
