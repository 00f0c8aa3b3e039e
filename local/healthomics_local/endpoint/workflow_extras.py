"""What a workflow takes from files beside its main one: parameter template, README, container registry map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.definitions import DefinitionError, file_content, read_archive
from healthomics_local.endpoint.errors import ServiceError, ValidationException
from healthomics_local.endpoint.json_values import parse_json
from healthomics_local.endpoint.objects import ObjectNotFoundError, ObjectStoreError, S3Uri, read_object
from healthomics_local.endpoint.service_model import operation_model
from healthomics_local.endpoint.validation import check_input

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow

_ALTERNATIVES = (
    ("containerRegistryMap", "containerRegistryMapUri"),
    ("parameterTemplate", "parameterTemplatePath"),
    ("readmeMarkdown", "readmePath", "readmeUri"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Extras:
    """What was found; None: nobody asked for it."""

    parameter_template: Mapping[str, Mapping[str, Any]] | None = None
    registry_map: Mapping[str, Any] | None = None


def check_alternatives(members: Mapping[str, Any]) -> None:
    """Refuse members that say the same thing twice.

    Raises:
        ValidationException: There are such members.
    """
    for names in _ALTERNATIVES:
        given = [name for name in names if name in members]
        if len(given) > 1:
            raise ValidationException(f"At most one of {', '.join(names)} can be provided, got {' and '.join(given)}")


def read_extras(workflow: Workflow, store: ObjectStore) -> Extras:
    """Read them; takes time, so never with a lock held.

    Raises:
        DefinitionError: One is not there, or is not what it should be.
    """
    template_path = workflow.details.get("parameterTemplatePath")
    map_uri = workflow.details.get("containerRegistryMapUri")
    if "readmePath" in workflow.details:
        read_readme(workflow, store)
    template = registry_map = None
    if template_path is not None:
        content = file_content(read_archive(workflow.definition, store), template_path)
        template = _member("parameterTemplate", content, template_path)
    if map_uri is not None:
        registry_map = _member("containerRegistryMap", _object(map_uri, store), map_uri)
    return Extras(parameter_template=template, registry_map=registry_map)


def has_readme(workflow: Workflow) -> bool:
    """Whether a workflow was created with a README."""
    return any(name in workflow.details for name in _ALTERNATIVES[-1])


def read_readme(workflow: Workflow, store: ObjectStore) -> bytes:
    """The README of a workflow.

    Raises:
        DefinitionError: There is none, or it cannot be read.
    """
    details = workflow.details
    if "readmeMarkdown" in details:
        return str(details["readmeMarkdown"]).encode()
    if "readmePath" in details:
        return file_content(read_archive(workflow.definition, store), str(details["readmePath"]))
    if "readmeUri" in details:
        return _object(str(details["readmeUri"]), store)
    raise DefinitionError("the workflow has no README")


def _object(uri: str, store: ObjectStore) -> bytes:
    try:
        return read_object(store, S3Uri.parse(uri))
    except ObjectNotFoundError as error:
        raise DefinitionError(f"there is no object {uri}") from error
    except (ObjectStoreError, ValueError, OSError) as error:
        raise DefinitionError(f"{uri} cannot be read: {error}") from error


def _member(name: str, content: bytes, source: str) -> Any:
    """A file in the place of a member of CreateWorkflow, which must be as that member has to be."""
    try:
        document = parse_json(content)
        check_input(
            operation_model("CreateWorkflow").input_shape, {"requestId": "-", name: document}, reject_unknown=True
        )
    except (ValueError, ServiceError) as error:
        raise DefinitionError(f"{source} is no {name}: {error}") from error
    return document
