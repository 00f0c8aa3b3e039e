"""The example of this repository, from nothing to the result and back."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Machine

# One deployment for the whole module: the tests run in this order, in one worker (`--dist loadscope`).
pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WORKFLOW_LOG = "/aws/omics/WorkflowLog"


@pytest.fixture(scope="module")
def deployed(module_machine: Machine) -> str:
    # With IAM enforced: the roles of the example must allow what it does, on AWS too.
    return module_machine.succeed("--authorization", "deploy", REPOSITORY)


@pytest.fixture(scope="module")
def genome() -> str:
    header, *lines = (REPOSITORY / "example" / "data" / "NC_001422.1.fasta").read_text().splitlines()
    sequence = "".join(lines)
    assert header.startswith(">NC_001422.1 ")
    # As the GA4GH refget compliance suite publishes it: not the variant that sequencers use as a control.
    assert hashlib.md5(sequence.encode()).hexdigest() == "3332ed720ac7eaa9b3655c06f6b9e196"
    return sequence


def rows(output: str, title: str) -> list[list[str]]:
    """The rows of one table, without its title and heading."""
    return [line.split() for line in output.split(f"\n{title}\n")[1].split("\n\n", maxsplit=1)[0].splitlines()[1:]]


def test_the_run_completes_with_the_length_and_gc_content_of_the_genome(deployed: str, genome: str) -> None:
    gc_content = (genome.count("G") + genome.count("C")) / len(genome)

    assert [row[2] for row in rows(deployed, "Runs")] == ["COMPLETED"]
    results = {(row[1], row[2]): row[3] for row in rows(deployed, "Results")}
    assert results["out/composition.json", "length"] == str(len(genome)) == "5386"
    assert float(results["out/composition.json", "gc_content"]) == pytest.approx(gc_content, abs=1e-6)


def test_the_kmers_are_those_of_the_genome(deployed: str, module_machine: Machine, genome: str) -> None:
    complement = str.maketrans("ACGT", "TGCA")
    kmers = [genome[start : start + 4] for start in range(len(genome) - 3)]
    expected = Counter(min(kmer, kmer.translate(complement)[::-1]) for kmer in kmers)
    uri = next(row[1] for row in rows(deployed, "Output files") if row[1].endswith("out/kmers.json"))
    bucket, _, key = uri.removeprefix("s3://").partition("/")

    body = module_machine.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    assert json.loads(body)["counts"] == expected


def test_every_stack_has_its_outputs_and_the_other_stack_the_runs_arn(deployed: str, module_machine: Machine) -> None:
    outputs = {(row[0], row[1]): row[2] for row in rows(deployed, "Stack outputs")}
    run_arn = outputs["PhiX174Run", "StatisticsRunArn"]

    parameter = module_machine.client("ssm").get_parameter(Name=outputs["PhiX174Consumer", "RunArnParameter"])

    assert parameter["Parameter"]["Value"] == run_arn
    assert run_arn.rsplit("/", 1)[1] == module_machine.runs()[0]["id"]


def test_the_consumers_function_reads_the_result(deployed: str, module_machine: Machine) -> None:
    outputs = {row[1]: row[2] for row in rows(deployed, "Stack outputs")}

    answer = module_machine.client("lambda").invoke(FunctionName=outputs["ResultReaderName"])

    summary = json.loads(answer["Payload"].read())
    assert summary["length"] == 5386
    assert summary["title"] == "phiX174 (NC_001422.1)"


def test_the_logs_and_the_manifest_of_the_run_are_in_cloudwatch(deployed: str, module_machine: Machine) -> None:
    assert deployed
    omics, logs = module_machine.client("omics"), module_machine.client("logs")
    run = omics.get_run(id=module_machine.runs()[0]["id"])
    tasks = omics.list_run_tasks(id=run["id"])["items"]

    def messages(stream: str) -> list[str]:
        stored = logs.get_log_events(logGroupName=WORKFLOW_LOG, logStreamName=stream, startFromHead=True)
        return [event["message"] for event in stored["events"]]

    # Delivered a moment after the run has ended, the manifest last.
    manifest_stream = f"manifest/run/{run['id']}/{run['uuid']}"
    deadline = time.monotonic() + 60
    while not logs.describe_log_streams(logGroupName=WORKFLOW_LOG, logStreamNamePrefix=manifest_stream)["logStreams"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert messages(f"run/{run['id']}")[-1] == f"Run {run['id']} is COMPLETED"
    assert any("completed success" in message for message in messages(f"run/{run['id']}/engine"))
    for task in tasks:
        assert messages(f"run/{run['id']}/task/{task['taskId']}")[-1] == "Task completed"
    manifest = [json.loads(message) for message in messages(manifest_stream)]
    assert [(entry["arn"].rsplit("/", 1)[1], entry["status"]) for entry in manifest] == [
        (run["id"], "COMPLETED"),
        *((task["taskId"], "COMPLETED") for task in reversed(tasks)),
    ]


def test_a_second_deployment_starts_no_second_run(deployed: str, module_machine: Machine) -> None:
    before = module_machine.runs()

    again = module_machine.succeed("deploy", REPOSITORY)

    assert module_machine.runs() == before
    assert rows(again, "Runs") == rows(deployed, "Runs")
    assert "Start the local AWS" not in again


def test_status_shows_stacks_and_runs(deployed: str, module_machine: Machine) -> None:
    assert deployed

    output = module_machine.succeed("status")

    assert ["PhiX174Workflow", "CREATE_COMPLETE"] in rows(output, "Stacks")
    assert rows(output, "Runs")[0][2] == "COMPLETED"


def test_destroying_it_stops_what_the_deployment_started(deployed: str, module_machine: Machine) -> None:
    assert deployed

    module_machine.succeed("destroy", REPOSITORY)

    assert module_machine.left_over() == []


def test_it_synthesises_for_aws_and_knows_nothing_of_a_local_one(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "CDK_OUTDIR": str(tmp_path)}

    subprocess.run([sys.executable, "app.py"], cwd=REPOSITORY, env=environment, check=True, capture_output=True)

    templates = list(tmp_path.glob("*.template.json"))
    assert len(templates) == 4
    for template in templates:
        text = template.read_text()
        assert "127.0.0.1" not in text
        assert "AWS_ENDPOINT_URL" not in text
        assert "000000000000" not in text
