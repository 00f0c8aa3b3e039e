"""Members of StartRun that name another HealthOmics resource: by the resource's construct, or by a plain id."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from cdk_healthomics.tokens import is_string_token

if TYPE_CHECKING:
    from aws_cdk.interfaces import aws_omics as omics_refs

_OMICS: Final = "omics"


@dataclass(frozen=True, slots=True)
class Reference:
    """What StartRun wants of a resource, and what a policy wants."""

    name: str
    """Its id; a configuration's name."""

    arn: str


def run_group_reference(run_group: "omics_refs.IRunGroupRef | str", stack: cdk.Stack) -> Reference:
    """A run group, given as a construct or by its id."""
    if isinstance(run_group, str):
        return _by_name("runGroup", run_group, stack)
    reference = run_group.run_group_ref
    return Reference(reference.run_group_id, reference.run_group_arn)


def run_cache_reference(cache: "omics_refs.IRunCacheRef | str", stack: cdk.Stack) -> Reference:
    """A run cache, given as a construct (which knows its ARN only) or by its id."""
    if isinstance(cache, str):
        return _by_name("runCache", cache, stack)
    arn = cache.run_cache_ref.run_cache_arn
    if is_string_token(arn):
        return Reference(cdk.Fn.select(1, cdk.Fn.split("/", arn)), arn)
    return Reference(arn.rpartition("/")[2], arn)


def configuration_reference(configuration: "omics_refs.IConfigurationRef | str", stack: cdk.Stack) -> Reference:
    """A configuration, given as a construct or by its name."""
    if isinstance(configuration, str):
        return _by_name("configuration", configuration, stack)
    reference = configuration.configuration_ref
    return Reference(reference.configuration_name, reference.configuration_arn)


def _by_name(resource: str, name: str, stack: cdk.Stack) -> Reference:
    return Reference(name, stack.format_arn(service=_OMICS, resource=resource, resource_name=name))
