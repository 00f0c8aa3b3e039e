"""Which function serves which operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.operations.configurations import ConfigurationOperations
from healthomics_local.endpoint.operations.run_caches import RunCacheOperations
from healthomics_local.endpoint.operations.run_groups import RunGroupOperations
from healthomics_local.endpoint.operations.runs import RunOperations
from healthomics_local.endpoint.operations.tags import TagOperations
from healthomics_local.endpoint.operations.tasks import TaskOperations
from healthomics_local.endpoint.operations.workflows import WorkflowOperations

if TYPE_CHECKING:
    from healthomics_local.endpoint.backend import Backend

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Takes valid members, returns the output; raises a ServiceError. Called within a transaction."""


def operations(backend: Backend) -> dict[str, Operation]:
    """Every operation that this endpoint implements, by its API name."""
    runs, tasks, tags = RunOperations(backend), TaskOperations(backend), TagOperations(backend)
    workflows, groups = WorkflowOperations(backend), RunGroupOperations(backend)
    caches, configurations = RunCacheOperations(backend), ConfigurationOperations(backend)
    return {
        "StartRun": runs.start_run,
        "GetRun": runs.get_run,
        "ListRuns": runs.list_runs,
        "CancelRun": runs.cancel_run,
        "DeleteRun": runs.delete_run,
        "ListRunTasks": tasks.list_run_tasks,
        "GetRunTask": tasks.get_run_task,
        "TagResource": tags.tag_resource,
        "UntagResource": tags.untag_resource,
        "ListTagsForResource": tags.list_tags_for_resource,
        "CreateWorkflow": workflows.create_workflow,
        "GetWorkflow": workflows.get_workflow,
        "ListWorkflows": workflows.list_workflows,
        "UpdateWorkflow": workflows.update_workflow,
        "DeleteWorkflow": workflows.delete_workflow,
        "CreateWorkflowVersion": workflows.create_workflow_version,
        "GetWorkflowVersion": workflows.get_workflow_version,
        "ListWorkflowVersions": workflows.list_workflow_versions,
        "UpdateWorkflowVersion": workflows.update_workflow_version,
        "DeleteWorkflowVersion": workflows.delete_workflow_version,
        "CreateRunGroup": groups.create_run_group,
        "GetRunGroup": groups.get_run_group,
        "ListRunGroups": groups.list_run_groups,
        "UpdateRunGroup": groups.update_run_group,
        "DeleteRunGroup": groups.delete_run_group,
        "CreateRunCache": caches.create_run_cache,
        "GetRunCache": caches.get_run_cache,
        "ListRunCaches": caches.list_run_caches,
        "UpdateRunCache": caches.update_run_cache,
        "DeleteRunCache": caches.delete_run_cache,
        "CreateConfiguration": configurations.create_configuration,
        "GetConfiguration": configurations.get_configuration,
        "ListConfigurations": configurations.list_configurations,
        "DeleteConfiguration": configurations.delete_configuration,
    }
