from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

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
        log.read(LogLine(level=level, message=message, stderr_bytes=number * 10))
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
    resources = {"resources": {"cpus": 2.5, "memory_mib": 4500}}

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
