"""What responses say about workflows and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.records import Workflow


def created(workflow: Workflow) -> dict[str, Any]:
    """The response of CreateWorkflow."""
    return {
        "arn": workflow.arn,
        "id": workflow.workflow_id,
        "status": workflow.status.value,
        "tags": dict(workflow.tags),
        "uuid": workflow.uuid,
    }


def created_version(version: Workflow) -> dict[str, Any]:
    """The response of CreateWorkflowVersion."""
    return {
        "arn": version.arn,
        "workflowId": version.workflow_id,
        "versionName": version.version_name,
        "status": version.status.value,
        "tags": dict(version.tags),
        "uuid": version.uuid,
    }


def listed(workflow: Workflow) -> dict[str, Any]:
    """What a listing says about a workflow or a version."""
    return {
        "arn": workflow.arn,
        "status": workflow.status.value,
        "type": workflow.workflow_type,
        "digest": workflow.digest,
        "creationTime": workflow.creation_time,
        "metadata": {},
    }


def described(workflow: Workflow, exported: Mapping[str, str]) -> dict[str, Any]:
    """What GetWorkflow and GetWorkflowVersion have in common.

    Args:
        workflow: The workflow or version.
        exported: The members that answer an ``export``.
    """
    return listed(workflow) | {
        "description": workflow.description,
        "engine": workflow.engine,
        "main": workflow.main,
        "parameterTemplate": workflow.parameter_template,
        "storageType": workflow.storage_type,
        "storageCapacity": workflow.storage_capacity,
        "statusMessage": workflow.status_message,
        "accelerators": workflow.accelerators,
        "tags": dict(workflow.tags),
        "uuid": workflow.uuid,
        "containerRegistryMap": workflow.details.get("containerRegistryMap"),
        "readmePath": workflow.details.get("readmePath"),
        **exported,
    }
