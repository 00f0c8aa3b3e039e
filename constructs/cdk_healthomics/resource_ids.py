"""Ids of resources that another stack of the app defines, for the stacks that use them.

The CDK would make exports of them, and CloudFormation refuses to change an export that is in use, and so to replace the
resource or to delete it.
"""

from typing import Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk

from cdk_healthomics.names import outermost_stack
from cdk_healthomics.stack_reference import Referable

_ids: Final[WeakKeyDictionary[cdk.CfnResource, str]] = WeakKeyDictionary()


def is_elsewhere(resource: object, stack: cdk.Stack) -> bool:
    """Whether another stack of the app defines it, which is not nested with this one in a third."""
    return isinstance(resource, cdk.CfnResource) and outermost_stack(resource) != outermost_stack(stack)


def id_for_other_stacks(resource: cdk.CfnResource, token: str) -> str:
    """The id as other stacks can have it: one token for all, so that equal permissions stay equal.

    Args:
        resource: What is referred to.
        token: The CDK's token for its id, or for its name if it has no id.
    """
    if resource not in _ids:
        definition = Referable(construct=resource, resource=resource)
        _ids[resource] = definition.reference("Id", token)
    return _ids[resource]
