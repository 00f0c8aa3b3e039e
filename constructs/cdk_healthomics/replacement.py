"""When will CloudFormation replace a resource though its own text in the template stays?

A run is replaced when a value in its properties changes, and a reference such as ``Fn::GetAtt: [Workflow, Id]`` does so
when the resource behind it is replaced: a ``CfnWorkflow`` with another definition gets another id. What makes
CloudFormation replace a resource is in its schema (``createOnlyProperties``); so the text of those properties, of every
resource that a run refers to, tells at synth what the text of the run does not. Of resources whose schema is not known
here every property counts: that is sometimes too much, which costs one more look at a run, and never too little.

What stays hidden is a change that no property shows: of a stack parameter, of what somebody's custom resource answers,
or one that was laid over a resource with ``add_property_override``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk

from cdk_healthomics.names import outermost_stack
from healthomics_run_handler import contract as run_contract
from healthomics_run_waiter import contract as waiter_contract

REPLACING_PROPERTIES: Final[Mapping[str, Sequence[str]]] = {
    "AWS::IAM::Role": ("path", "role_name"),
    "AWS::Omics::Configuration": ("name", "run_configurations"),
    "AWS::Omics::RunCache": ("cache_s3_location", "cache_bucket_owner_id"),
    "AWS::Omics::RunGroup": (),
    "AWS::Omics::Workflow": (
        "accelerators",
        "container_registry_map",
        "container_registry_map_uri",
        "definition_repository",
        "definition_uri",
        "engine",
        "main",
        "parameter_template",
        "parameter_template_path",
        "storage_capacity",
        "workflow_bucket_owner_id",
    ),
    "AWS::Omics::WorkflowVersion": (
        "accelerators",
        "container_registry_map",
        "container_registry_map_uri",
        "definition_repository",
        "definition_uri",
        "engine",
        "main",
        "parameter_template",
        "parameter_template_path",
        "version_name",
        "workflow_bucket_owner_id",
        "workflow_id",
    ),
    "AWS::S3::Bucket": ("bucket_name",),
}
"""Resource type -> attributes of its L1 construct: its create-only properties."""

_RUN_PROPERTIES: Final = frozenset(
    {*run_contract.START_RUN_MEMBERS, run_contract.ADDITIONAL_PROPERTY, run_contract.RERUN_ON_PROPERTY}
)
"""What the handler compares to tell whether a run is to be replaced."""

_NESTED_STACK: Final = "AWS::CloudFormation::Stack"
_OUTPUTS: Final = "Outputs."
_IN_SUB: Final = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.([^}]*))?\}")


def text_of(resource: cdk.CfnResource, context: cdk.IResolveContext | None = None) -> object:
    """What tells a resource from its replacement: JSON, final once the app is prepared.

    Args:
        resource: A run, or another resource.
        context: Where the text is to be used.
    """
    family = outermost_stack(resource)
    if context is not None and context.preparing:
        # References to other stacks are being put in place, and nobody keeps what this returns.
        _FAMILIES.pop(family, None)
        return None
    return _FAMILIES.setdefault(family, _Family(family)).text_of(resource)


@dataclass(frozen=True, slots=True)
class _Resource:
    text: object
    """What would replace the resource, as far as its own properties say so."""
    refers_to: tuple[cdk.CfnResource, ...]


class _Family:
    """A stack and those that are nested in it, as the templates will have them."""

    def __init__(self, outermost: cdk.Stack) -> None:
        self._path = outermost.node.path
        self._elements: dict[str, dict[str, cdk.CfnElement]] = {}
        self._nested: dict[str, cdk.Stack] = {}
        self._resources: dict[str, _Resource] = {}
        self._texts: dict[str, object] = {}

    def text_of(self, resource: cdk.CfnResource) -> object:
        """The texts of a resource and of all that it refers to, directly or by others."""
        path = resource.node.path
        if path not in self._texts:
            # For a circle, which CloudFormation refuses, and the CDK too: let them say so.
            self._texts[path] = None
            self._texts[path] = self._with_all_behind(resource)
        return self._texts[path]

    def _with_all_behind(self, resource: cdk.CfnResource) -> object:
        texts: dict[str, object] = {}
        waiting = [resource]
        while waiting:
            found = waiting.pop()
            path = found.node.path
            if path not in texts:
                if path not in self._resources:
                    self._resources[path] = self._read(found)
                texts[path] = self._resources[path].text
                waiting += self._resources[path].refers_to
        own = texts.pop(resource.node.path)
        return [own, sorted(texts.items())]

    def _read(self, resource: cdk.CfnResource) -> _Resource:
        stack = cdk.Stack.of(resource)
        text = stack.resolve(_replacing_properties(resource))
        return _Resource(text, tuple(self._behind(text, stack)))

    def _behind(self, text: object, stack: cdk.Stack) -> Iterator[cdk.CfnResource]:
        """The resources that a text of a template refers to, in the stack or in those nested with it."""
        for logical_id, attribute in _references(text):
            element = self._elements_of(stack).get(logical_id)
            if isinstance(element, cdk.CfnParameter):
                yield from self._behind_parameter(logical_id, stack)
            elif isinstance(element, cdk.CfnResource):
                if element.cfn_resource_type == _NESTED_STACK and attribute.startswith(_OUTPUTS):
                    yield from self._behind_output(element, attribute.removeprefix(_OUTPUTS))
                else:
                    yield element

    def _behind_parameter(self, name: str, stack: cdk.Stack) -> Iterator[cdk.CfnResource]:
        """What the parameter of a nested stack gets; nobody knows that of other parameters."""
        parent, nested = stack.nested_stack_parent, stack.nested_stack_resource
        if parent is not None and isinstance(nested, cdk.CfnStack):
            given: Mapping[str, object] = parent.resolve(nested.parameters) or {}
            yield from self._behind(given.get(name), parent)

    def _behind_output(self, resource: cdk.CfnResource, name: str) -> Iterator[cdk.CfnResource]:
        stack = self._nested.get(resource.node.path)
        if stack is not None and isinstance(output := self._elements_of(stack).get(name), cdk.CfnOutput):
            yield from self._behind(stack.resolve(output.value), stack)

    def _elements_of(self, stack: cdk.Stack) -> Mapping[str, cdk.CfnElement]:
        """Logical id -> element of a stack."""
        if stack.node.path not in self._elements:
            found: list[cdk.CfnElement] = []
            for construct in stack.node.find_all():
                if isinstance(construct, cdk.CfnElement):
                    if cdk.Stack.of(construct).node.path == stack.node.path and self._has_lasting_id(construct):
                        found.append(construct)
                elif isinstance(construct, cdk.Stack) and construct.nested_stack_resource is not None:
                    self._nested[construct.nested_stack_resource.node.path] = construct
            names: list[str] = stack.resolve([element.logical_id for element in found])
            self._elements[stack.node.path] = dict(zip(names, found, strict=True))
        return self._elements[stack.node.path]

    def _has_lasting_id(self, element: cdk.CfnElement) -> bool:
        """Whether the logical id has no digest of what is asked for here: who refers to such an id says the digest."""
        if isinstance(element, cdk.CfnOutput):
            return cdk.Stack.of(element).node.path != self._path
        return not isinstance(element, cdk.CfnWaitCondition) and (
            not isinstance(element, cdk.CfnResource) or element.cfn_resource_type != waiter_contract.COMPLETION_TYPE
        )


_FAMILIES: Final[WeakKeyDictionary[cdk.Stack, _Family]] = WeakKeyDictionary()


def _replacing_properties(resource: cdk.CfnResource) -> Mapping[str, object]:
    if (attributes := REPLACING_PROPERTIES.get(resource.cfn_resource_type)) is not None:
        return {name: value for name in attributes if (value := getattr(resource, name, None)) is not None}
    properties = cast("Mapping[str, object]", resource._cfn_properties)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of a base class that nobody here can inherit from
    if resource.cfn_resource_type == run_contract.RESOURCE_TYPE:
        return {name: value for name, value in properties.items() if name in _RUN_PROPERTIES}
    return properties


def _references(text: object) -> Iterator[tuple[str, str]]:
    """Logical id and attribute of every ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` in a text of a template."""
    match text:
        case {"Ref": str(name)}:
            yield name, ""
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            yield name, attribute
        case {"Fn::GetAtt": str(both)}:
            name, _, attribute = both.partition(".")
            yield name, attribute
        case {"Fn::Sub": str(template)}:
            yield from _IN_SUB.findall(template)
        case {"Fn::Sub": list()}:
            parts = cast("Mapping[str, list[object]]", text)["Fn::Sub"]
            yield from _IN_SUB.findall(str(parts[0]))
            yield from _of_all(parts[1:])
        case Mapping():
            yield from _of_all(cast("Mapping[str, object]", text).values())
        case list():
            yield from _of_all(cast("list[object]", text))
        case _:
            return


def _of_all(texts: Iterable[object]) -> Iterator[tuple[str, str]]:
    for text in texts:
        yield from _references(text)
