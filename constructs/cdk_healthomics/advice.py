"""Advice at synth about runs that are legal but likely to cost more than they should, or to hide why they failed.

A choice that somebody made is worth a warning at the run; what follows from defaults, an info at the stack, once.
The ids are API: ``cdk.Annotations.of(run).acknowledge_warning(id)`` silences a warning, and
``cdk.Annotations.of(stack).acknowledge_info(id)`` an info.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_omics
from constructs import IConstruct

from cdk_healthomics.choices import LogLevel, NetworkingMode, OutputUriPrefixMode
from cdk_healthomics.run_settings import RunSettings
from cdk_healthomics.storage import SMALLEST_GIB, STATIC, Storage
from cdk_healthomics.tokens import is_token
from cdk_healthomics.workflow import SourceRun, Workflow

SMALL_STATIC_STORAGE: Final = "@cdk-healthomics/workflow-run:smallStaticStorage"
STATIC_STORAGE_ROUNDED_UP: Final = "@cdk-healthomics/workflow-run:staticStorageRoundedUp"
LOGS_OFF: Final = "@cdk-healthomics/workflow-run:logsOff"
ENGINE_SETTINGS_IGNORED: Final = "@cdk-healthomics/workflow-run:engineSettingsIgnored"
CACHE_NOT_GRANTED: Final = "@cdk-healthomics/workflow-run:cacheNotGranted"
OUTPUTS_OVERWRITTEN: Final = "@cdk-healthomics/workflow-run:outputsOverwritten"
CONFIGURATION_UNUSED: Final = "@cdk-healthomics/workflow-run:configurationUnused"
SESSION_POLICY_WITHOUT_LOGS: Final = "@cdk-healthomics/workflow-run:sessionPolicyWithoutLogs"
RUNS_ARE_RETAINED: Final = "@cdk-healthomics/workflow-run:runsAreRetained"
NO_RUN_GROUP: Final = "@cdk-healthomics/workflow-run:noRunGroup"
EXPORTS_HOLD_THE_RUN: Final = "@cdk-healthomics/workflow-run:exportsHoldTheRun"

_WITHOUT_SETTINGS: Final = ("WDL", "CWL")
"""Engines that take no settings of the run."""

_LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_WITHOUT_LOGS: Final = f"session_policy does not allow {' and '.join(_LOG_ACTIONS)}, which every run needs: add them"


def give_advice(construct: IConstruct, settings: RunSettings) -> None:
    """Attach the warnings that a run deserves to its construct, and the infos to its stack."""
    for warning_id, message in advice(settings):
        cdk.Annotations.of(construct).add_warning_v2(warning_id, message)
    stack = cdk.Stack.of(construct)
    for info_id, message in infos(settings):
        # A second one with the same id and text is dropped.
        cdk.Annotations.of(stack).add_info_v2(info_id, message)


def advise_on_exports(construct: IConstruct) -> None:
    """Attach the info to a run with exports that they may keep it from being replaced."""
    cdk.Annotations.of(construct).add_info_v2(
        EXPORTS_HOLD_THE_RUN,
        "CloudFormation refuses to change an export that another stack imports, and so to replace the run. It looks "
        "only after the new run has started, and then cancels that: define a second run with exports of its own, move "
        "the importers, and remove the first one; or let the other stacks of the app use run.run_arn, without exports",
    )


def advise_on_cache(construct: IConstruct, settings: RunSettings, cache: object) -> None:
    """Attach the warning to a run with a role of this library that nobody knows at synth where its cache is.

    Args:
        construct: The run.
        settings: What it is asked to be.
        cache: The cache as it was given: a construct knows its location, an id does not.
    """
    named = settings.cache_id is not None or "cacheId" in (settings.additional or {})
    if not named or isinstance(cache, aws_omics.CfnRunCache):
        return
    cdk.Annotations.of(construct).add_warning_v2(
        CACHE_NOT_GRANTED,
        "cache is not a CfnRunCache of this app, so the run's role has no permissions for the cache's S3 location, and "
        "a run that cannot use its cache fails: let the run read and write there (bucket.grant_read_write(run, "
        '"prefix/*")), or give the CfnRunCache, and then acknowledge this warning',
    )


def advise_on_session_policy(construct: IConstruct, policy: Mapping[str, object]) -> None:
    """Attach the warning about missing logs to a run, if its session policy deserves it."""
    if not _allows_logs(policy):
        cdk.Annotations.of(construct).add_warning_v2(SESSION_POLICY_WITHOUT_LOGS, _WITHOUT_LOGS)


def advice(settings: RunSettings) -> Iterator[tuple[str, str]]:
    """The warnings that a run deserves: id, message."""
    yield from _storage_advice(settings.storage)
    given = {"log_level": settings.log_level}
    if "logLevel" in (settings.additional or {}):
        given = {"logLevel of additional_start_run_parameters": cast("str", (settings.additional or {})["logLevel"])}
    for what, level in given.items():
        if level == LogLevel.OFF:
            yield (
                LOGS_OFF,
                f"{what} is OFF, so a run that fails leaves no engine log that says why: use LogLevel.ERROR or drop it",
            )
    if settings.engine_settings and (engine := _engine(settings.workflow)) in _WITHOUT_SETTINGS:
        yield (
            ENGINE_SETTINGS_IGNORED,
            f"engine_settings is given, but HealthOmics ignores it for the workflow's engine, {engine}: drop it",
        )
    if settings.output_uri_prefix_mode == OutputUriPrefixMode.NONE_WITH_OVERWRITE:
        yield (
            OUTPUTS_OVERWRITTEN,
            "output_uri_prefix_mode is NONE_WITH_OVERWRITE, so a replacement of the run overwrites the outputs of "
            "the run before it, which may still be writing: change output_uri with each replacement",
        )
    if (
        settings.configuration_name is not None
        and settings.networking_mode in (None, NetworkingMode.RESTRICTED)
        and not settings.is_duplicate
    ):
        yield (
            CONFIGURATION_UNUSED,
            "configuration is given, but the run is not in its VPC: add networking_mode=NetworkingMode.VPC",
        )
    if settings.session_policy is not None and not _allows_logs(settings.session_policy):
        yield SESSION_POLICY_WITHOUT_LOGS, _WITHOUT_LOGS


def _storage_advice(storage: Storage | None) -> Iterator[tuple[str, str]]:
    if storage is None or storage.storage_type != STATIC or is_token(storage.capacity_gib):
        return
    if storage.capacity_gib is None or storage.capacity_gib <= SMALLEST_GIB:
        yield (
            SMALL_STATIC_STORAGE,
            f"static storage has {SMALLEST_GIB:,} GiB at least, billed in full for as long as the run takes, and "
            "dynamic storage commonly costs a run of this size less: use Storage.dynamic(), unless the run needs the "
            "throughput",
        )
    elif storage.provisioned_gib != storage.capacity_gib:
        yield (
            STATIC_STORAGE_ROUNDED_UP,
            f"the run asks for {storage.capacity_gib} GiB of static storage, but HealthOmics provisions and bills "
            f"{storage.provisioned_gib} GiB: ask for that much, or use Storage.dynamic()",
        )


def _engine(workflow: Workflow | SourceRun) -> str | None:
    """The engine of a workflow that this app defines."""
    if isinstance(workflow, SourceRun) or workflow.template is None:
        return None
    return workflow.template.engine


def infos(settings: RunSettings) -> Iterator[tuple[str, str]]:
    """What the stack of a run should know about the defaults that the run has: id, message, the same for every run.

    A copy of another run has that run's settings, and members of ``additional_start_run_parameters`` are settings too.
    """
    if settings.is_duplicate:
        return
    additional = settings.additional or {}
    if settings.retention_mode is None and "retentionMode" not in additional:
        yield (
            RUNS_ARE_RETAINED,
            "the records of runs stay until somebody deletes them, and HealthOmics refuses new runs when the account "
            "is at its quota of them: say retention_mode=RetentionMode.REMOVE to let it remove the oldest, or "
            "RetentionMode.RETAIN to keep them",
        )
    if settings.run_group_id is None and "runGroupId" not in additional:
        yield (
            NO_RUN_GROUP,
            "a run without run_group is limited by the account's quotas alone: a run group limits how many vCPUs, GPUs "
            "and runs there are at once, and how long a run may take",
        )


def _allows_logs(policy: Mapping[str, object]) -> bool:
    """Whether some statement allows the log actions; resources and conditions are not looked at."""
    patterns = [
        action.lower()
        for statement in _listed(policy.get("Statement"))
        if isinstance(statement, Mapping)
        for action in _allowed(cast("Mapping[str, object]", statement))
    ]
    return all(any(fnmatchcase(action.lower(), pattern) for pattern in patterns) for action in _LOG_ACTIONS)


def _allowed(statement: Mapping[str, object]) -> list[str]:
    if statement.get("Effect") != "Allow":
        return []
    if "NotAction" in statement:
        return ["*"]
    return [action for action in _listed(statement.get("Action")) if isinstance(action, str)]


def _listed(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else [value]
