"""CDK objects as the interfaces that they implement.

In Python jsii's interfaces are protocols, and some classes name a parameter otherwise than the protocol does; a strict
type checker then refuses what works. The casts are here, and nowhere else.
"""

from typing import cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3


def as_role(role: iam.Role | iam.IRole) -> iam.IRole:
    """A role as IRole."""
    return cast("iam.IRole", role)


def as_principal(principal: iam.ServicePrincipal) -> iam.IPrincipal:
    """A service principal as IPrincipal."""
    return cast("iam.IPrincipal", principal)


def as_resource_with_policy(bucket: s3.IBucket) -> iam.IResourceWithPolicyV2:
    """A bucket as a resource with a policy."""
    return cast("iam.IResourceWithPolicyV2", bucket)
