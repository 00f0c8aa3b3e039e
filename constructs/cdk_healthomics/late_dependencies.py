"""Policies that come into being after a run was defined, and that it waits for nevertheless.

Whatever is a child of the run's role is no matter: a run depends on that whole tree. Elsewhere are the policies that
somebody attaches to the role (``iam.Policy(roles=[run.role])``) and the policies of the buckets that the run uses. They
are looked for once for each stack, when the app is complete.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, DependencyGroup, IConstruct

from cdk_healthomics.names import outermost_stack
from cdk_healthomics.run_role import bucket_guards

_CONSTRUCT_ID: Final = "LatePolicies"
_WAIT_FOR_NO_RUN: Final = frozenset(
    {
        "AWS::DynamoDB::Table",
        "AWS::ECR::Repository",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    }
)
"""Types of resources that a policy may name without any chance of a circle: there is nothing of a run in them."""

_SUBSTITUTED: Final = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")


@dataclass(frozen=True, slots=True)
class _Waiting:
    role: iam.IRole
    buckets: tuple[s3.IBucket, ...]
    group: DependencyGroup


@jsii.implements(cdk.IAspect)
class LateDependencies:
    """What the runs of a stack wait for, once the app is complete."""

    def __init__(self, stack: cdk.Stack) -> None:
        self._stack = stack
        self._waiting: list[_Waiting] = []
        self._groups: dict[tuple[object, ...], DependencyGroup] = {}
        self._types_by_id: Mapping[str, frozenset[str]] | None = None

    @staticmethod
    def of(scope: Construct) -> "LateDependencies":
        """Those of the scope's stack.

        Args:
            scope: A construct of the library, whose children they may be among; the first one that asks has them.
        """
        stack = cdk.Stack.of(scope)
        if stack not in _LATE:
            _LATE[stack] = late = LateDependencies(stack)
            # On a construct of its own, not on the stack: an aspect visits everything that is below.
            cdk.Aspects.of(Construct(scope, _CONSTRUCT_ID)).add(late, priority=cdk.AspectPriority.READONLY)
        return _LATE[stack]

    def add(self, resource: cdk.CustomResource, role: iam.IRole, buckets: Iterable[s3.IBucket]) -> None:
        """Let a run wait for the policies of its role and of its buckets; runs that share these share a group."""
        buckets = tuple(dict.fromkeys(buckets))
        key = (role, *buckets)
        if key not in self._groups:
            self._groups[key] = group = DependencyGroup()
            self._waiting.append(_Waiting(role, buckets, group))
        resource.node.add_dependency(self._groups[key])

    def visit(self, node: IConstruct) -> None:
        """Look for the policies."""
        del node
        attached = self._attached_policies()
        names = cast("list[Any]", self._stack.resolve([waiting.role.role_name for waiting in self._waiting]))
        for waiting, name in zip(self._waiting, names, strict=True):
            for bucket in waiting.buckets:
                if cdk.Stack.of(bucket) != self._stack:
                    continue  # its whole stack comes first
                waiting.group.add(*(guard for guard in bucket_guards(bucket) if self._is_safe(guard)))
            # The role's own are waited for already, and to look at them now could keep the CDK from splitting them.
            own = f"{waiting.role.node.path}/"
            others = [policy for policy, roles in attached if name in roles and not policy.node.path.startswith(own)]
            waiting.group.add(*(policy for policy in others if self._is_safe(policy)))
        self._waiting.clear()

    def _attached_policies(self) -> list[tuple[cdk.CfnResource, list[Any]]]:
        """The policies of the stack, each with the names of its roles as the template says them."""
        policies = [
            construct
            for construct in self._stack.node.find_all()
            if isinstance(construct, iam.CfnPolicy | iam.CfnManagedPolicy) and cdk.Stack.of(construct) == self._stack
        ]
        # By index, because a list loses those that have no roles.
        unresolved = {str(index): policy.roles for index, policy in enumerate(policies) if policy.roles is not None}
        roles = cast("dict[str, list[Any]]", self._stack.resolve(unresolved))
        return [(policy, roles.get(str(index), [])) for index, policy in enumerate(policies)]

    def _is_safe(self, guard: object) -> bool:
        """Whether what a policy names cannot be waiting for a run, which would be waiting for the policy."""
        match guard:
            case iam.CfnPolicy() | iam.CfnManagedPolicy():
                document: object = guard.policy_document
            case s3.BucketPolicy():
                document = guard.document
            case _:  # what empties a bucket
                return True
        return all(
            types <= _WAIT_FOR_NO_RUN
            for name in _names(self._stack.resolve(document))
            for types in [self._types().get(name, frozenset())]
        )

    def _types(self) -> Mapping[str, frozenset[str]]:
        """Logical id -> types of what has it, in the stack and those nested with it in one.

        What other stacks have does not count: they come first, so nothing in them waits for a run of this one.
        """
        if self._types_by_id is None:
            elements = [
                construct
                for construct in outermost_stack(self._stack).node.find_all()
                if isinstance(construct, cdk.CfnResource)
            ]
            found: dict[str, frozenset[str]] = {}
            ids = cast("list[str]", self._stack.resolve([element.logical_id for element in elements]))
            for logical_id, element in zip(ids, elements, strict=True):
                found[logical_id] = found.get(logical_id, frozenset()) | {element.cfn_resource_type}
            self._types_by_id = found
        return self._types_by_id


def _names(value: object) -> Iterator[str]:
    """The logical ids that a policy's text refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": list()}:
            yield cast("dict[str, list[str]]", value)["Fn::GetAtt"][0]
        case {"Fn::Sub": str(text)}:
            yield from _SUBSTITUTED.findall(text)
        case Mapping():
            for item in cast("Mapping[str, object]", value).values():
                yield from _names(item)
        case list():
            for item in cast("list[object]", value):
                yield from _names(item)
        case _:
            return


_LATE: Final[WeakKeyDictionary[cdk.Stack, LateDependencies]] = WeakKeyDictionary()
