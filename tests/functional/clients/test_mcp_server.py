"""The MCP server of AWS Labs for HealthOmics, over stdio: what an assistant calls."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

import foreign_clients

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from healthomics_local.endpoint import LocalHealthOmics

pytestmark = [pytest.mark.slow, foreign_clients.needs_python_clients]

ROLE_ARN = "arn:aws:iam::123456789012:role/run"
WORKFLOW = """\
cwlVersion: v1.2
class: Workflow
inputs: {sample: string}
outputs: {}
steps: {}
"""


class McpServer:
    """Speaks the Model Context Protocol with a server: JSON-RPC, one message a line."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests = requests
        self._answers = answers
        self._id = 0

    def initialize(self) -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        result = self.call("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self._send(method="notifications/initialized")
        return result

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        self._send(id=self._id, method=method, params=params)
        while line := self._answers.readline():
            message = json.loads(line)
            # In between come notifications, which have no id.
            if message.get("id") == self._id:
                assert "error" not in message, message
                return message["result"]
        raise AssertionError("the server ended before it answered")

    def tool(self, tool: str, /, **arguments: Any) -> Any:
        result = self.call("tools/call", name=tool, arguments=arguments)
        assert result["isError"] is False, result
        return result["structuredContent"]["result"]

    def _send(self, **message: Any) -> None:
        self._requests.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self._requests.flush()


@contextmanager
def running(environment: dict[str, str], log: Path) -> Iterator[McpServer]:
    command = foreign_clients.PROGRAMS / "awslabs.aws-healthomics-mcp-server"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [command], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        # Reading from a server that hangs would never end.
        watchdog = threading.Timer(180, process.kill)
        watchdog.start()
        try:
            yield McpServer(cast("IO[str]", process.stdin), cast("IO[str]", process.stdout))
        finally:
            watchdog.cancel()
            process.kill()


@pytest.fixture(scope="module")
def server(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpServer]:
    with running(environment, tmp_path_factory.mktemp("mcp") / "log") as server:
        assert server.initialize()["serverInfo"]["name"] == "awslabs.aws-healthomics-mcp-server"
        yield server


def test_a_workflow_is_created_and_run(omics: LocalHealthOmics, server: McpServer) -> None:
    tools = {tool["name"] for tool in server.call("tools/list")["tools"]}
    archive = server.tool("PackageAHOWorkflow", main_file_name="main.cwl", main_file_content=WORKFLOW)
    workflow = server.tool(
        "CreateAHOWorkflow",
        name="alignment",
        definition_zip_base64=archive,
        parameter_template={"sample": {"description": "its name"}},
    )
    omics.run_until_idle()
    active = server.tool("GetAHOWorkflow", workflow_id=workflow["id"])
    run = server.tool(
        "StartAHORun",
        workflow_id=workflow["id"],
        role_arn=ROLE_ARN,
        name="from an assistant",
        output_uri="s3://bucket/out",
        parameters={"sample": "NA12878"},
        tags={"by": "assistant"},
    )
    omics.run_until_idle()
    done = server.tool("GetAHORun", run_id=run["id"])
    tasks = server.tool("ListAHORunTasks", run_id=run["id"])["tasks"]
    task = server.tool("GetAHORunTask", run_id=run["id"], task_id=tasks[0]["taskId"])

    assert {"StartAHORun", "GetAHORun", "ListAHORuns", "StartAHORunBatch"} <= tools
    assert (workflow["status"], active["status"]) == ("CREATING", "ACTIVE")
    assert active["parameterTemplate"]["sample"]["description"] == "its name"
    assert (run["status"], done["status"]) == ("PENDING", "COMPLETED")
    assert done["parameters"] == {"sample": "NA12878"}
    assert done["runOutputUri"] == f"s3://bucket/out/{run['id']}"
    assert [each["status"] for each in tasks] == ["COMPLETED"]
    assert task["taskId"] == tasks[0]["taskId"]
    assert omics.call("GetRun", {"id": run["id"]})["tags"] == {"by": "assistant"}


def test_runs_are_listed_page_by_page(omics: LocalHealthOmics, server: McpServer) -> None:
    members = {"workflowId": "1234567", "roleArn": ROLE_ARN, "outputUri": "s3://bucket/out"}
    group = server.tool("CreateAHORunGroup", name="three", max_cpus=8)
    ids = {omics.call("StartRun", members | {"runGroupId": group["id"]})["id"] for _ in range(3)}

    found: list[str] = []
    page = server.tool("ListAHORuns", run_group_id=group["id"], max_results=2)
    found += [run["id"] for run in page["runs"]]
    page = server.tool("ListAHORuns", run_group_id=group["id"], max_results=2, next_token=page["nextToken"])
    found += [run["id"] for run in page["runs"]]

    assert (len(found), set(found)) == (3, ids)
    assert page["pagination"]["isComplete"] is True


def test_an_error_of_the_endpoint_reaches_the_assistant(server: McpServer) -> None:
    missing = server.tool("GetAHORun", run_id="1")
    refused = server.tool(
        "StartAHORun",
        workflow_id="1234567",
        role_arn=ROLE_ARN,
        name="x" * 129,
        output_uri="s3://bucket/out",
        parameters={},
    )

    assert "(ResourceNotFoundException) when calling the GetRun operation: Run 1 not found" in missing["error"]
    assert "(ValidationException) when calling the StartRun operation: 1 validation error detected" in refused["error"]


def test_a_batch_is_started(omics: LocalHealthOmics, server: McpServer) -> None:
    started = server.tool(
        "StartAHORunBatch",
        workflow_id="1234567",
        role_arn=ROLE_ARN,
        output_uri="s3://bucket/out",
        batch_name="two",
        batch_run_settings={"inlineSettings": [{"runSettingId": "first"}, {"runSettingId": "second"}]},
    )
    omics.run_until_idle()

    # Its tools that read batches pass members that the API does not have (id, maxResults), and boto3 refuses them.
    assert omics.call("GetBatch", {"batchId": started["id"]})["status"] == "PROCESSED"
    runs = omics.call("ListRunsInBatch", {"batchId": started["id"]})["runs"]
    assert {run["runSettingId"] for run in runs} == {"first", "second"}
