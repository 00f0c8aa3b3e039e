"""The AWS CLI: `aws omics …`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import foreign_clients

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

    from healthomics_local.endpoint import LocalHealthOmics

pytestmark = [pytest.mark.slow, foreign_clients.needs_python_clients]

WHERE = ("--role-arn", "arn:aws:iam::123456789012:role/run", "--output-uri", "s3://bucket/out")


@pytest.fixture
def aws(environment: dict[str, str]) -> Callable[..., CompletedProcess[str]]:
    """Calls `aws omics` with arguments."""

    def call(*arguments: str) -> CompletedProcess[str]:
        return foreign_clients.run([foreign_clients.PROGRAMS / "aws", "omics", *arguments], environment)

    return call


@pytest.fixture
def answer(aws: Callable[..., CompletedProcess[str]]) -> Callable[..., Any]:
    """The parsed answer of a call that succeeds; None, when there is none."""

    def call(*arguments: str) -> Any:
        done = aws(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return call


def test_a_run_from_start_to_deletion(
    omics: LocalHealthOmics, aws: Callable[..., CompletedProcess[str]], answer: Callable[..., Any]
) -> None:
    parameters = {"sample": "NA12878", "threads": 4, "ratio": 0.5, "paired": True, "extra": [None, {"deep": "ü"}]}
    started = answer(
        *("start-run", "--workflow-id", "1234567", *WHERE, "--name", "from the CLI"),
        *("--parameters", json.dumps(parameters), "--tags", "project=genomes,owner=me", "--storage-type", "DYNAMIC"),
    )
    omics.run_until_idle()
    run = answer("get-run", "--id", started["id"])
    waited = aws("wait", "run-completed", "--id", started["id"])
    deleted = answer("delete-run", "--id", started["id"])
    gone = aws("get-run", "--id", started["id"])

    assert started["status"] == "PENDING"
    assert (run["status"], run["name"], run["storageType"]) == ("COMPLETED", "from the CLI", "DYNAMIC")
    assert run["parameters"] == parameters
    assert run["tags"] == {"project": "genomes", "owner": "me"}
    assert run["creationTime"] < run["startTime"] < run["stopTime"]
    assert (waited.returncode, waited.stderr) == (0, "")
    assert deleted is None
    assert gone.returncode != 0
    assert (
        "An error occurred (ResourceNotFoundException) when calling the GetRun operation: "
        f"Run {started['id']} not found" in gone.stderr
    )


def test_a_run_that_is_cancelled_is_not_waited_for(
    omics: LocalHealthOmics, aws: Callable[..., CompletedProcess[str]], answer: Callable[..., Any]
) -> None:
    started = answer("start-run", "--workflow-id", "1234567", *WHERE)
    cancelled = answer("cancel-run", "--id", started["id"])
    omics.run_until_idle()
    waited = aws("wait", "run-running", "--id", started["id"])

    assert cancelled is None
    assert waited.returncode == 255
    assert 'Waiter encountered a terminal failure state: For expression "status" we matched' in waited.stderr


def test_a_listing_comes_in_pages(omics: LocalHealthOmics, answer: Callable[..., Any]) -> None:
    members = {"workflowId": "1234567", "roleArn": WHERE[1], "outputUri": WHERE[3]}
    ids = [omics.call("StartRun", members | {"name": "one of five"})["id"] for _ in range(5)]
    omics.clear_requests()

    three = answer("list-runs", "--name", "one of five", "--page-size", "2", "--max-items", "3")
    sizes = [request.input["maxResults"] for request in omics.requests("ListRuns")]
    # The CLI takes --starting-token for the member of that name, so it follows pages by itself or not at all.
    by_hand = ("list-runs", "--name", "one of five", "--no-paginate", "--max-results", "3")
    first = answer(*by_hand)
    rest = answer(*by_hand, "--starting-token", first["nextToken"])

    assert [run["id"] for run in three["items"]] == ids[:-4:-1]
    assert "NextToken" in three
    assert sizes == [2, 2]
    assert [len(page["items"]) for page in (first, rest)] == [3, 2]
    assert [run["id"] for run in [*first["items"], *rest["items"]]] == ids[::-1]
    assert "nextToken" not in rest


def test_tags_come_and_go(omics: LocalHealthOmics, answer: Callable[..., Any]) -> None:
    arn = omics.add_workflow().arn

    added = answer("tag-resource", "--resource-arn", arn, "--tags", '{"a": "1", "b:c/d": "ü=2", "e": ""}')
    removed = answer("untag-resource", "--resource-arn", arn, "--tag-keys", "a", "e")
    listed = answer("list-tags-for-resource", "--resource-arn", arn)

    assert (added, removed) == (None, None)
    assert listed == {"tags": {"b:c/d": "ü=2"}}


def test_a_batch_starts_its_runs(omics: LocalHealthOmics, answer: Callable[..., Any]) -> None:
    settings = {"inlineSettings": [{"runSettingId": name, "name": name} for name in ("first", "second")]}
    started = answer(
        *("start-run-batch", "--batch-name", "two", "--batch-run-settings", json.dumps(settings)),
        *("--default-run-setting", json.dumps({"workflowId": "1234567", "roleArn": WHERE[1], "outputUri": WHERE[3]})),
    )
    omics.run_until_idle()
    batch = answer("get-batch", "--batch-id", started["id"])
    runs = answer("list-runs-in-batch", "--batch-id", started["id"])

    assert batch["status"] == "PROCESSED"
    assert batch["totalRuns"] == 2
    assert {run["runSettingId"] for run in runs["runs"]} == {"first", "second"}
    assert {omics.call("GetRun", {"id": run["runId"]})["name"] for run in runs["runs"]} == {"first", "second"}
