"""The resources that a run names: workflow, run group, run cache, configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ResourceNotFoundException
from healthomics_local.endpoint.records import Configuration, Workflow
from healthomics_local.endpoint.statuses import WorkflowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.published_workflows import Ready2RunWorkflow


class References:
    """Looks resources up; what is missing, or not usable, is a ResourceNotFoundException."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._state = backend.state
        self._settings = backend.settings

    def workflow(
        self, workflow_id: str, *, workflow_type: str, owner_id: str | None, version_name: str | None
    ) -> Workflow:
        """The workflow, or the version of it, that a run names.

        Raises:
            ResourceNotFoundException: It does not exist for this type and owner, or it is not ACTIVE.
        """
        if workflow_type == "READY2RUN":
            return self.ready2run(workflow_id, version_name)
        if owner_id == self._settings.account_id:
            # Nobody has to name the owner of a workflow of one's own, but everybody may.
            owner_id = None
        found = self._state.workflows.get((workflow_id, None))
        if found is None and self._settings.accept_unknown_references:
            return self._invented(workflow_id, owner_id, version_name)
        # Another account's workflow is found only with its owner, and one's own only without.
        if found is None or found.owner_id != owner_id or found.status is not WorkflowStatus.ACTIVE:
            raise ResourceNotFoundException(f"Workflow {workflow_id} not found")
        if version_name is None:
            return found
        version = self._state.workflows.get((workflow_id, version_name))
        if version is None or version.status is not WorkflowStatus.ACTIVE:
            raise ResourceNotFoundException(f"Workflow version {version_name} of {workflow_id} not found")
        return version

    def check(self, wanted: Mapping[str, Any]) -> Configuration | None:
        """Check that the run group, the run cache and the configuration exist; return the configuration.

        Raises:
            ResourceNotFoundException: One of them does not.
        """
        lenient = self._settings.accept_unknown_references
        group_id, cache_id = wanted.get("runGroupId"), wanted.get("cacheId")
        if group_id is not None and group_id not in self._state.run_groups and not lenient:
            raise ResourceNotFoundException(f"Run group {group_id} not found")
        if cache_id is not None and cache_id not in self._state.run_caches and not lenient:
            raise ResourceNotFoundException(f"Run cache {cache_id} not found")
        name = wanted.get("configurationName")
        if name is None:
            return None
        configuration = self._state.configurations.get(name)
        if configuration is None and lenient:
            return self._invented_configuration(name)
        if configuration is None or configuration.status != "ACTIVE":
            raise ResourceNotFoundException(f"Configuration {name} not found")
        return configuration

    def ready2run(self, workflow_id: str, version_name: str | None = None) -> Workflow:
        """A READY2RUN workflow, or one version of it.

        Raises:
            ResourceNotFoundException: It does not exist.
        """
        published = self._settings.ready2run_workflows.get(workflow_id)
        if published is None:
            raise ResourceNotFoundException(f"Workflow {workflow_id} not found")
        if version_name is not None and version_name not in published.version_names:
            raise ResourceNotFoundException(f"Workflow version {version_name} of {workflow_id} not found")
        return self._published(workflow_id, published, version_name)

    def ready2run_catalogue(self) -> list[Workflow]:
        """All READY2RUN workflows."""
        catalogue = self._settings.ready2run_workflows
        return [self._published(workflow_id, published, None) for workflow_id, published in catalogue.items()]

    def ready2run_versions(self, workflow: Workflow) -> list[Workflow]:
        """The versions of a READY2RUN workflow, the first one oldest."""
        published = self._settings.ready2run_workflows[workflow.workflow_id]
        return [self._published(workflow.workflow_id, published, name) for name in published.version_names]

    def _published(self, workflow_id: str, published: Ready2RunWorkflow, version_name: str | None) -> Workflow:
        resource = f"workflow/{workflow_id}"
        versions = published.version_names
        number = versions.index(version_name) + 1 if version_name is not None else 0
        return Workflow(
            workflow_id=workflow_id,
            uuid=f"00000000-0000-4000-8{number:03d}-{int(workflow_id) % 10**12:012d}",
            # The ARN has no account, which is how clients tell READY2RUN workflows from others.
            arn=self._backend.arns.of(f"{resource}/version/{version_name}" if version_name else resource, owner=""),
            # Workflows of this account count from 1, so published ones come last in a listing, by id.
            sequence=number if version_name else -int(workflow_id),
            version_name=version_name,
            workflow_type="READY2RUN",
            name=published.name,
            description=published.description,
            engine=published.engine,
            parameter_template=published.parameter_template,
            storage_type="DYNAMIC",
            creation_time=published.creation_time,
        )

    def _invented(self, workflow_id: str, owner_id: str | None, version_name: str | None) -> Workflow:
        resource = f"workflow/{workflow_id}"
        return Workflow(
            workflow_id=workflow_id,
            uuid=self._backend.ids.uuid(),
            arn=self._backend.arns.of(resource, owner=owner_id),
            sequence=0,
            version_name=version_name,
            owner_id=owner_id,
            name=f"workflow-{workflow_id}",
            creation_time=self._backend.now(),
        )

    def _invented_configuration(self, name: str) -> Configuration:
        return Configuration(
            name=name,
            arn=self._backend.arns.of(f"configuration/{name}"),
            uuid=self._backend.ids.uuid(),
            sequence=0,
            creation_time=self._backend.now(),
        )
