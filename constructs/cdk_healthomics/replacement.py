"""When will CloudFormation replace a run though its own text in the template stays?

A run is replaced when a value in its properties changes, and a reference such as ``Fn::GetAtt: [Workflow, Id]`` does so
when the resource behind it is replaced: a ``CfnWorkflow`` with another definition gets another id. What makes
CloudFormation replace a resource is in its schema (``createOnlyProperties``); so the text of those properties, of every
resource that a run refers to, tells at synth what the text of the run does not.

What stays hidden is a change that no template shows: of a parameter, or of an attribute of somebody's custom resource.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
import jsii
from constructs import IValidation

from cdk_healthomics.names import outermost_stack
from cdk_healthomics.spec_digest import spec_digest
from cdk_healthomics.tokens import is_string_token, references_in

REPLACING_PROPERTIES: Final[Mapping[str, Sequence[str]]] = {
    "AWS::IAM::Role": ("path", "role_name"),
    "AWS::Omics::Configuration": ("name", "run_configurations"),
    "AWS::Omics::RunCache": ("cache_s3_location", "cache_bucket_owner_id"),
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


@jsii.implements(IValidation)
class _RunTexts:
    """What tells the runs of a stack from their replacements, by the paths of their resources.

    A text is computed each time, because references to other stacks are written otherwise until the app is complete,
    and once after that: it is asked for some ten times in a synth.
    """

    def __init__(self) -> None:
        self._compute: dict[str, Callable[[], object]] = {}
        self._final: dict[str, object] | None = None

    def remember(self, path: str, compute: Callable[[], object]) -> None:
        self._compute[path] = compute

    def get(self, path: str) -> object:
        """The text; None for what is no run."""
        if path not in self._compute:
            return None
        if self._final is None:
            return self._compute[path]()
        if path not in self._final:
            self._final[path] = self._compute[path]()
        return self._final[path]

    def validate(self) -> list[str]:
        """Know that the app is complete: validation comes after everything is prepared. Nothing is wrong."""
        self._final = {}
        return []

    def prepare(self) -> None:
        """Know that the app is being prepared, perhaps not for the first time."""
        self._final = None


_TEXTS: Final[WeakKeyDictionary[cdk.Stack, _RunTexts]] = WeakKeyDictionary()


def remember_run(
    resource: cdk.CustomResource,
    properties: Mapping[str, object],
    *,
    documents: Sequence[object],
    refers_to: Sequence[object],
) -> None:
    """Note how to tell a run from its replacement: for who waits for it, and for the runs that refer to it.

    Args:
        resource: The run's resource.
        properties: Its properties.
        documents: What properties that are JSON texts were made of; references in the texts do not show.
        refers_to: Resources that the properties refer to in ways that do not show either.
    """
    stack = cdk.Stack.of(resource)

    def text() -> object:
        hidden = replacement_texts([properties, *documents], refers_to, stack)
        return [spec_digest(properties, resource), hidden]

    if stack not in _TEXTS:
        _TEXTS[stack] = texts = _RunTexts()
        stack.node.add_validation(texts)
    _TEXTS[stack].remember(_path(resource), text)


def text_of_run(resource: cdk.CustomResource, context: cdk.IResolveContext | None = None) -> object:
    """What tells a run from its replacement; JSON, final once the app is complete."""
    texts = _TEXTS[cdk.Stack.of(resource)]
    if context is not None and context.preparing:
        texts.prepare()
    return texts.get(_path(resource))


def _path(resource: cdk.CustomResource) -> str:
    return cast("cdk.CfnResource", resource.node.default_child).node.path


def replacement_texts(values: object, resources: Iterable[object], stack: cdk.Stack) -> list[object]:
    """What tells, beside the values themselves, whether CloudFormation will replace something behind them.

    Args:
        values: A JSON-like value; its strings may hold references.
        resources: Resources that the values refer to in ways that do not show; what is no resource of the stack does
            not count.
        stack: The stack of the values; what is in other stacks, not nested with it in one, does not count.
    """
    return list(_Walk(stack).texts(values, resources))


class _Walk:
    """From references to resources, and on from the references in those."""

    def __init__(self, stack: cdk.Stack) -> None:
        self._family = outermost_stack(stack)
        self._seen: set[str] = set()

    def texts(self, values: object, resources: Iterable[object] = ()) -> Iterator[object]:
        found = [each for each in resources if isinstance(each, cdk.CfnResource)]
        for text in _strings(values):
            found += _targets(text)
        for resource in found:
            if resource.node.path in self._seen or outermost_stack(resource) != self._family:
                continue
            self._seen.add(resource.node.path)
            yield from self._of(resource)

    def _of(self, resource: cdk.CfnResource) -> Iterator[object]:
        stack = cdk.Stack.of(resource)
        texts = _TEXTS.get(stack)
        if texts is not None and (text := texts.get(resource.node.path)) is not None:
            yield [resource.node.path, text]
            return
        attributes = REPLACING_PROPERTIES.get(resource.cfn_resource_type, ())
        properties = {name: value for name in attributes if (value := getattr(resource, name, None)) is not None}
        if properties:
            yield [resource.node.path, stack.resolve(properties)]
            yield from self.texts(list(properties.values()))


def _strings(value: object) -> Iterator[str]:
    """The strings with deploy-time parts in a JSON-like value."""
    match value:
        case str():
            if is_string_token(value):
                yield value
        case Mapping():
            for item in cast("Mapping[str, object]", value).values():
                yield from _strings(item)
        case list() | tuple():
            for item in cast("Sequence[object]", value):
                yield from _strings(item)
        case _:
            return


def _targets(text: str) -> Iterator[cdk.CfnResource]:
    """The resources that a string refers to."""
    for reference in references_in(text):
        if isinstance(reference.target, cdk.CfnResource):
            yield reference.target
