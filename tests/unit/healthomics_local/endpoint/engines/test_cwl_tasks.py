from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from healthomics_local.endpoint.engines.cwl_tasks import TaskLog
from healthomics_local.endpoint.engines.process import EngineProcess, LogLine
from healthomics_local.endpoint.records import TaskUsage
from healthomics_local.endpoint.status_text import one_line

if TYPE_CHECKING:
    from healthomics_local.endpoint.engines.engine import TaskEnd
    from healthomics_local.endpoint.records import Outcome


class Reporter:
    def __init__(self) -> None:
        self.reports: list[Any] = []
        self.demands: list[tuple[str, int, int]] = []
        self.ends: list[TaskEnd] = []

    def task_started(self, name: str, *, cpus: int = 1, memory_gib: int = 1) -> str:
        self.reports.append(("started", name))
        self.demands.append((name, cpus, memory_gib))
        return f"id of {name}"

    def log(self, message: str, *, failed: bool = False) -> None:
        raise AssertionError

    def task_ended(self, task_id: str, end: TaskEnd) -> None:
        self.reports.append((task_id, end.status.value, end.message))
        self.ends.append(end)

    def finished(self, outcome: Outcome) -> None:
        raise AssertionError


class Stderr:
    def stderr_between(self, start: int, end: int) -> list[str]:
        return [f"written from {start} to {end}"]


def read(*messages: str, level: str = "INFO") -> tuple[TaskLog, Reporter]:
    reporter = Reporter()
    log = TaskLog(process=cast("EngineProcess", Stderr()), reporter=reporter)
    for number, message in enumerate(messages):
        # What the runner marks as the start of a job has a prompt and a command.
        details: dict[str, Any] = {"started": {}} if "$ " in message else {}
        log.read(LogLine(level=level, message=message, stderr_bytes=number * 10, details=details))
    return log, reporter


def test_a_job_is_a_task_from_its_first_line_to_its_last() -> None:
    log, reporter = read(
        "[workflow ] start",
        "[step align] start",
        "[job align] tmp/x$ bwa \\\n    mem",
        "[job align] Max memory used: 0MiB",
        "[job align] completed success",
        "[step align] completed success",
    )

    assert reporter.reports == [("started", "align"), ("id of align", "COMPLETED", None)]
    assert log.failed is None


def test_a_task_has_what_its_job_asked_for_used_and_wrote() -> None:
    reporter = Reporter()
    log = TaskLog(process=cast("EngineProcess", Stderr()), reporter=reporter)
    resources = {"started": {"cpus": 2.5, "memory_mib": 4500}}

    log.read(LogLine(level="INFO", message="[job align] tmp/x$ bwa", stderr_bytes=7, details=resources))
    usage = {"cpus_average": 1.5, "cpus_maximum": 2.0}
    log.read(LogLine(level="INFO", message="[job align] completed success", stderr_bytes=42, details={"usage": usage}))

    assert reporter.demands == [("align", 3, 5)]
    (end,) = reporter.ends
    assert end.output == ("written from 7 to 42",)
    assert end.usage == TaskUsage(cpus_average=1.5, cpus_maximum=2.0)


def test_a_failed_job_tells_its_exit_code_and_the_end_of_its_stderr() -> None:
    log, reporter = read(
        "[job call] tmp/x$ gatk",
        "[job call] exited with status: 137",
        "[job call] completed permanentFail",
    )

    assert log.failed is not None
    assert (log.failed.name, log.failed.task_id, log.failed.exit_code) == ("call", "id of call", 137)
    assert reporter.reports[-1] == ("id of call", "FAILED", "exited with status 137: written from 0 to 20")


def test_the_first_failure_is_the_one_that_counts() -> None:
    log, _ = read(
        "[job a] tmp$ x", "[job a] completed permanentFail", "[job b] tmp$ x", "[job b] completed permanentFail"
    )

    assert log.failed is not None
    assert log.failed.name == "a"


def test_errors_outside_of_jobs_are_kept() -> None:
    log, reporter = read("Invalid job input record", level="ERROR")

    assert log.errors == ["Invalid job input record"]
    assert reporter.reports == []


def test_a_status_message_is_one_printable_line() -> None:
    assert one_line("a\n  b\tc\x1b[31m\x00") == "a b c [31m "
    assert one_line("x" * 2000, limit=10) == "xxxxxxxxx…"


def failure_of(log: TaskLog, *lines: tuple[str, str]) -> str:
    """What the life cycle hears about a task that fails after these lines."""
    log.read(LogLine(level="INFO", message="[job call] tmp/x$ gatk", details={"started": {}}))
    for level, message in lines:
        log.read(LogLine(level=level, message=message))
    log.read(LogLine(level="WARNING", message="[job call] completed permanentFail"))
    assert log.failed is not None
    return log.failed.description()


class Silent(Stderr):
    def stderr_between(self, start: int, end: int) -> list[str]:
        return []


def test_a_line_about_a_step_without_jobs_is_no_task() -> None:
    _, reporter = read(
        "[step s] start",
        "[job step s] Notice: scattering over empty input in 'x'.  All outputs will be empty.",
        "[step s] completed success",
    )

    assert reporter.reports == []


@pytest.mark.parametrize("stderr", [Stderr(), Silent()])
def test_a_tool_that_cannot_be_started_fails_with_the_words_of_cwltool(stderr: Stderr) -> None:
    reporter = Reporter()
    log = TaskLog(process=cast("EngineProcess", stderr), reporter=reporter)

    failure = failure_of(log, ("ERROR", "'gatk' not found: [Errno 2] No such file or directory: 'gatk'"))

    assert failure == "failed: 'gatk' not found: [Errno 2] No such file or directory: 'gatk'"
    assert reporter.ends[0].output[-1].startswith("'gatk' not found")


def test_a_missing_output_is_named() -> None:
    log = TaskLog(process=cast("EngineProcess", Stderr()), reporter=Reporter())
    error = "Error collecting output for parameter 'o': main.cwl:5:45: Did not find output file"

    failure = failure_of(log, ("ERROR", f"[job call] Job error:\n{error}"))

    assert failure == f"failed: {error}"


def test_a_tool_that_ends_with_a_code_and_says_nothing_fails_with_the_words_of_cwltool() -> None:
    log = TaskLog(process=cast("EngineProcess", Silent()), reporter=Reporter())

    failure = failure_of(log, ("WARNING", "[job call] exited with status: 3"), ("ERROR", "no space left"))

    assert failure == "exited with status 3: no space left"


def test_an_error_before_a_task_is_not_about_it() -> None:
    log = TaskLog(process=cast("EngineProcess", Silent()), reporter=Reporter())
    log.read(LogLine(level="ERROR", message="earlier"))

    assert failure_of(log) == "failed"
