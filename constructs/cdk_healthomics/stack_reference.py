"""Attributes of what can be replaced (runs, workflows), as tokens that every stack of the app may use.

The ARN of a run changes with each replacement, and CloudFormation refuses to change an export that is in use. So other
stacks get a weak reference (``Fn::GetStackOutput``) to an output without an export. CloudFormation reads it when it
updates the other stack, and the CDK CLI updates no stack whose template is the same: the name of the output therefore
has a digest of what the run is asked to be, and changes when the run does.

The CDK's own weak references have names that stay, and it warns about every app that has some and does not set
``@aws-cdk/core:defaultCrossStackReferences``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import aws_cdk as cdk
import jsii
from constructs import IConstruct

from cdk_healthomics.names import outermost_stack, output_logical_id
from cdk_healthomics.output_reader import OutputReader
from cdk_healthomics.places import Place

ALWAYS_WEAK: Final = "@cdk-healthomics/workflow-run:crossAccountReferencesAreWeak"


@dataclass(frozen=True, kw_only=True, slots=True)
class Referable:
    """Something with attributes that change when it is replaced."""

    construct: IConstruct
    """The construct, as the app's author knows it."""

    resource: cdk.CfnResource
    """Its resource."""

    digest: Callable[[cdk.IResolveContext], str]
    """A digest that changes when the construct is replaced."""

    strength: cdk.ReferenceStrength = cdk.ReferenceStrength.WEAK
    """Of references from other stacks."""

    def reference(self, attribute: str, token: str) -> str:
        """A token for an attribute.

        Args:
            attribute: Name of the attribute: letters and digits.
            token: The CDK's token for it.
        """
        return cdk.Token.as_string(_StackReference(self, attribute, token))


class _StackReference(cdk.Reference):
    """An attribute, written as each stack that uses it can have it."""

    def __init__(self, referable: Referable, attribute: str, token: str) -> None:
        super().__init__(token, referable.resource, attribute)
        self._token = token
        self._referable = referable
        self._path = referable.construct.node.path
        self._producer = outermost_stack(referable.construct)
        self._output = _Output(referable, attribute, token)
        self._consumers: set[str] = set()

    def resolve(self, _context: cdk.IResolveContext) -> object:
        """What a template says; the stack and those nested with it in another one leave that to the CDK."""
        consumer = outermost_stack(_context.scope)
        if consumer == self._producer:
            return self._token
        self._wait_for_producer(consumer)
        here, there = Place.of(consumer), Place.of(self._producer)
        if here != there and not (here.is_known and there.is_known):
            raise ValueError(
                f"{consumer.node.path} refers to {self._path}, and they may be in different accounts or Regions: give "
                "both stacks an env with account and region"
            )
        if here.account == there.account and self._referable.strength != cdk.ReferenceStrength.WEAK:
            if here.region != there.region:
                return self._token
            imported = self._producer.export_value(self._token)
            if self._referable.strength == cdk.ReferenceStrength.STRONG:
                return imported
        return self._weak(consumer, here, there)

    def _wait_for_producer(self, consumer: cdk.Stack) -> None:
        """Have the other stack deployed first. The CDK refuses stacks that need each other, or of different stages."""
        if consumer.node.path not in self._consumers:
            consumer.add_stack_dependency(self._producer, f"{consumer.node.path} refers to {self._path}")
            self._consumers.add(consumer.node.path)

    def _weak(self, consumer: cdk.Stack, here: Place, there: Place) -> str:
        role_arn = None
        if here.account != there.account:
            if self._referable.strength != cdk.ReferenceStrength.WEAK:
                cdk.Annotations.of(self._referable.construct).add_warning_v2(
                    ALWAYS_WEAK,
                    f"reference_strength is {self._referable.strength.value}, but references from another account are "
                    "always weak: drop it, or acknowledge this warning",
                )
            role_arn = OutputReader.of(self._producer).role_for(consumer)
        region = None if here.region == there.region else there.region
        return cdk.Fn.get_stack_output(self._producer.stack_name, self._output.logical_id, region, role_arn)


@jsii.implements(cdk.IStringProducer)
class _Output:
    """The output that weak references read; defined when somebody asks for its logical id."""

    def __init__(self, referable: Referable, attribute: str, value: str) -> None:
        self._referable = referable
        self._attribute = attribute
        self._value = value
        self._defined: cdk.CfnOutput | None = None

    @property
    def logical_id(self) -> str:
        """Logical id, a token."""
        if self._defined is None:
            self._defined = self._define()
            self._defined.override_logical_id(cdk.Lazy.uncached_string(self))
        return self._defined.logical_id

    def produce(self, context: cdk.IResolveContext) -> str:
        """The logical id in the template: the digest is final only when that is written."""
        construct = self._referable.construct
        suffix = f"{self._attribute}{self._referable.digest(context)}"
        return output_logical_id(construct, suffix, within=outermost_stack(construct))

    def _define(self) -> cdk.CfnOutput:
        construct = self._referable.construct
        stack = cdk.Stack.of(construct)
        output_id = f"{cdk.Names.node_unique_id(construct.node)}{self._attribute}Reference"
        value = self._value
        while stack.nested_stack_parent is not None:
            handed_up = cdk.CfnOutput(stack, output_id, value=value)
            nested = cast("cdk.CfnResource", stack.nested_stack_resource)
            value = nested.get_att(f"Outputs.{handed_up.logical_id}").to_string()
            stack = stack.nested_stack_parent
        return cdk.CfnOutput(stack, output_id, value=value, description=f"For other stacks: {self._attribute}")
