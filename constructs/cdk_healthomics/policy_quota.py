"""IAM's quota of managed policies for a role: where the CDK puts what does not fit into the role's own policy."""

from typing import Final
from weakref import WeakSet

import jsii
from aws_cdk import aws_iam as iam
from constructs import IValidation


@jsii.implements(IValidation)
class PolicyQuota:
    """Says at synth that a role needs more managed policies than IAM attaches to one."""

    def __init__(self, role: iam.Role, limit: int, *, whose: str, needed_for: str, cure: str) -> None:
        self._role = role
        self._limit = limit
        self._whose = whose
        self._needed_for = needed_for
        self._cure = cure

    def validate(self) -> list[str]:
        """What does not fit."""
        policies = sum(isinstance(child, iam.ManagedPolicy) for child in self._role.node.children)
        if policies <= self._limit:
            return []
        return [
            f"{self._whose} needs {policies} managed policies for {self._needed_for}, but IAM attaches {self._limit} "
            f"to a role: {self._cure}, or have the quota raised and say so with "
            "RunProvider.configure(managed_policies=…)"
        ]


def watch_run_role(role: iam.IRole, limit: int) -> None:
    """Have the quota checked for the role of a run, once for all runs that share it."""
    if not isinstance(role, iam.Role) or role in _WATCHED:
        return
    _WATCHED.add(role)
    quota = PolicyQuota(
        role,
        limit,
        whose="the role of runs",
        needed_for="the buckets, prefixes and repositories that the runs are given",
        cure=(
            "let fewer runs share it, give input_buckets in the place of many S3 URIs, or give output_uri in the place "
            "of output_bucket and let the role write below one prefix of all these runs"
        ),
    )
    role.node.add_validation(quota)


_WATCHED: Final[WeakSet[iam.Role]] = WeakSet()
