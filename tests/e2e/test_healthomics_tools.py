"""AWS's own tools for finished runs, unmodified, on what a run has written to CloudWatch Logs of the local AWS."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

import foreign_clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .conftest import Machine

pytestmark = [pytest.mark.e2e, foreign_clients.needs_python_clients]

WORKFLOW = """\
cwlVersion: v1.2
class: Workflow
inputs: {word: string}
outputs:
  said: {type: File, outputSource: again/said}
steps:
  say: {in: {word: word}, out: [said], run: say.cwl}
  again: {in: {word: word, after: say/said}, out: [said], run: say.cwl}
"""
TOOL = """\
cwlVersion: v1.2
class: CommandLineTool
requirements: {ResourceRequirement: {coresMin: 2, ramMin: 4096}}
baseCommand: echo
inputs:
  word: {type: string, inputBinding: {}}
  after: {type: File?}
outputs: {said: stdout}
stdout: said.txt
"""
HOURLY_USD = 0.25


class _Pricing(BaseHTTPRequestHandler):
    """The AWS Price List, of which the local AWS knows nothing: everything costs the same."""

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        request = json.loads(self.rfile.read(length))
        price = {"terms": {"OnDemand": {"x": {"priceDimensions": {"y": {"pricePerUnit": {"USD": str(HOURLY_USD)}}}}}}}
        answer: dict[str, Any] = {"Services": [{"ServiceCode": request["ServiceCode"], "AttributeNames": []}]}
        if self.headers["X-Amz-Target"].endswith(".GetProducts"):
            answer = {"FormatVersion": "aws_v1", "PriceList": [json.dumps(price)]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def pricing_url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pricing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def tools(module_machine: Machine, pricing_url: str) -> Callable[..., str]:
    """Calls aws-healthomics-tools with what `healthomics-local up --export` prints, and returns its output."""
    exported = module_machine.succeed("--speed", "1000", "up", "--export").splitlines()
    variables = dict(shlex.split(line.removeprefix("export "))[0].split("=", 1) for line in exported)
    basis = foreign_clients.environment(module_machine.state()["omics_endpoint_url"], module_machine.folder)
    # The plot is shown in a browser.
    environment = {**basis, **variables, "AWS_ENDPOINT_URL_PRICING": pricing_url, "BROWSER": "true"}

    def call(*arguments: str) -> str:
        done = foreign_clients.run([foreign_clients.PROGRAMS / "python", "-m", *arguments], environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


@pytest.fixture(scope="module")
def run_id(module_machine: Machine, tools: Callable[..., str]) -> str:
    """A run that cwltool has executed, and whose manifest is there."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("main.cwl", WORKFLOW)
        content.writestr("say.cwl", TOOL)
    module_machine.client("s3").create_bucket(Bucket="results")
    omics = module_machine.client("omics")
    workflow = omics.create_workflow(name="words", engine="CWL", definitionZip=archive.getvalue(), main="main.cwl")
    omics.get_waiter("workflow_active").wait(id=workflow["id"], WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    run = omics.start_run(
        workflowId=workflow["id"],
        roleArn="arn:aws:iam::000000000000:role/run",
        outputUri="s3://results/words",
        name="original",
        parameters={"word": "hello"},
        storageType="DYNAMIC",
        tags={"a": "b"},
    )
    _wait_for_manifest(module_machine, run["id"])
    assert omics.get_run(id=run["id"])["status"] == "COMPLETED"
    return run["id"]


def _wait_for_manifest(machine: Machine, run_id: str) -> None:
    logs, deadline = machine.client("logs"), time.monotonic() + 180
    prefix = f"manifest/run/{run_id}/"
    while time.monotonic() < deadline:
        groups = logs.describe_log_groups(logGroupNamePrefix="/aws/omics/WorkflowLog")["logGroups"]
        if (
            groups
            and logs.describe_log_streams(logGroupName=groups[0]["logGroupName"], logStreamNamePrefix=prefix)[
                "logStreams"
            ]
        ):
            return
        time.sleep(0.2)
    raise AssertionError(f"no stream {prefix}")


def test_rerun_starts_the_run_of_a_manifest_again(
    module_machine: Machine, tools: Callable[..., str], run_id: str
) -> None:
    said = tools("omics.cli.rerun", run_id, "--name", "again", "--parameter", "word=bye", "--tag", "again=yes")

    omics = module_machine.client("omics")
    original, again = omics.get_run(id=run_id), omics.get_run(id=re.findall(r'"id": "(\d+)"', said)[-1])
    assert again["name"] == "again"
    assert again["parameters"] == {"word": "bye"}
    assert again["tags"] == {"again": "yes"}
    for member in ("workflowId", "workflowType", "roleArn", "outputUri", "storageType"):
        assert again[member] == original[member]


def test_run_analyzer_shows_the_timeline(module_machine: Machine, tools: Callable[..., str], run_id: str) -> None:
    rows = list(csv.DictReader(io.StringIO(tools("omics.cli.run_analyzer", "--timeline", run_id))))

    tasks = module_machine.client("omics").list_run_tasks(id=run_id)["items"]
    assert {row["resource"].split(" ")[0] for row in rows} == {f"task/{task['taskId']}" for task in tasks}
    assert len(rows) == 2
    for row in rows:
        assert "cpus=2" in row["resource"]
        assert float(row["pending"]) >= 0
        assert float(row["running"]) > 0


def test_run_analyzer_counts_what_a_run_used(
    module_machine: Machine, tools: Callable[..., str], run_id: str, tmp_path: Path
) -> None:
    table = tmp_path / "run.csv"
    tools("omics.cli.run_analyzer", run_id, "--out", str(table), "--plot", str(tmp_path / "plot"))

    rows = list(csv.DictReader(table.read_text().splitlines()))
    run = module_machine.client("omics").get_run(id=run_id)
    by_name = {row["name"]: row for row in rows}
    assert by_name["original"]["arn"] == run["arn"]
    assert by_name["original"]["uuid"] == run["uuid"]
    tasks = [row for row in rows if row["type"] == "task"]
    assert {row["name"] for row in tasks} == {"say", "again"}
    for row in tasks:
        assert (row["cpusRequested"], row["memoryRequestedGiB"]) == ("2", "4")
        assert float(row["runningSeconds"]) > 0
        assert float(row["estimatedUSD"]) > 0
    assert run["id"] in (tmp_path / "plot" / f"{run_id}_timeline.html").read_text()
