"""Advice at synth about runs that are legal but likely to cost more than they should, or to hide why they failed.

A choice that somebody made is worth a warning at the run; what follows from defaults, an info at the stack, once.
The ids are API: ``cdk.Annotations.of(run).acknowledge_warning(id)`` silences a warning, and
``cdk.Annotations.of(stack).acknowledge_info(id)`` an info.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, cast

import aws_cdk as cdk
from constructs import IConstruct

from cdk_healthomics.choices import LogLevel, NetworkingMode, OutputUriPrefixMode
from cdk_healthomics.run_settings import RunSettings

STATIC_STORAGE_ROUNDED_UP: Final = "@cdk-healthomics/workflow-run:staticStorageRoundedUp"
LOGS_OFF: Final = "@cdk-healthomics/workflow-run:logsOff"
OUTPUTS_OVERWRITTEN: Final = "@cdk-healthomics/workflow-run:outputsOverwritten"
CONFIGURATION_UNUSED: Final = "@cdk-healthomics/workflow-run:configurationUnused"
SESSION_POLICY_WITHOUT_LOGS: Final = "@cdk-healthomics/workflow-run:sessionPolicyWithoutLogs"
RUNS_ARE_RETAINED: Final = "@cdk-healthomics/workflow-run:runsAreRetained"
NO_RUN_GROUP: Final = "@cdk-healthomics/workflow-run:noRunGroup"
EXPORTS_HOLD_THE_RUN: Final = "@cdk-healthomics/workflow-run:exportsHoldTheRun"

_LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


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


def advice(settings: RunSettings) -> Iterator[tuple[str, str]]:
    """The warnings that a run deserves: id, message."""
    storage = settings.storage
    if storage is not None and storage.provisioned_gib not in (None, storage.capacity_gib):
        yield (
            STATIC_STORAGE_ROUNDED_UP,
            f"the run asks for {storage.capacity_gib} GiB of static storage, but HealthOmics provisions and bills "
            f"{storage.provisioned_gib} GiB: ask for that much, or use Storage.dynamic()",
        )
    if settings.log_level == LogLevel.OFF:
        yield (
            LOGS_OFF,
            "log_level is OFF, so a run that fails leaves no engine log that says why: use LogLevel.ERROR or drop it",
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
        yield (
            SESSION_POLICY_WITHOUT_LOGS,
            f"session_policy does not allow {' and '.join(_LOG_ACTIONS)}, which every run needs: add them",
        )


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
    return cast("list[object]", value) if isinstance(value, list) else [value]
