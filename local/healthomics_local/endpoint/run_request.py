"""The rules of StartRun that the service model cannot express. Pure.

The rules come from the API reference and the developer guide; where AWS does not document the words of a
refusal, the words are this package's own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from healthomics_local.endpoint.engine_settings import DEFAULT_VERSION
from healthomics_local.endpoint.errors import ValidationException
from healthomics_local.endpoint.objects import S3Uri
from healthomics_local.endpoint.settings import RunOutputLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.records import Run, Workflow
    from healthomics_local.endpoint.settings import Settings

MAX_PARAMETER_BYTES = 50_000
MAX_TAGS = 50
MAX_OUTPUT_URI = 750
DEFAULT_STATIC_GIB = 1200
_STATIC_STEP_GIB = 2400

# A run that duplicates another takes over everything but these.
_NEVER_COPIED = frozenset({"requestId", "roleArn", "outputUri", "runId", "tags"})


def check_members(members: Mapping[str, Any]) -> None:
    """Refuse combinations of members that no run can have, before anything is looked up.

    Raises:
        ValidationException: The first rule that is broken.
    """
    if ("workflowId" in members) == ("runId" in members):
        raise ValidationException("Exactly one of workflowId and runId must be provided")
    check_values(members)


def check_values(members: Mapping[str, Any]) -> None:
    """Refuse values that no run can have, each for itself.

    Raises:
        ValidationException: The first rule that is broken.
    """
    check_tags(members.get("tags", {}))
    if "outputUri" in members:
        _check_output_uri(members["outputUri"])
    for name in ("parameters", "engineSettings"):
        if name in members and not isinstance(members[name], dict):
            raise ValidationException(f"{name} must be a JSON object")
    size = len(json.dumps(members.get("parameters", {}), separators=(",", ":"), ensure_ascii=False).encode())
    if size > MAX_PARAMETER_BYTES:
        raise ValidationException(f"parameters must not exceed {MAX_PARAMETER_BYTES} bytes, got {size}")
    if "sessionPolicy" in members and not _is_json_object(members["sessionPolicy"]):
        raise ValidationException("sessionPolicy must be a JSON policy document")


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that AWS does not accept for any resource.

    Raises:
        ValidationException: There are too many, or a key is reserved.
    """
    if len(tags) > MAX_TAGS:
        raise ValidationException(f"A resource can have at most {MAX_TAGS} tags, got {len(tags)}")
    reserved = sorted(key for key in tags if key.lower().startswith("aws:"))
    if reserved:
        raise ValidationException(f"aws: prefixed tag key names are not allowed for external use: {reserved[0]}")


def merged(members: Mapping[str, Any], source: Run | None, *, copy_tags: bool) -> dict[str, Any]:
    """The members of a run: the caller's, then those of the run that it duplicates."""
    if source is None:
        return dict(members)
    skipped = _NEVER_COPIED - ({"tags"} if copy_tags else set[str]())
    copied = {name: value for name, value in source.request.items() if name not in skipped}
    if copy_tags:
        copied["tags"] = dict(source.tags)
    return copied | dict(members)


def check_combination(members: Mapping[str, Any]) -> None:
    """Refuse combinations of members that no run can have, once copied members are in.

    Raises:
        ValidationException: The first rule that is broken.
    """
    if "cacheBehavior" in members and "cacheId" not in members:
        raise ValidationException("cacheBehavior requires cacheId")
    if members.get("networkingMode") == "VPC" and "configurationName" not in members:
        raise ValidationException("networkingMode VPC requires configurationName")
    if members.get("workflowType") == "READY2RUN":
        if "storageCapacity" in members:
            raise ValidationException("storageCapacity cannot be set for a READY2RUN workflow")
        if members.get("storageType", "DYNAMIC") != "DYNAMIC":
            raise ValidationException("storageType must be DYNAMIC for a READY2RUN workflow")
        if "cacheId" in members:
            raise ValidationException("A run cache cannot be used with a READY2RUN workflow")


