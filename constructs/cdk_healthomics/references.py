"""Members of StartRun that name another HealthOmics resource: by the resource's construct, or by a plain id."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_omics

from cdk_healthomics.places import Place, reach_problems
from cdk_healthomics.resource_ids import id_for_other_stacks, is_elsewhere
from cdk_healthomics.tokens import is_string_token

if TYPE_CHECKING:
    from aws_cdk.interfaces import aws_omics as omics_refs

_OMICS: Final = "omics"
_RUN_GROUP: Final = "runGroup"
_RUN_CACHE: Final = "runCache"
_CONFIGURATION: Final = "configuration"

ADDITIONAL_REFERENCES: Final[Mapping[str, str]] = {
    "cacheId": _RUN_CACHE,
    "configurationName": _CONFIGURATION,
    "runGroupId": _RUN_GROUP,
}
"""Member of StartRun -> the resource that it names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What StartRun wants of a resource, and what a policy wants."""

    name: str
    """Its id; a configuration's name."""

    arn: str

    problems: tuple[str, ...] = ()
    """Why a run of the stack cannot use it."""


@dataclass(frozen=True, slots=True)
class References:
    """What a run is given of each kind."""

    run_group: Reference | None
    cache: Reference | None
    configuration: Reference | None

    def given(self) -> Iterator[Reference]:
        """Those that there are."""
        for reference in (self.run_group, self.cache, self.configuration):
            if reference is not None:
                yield reference

    def by_kind(self) -> dict[str, Reference | None]:
        """Kind of resource, as ARNs call it -> what is given."""
        return {"configuration": self.configuration, "runCache": self.cache, "runGroup": self.run_group}


def run_group_reference(run_group: "omics_refs.IRunGroupRef | str", stack: cdk.Stack) -> Reference:
    """A run group, given as a construct or by its id."""
    if isinstance(run_group, str):
        return _by_name(_RUN_GROUP, run_group, stack)
    reference = run_group.run_group_ref
    problems = _problems("run_group", run_group, reference.run_group_arn, stack)
    if isinstance(run_group, aws_omics.CfnRunGroup) and is_elsewhere(run_group, stack):
        return _by_name(_RUN_GROUP, id_for_other_stacks(run_group, reference.run_group_id), stack, problems)
    return Reference(reference.run_group_id, reference.run_group_arn, problems)


def run_cache_reference(cache: "omics_refs.IRunCacheRef | str", stack: cdk.Stack) -> Reference:
    """A run cache, given as a construct or by its id.

    Interfaces know a cache's ARN only, but the construct knows its id, too.
    """
    if isinstance(cache, str):
        return _by_name(_RUN_CACHE, cache, stack)
    arn = cache.run_cache_ref.run_cache_arn
    problems = _problems("cache", cache, arn, stack)
    if isinstance(cache, aws_omics.CfnRunCache) and is_elsewhere(cache, stack):
        return _by_name(_RUN_CACHE, id_for_other_stacks(cache, cache.attr_id), stack, problems)
    if is_string_token(arn):
        return Reference(cdk.Fn.select(1, cdk.Fn.split("/", arn)), arn, problems)
    return Reference(arn.rpartition("/")[2], arn, problems)


def configuration_reference(configuration: "omics_refs.IConfigurationRef | str", stack: cdk.Stack) -> Reference:
    """A configuration, given as a construct or by its name."""
    if isinstance(configuration, str):
        return _by_name(_CONFIGURATION, configuration, stack)
    reference = configuration.configuration_ref
    problems = _problems("configuration", configuration, reference.configuration_arn, stack)
    if isinstance(configuration, aws_omics.CfnConfiguration) and is_elsewhere(configuration, stack):
        name = id_for_other_stacks(configuration, reference.configuration_name)
        return _by_name(_CONFIGURATION, name, stack, problems)
    return Reference(reference.configuration_name, reference.configuration_arn, problems)


def additional_arns(additional: Mapping[str, object], stack: cdk.Stack) -> Iterator[tuple[str, str]]:
    """Kind and ARN of what ``additional_start_run_parameters`` names by an id: the provider has to be allowed it."""
    for member, kind in ADDITIONAL_REFERENCES.items():
        name = additional.get(member)
        if isinstance(name, str):
            yield kind, _by_name(kind, name, stack).arn


def _by_name(resource: str, name: str, stack: cdk.Stack, problems: tuple[str, ...] = ()) -> Reference:
    return Reference(name, stack.format_arn(service=_OMICS, resource=resource, resource_name=name), problems)


def _problems(argument: str, resource: object, arn: str, stack: cdk.Stack) -> tuple[str, ...]:
    there = Place.of_resource(resource, arn)
    return tuple(reach_problems(argument, there, Place.of(stack)))
