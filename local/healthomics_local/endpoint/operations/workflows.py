"""CreateWorkflow, GetWorkflow, ListWorkflows, UpdateWorkflow, DeleteWorkflow, and the same for versions."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.engines.engine import Inspection
from healthomics_local.endpoint.errors import (
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from healthomics_local.endpoint.events import workflow_event
from healthomics_local.endpoint.exports import Exports
from healthomics_local.endpoint.operations.references import References
from healthomics_local.endpoint.operations.workflow_documents import created, created_version, described, listed
from healthomics_local.endpoint.paging import page
from healthomics_local.endpoint.records import Definition, LedgerEntry, Workflow
from healthomics_local.endpoint.run_request import check_tags
from healthomics_local.endpoint.status_text import one_line
from healthomics_local.endpoint.statuses import WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.published_workflows import SharedWorkflow
    from healthomics_local.endpoint.state import WorkflowKey

logger = logging.getLogger(__name__)

_EXTENSIONS = {".cwl": "CWL", ".wdl": "WDL", ".nf": "NEXTFLOW"}
# Members of CreateWorkflow that are only handed back.
_DETAILS = ("containerRegistryMap", "readmePath", "readmeMarkdown", "readmeUri", "workflowBucketOwnerId")


class WorkflowOperations:
    """The operations on workflows and their versions; a workflow is its own version without a name."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._state = backend.state
        self._references = References(backend)
        self._exports = Exports(backend)

    def create_workflow(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a workflow, which becomes ACTIVE or FAILED once its definition has been looked at."""
        entry = self._backend.ledger.find("CreateWorkflow", members, self._backend.now())
        if entry is not None:
            return self._repeated(entry, (str(entry.response["id"]), None), created)
        workflow_id = self._backend.ids.numeric()
        workflow = self._new(members, workflow_id, version_name=None, resource=f"workflow/{workflow_id}")
        response = created(workflow)
        self._remember("CreateWorkflow", members, workflow, response)
        return response

    def create_workflow_version(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a version of a workflow of one's own."""
        entry = self._backend.ledger.find("CreateWorkflowVersion", members, self._backend.now())
        key = (members["workflowId"], members["versionName"])
        if entry is not None:
            return self._repeated(entry, key, created_version)
        base = self._own(members["workflowId"])
        if key in self._state.workflows:
            raise ConflictException(f"Workflow {key[0]} already has a version {key[1]}")
        resource = f"workflow/{key[0]}/version/{key[1]}"
        wanted = {"name": base.name, "engine": base.engine, **members}
        version = self._new(wanted, base.workflow_id, version_name=key[1], resource=resource)
        response = created_version(version)
        self._remember("CreateWorkflowVersion", members, version, response)
        return response

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
        seconds = settings.seconds(settings.timings.workflow_creating) - age
        clock.call_later(seconds, lambda: self._inspect(workflow))

    def _inspect(self, workflow: Workflow) -> None:
        try:
            engine = self._backend.engine_for(workflow)
            engine.inspect(workflow, lambda inspection: self._inspected(workflow, inspection))
        except Exception as error:
            # Without an end the workflow would be CREATING for ever.
            logger.exception("workflow %s could not be inspected", workflow.workflow_id)
            message = f"The workflow could not be inspected: {type(error).__name__}: {error}"
            self._inspected(workflow, Inspection(error=message))

    def _inspected(self, workflow: Workflow, inspection: Inspection) -> None:
        with self._state.transaction():
            current = self._state.workflows.get((workflow.workflow_id, workflow.version_name))
            if current is None or current.uuid != workflow.uuid or current.status is not WorkflowStatus.CREATING:
                return
            failed = inspection.error is not None
            template = current.parameter_template
            self._put(
                replace(
                    current,
                    status=WorkflowStatus.FAILED if failed else WorkflowStatus.ACTIVE,
                    status_message=one_line(inspection.error) if inspection.error is not None else None,
                    parameter_template=inspection.parameter_template if template is None else template,
                    main=inspection.main or current.main,
                    digest=inspection.digest or current.digest,
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

    def _remember(
        self, operation: str, members: Mapping[str, Any], workflow: Workflow, response: Mapping[str, Any]
    ) -> None:
        self._backend.ledger.record(
            operation, members, resource=workflow.uuid, response=response, now=self._backend.now()
        )

    def _repeated(self, entry: LedgerEntry, key: WorkflowKey, to_response: Any) -> dict[str, Any]:
        """The present state of what a repeated request made; its first response when that is gone."""
        current = self._state.workflows.get(key)
        if current is None or current.uuid != entry.resource:
            return dict(entry.response)
        return dict(to_response(current))

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


def _updated(workflow: Workflow, members: Mapping[str, Any]) -> Workflow:
    return replace(
        workflow,
        name=members.get("name", workflow.name),
        description=members.get("description", workflow.description),
        storage_type=members.get("storageType", workflow.storage_type),
        storage_capacity=members.get("storageCapacity", workflow.storage_capacity),
    )
