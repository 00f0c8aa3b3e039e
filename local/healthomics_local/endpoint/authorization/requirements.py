"""Which permissions a call needs, from the service authorization reference of AWS HealthOmics. Pure.

Where an action knows several kinds of resources, all that the call names must be allowed. Where AWS does not say on
what ARN it looks for a resource that the call is about to create, it is the kind's ARN with ``*`` for the id, as in the
policies of the developer guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.authorization.authorizer import OMICS_PRINCIPAL, Context, Permission
from healthomics_local.endpoint.run_request import merged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from healthomics_local.endpoint.ids import ArnFormat
    from healthomics_local.endpoint.records import Run

_ANYTHING = ("*",)
_RUN, _RUN_GROUP, _RUN_CACHE = ("run/{id}",), ("runGroup/{id}",), ("runCache/{id}",)
_CONFIGURATION, _BATCH = ("configuration/{name}",), ("runBatch/{batchId}",)
_WORKFLOW, _WORKFLOW_OF_VERSION = ("workflow/{id}",), ("workflow/{workflowId}",)
_VERSION = (*_WORKFLOW_OF_VERSION, "workflow/{workflowId}/version/{versionName}")

_RESOURCES: dict[str, tuple[str, ...]] = {
    "GetRun": _RUN,
    "CancelRun": _RUN,
    "DeleteRun": _RUN,
    "ListRunTasks": _RUN,
    "GetRunTask": (*_RUN, "task/{taskId}"),
    "ListRuns": _ANYTHING,
    "GetBatch": _BATCH,
    "CancelRunBatch": _BATCH,
    "DeleteRunBatch": _BATCH,
    "DeleteBatch": _BATCH,
    "ListRunsInBatch": _BATCH,
    "ListBatch": _ANYTHING,
    "CreateWorkflow": _ANYTHING,
    "GetWorkflow": _WORKFLOW,
    "UpdateWorkflow": _WORKFLOW,
    "DeleteWorkflow": _WORKFLOW,
    "ListWorkflows": _ANYTHING,
    "CreateWorkflowVersion": _WORKFLOW_OF_VERSION,
    "GetWorkflowVersion": _VERSION,
    "UpdateWorkflowVersion": _VERSION,
    "DeleteWorkflowVersion": _VERSION,
    "ListWorkflowVersions": _WORKFLOW_OF_VERSION,
    "CreateRunGroup": _ANYTHING,
    "GetRunGroup": _RUN_GROUP,
    "UpdateRunGroup": _RUN_GROUP,
    "DeleteRunGroup": _RUN_GROUP,
    "ListRunGroups": _ANYTHING,
    "CreateRunCache": _ANYTHING,
    "GetRunCache": _RUN_CACHE,
    "UpdateRunCache": _RUN_CACHE,
    "DeleteRunCache": _RUN_CACHE,
    "ListRunCaches": _ANYTHING,
    "CreateConfiguration": _ANYTHING,
    "GetConfiguration": _CONFIGURATION,
    "DeleteConfiguration": _CONFIGURATION,
    "ListConfigurations": _ANYTHING,
    "TagResource": ("{resourceArn}",),
    "UntagResource": ("{resourceArn}",),
    # The reference names no resource for it; a policy that AWS may read otherwise is not taken for enough here.
    "ListTagsForResource": _ANYTHING,
}
"""Operation -> what it acts on: ARNs without their beginning, filled in from the members."""

_NEW_RESOURCES = {
    "CreateWorkflow": "workflow/*",
    "CreateWorkflowVersion": "workflow/{workflowId}/version/{versionName}",
    "CreateRunGroup": "runGroup/*",
    "CreateRunCache": "runCache/*",
    "CreateConfiguration": "configuration/{name}",
}
"""Operation -> what it creates, which must be allowed to be tagged if the call has tags."""


def required_permissions(
    operation: str, members: Mapping[str, Any], arns: ArnFormat, source: Run | None
) -> list[Permission]:
    """What the caller of an operation must be allowed to do, in the order in which it is looked at.

    Args:
        operation: The API name.
        members: Valid members.
        arns: The endpoint's account and Region.
        source: The run that a StartRun duplicates; None: it duplicates none, or one that does not exist.
    """
    if operation == "StartRun":
        return list(_to_start(merged(members, source, copy_tags=False), arns))
    if operation == "StartRunBatch":
        return list(_to_start_batch(members, arns))
    tags: Mapping[str, str] = members.get("tags") or {}
    context = _tag_context(tags, members.get("tagKeys") or ())
    owner = _workflow_owner(members, type_member="type")
    permissions = [
        Permission(action=f"omics:{operation}", resource=_filled(resource, members, arns, owner), context=context)
        for resource in _RESOURCES[operation]
    ]
    created = _NEW_RESOURCES.get(operation)
    if tags and created is not None:
        permissions.append(_to_tag(_filled(created, members, arns, None), tags))
    return permissions


def _to_start(members: Mapping[str, Any], arns: ArnFormat) -> Iterator[Permission]:
    tags: Mapping[str, str] = members.get("tags") or {}
    context = _tag_context(tags)
    for resource in _start_resources(members, arns):
        yield Permission(action="omics:StartRun", resource=resource, context=context)
    if tags:
        yield _to_tag(arns.of("run/*"), tags)
    yield Permission(
        action="iam:PassRole", resource=members["roleArn"], context={"iam:PassedToService": OMICS_PRINCIPAL}
    )


def _to_start_batch(members: Mapping[str, Any], arns: ArnFormat) -> Iterator[Permission]:
    tags: Mapping[str, str] = members.get("tags") or {}
    yield Permission(action="omics:StartRunBatch", resource=arns.of("runBatch/*"), context=_tag_context(tags))
    if tags:
        yield _to_tag(arns.of("runBatch/*"), tags)
    default: Mapping[str, Any] = members["defaultRunSetting"]
    run_tags: dict[str, str] = dict(default.get("runTags") or {})
    settings: Sequence[Mapping[str, Any]] = members["batchRunSettings"].get("inlineSettings") or ()
    for setting in settings:
        run_tags |= setting.get("runTags") or {}
    yield from _to_start({**default, "tags": run_tags}, arns)


def _start_resources(members: Mapping[str, Any], arns: ArnFormat) -> Iterator[str]:
    yield arns.of("run/*")
    if "workflowId" in members:
        owner = _workflow_owner(members, type_member="workflowType")
        workflow = arns.of(f"workflow/{members['workflowId']}", owner=owner)
        yield workflow
        if "workflowVersionName" in members:
            yield f"{workflow}/version/{members['workflowVersionName']}"
    for name, kind in (("runGroupId", "runGroup"), ("cacheId", "runCache"), ("configurationName", "configuration")):
        if name in members:
            yield arns.of(f"{kind}/{members[name]}")


def _workflow_owner(members: Mapping[str, Any], *, type_member: str) -> str | None:
    """The account in the ARN of a workflow: none for READY2RUN, the owner's for a shared one."""
    return "" if members.get(type_member) == "READY2RUN" else members.get("workflowOwnerId")


def _filled(resource: str, members: Mapping[str, Any], arns: ArnFormat, owner: str | None) -> str:
    if resource in {"*", "{resourceArn}"}:
        return resource.format_map(members)
    return arns.of(resource.format_map(members), owner=owner if resource.startswith("workflow/") else None)


def _to_tag(resource: str, tags: Mapping[str, str]) -> Permission:
    return Permission(action="omics:TagResource", resource=resource, context=_tag_context(tags))


def _tag_context(tags: Mapping[str, str], keys: Sequence[str] = ()) -> Context:
    names = [*tags, *keys]
    if not names:
        return {}
    return {f"aws:RequestTag/{name}": value for name, value in tags.items()} | {"aws:TagKeys": names}
