"""Which function serves which operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.operations.configurations import ConfigurationOperations
from healthomics_local.endpoint.operations.run_batches import RunBatchOperations
from healthomics_local.endpoint.operations.run_caches import RunCacheOperations
from healthomics_local.endpoint.operations.run_groups import RunGroupOperations
from healthomics_local.endpoint.operations.runs import RunOperations
from healthomics_local.endpoint.operations.tags import TagOperations
from healthomics_local.endpoint.operations.tasks import TaskOperations
from healthomics_local.endpoint.operations.workflows import WorkflowOperations

if TYPE_CHECKING:
    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.batch_lifecycle import BatchLifecycle

Operation = Callable[[Mapping[str, Any], str], dict[str, Any]]
"""Takes valid members and the caller's ARN, returns the output; raises a ServiceError. Called within a transaction."""

SELF_LOCKING = frozenset({"StartRunBatch"})
"""Operations that are called outside a transaction, because they ask another process before they take the lock."""


def operations(backend: Backend, batch_lifecycle: BatchLifecycle) -> dict[str, Operation]:
    """Every operation that this endpoint implements, by its API name."""
    runs, tasks, tags = RunOperations(backend), TaskOperations(backend), TagOperations(backend)
    workflows, groups = WorkflowOperations(backend), RunGroupOperations(backend)
    caches, configurations = RunCacheOperations(backend), ConfigurationOperations(backend)
    batches = RunBatchOperations(backend, batch_lifecycle)
    starting: dict[str, Operation] = {"StartRun": runs.start_run, "StartRunBatch": batches.start_run_batch}
    others: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "GetRun": runs.get_run,
        "ListRuns": runs.list_runs,
        "CancelRun": runs.cancel_run,
        "DeleteRun": runs.delete_run,
        "GetBatch": batches.get_batch,
        "ListBatch": batches.list_batch,
        "ListRunsInBatch": batches.list_runs_in_batch,
        "CancelRunBatch": batches.cancel_run_batch,
        "DeleteRunBatch": batches.delete_run_batch,
        "DeleteBatch": batches.delete_batch,
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
    return starting | {name: _whoever_calls(function) for name, function in others.items()}


def _whoever_calls(function: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Operation:
    return lambda members, _: function(members)
