"""What one run is asked to be, and the resource properties that say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_healthomics.parameters import TokenWriter, json_text
from cdk_healthomics.workflow import SourceRun, Workflow
from healthomics_run_handler import contract

if TYPE_CHECKING:
    from cdk_healthomics.storage import Storage


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """One StartRun request, as the user asks for it; every value may be a token.

    None leaves a setting to the service, or, where a run is duplicated, to the run that is copied.
    """

    workflow: Workflow | SourceRun
    role_arn: str
    name: str
    output_uri: str
    output_uri_prefix_mode: str | None = None
    parameters: Mapping[str, object] | None = None
    engine_settings: Mapping[str, object] | None = None
    storage: "Storage | None" = None
    scratch_storage_mode: str | None = None
    run_group_id: str | None = None
    priority: float | None = None
    cache_id: str | None = None
    cache_behavior: str | None = None
    log_level: str | None = None
    retention_mode: str | None = None
    networking_mode: str | None = None
    configuration_name: str | None = None
    session_policy: Mapping[str, object] | None = None
    additional: Mapping[str, object] | None = None
    rerun_on: str | None = None
    on_delete: str = contract.ON_DELETE_CANCEL
    tags: Mapping[str, str] | None = None

    @property
    def is_duplicate(self) -> bool:
        """Whether the run copies another run's settings."""
        return isinstance(self.workflow, SourceRun)

    @property
    def is_ready2run(self) -> bool:
        """Whether the run executes a Ready2Run workflow."""
        return isinstance(self.workflow, Workflow) and self.workflow.is_ready2run


def resource_properties(settings: RunSettings, write_token: TokenWriter) -> dict[str, object]:
    """The properties of the custom resource, but for the tags and a session policy that is still a policy document.

    Names and encoding are a compatibility contract: a changed text is an update of every run that is deployed.

    Args:
        settings: A run without problems.
        write_token: Writes a deploy-time scalar as JSON.
    """
    properties: dict[str, object | None] = {
        **_workflow_properties(settings.workflow),
        **_storage_properties(settings),
        "RoleArn": settings.role_arn,
        "Name": settings.name,
        "OutputUri": settings.output_uri,
        "OutputUriPrefixMode": _value(settings.output_uri_prefix_mode),
        "Parameters": _json(settings.parameters, write_token),
        "EngineSettings": _json(settings.engine_settings or None, write_token),
        "ScratchStorageMode": _value(settings.scratch_storage_mode),
        "RunGroupId": settings.run_group_id,
        "Priority": settings.priority,
        "CacheId": settings.cache_id,
        "CacheBehavior": _value(settings.cache_behavior),
        "LogLevel": _value(settings.log_level),
        "RetentionMode": _value(settings.retention_mode),
        "NetworkingMode": _value(settings.networking_mode),
        "ConfigurationName": settings.configuration_name,
        # At most 2,048 characters, hence without spaces.
        "SessionPolicy": _json(settings.session_policy, write_token, compact=True),
        contract.ADDITIONAL_PROPERTY: _json(settings.additional or None, write_token),
        contract.RERUN_ON_PROPERTY: settings.rerun_on,
        contract.ON_DELETE_PROPERTY: _value(settings.on_delete),
    }
    return {name: value for name, value in properties.items() if value is not None}


def _workflow_properties(workflow: Workflow | SourceRun) -> dict[str, object | None]:
    match workflow:
        case SourceRun():
            return {"RunId": workflow.run_id}
        case Workflow():
            return {
                "WorkflowId": workflow.workflow_id,
                "WorkflowType": _value(workflow.workflow_type),
                "WorkflowOwnerId": workflow.owner_id,
                "WorkflowVersionName": workflow.version_name,
            }


def _storage_properties(settings: RunSettings) -> dict[str, object | None]:
    if settings.storage is None or settings.is_ready2run:
        return {}
    return {
        "StorageType": settings.storage.storage_type,
        "StorageCapacity": settings.storage.capacity_gib,
    }


def _json(document: Mapping[str, object] | None, write_token: TokenWriter, *, compact: bool = False) -> str | None:
    return None if document is None else json_text(document, write_token, compact=compact)


def _value(choice: str | None) -> str | None:
    """The plain string of an enumeration's member: jsii would look for a class of its own in it."""
    return None if choice is None else str(choice)
