"""Writes the logs of runs to a sink, as their log levels say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.logs.lines import (
    LogLine,
    Severity,
    engine_stream,
    manifest_stream,
    run_lines,
    task_lines,
    wanted,
)
from healthomics_local.endpoint.logs.manifest import manifest
from healthomics_local.endpoint.logs.sink import LogEntry
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from healthomics_local.endpoint.ids import ArnFormat
    from healthomics_local.endpoint.logs.sink import LogSink
    from healthomics_local.endpoint.records import Run, Task


class RunLogs:
    """The logs of all runs of one endpoint.

    Args:
        sink: Where they go.
        arns: How the account's ARNs look.
    """

    def __init__(self, sink: LogSink, *, arns: ArnFormat) -> None:
        self._sink = sink
        self._arns = arns

    def run_changed(self, run: Run, at: datetime) -> None:
        """A run has a new status; with the last one comes its manifest."""
        if run.status is RunStatus.DELETED:
            # DeleteRun removes the record and leaves the logs as they are.
            return
        lines = run_lines(run)
        if run.status.is_terminal:
            stream = manifest_stream(run)
            # Not a matter of severity: whoever logs anything gets it.
            documents = manifest(run, self._arns)
            lines += [LogLine(stream=stream, message=each, severity=Severity.FATAL) for each in documents]
        self._write(run, lines, at)

    def task_changed(self, run: Run, task: Task, at: datetime, output: Sequence[str] = ()) -> None:
        """A task has a new status, and has written something."""
        self._write(run, task_lines(run, task, output), at)

    def engine_said(self, run: Run, message: str, severity: Severity, at: datetime) -> None:
        """The workflow engine has something to say about a run."""
        self._write(run, [LogLine(stream=engine_stream(run), message=message, severity=severity)], at)

    def _write(self, run: Run, lines: Iterable[LogLine], at: datetime) -> None:
        entries = [LogEntry(stream=line.stream, timestamp=at, message=line.message) for line in wanted(lines, run)]
        if entries:
            self._sink.write(entries)