def check_parameters(parameters: Mapping[str, Any], workflow: Workflow) -> None:
    """Compare the parameters with the workflow's template, where there is one.

    Raises:
        ValidationException: A parameter is not in the template, or a required one is missing.
    """
    template = workflow.parameter_template
    if template is None:
        return
    unknown = sorted(parameters.keys() - template.keys())
    if unknown:
        raise ValidationException(
            f"Parameters not in the parameter template of workflow {workflow.workflow_id}: {', '.join(unknown)}"
        )
    required = {name for name, entry in template.items() if not entry.get("optional", False)}
    missing = sorted(required - parameters.keys())
    if missing:
        raise ValidationException(
            f"Required parameters of workflow {workflow.workflow_id} are missing: {', '.join(missing)}"
        )


def with_defaults(members: Mapping[str, Any], workflow: Workflow, settings: Settings) -> dict[str, Any]:
    """The members that take effect."""
    effective = dict(members)
    effective.setdefault("workflowType", workflow.workflow_type)
    effective.setdefault("retentionMode", "RETAIN")
    effective.setdefault("networkingMode", "RESTRICTED")
    effective.setdefault("scratchStorageMode", "SHARED")
    effective.setdefault("outputUriPrefixMode", "SERVICE_DEFINED")
    effective.setdefault("parameters", {})
    ready2run = workflow.workflow_type == "READY2RUN"
    usual_type = "DYNAMIC" if ready2run else workflow.storage_type or settings.default_storage_type
    if effective.setdefault("storageType", usual_type) == "STATIC":
        wanted = effective.get("storageCapacity", workflow.storage_capacity)
        effective["storageCapacity"] = rounded_capacity(DEFAULT_STATIC_GIB if wanted is None else wanted)
    else:
        effective.pop("storageCapacity", None)
    if workflow.engine != "NEXTFLOW":
        # The service ignores the settings of an engine that has none, and does not report them.
        effective.pop("engineSettings", None)
    return effective


def rounded_capacity(gib: int) -> int:
    """The static storage that the service provisions: 1200 GiB, or the next multiple of 2400."""
    if gib <= DEFAULT_STATIC_GIB:
        return DEFAULT_STATIC_GIB
    return -(-gib // _STATIC_STEP_GIB) * _STATIC_STEP_GIB


def run_output_uri(members: Mapping[str, Any], *, run_id: str, run_uuid: str, layout: RunOutputLayout) -> str:
    """Where the outputs of a run go."""
    base: str = members["outputUri"]
    if members.get("outputUriPrefixMode") == "NONE_WITH_OVERWRITE":
        return base
    prefix = f"{base.rstrip('/')}/{run_id}"
    return f"{prefix}/{run_uuid}" if layout is RunOutputLayout.RUN_ID_AND_UUID else prefix


def check_output_length(members: Mapping[str, Any], layout: RunOutputLayout) -> None:
    """Refuse an output URI to which the service could not append what it does.

    The model allows 750 characters for the one as for the other; what the service answers then is not documented.

    Raises:
        ValidationException: The run's own output URI would be too long.
    """
    length = len(run_output_uri(members, run_id="0" * 7, run_uuid="0" * 36, layout=layout))
    if length > MAX_OUTPUT_URI:
        raise ValidationException(
            f"outputUri is too long: with the run's prefix it has {length} characters, and can have {MAX_OUTPUT_URI}"
        )


def engine_version(members: Mapping[str, Any], workflow: Workflow) -> str | None:
    """The version of the engine that GetRun reports, which it does for Nextflow only."""
    if workflow.engine != "NEXTFLOW":
        return None
    engine_settings = cast("Mapping[str, object]", members.get("engineSettings") or {})
    return f"{engine_settings.get('engineVersion', DEFAULT_VERSION)}.0"


def _check_output_uri(uri: str) -> None:
    try:
        S3Uri.parse(uri)
    except ValueError:
        raise ValidationException(f"outputUri must be an S3 URI, got {uri}") from None


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
