"""A run's attributes as parameters of Systems Manager, for readers outside of the app."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from cdk_healthomics.errors import InvalidRunError
from cdk_healthomics.tokens import is_string_token

RUN_ARN: Final = "run-arn"
RUN_ID: Final = "run-id"
RUN_UUID: Final = "run-uuid"
RUN_OUTPUT_URI: Final = "run-output-uri"

_PREFIX: Final = re.compile(r"(/[A-Za-z0-9_.-]+)+")
_RESERVED: Final = re.compile(r"/(aws|ssm)", re.IGNORECASE)
_LEVELS: Final = 14
"""Parameters have 15 levels at most, their own name included (Systems Manager user guide)."""
_LENGTH: Final = 1011 - len("arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter") - len(f"/{RUN_OUTPUT_URI}")
"""The ARN of a parameter has at most 1,011 characters (Systems Manager user guide)."""


class PublishedRun(Construct):
    """The parameters that tell about a run. ``WorkflowRun.publish`` defines them.

    They are ``<prefix>/run-arn``, ``/run-id``, ``/run-uuid`` and ``/run-output-uri``, of type String. The deployment
    that replaces the run changes them, one after the other.

    Example:
        >>> import aws_cdk as cdk
        >>> from aws_cdk import aws_iam as iam
        >>> from cdk_healthomics import Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> published = run.publish(parameter_prefix="/genomics/alignment")
        >>> sorted(published.parameters)
        ['run-arn', 'run-id', 'run-output-uri', 'run-uuid']
        >>> reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        >>> grant = published.grant_read(reader)
    """

    parameter_prefix: str
    """What the names of the parameters begin with."""

    parameters: Mapping[str, ssm.StringParameter]
    """The parameters, by the last part of their names."""

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str, values: Mapping[str, str]) -> None:
        super().__init__(scope, construct_id)
        self.parameter_prefix = prefix
        self.parameters = {
            name: ssm.StringParameter(
                self,
                name,
                parameter_name=f"{prefix}/{name}",
                simple_name=False,
                string_value=value,
                description=f"{name} of the HealthOmics run {scope.node.path}",
            )
            for name, value in values.items()
        }

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody read the parameters, by their names (``GetParameter``, ``GetParameters``).

        Args:
            grantee: Who is to read; of this account.
        """
        stack = cdk.Stack.of(self)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["ssm:GetParameter", "ssm:GetParameters"],
            # By their names, which other stacks can say without a reference to the parameters.
            resource_arns=[
                stack.format_arn(service="ssm", resource=f"parameter{self.parameter_prefix}", resource_name=name)
                for name in self.parameters
            ],
        )


def publish(run: Construct, prefix: str, values: Mapping[str, str]) -> PublishedRun:
    """Define the parameters, or find them if they are defined.

    Args:
        run: The run.
        prefix: What the names of the parameters begin with.
        values: The last part of each name -> value.

    Raises:
        InvalidRunError: Parameters cannot have such names.
    """
    if problems := list(prefix_problems(prefix)):
        raise InvalidRunError(run.node.path, problems)
    construct_id = _construct_id(prefix, cdk.Stack.of(run))
    found = run.node.try_find_child(construct_id)
    return found if isinstance(found, PublishedRun) else PublishedRun(run, construct_id, prefix=prefix, values=values)


def _construct_id(prefix: str, stack: cdk.Stack) -> str:
    """An id that no other prefix has, whatever was published before.

    A parameter whose logical id changed could not be deployed: the name would be taken by the old one.
    """
    if is_string_token(prefix):
        return f"Published--{_digest(json.dumps(stack.resolve(prefix), sort_keys=True))}"
    readable = "Published" + prefix.replace("/", "-")
    # Hyphens and slashes look the same here.
    return f"{readable}--{_digest(prefix)}" if "-" in prefix else readable


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def prefix_problems(prefix: str) -> Iterator[str]:
    """Why the names of parameters cannot begin so."""
    if is_string_token(prefix):
        if not prefix.startswith(("/", "${Token[")) or prefix.endswith("/"):
            yield f"parameter_prefix is {prefix!r}: begin it with a slash, and end it without one"
        return
    if not _PREFIX.fullmatch(prefix):
        yield (
            f"parameter_prefix is {prefix!r}: use a slash before each level, and letters, digits, points, hyphens and "
            "underscores, such as /genomics/alignment"
        )
        return
    if _RESERVED.match(prefix):
        yield f"parameter_prefix is {prefix!r}, but names that begin with aws or ssm are AWS's own: choose another"
    if prefix.count("/") > _LEVELS:
        yield f"parameter_prefix has {prefix.count('/')} levels, but parameters have {_LEVELS + 1} at most: use fewer"
    if len(prefix) > _LENGTH:
        yield f"parameter_prefix has {len(prefix)} characters: use {_LENGTH} at most"
