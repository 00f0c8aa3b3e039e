"""Queries of CloudWatch Logs Insights over what HealthOmics logs of runs, and over the events of runs.

Each is a list of commands. The streams are those of "Monitoring HealthOmics with CloudWatch Logs" of its user guide; a
manifest is written when the run has ended: one JSON object for the run, one for each task. Streams are named in full
where that can be, because ``@logStream`` is indexed: such a query reads its streams only, one with a pattern all
events of the log group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_ROWS: Final = "limit 1000"
_LINES: Final = "limit 200"
_BARS: Final = "limit 25"
_MINUTES_AND_REASON: Final = (
    "fields ceil(metrics.runningSeconds / 60) as minutes, coalesce(failureReason, statusMessage) as reason"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedRun:
    """What names the logs of a run; ids may be tokens."""

    run_id: str
    run_uuid: str | None = None
    """None if nobody knows it."""

    @property
    def engine_stream(self) -> str:
        """What the workflow engine says."""
        return f"run/{self.run_id}/engine"

    @property
    def run_stream(self) -> str:
        """When the run and its tasks changed their statuses."""
        return f"run/{self.run_id}"

    @property
    def task_prefix(self) -> str:
        """What the streams of the tasks begin with; ids of tasks follow."""
        return f"run/{self.run_id}/task/"

    @property
    def manifest_prefix(self) -> str:
        """The stream of the manifest, or its beginning if the UUID is not known."""
        return f"manifest/run/{self.run_id}/{self.run_uuid or ''}"


def outcomes(runs: Sequence[LoggedRun]) -> list[str]:
    """The runs that have ended, the last one first."""
    return [
        _in_manifest_of(runs),
        'filter arn like ":run/"',
        f"{_MINUTES_AND_REASON}, metrics.storageMaximumGiB as storageGiB",
        "sort stopTime desc",
        _ROWS,
        "display name, status, reason, startTime, stopTime, minutes, storageGiB",
    ]


def tasks(runs: Sequence[LoggedRun]) -> list[str]:
    """The tasks of the runs that have ended, in the order of their starts."""
    return [
        _in_manifest_of(runs),
        'filter arn like ":task/"',
        'parse @logStream "manifest/run/*/*" as runId, runUuid',
        _MINUTES_AND_REASON,
        "sort startTime asc",
        _ROWS,
        "display runId, name, status, instanceType, cpus, memory, minutes, reason",
    ]


def processors(runs: Sequence[LoggedRun]) -> list[str]:
    """How many vCPUs the tasks had reserved, and used in their busiest minute; the largest first."""
    return _reserved_and_used(runs, "metrics.cpusReserved", "metrics.cpusMaximum")


def memory(runs: Sequence[LoggedRun]) -> list[str]:
    """How many GiB the tasks had reserved, and used in their busiest minute; the largest first."""
    return _reserved_and_used(runs, "metrics.memoryReservedGiB", "metrics.memoryMaximumGiB")


def run_log(runs: Sequence[LoggedRun]) -> list[str]:
    """What the runs and their engines said last."""
    return [_in_streams(stream for run in runs for stream in (run.run_stream, run.engine_stream)), *_last_lines()]


def task_logs(runs: Sequence[LoggedRun]) -> list[str]:
    """What the tasks said last. Their ids, and so their streams, are not known beforehand."""
    ids = "|".join(run.run_id for run in runs)
    return [rf"filter @logStream like /^run\/({ids})\/task\//", *_last_lines()]


def status_changes(details: Sequence[Mapping[str, Sequence[str]]]) -> list[str]:
    """Every status that was recorded, the last one first.

    Args:
        details: For each run the members of the events' detail that tell it from others.
    """
    return [
        _about(details),
        "sort @timestamp desc",
        _ROWS,
        "display time, detail.runName, detail.runId, detail.status, detail.failureReason, detail.statusMessage",
    ]


def durations(details: Sequence[Mapping[str, Sequence[str]]]) -> list[str]:
    """How long each run has taken, from its first recorded status to its last. See ``status_changes``."""
    return [
        _about(details),
        "stats latest(detail.status) as status, earliest(time) as since, latest(time) as until, "
        "(max(@timestamp) - min(@timestamp)) / 60000 as minutes by detail.runName, detail.runId",
        "sort since desc",
    ]


def _reserved_and_used(runs: Sequence[LoggedRun], reserved: str, used: str) -> list[str]:
    return [
        _in_manifest_of(runs),
        'filter arn like ":task/"',
        f"stats max({reserved}) as reserved, max({used}) as used by name",
        "sort reserved desc",
        _BARS,
    ]


def _last_lines() -> list[str]:
    return ["sort @timestamp desc", _LINES, "display @timestamp, @logStream, @message"]


def _in_manifest_of(runs: Sequence[LoggedRun]) -> str:
    known = [run.manifest_prefix for run in runs if run.run_uuid is not None]
    conditions = [f"@logStream in {_listed(known)}"] if known else []
    conditions += [f"@logStream like {_quoted(run.manifest_prefix)}" for run in runs if run.run_uuid is None]
    return f"filter {' or '.join(conditions)}"


def _in_streams(names: Iterable[str]) -> str:
    return f"filter @logStream in {_listed(names)}"


def _about(details: Sequence[Mapping[str, Sequence[str]]]) -> str:
    values: dict[str, list[str]] = {}
    for detail in details:
        for member, wanted in detail.items():
            values.setdefault(member, []).extend(wanted)
    return f"filter {' or '.join(f'detail.{member} in {_listed(wanted)}' for member, wanted in values.items())}"


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(text) for text in texts)}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
