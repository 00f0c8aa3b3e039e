"""What a deployment says while it goes on, and when it fails."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from healthomics_local.advice import cure_for, explain_cdk_output, explain_failure
from healthomics_local.deployment import progress_of
from healthomics_local.display import Display
from healthomics_local.event_forwarder import as_put_events
from healthomics_local.results import output_files, readable_size, scalars
from healthomics_local.runs import RunView, follow, view_of
from healthomics_local.stacks import Failure, StackRun, failure_in
from healthomics_run_handler.identity import RunIdentity

RUN = StackRun(
    stack="Runs",
    logical_id="Run",
    identity=RunIdentity(run_id="1234567", uuid="u-1", spec_digest="d", output_uri="s3://bucket/out/1234567"),
)


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        pytest.param(
            "Runs | 3/5 | 9:04:10 AM | CREATE_COMPLETE      | Custom::HealthOmicsRun | Run/Resource (Run12AB) ",
            "Runs: Run/Resource CREATE_COMPLETE (Custom::HealthOmicsRun)",
            id="complete",
        ),
        pytest.param(
            "Runs |   3 | 9:04:10 AM | DELETE_COMPLETE | AWS::IAM::Role | Role",
            "Runs: Role DELETE_COMPLETE (AWS::IAM::Role)",
            id="delete",
        ),
        pytest.param("Runs | 3/5 | 9:04:10 AM | CREATE_IN_PROGRESS | AWS::IAM::Role | Role", None, id="in progress"),
        pytest.param("Runs: deploying... [1/4]", "Runs: deploying", id="a stack begins"),
        pytest.param("✨  Deployment time: 5.0s", None, id="anything else"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_clis_lines_become_progress(line: str, progress: str | None) -> None:
    assert progress_of(line) == progress


def event(logical_id: str, status: str, reason: str = "", **members: str) -> dict[str, Any]:
    return {
        "StackId": "arn:stack",
        "StackName": "Runs",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": "arn:stack" if logical_id == "Runs" else logical_id,
        "ResourceType": "AWS::X::Y",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **members,
    }


def test_the_reason_of_a_failure_is_the_first_one_of_the_last_operation() -> None:
    newest_first = [
        event("Runs", "UPDATE_ROLLBACK_COMPLETE"),
        event("Other", "UPDATE_FAILED", "Resource update cancelled"),
        event("Run", "UPDATE_FAILED", "the reason"),
        event("Runs", "UPDATE_IN_PROGRESS"),
        event("Run", "CREATE_FAILED", "an older reason"),
        event("Runs", "CREATE_IN_PROGRESS"),
    ]

    failure = failure_in(newest_first)

    assert failure is not None
    assert (failure.logical_id, failure.reason) == ("Run", "the reason")


def test_without_a_failure_there_is_no_reason() -> None:
    assert failure_in([event("Runs", "CREATE_COMPLETE"), event("Runs", "CREATE_IN_PROGRESS")]) is None


def test_a_failure_is_one_paragraph_with_resource_reason_and_cure() -> None:
    failure = Failure(
        stack="Runs",
        logical_id="Run",
        resource_type="Custom::HealthOmicsRun",
        status="CREATE_FAILED",
        reason="StartRun: ResourceNotFoundException:\n  workflow 7654321 does not exist",
    )

    text = explain_failure(failure)

    assert "\n" not in text
    for part in ("Run (Custom::HealthOmicsRun) in stack Runs", "workflow 7654321 does not exist", "Cure: check the"):
        assert part in text


def test_what_the_cli_said_is_explained_by_its_last_error() -> None:
    lines = [
        "Traceback",
        "\x1b[31mModuleNotFoundError: No module named 'aws_cdk'\x1b[0m",
        "python app.py: Subprocess exited",
    ]

    text = explain_cdk_output(lines, doing="cdk deploy", log_file="/log")

    assert text.startswith("cdk deploy failed: ModuleNotFoundError: No module named 'aws_cdk' (whole output: /log)")
    assert "install the app's packages" in text


def test_an_unknown_error_gets_no_invented_cure() -> None:
    assert cure_for("something else went wrong") is None


def test_a_run_view_tells_why_it_failed_and_how_long_it_took() -> None:
    start = datetime(2026, 11, 22, tzinfo=UTC)
    described = {
        "status": "FAILED",
        "name": "run",
        "startTime": start,
        "stopTime": start + timedelta(seconds=5),
        "statusMessage": "task failed",
    }

    seen = view_of(RUN, described, {"FAILED": 1, "COMPLETED": 2})

    assert seen.is_over
    assert seen.duration == timedelta(seconds=5)
    assert seen.reason == "task failed"
    assert seen.output_uri == "s3://bucket/out/1234567"
    assert seen.progress() == "run 1234567 FAILED (tasks: 2 completed, 1 failed)"


class ScriptedOmics:
    """GetRun answers with one status after the other, and then with the last one."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)

    class exceptions:  # noqa: N801 - as boto3 names it
        class ResourceNotFoundException(Exception): ...  # noqa: N818

    def get_run(self, id: str) -> dict[str, Any]:  # noqa: A002 - as boto3 names it
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if status == "gone":
            raise self.exceptions.ResourceNotFoundException(id)
        return {"status": status}

    def get_paginator(self, _name: str) -> ScriptedOmics:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return [{"items": []}]


