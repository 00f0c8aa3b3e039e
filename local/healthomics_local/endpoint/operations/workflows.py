"""CreateWorkflow, GetWorkflow, ListWorkflows, UpdateWorkflow, DeleteWorkflow, and the same for versions."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.definitions import DefinitionError
from healthomics_local.endpoint.engines.engine import Inspection
from healthomics_local.endpoint.errors import (
    ConflictException,
    OperationNotImplementedException,
    ResourceNotFoundException,
    ValidationException,
)
from healthomics_local.endpoint.events import workflow_event
from healthomics_local.endpoint.exports import Exports
from healthomics_local.endpoint.ledger import Created
from healthomics_local.endpoint.operations.references import References
from healthomics_local.endpoint.operations.workflow_documents import created, created_version, described, listed
from healthomics_local.endpoint.paging import page
from healthomics_local.endpoint.quotas import check_quota
from healthomics_local.endpoint.records import Definition, LedgerEntry, Workflow
from healthomics_local.endpoint.run_request import check_tags
from healthomics_local.endpoint.status_text import one_line
from healthomics_local.endpoint.statuses import WorkflowStatus
from healthomics_local.endpoint.workflow_extras import Extras, check_alternatives, read_extras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.published_workflows import SharedWorkflow
    from healthomics_local.endpoint.state import WorkflowKey

logger = logging.getLogger(__name__)

_EXTENSIONS = {".cwl": "CWL", ".wdl": "WDL", ".nf": "NEXTFLOW"}
# Members of CreateWorkflow that are read when they are needed, or only handed back.
_DETAILS = (
    "containerRegistryMap",
    "containerRegistryMapUri",
    "parameterTemplatePath",
    "readmeMarkdown",
    "readmePath",
    "readmeUri",
    "workflowBucketOwnerId",
)


class WorkflowOperations:
    """The operations on workflows and their versions; a workflow is its own version without a name."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._state = backend.state
        self._references = References(backend)
        self._exports = Exports(backend)

    def create_workflow(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a workflow, which becomes ACTIVE or FAILED once its definition has been looked at."""
        return self._once("CreateWorkflow", members, lambda: self._create(members), created)

    def _create(self, members: Mapping[str, Any]) -> Workflow:
        workflow_id = self._backend.ids.numeric()
        return self._new(members, workflow_id, version_name=None, resource=f"workflow/{workflow_id}")

    def create_workflow_version(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a version of a workflow of one's own."""
        return self._once("CreateWorkflowVersion", members, lambda: self._create_version(members), created_version)

    def _create_version(self, members: Mapping[str, Any]) -> Workflow:
        key = (members["workflowId"], members["versionName"])
        base = self._own(members["workflowId"])
        if key in self._state.workflows:
            raise ConflictException(f"Workflow {key[0]} already has a version {key[1]}")
        versions = [each for each in self._state.workflows if each[0] == key[0] and each[1] is not None]
        check_quota(f"versions of workflow {key[0]}", versions, self._backend.settings.max_workflow_versions)
        resource = f"workflow/{key[0]}/version/{key[1]}"
        wanted = {"name": base.name, "engine": base.engine, **members}
        return self._new(wanted, base.workflow_id, version_name=key[1], resource=resource)

    def get_workflow(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one workflow."""
        workflow = self._find(members["id"], members)
        exported = self._exports.urls(members.get("export", ()), workflow, workflow.arn)
        return described(workflow, exported) | {"id": workflow.workflow_id, "name": workflow.name}

    def get_workflow_version(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one version."""
        self._find(members["workflowId"], members)
        version = self._version(members)
        exported = self._exports.urls(members.get("export", ()), version, version.arn)
        return described(version, exported) | {
            "workflowId": version.workflow_id,
            "versionName": version.version_name,
            "workflowBucketOwnerId": version.details.get("workflowBucketOwnerId"),
        }

    def list_workflows(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The workflows that match every filter, newest first; READY2RUN ones only on request."""
        wanted = members.get("type", "PRIVATE")
        own = [each for each in self._state.workflows.values() if each.version_name is None]
        found = [
            workflow
            for workflow in (*own, *self._references.ready2run_catalogue())
            if workflow.workflow_type == wanted
            and workflow.owner_id is None
            and members.get("name") in {None, workflow.name}
        ]
        return page(found, members, lambda each: listed(each) | {"id": each.workflow_id, "name": each.name})

    def list_workflow_versions(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The versions of one workflow, newest first."""
        workflow = self._find(members["workflowId"], members)
        if workflow.workflow_type == "READY2RUN":
            versions = self._references.ready2run_versions(workflow)
        else:
            versions = [
                each
                for each in self._state.workflows.values()
                if each.workflow_id == workflow.workflow_id and each.version_name is not None
            ]
        return page(
            versions,
            members,
            lambda each: (
                listed(each)
                | {
                    "workflowId": each.workflow_id,
                    "versionName": each.version_name,
                    "description": each.description,
                }
            ),
        )

    def update_workflow(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Change what can be changed of a workflow; its definition cannot."""
        workflow = self._own(members["id"])
        self._state.workflows[workflow.workflow_id, None] = _updated(workflow, members)
        return {}

    def update_workflow_version(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Change what can be changed of a version."""
        self._own(members["workflowId"])
        version = self._version(members)
        self._state.workflows[version.workflow_id, version.version_name] = _updated(version, members)
        return {}

    def delete_workflow(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a workflow with its versions; runs keep what they need of it."""
        workflow = self._own(members["id"])
        for key, each in list(self._state.workflows.items()):
            if each.workflow_id == workflow.workflow_id:
                self._delete(key)
        return {}

    def delete_workflow_version(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a version."""
        self._own(members["workflowId"])
        version = self._version(members)
        self._delete((version.workflow_id, version.version_name))
        return {}

    def add(self, workflow: Workflow) -> None:
        """Add a workflow that no request has created, such as one that another account shares."""
        self._backend.ids.reserve(workflow.workflow_id)
        self._state.workflows[workflow.workflow_id, workflow.version_name] = workflow

    def add_shared(self, shared: SharedWorkflow) -> None:
        """Add a workflow that another account shares, with its versions, unless it is there."""
        if (shared.workflow_id, None) in self._state.workflows:
            return
        for version_name in (None, *shared.version_names):
            resource = f"workflow/{shared.workflow_id}"
            if version_name is not None:
                resource = f"{resource}/version/{version_name}"
            self.add(
                Workflow(
                    workflow_id=shared.workflow_id,
                    uuid=self._backend.ids.uuid(),
                    arn=self._backend.arns.of(resource, owner=shared.owner_id),
                    sequence=self._state.next_sequence(),
                    version_name=version_name,
                    owner_id=shared.owner_id,
                    name=shared.name or f"workflow-{shared.workflow_id}",
                    engine=shared.engine,
                    parameter_template=shared.parameter_template,
                    creation_time=self._backend.now(),
                )
            )

    def _new(
        self, members: Mapping[str, Any], workflow_id: str, *, version_name: str | None, resource: str
    ) -> Workflow:
        check_tags(members.get("tags", {}))
        sources = [name for name in ("definitionZip", "definitionUri", "definitionRepository") if name in members]
        if len(sources) != 1:
            raise ValidationException(
                "Exactly one of definitionZip, definitionUri and definitionRepository must be provided"
            )
        if "definitionRepository" in members:
            raise OperationNotImplementedException(
                "definitionRepository is not implemented by the local HealthOmics: give definitionZip or definitionUri"
            )
        check_alternatives(members)
        workflow = Workflow(
            workflow_id=workflow_id,
            uuid=self._backend.ids.uuid(),
            arn=self._backend.arns.of(resource),
            sequence=self._state.next_sequence(),
            version_name=version_name,
            status=WorkflowStatus.CREATING,
            name=members.get("name"),
            description=members.get("description"),
            engine=_engine(members),
            main=members.get("main"),
            definition=Definition(archive=members.get("definitionZip"), uri=members.get("definitionUri")),
            parameter_template=members.get("parameterTemplate"),
            storage_type=members.get("storageType"),
            storage_capacity=members.get("storageCapacity"),
            accelerators=members.get("accelerators"),
            creation_time=self._backend.now(),
            tags=dict(members.get("tags", {})),
            details={name: members[name] for name in _DETAILS if name in members},
        )
        self._put(workflow)
        self._inspect_later(workflow)
        return workflow

    def resume(self) -> None:
        """Go on with every workflow of an earlier process that is CREATING. Must be called within a transaction."""
        for workflow in self._state.workflows.values():
            if workflow.status is WorkflowStatus.CREATING:
                self._inspect_later(workflow)

    def _inspect_later(self, workflow: Workflow) -> None:
        settings, clock = self._backend.settings, self._backend.clock
        age = (clock.now() - workflow.creation_time).total_seconds()
        seconds = settings.timings.workflow_creating - age
        clock.call_later(seconds, lambda: self._inspect(workflow))

    def _inspect(self, workflow: Workflow) -> None:
        try:
            engine = self._backend.engine_for(workflow)
            engine.inspect(workflow, lambda inspection: self._inspected(workflow, inspection))
        except Exception as error:
            logger.exception("workflow %s could not be inspected", workflow.workflow_id)
            self._end_inspection(workflow, _unexpected(error), Extras())

    def _inspected(self, workflow: Workflow, inspection: Inspection) -> None:
        extras = Extras()
        if inspection.error is None:
            try:
                extras = read_extras(workflow, self._backend.objects)
            except DefinitionError as error:
                inspection = Inspection(error=str(error))
            except Exception as error:
                logger.exception("workflow %s could not be inspected", workflow.workflow_id)
                inspection = _unexpected(error)
        self._end_inspection(workflow, inspection, extras)

    def _end_inspection(self, workflow: Workflow, inspection: Inspection, extras: Extras) -> None:
        with self._state.transaction():
            current = self._state.workflows.get((workflow.workflow_id, workflow.version_name))
            if current is None or current.uuid != workflow.uuid or current.status is not WorkflowStatus.CREATING:
                return
            failed = inspection.error is not None
            template = current.parameter_template
            if template is None:
                template = extras.parameter_template
            details = dict(current.details)
            if extras.registry_map is not None:
                details["containerRegistryMap"] = extras.registry_map
            self._put(
                replace(
                    current,
                    status=WorkflowStatus.FAILED if failed else WorkflowStatus.ACTIVE,
                    status_message=one_line(inspection.error) if inspection.error is not None else None,
                    parameter_template=inspection.parameter_template if template is None else template,
                    main=inspection.main or current.main,
                    digest=inspection.digest or current.digest,
                    details=details,
                )
            )

    def _put(self, workflow: Workflow) -> None:
        self._state.workflows[workflow.workflow_id, workflow.version_name] = workflow
        self._announce(workflow)

    def _delete(self, key: WorkflowKey) -> None:
        self._announce(replace(self._state.workflows.pop(key), status=WorkflowStatus.DELETED))

    def _announce(self, workflow: Workflow) -> None:
        backend = self._backend
        event = workflow_event(workflow, backend.arns, event_id=backend.ids.uuid(), now=backend.now())
        self._state.after(lambda: backend.events.deliver(event))

    def _once(
        self,
        operation: str,
        members: Mapping[str, Any],
        create: Callable[[], Workflow],
        to_response: Callable[[Workflow], dict[str, Any]],
    ) -> dict[str, Any]:
        def created_now() -> Created:
            workflow = create()
            return Created(resource=workflow.uuid, response=to_response(workflow))

        def present(entry: LedgerEntry) -> dict[str, Any] | None:
            found = (each for each in self._state.workflows.values() if each.uuid == entry.resource)
            return next(map(to_response, found), None)

        return self._backend.ledger.once(operation, members, self._backend.now(), create=created_now, present=present)

    def _find(self, workflow_id: str, members: Mapping[str, Any]) -> Workflow:
        if members.get("type") == "READY2RUN":
            return self._references.ready2run(workflow_id)
        workflow = self._state.workflows.get((workflow_id, None))
        owner_id = members.get("workflowOwnerId")
        if owner_id == self._backend.settings.account_id:
            owner_id = None
        if workflow is None or workflow.owner_id != owner_id:
            raise ResourceNotFoundException(f"Workflow {workflow_id} not found")
        return workflow

    def _own(self, workflow_id: str) -> Workflow:
        return self._find(workflow_id, {})

    def _version(self, members: Mapping[str, Any]) -> Workflow:
        workflow_id, name = members["workflowId"], members["versionName"]
        if members.get("type") == "READY2RUN":
            return self._references.ready2run(workflow_id, name)
        try:
            return self._state.workflows[workflow_id, name]
        except KeyError:
            raise ResourceNotFoundException(f"Workflow version {name} of {workflow_id} not found") from None


def _engine(members: Mapping[str, Any]) -> str:
    """The engine that was named, or the one that the name of the main file tells."""
    if "engine" in members:
        return str(members["engine"])
    main = members.get("main", "")
    for extension, engine in _EXTENSIONS.items():
        if main.endswith(extension):
            return engine
    return "WDL"


def _unexpected(error: Exception) -> Inspection:
    """The end of an inspection that broke down: without one the workflow would be CREATING for ever."""
    return Inspection(error=f"The workflow could not be inspected: {type(error).__name__}: {error}")


def _updated(workflow: Workflow, members: Mapping[str, Any]) -> Workflow:
    details = dict(workflow.details)
    if "readmeMarkdown" in members:
        # It takes the place of the README that the workflow was created with, wherever that lies.
        details = {name: value for name, value in details.items() if name not in {"readmePath", "readmeUri"}}
        details["readmeMarkdown"] = members["readmeMarkdown"]
    return replace(
        workflow,
        name=members.get("name", workflow.name),
        description=members.get("description", workflow.description),
        storage_type=members.get("storageType", workflow.storage_type),
        storage_capacity=members.get("storageCapacity", workflow.storage_capacity),
        details=details,
    )
