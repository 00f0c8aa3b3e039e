"""The policies of image repositories: HealthOmics itself pulls the images, so a private repository must let it."""

from collections.abc import Mapping
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr

from cdk_healthomics import permissions


def let_service_pull(repository: ecr.IRepository, stack: cdk.Stack) -> None:
    """Let HealthOmics pull from a repository of the app, for runs of the stack's account and Region.

    A repository that lets HealthOmics already, when its first run is defined, stays as it is.
    """
    if not isinstance(repository, ecr.Repository):
        return
    if repository not in _SERVED:
        _SERVED[repository] = None if _lets_service(repository) else set()
    served = _SERVED[repository]
    place = (stack.account, stack.region)
    if served is not None and place not in served:
        served.add(place)
        repository.add_to_resource_policy(permissions.pull_images_of(stack))


def _lets_service(repository: ecr.Repository) -> bool:
    resource = cast("ecr.CfnRepository", repository.node.default_child)
    policy: Any = cdk.Stack.of(repository).resolve(resource.repository_policy_text)
    statements = _listed(policy.get("Statement")) if isinstance(policy, Mapping) else []
    return any(
        statement.get("Effect") == "Allow" and permissions.OMICS_PRINCIPAL in _services(statement.get("Principal"))
        for statement in statements
    )


def _services(principal: Any) -> list[Any]:
    return _listed(principal.get("Service")) if isinstance(principal, Mapping) else []


def _listed(value: Any) -> list[Any]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


_SERVED: Final[WeakKeyDictionary[ecr.Repository, set[tuple[str, str]] | None]] = WeakKeyDictionary()
"""Repository -> accounts and Regions that the library has let pull; None for one that is left as it is."""
