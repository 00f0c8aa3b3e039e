"""Names that the library makes up: the run's default name, the logical ids of its outputs."""

import hashlib
import re
from typing import Final

import aws_cdk as cdk
from constructs import IConstruct

_NAME_LIMIT: Final = 127
"""HealthOmics' console allows one character less than its API."""

_LOGICAL_ID_LIMIT: Final = 255


def default_run_name(scope: IConstruct) -> str:
    """A readable name for a run: stack name, construct path, and a digest of both.

    It is the same at every synth, and no two runs of an account and Region share one, whatever stacks they are in. The
    handler finds the runs of a resource by it.
    """
    stack = outermost_stack(scope)
    path = _path_below(scope, stack)
    digest = hashlib.sha256(f"{stack.stack_name}/{path}".encode()).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{stack.stack_name}-{path}")
    return f"{readable[: _NAME_LIMIT - len(digest) - 1]}-{digest}"


def output_logical_id(scope: IConstruct, suffix: str, *, within: cdk.Stack | None = None) -> str:
    """The logical id of an output: the construct path below a stack, without separators, then a suffix.

    Args:
        scope: What the output tells about.
        suffix: What it tells.
        within: The stack of the output. By default the construct's.
    """
    path = _path_below(scope, within or cdk.Stack.of(scope))
    name = re.sub(r"[^A-Za-z0-9]", "", path)
    if len(name) + len(suffix) > _LOGICAL_ID_LIMIT:
        digest = hashlib.sha256(path.encode()).hexdigest()[:8]
        name = name[: _LOGICAL_ID_LIMIT - len(suffix) - len(digest)] + digest
    return name + suffix


def outermost_stack(scope: IConstruct) -> cdk.Stack:
    """The stack that is deployed as such, with a name that is known at synth; nested stacks are resources of it."""
    stack = cdk.Stack.of(scope)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack


def _path_below(scope: IConstruct, stack: cdk.Stack) -> str:
    return scope.node.path.removeprefix(stack.node.path).removeprefix("/")
