"""The runs of the app, for runs that read their outputs or copy their settings: what is known of them at synth.

Who refers to a run has a token in its hands. What is behind the token is looked up here, because policies must not use
the run's own attributes: a role that both runs share would wait for the run, and the run for its role.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

from cdk_healthomics.names import outermost_stack
from cdk_healthomics.s3_locations import S3Location, escaped
from cdk_healthomics.tokens import is_string_token, references_in, split_at_tokens
from healthomics_run_handler import contract
from healthomics_run_waiter import contract as waiter_contract

if TYPE_CHECKING:
    from constructs import IConstruct

Uses = Mapping[str, Sequence[str]]
"""Kind of resource, as in an ARN -> ARNs of what a run of it is started from."""

_OUTPUT_ATTRIBUTES: Final = (contract.ATTRIBUTE_RUN_OUTPUT_URI, waiter_contract.ATTRIBUTE_OUTPUTS_URI)


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownRun:
    """A run of the app."""

    construct: "IConstruct"
    """The run, as the app's author knows it."""

    outputs: S3Location | None
    """What its outputs are below; None if synth cannot know."""

    bucket: s3.IBucket | None
    """The bucket of its outputs, where that is a construct of the app."""

    uses: Uses
    """What it is started from, as a policy of its stack says it."""

    def outputs_for(self, reader: cdk.Stack) -> S3Location | None:
        """What its outputs are below, as far as another stack can say it without holding on to this one's."""
        location, own = self.outputs, cdk.Stack.of(self.construct)
        if location is None or outermost_stack(own) == outermost_stack(reader):
            return location
        if is_string_token(location.key):
            return None
        defined_here = same_place(own, reader) and bucket_named(location.bucket) is not None
        return location if defined_here or not is_string_token(location.bucket) else None


def same_place(one: cdk.Stack, other: cdk.Stack) -> bool:
    """Whether two stacks are of one account and Region, as far as synth knows."""
    return (one.account, one.region) == (other.account, other.region)


def remember(
    resource: cdk.CustomResource,
    construct: "IConstruct",
    *,
    output_uri: str,
    output_bucket: s3.IBucket | None,
    uses: Uses,
) -> None:
    """Know a run by its resource. See ``KnownRun``."""
    outputs = output_location(output_uri)
    bucket = output_bucket
    if bucket is None and outputs is not None:
        bucket = bucket_named(outputs.bucket)
    _remember(resource, KnownRun(construct=construct, outputs=outputs, bucket=bucket, uses=uses))


def remember_completion(completion: cdk.CustomResource, run: cdk.CustomResource) -> None:
    """Know a run by the resource that its completion is, too."""
    known = _known(cast("cdk.CfnResource", run.node.default_child))
    if known is not None:
        _remember(completion, known)


def runs_whose_outputs_are_in(text: str) -> Iterator[KnownRun]:
    """The runs that a text names the output URI of."""
    for reference in references_in(text):
        if reference.display_name in _OUTPUT_ATTRIBUTES and (run := _run_behind(reference)) is not None:
            yield run


def run_with_id(run_id: str) -> KnownRun | None:
    """The run that an id is of."""
    for reference in references_in(run_id):
        if reference.display_name == contract.ATTRIBUTE_RUN_ID:
            return _run_behind(reference)
    return None


def output_location(uri: str) -> S3Location | None:
    """What is below an output URI.

    Below another run's outputs, it is what these are below. A key with another attribute of a run ends before that.
    """
    before = ""
    for part in split_at_tokens(uri):
        run = next(filter(None, map(_run_behind, references_in(part))), None)
        if run is not None:
            return _cut(before) if before else run.outputs
        before += part
    return S3Location.of_output(uri)


def bucket_named(name: str) -> s3.Bucket | None:
    """The bucket of the app that a name is a reference to."""
    for reference in references_in(name):
        bucket = reference.target.node.scope
        if isinstance(reference.target, s3.CfnBucket) and isinstance(bucket, s3.Bucket):
            return bucket
    return None


def _cut(uri: str) -> S3Location | None:
    location = S3Location.from_uri(uri)
    if location is None:
        return None
    return S3Location(location.bucket, escaped(uri.removeprefix("s3://").partition("/")[2]))


def _run_behind(reference: cdk.Reference) -> KnownRun | None:
    target = reference.target
    return _known(target) if isinstance(target, cdk.CfnResource) else None


def _remember(resource: cdk.CustomResource, run: KnownRun) -> None:
    target = cast("cdk.CfnResource", resource.node.default_child)
    _RUNS.setdefault(cdk.Stack.of(target), {})[target.node.path] = run


def _known(resource: cdk.CfnResource) -> KnownRun | None:
    return _RUNS.get(cdk.Stack.of(resource), {}).get(resource.node.path)


_RUNS: Final[WeakKeyDictionary[cdk.Stack, dict[str, KnownRun]]] = WeakKeyDictionary()
"""By path, because jsii gives a new Python object each time for a construct that was not made in Python."""