@pytest.mark.parametrize(
    ("statuses", "end"),
    [
        pytest.param(("PENDING", "STARTING", "RUNNING", "RUNNING", "COMPLETED"), "COMPLETED", id="completes"),
        pytest.param(("RUNNING", "CANCELLED"), "CANCELLED", id="cancelled"),
        pytest.param(("RUNNING", "gone"), "DELETED", id="its record vanishes"),
    ],
)
def test_a_run_is_followed_to_its_end_and_each_change_is_told_once(statuses: tuple[str, ...], end: str) -> None:
    told: list[RunView] = []

    ended = follow(ScriptedOmics(*statuses), [RUN], on_change=told.append, sleep=lambda _: None)

    assert [view.status for view in ended] == [end]
    assert len(told) == len(set(statuses))


def test_scalars_are_named_by_their_path() -> None:
    found = dict(scalars({"length": 5386, "gc": {"content": 0.45}, "names": ["a", None], "ok": True}))

    assert found == {"length": "5386", "gc.content": "0.45", "names[0]": "a", "names[1]": "null", "ok": "true"}


class MemoryS3:
    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def get_paginator(self, _name: str) -> MemoryS3:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803 - as boto3 names them
        assert Bucket == "bucket"
        found = [{"Key": key, "Size": len(body)} for key, body in self._objects.items() if key.startswith(Prefix)]
        return [{"Contents": found}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self._objects[Key])}


def test_results_come_before_logs_and_small_json_results_are_read() -> None:
    s3 = MemoryS3(
        {
            "runs/1/logs/outputs.json": b'{"a": 1}',
            "runs/1/out/big.json": b'{"a": "' + b"x" * 20_000 + b'"}',
            "runs/1/out/broken.json": b"{",
            "runs/1/out/many.json": str({f"k{n}": n for n in range(100)}).replace("'", '"').encode(),
            "runs/1/out/summary.json": b'{"length": 5386}',
            "runs/12/out/other.json": b"{}",
        }
    )

    files = output_files(s3, "s3://bucket/runs/1")

    assert [file.name for file in files] == [
        "out/big.json",
        "out/broken.json",
        "out/many.json",
        "out/summary.json",
        "logs/outputs.json",
    ]
    assert {file.name: file.values for file in files if file.values} == {"out/summary.json": {"length": "5386"}}


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 1024**4, "5120.0 GiB")]
)
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert readable_size(size) == text


def test_a_pipe_gets_plain_lines_without_escape_codes_or_padding() -> None:
    stream = io.StringIO()
    display = Display(stream)

    with display.step("Deploy [all]") as step:
        step.update("one")
        step.update("one")
    display.table("Title", ("A", "B"), [("x" * 300, "[y]")])
    display.table("Nothing", ("A",), [])

    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["Deploy [all] ...", "    one"]
    assert lines[2].startswith("Deploy [all]: done (")
    assert lines[-3:] == ["Title", "A" + " " * 301 + "B", "x" * 300 + "  [y]"]
    assert "\x1b" not in stream.getvalue()


def test_an_event_becomes_a_put_events_entry() -> None:
    told = as_put_events(
        {
            "source": "aws.omics",
            "detail-type": "Run Status Change",
            "detail": {"status": "RUNNING"},
            "resources": ["arn"],
        }
    )

    assert told["Entries"] == [
        {
            "Source": "aws.omics",
            "DetailType": "Run Status Change",
            "Detail": '{"status": "RUNNING"}',
            "Resources": ["arn"],
        }
    ]
