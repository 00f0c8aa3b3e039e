"""CWL workflows that are really executed, by cwltool, on objects in memory."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from healthomics_local.endpoint import LocalHealthOmics, MemoryObjectStore, ObjectStore, S3Uri, Settings, Timings
from healthomics_local.endpoint.objects import ObjectStoreError

pytestmark = pytest.mark.slow

ROLE = "arn:aws:iam::123456789012:role/run"
SECONDS = 120

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
requirements:
  DockerRequirement: {dockerPull: "123456789012.dkr.ecr.us-east-1.amazonaws.com/tools:1"}
baseCommand: [sh, -c]
arguments:
  - |
    echo "about $1" >&2
    echo "$1 $2 $3 `cat "$4"`"
    sleep "$5"
    exit "$6"
  - sh
inputs:
  sample: {type: string, doc: The sample's name, inputBinding: {position: 1}}
  threads: {type: int, default: 2, inputBinding: {position: 2}}
  fraction: {type: double, default: 0.5, inputBinding: {position: 3}}
  reads: {type: File, inputBinding: {position: 4}}
  seconds: {type: double, default: 0, inputBinding: {position: 5}}
  code: {type: int, default: 0, inputBinding: {position: 6}}
outputs:
  report: {type: stdout}
stdout: report.txt
"""

SCATTER = """
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, InlineJavascriptRequirement: {}}
inputs: {words: "string[]", bad: {type: string, default: ""}}
outputs:
  lines: {type: "File[]", outputSource: shout/line}
  all: {type: File, outputSource: join/all}
steps:
  shout: {run: tools/shout.cwl, scatter: word, in: {word: words, bad: bad}, out: [line]}
  join: {run: tools/join.cwl, in: {lines: shout/line}, out: [all]}
"""
SHOUT = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c]
arguments:
  - |
    echo "reading $1" >&2
    test "$1" != "$2" || { echo "cannot read $1" >&2; exit 3; }
    echo $1 | tr a-z A-Z
  - sh
inputs: {word: {type: string, inputBinding: {position: 1}}, bad: {type: string, inputBinding: {position: 2}}}
outputs: {line: stdout}
stdout: $(inputs.word).txt
requirements: {InlineJavascriptRequirement: {}}
"""
JOIN = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: cat
inputs: {lines: {type: "File[]", inputBinding: {position: 1}}}
outputs: {all: stdout}
stdout: all.txt
"""

BUSY = """
cwlVersion: v1.2
class: CommandLineTool
requirements: {ResourceRequirement: {coresMin: 2.5, ramMin: 4500}}
baseCommand: [python3, -c]
arguments:
  - |
    import time
    full = bytearray(200_000_000)
    while time.process_time() < 1: pass
inputs: {}
outputs: {}
"""

Execute = Callable[..., dict[str, Any]]


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(name.replace("__", "/") + ".cwl", content)
    return buffer.getvalue()


@pytest.fixture
def store() -> MemoryObjectStore:
    store = MemoryObjectStore()
    store.put("s3://in/reads.fq", "ACGT")
    return store


@pytest.fixture
def events() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def omics(store: MemoryObjectStore, events: list[dict[str, Any]]) -> Iterator[LocalHealthOmics]:
    settings = Settings(timings=Timings.none(), object_store=store, event_sink=events.append)
    with LocalHealthOmics(settings) as omics:
        yield omics


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("waited for too long")


def start(omics: LocalHealthOmics, definition: bytes, parameters: dict[str, Any], **members: Any) -> str:
    workflow = omics.add_workflow(engine="CWL", definition=definition, main=members.pop("main", None))
    required = {"workflowId": workflow.workflow_id, "roleArn": ROLE, "outputUri": "s3://out/runs"}
    return omics.call("StartRun", required | members | {"parameters": parameters})["id"]


def end_of(omics: LocalHealthOmics, run_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        run = omics.call("GetRun", {"id": run_id})
        return run if run["status"] in {"COMPLETED", "FAILED", "CANCELLED"} else None

    return wait_for(ended)


def tasks_of(omics: LocalHealthOmics, run_id: str) -> list[tuple[str, str]]:
    items = omics.call("ListRunTasks", {"id": run_id})["items"]
    return [(item["name"], item["status"]) for item in reversed(items)]


def processes(marker: str) -> list[int]:
    """The processes with this text in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_tool_is_executed_and_its_outputs_and_logs_are_where_healthomics_puts_them(
    omics: LocalHealthOmics, store: MemoryObjectStore, events: list[dict[str, Any]]
) -> None:
    parameters = {"sample": "NA 12878", "threads": 4, "fraction": 0.25, "reads": "s3://in/reads.fq"}
    run_id = start(omics, archive(main=TOOL), parameters)

    run = end_of(omics, run_id)

    assert (run["status"], run.get("statusMessage")) == ("COMPLETED", None)
    base = f"s3://out/runs/{run_id}"
    assert store.uris("s3://out/") == [
        f"{base}/logs/engine.log",
        f"{base}/logs/outputs.json",
        f"{base}/logs/stderr.log",
        f"{base}/out/report.txt",
    ]
    assert store.get(f"{base}/out/report.txt") == b"NA 12878 4 0.25 ACGT\n"
    report = json.loads(store.get(f"{base}/logs/outputs.json"))["report"]
    assert (report["class"], report["location"], report["size"]) == ("File", f"{base}/out/report.txt", 21)
    assert store.get(f"{base}/logs/stderr.log") == b"about NA 12878\n"
    log = store.get(f"{base}/logs/engine.log").decode()
    assert "completed success" in log
    assert "/healthomics-run-" not in log
    assert [status for _, status in tasks_of(omics, run_id)] == ["COMPLETED"]
    omics.stop()
    kinds = [event["detail-type"].split()[0] for event in events]
    assert kinds == ["Run", "Run", "Run", "Task", "Task", "Run", "Run"]


def test_the_logs_have_what_cwltool_and_the_tool_have_written(omics: LocalHealthOmics) -> None:
    definition = archive(main=SCATTER, tools__shout=SHOUT, tools__join=JOIN)
    run_id = start(omics, definition, {"words": ["one", "two", "three"], "bad": "two"})

    run = end_of(omics, run_id)

    engine = omics.logs.messages(f"run/{run_id}/engine")
    assert "INFO [job shout] completed success" in engine
    assert "WARNING [job shout_2] completed permanentFail" in engine
    assert not any("/healthomics-run-" in message for message in engine)
    tasks = omics.call("ListRunTasks", {"id": run_id})["items"]
    outputs = {task["name"]: omics.logs.messages(f"run/{run_id}/task/{task['taskId']}") for task in tasks}
    assert outputs == {
        "shout": ["Task started", "reading one", "Task completed"],
        "shout_2": ["Task started", "reading two", "cannot read two", "Task failed"],
    }
    (manifest,) = omics.logs.streams(f"manifest/run/{run_id}/")
    documents = [json.loads(message) for message in omics.logs.messages(manifest)]
    assert [document["status"] for document in documents] == ["FAILED", "COMPLETED", "FAILED"]
    assert documents[0]["failureReason"] == run["failureReason"]


def test_the_manifest_tells_what_a_tool_asked_for_and_what_it_used(omics: LocalHealthOmics) -> None:
    run_id = start(omics, archive(main=BUSY), {})
    end_of(omics, run_id)

    (manifest,) = omics.logs.streams(f"manifest/run/{run_id}/")
    _, task = [json.loads(message) for message in omics.logs.messages(manifest)]

    assert (task["cpus"], task["memory"], task["instanceType"]) == (3, 5, "omics.c.xlarge")
    metrics = task["metrics"]
    assert (metrics["cpusReserved"], metrics["memoryReservedGiB"]) == (4, 8)
    # It keeps one processor busy for a second, however long that takes on this machine, and fills 200 MB.
    assert 0 < metrics["cpusAverage"] <= metrics["cpusMaximum"] < 2
    assert 0.18 < metrics["memoryMaximumGiB"] < 1
    assert metrics["memoryAverageGiB"] <= metrics["memoryMaximumGiB"]


def test_a_scattered_step_has_a_task_for_each_item(omics: LocalHealthOmics, store: MemoryObjectStore) -> None:
    definition = archive(main=SCATTER, tools__shout=SHOUT, tools__join=JOIN)
    run_id = start(omics, definition, {"words": ["one", "two", "three"]})

    run = end_of(omics, run_id)

    assert (run["status"], run.get("statusMessage")) == ("COMPLETED", None)
    names = [name for name, status in tasks_of(omics, run_id) if status == "COMPLETED"]
    assert names == ["shout", "shout_2", "shout_3", "join"]
    outputs = json.loads(store.get(f"{run['runOutputUri']}/logs/outputs.json"))
    assert store.get(outputs["all"]["location"]) == b"ONE\nTWO\nTHREE\n"
    assert [line["basename"] for line in outputs["lines"]] == ["one.txt", "two.txt", "three.txt"]


def test_a_tool_that_fails_fails_the_run_and_says_why(omics: LocalHealthOmics, store: MemoryObjectStore) -> None:
    definition = archive(main=SCATTER, tools__shout=SHOUT, tools__join=JOIN)
    run_id = start(omics, definition, {"words": ["one", "two", "three"], "bad": "two"})

    run = end_of(omics, run_id)

    assert (run["status"], run["failureReason"]) == ("FAILED", "RUN_TASK_FAILED")
    assert "Run failed due to task: shout_2, id: " in run["statusMessage"]
    assert run["statusMessage"].endswith("exited with status 3: reading two | cannot read two")
    assert tasks_of(omics, run_id) == [("shout", "COMPLETED"), ("shout_2", "FAILED")]
    failed = omics.call("ListRunTasks", {"id": run_id, "status": "FAILED"})["items"][0]
    task = omics.call("GetRunTask", {"id": run_id, "taskId": failed["taskId"]})
    assert task["statusMessage"] == "exited with status 3: reading two | cannot read two"
    assert f"{run['runOutputUri']}/logs/engine.log" in store.uris("s3://out/")
    assert f"{run['runOutputUri']}/logs/outputs.json" not in store.uris("s3://out/")


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        ({"reads": "s3://in/none.fq"}, "INPUT_URI_NOT_FOUND", "Input URI not found: s3://in/none.fq"),
        ({"reads": "/etc/hostname"}, "INVALID_URI_INPUT", "must be an S3 URI"),
        ({"threads": "four"}, "WORKFLOW_RUN_FAILED", "threads"),
    ],
)
def test_a_bad_input_fails_the_run(omics: LocalHealthOmics, changes: dict[str, Any], reason: str, message: str) -> None:
    parameters = {"sample": "a", "reads": "s3://in/reads.fq"} | changes

    run = end_of(omics, start(omics, archive(main=TOOL), parameters))

    assert (run["status"], run["failureReason"]) == ("FAILED", reason)
    assert message in run["statusMessage"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("[sh, -c]", "no-such-program"), "failed: 'no-such-program' not found"),
        (("stdout: report.txt", ""), "failed: Error collecting output for parameter 'report'"),
    ],
)
def test_a_task_that_fails_without_a_word_fails_with_those_of_cwltool(
    omics: LocalHealthOmics, changes: tuple[str, str], message: str
) -> None:
    definition = archive(main=TOOL.replace(*changes).replace("type: stdout", "type: File, outputBinding: {glob: none}"))

    run_id = start(omics, definition, {"sample": "a", "reads": "s3://in/reads.fq"})

    run = end_of(omics, run_id)
    assert (run["status"], run["failureReason"]) == ("FAILED", "RUN_TASK_FAILED")
    assert message in run["statusMessage"]
    (task,) = omics.call("ListRunTasks", {"id": run_id})["items"]
    described = omics.call("GetRunTask", {"id": run_id, "taskId": task["taskId"]})
    assert described["statusMessage"].startswith(message)
    log = " ".join(omics.logs.messages(f"run/{run_id}/task/{task['taskId']}"))
    assert message.removeprefix("failed: ") in log


def test_a_step_over_nothing_has_no_task(omics: LocalHealthOmics) -> None:
    run_id = start(omics, archive(main=SCATTER, tools__shout=SHOUT, tools__join=JOIN), {"words": []})

    assert end_of(omics, run_id)["status"] == "COMPLETED"
    assert tasks_of(omics, run_id) == [("join", "COMPLETED")]


class ReadOnlyStore(MemoryObjectStore):
    def upload(self, source: Path, target: S3Uri) -> None:
        raise ObjectStoreError(f"access denied for {target}")


def test_outputs_that_cannot_be_written_fail_the_run() -> None:
    store: ObjectStore = ReadOnlyStore()
    with LocalHealthOmics(Settings(timings=Timings.none(), object_store=store)) as omics:
        definition = archive(main=JOIN)
        run = end_of(omics, start(omics, definition, {"lines": []}))

    assert (run["status"], run["failureReason"]) == ("FAILED", "EXPORT_FAILED")
    assert "access denied" in run["statusMessage"]


def test_outputs_go_straight_below_the_output_uri_on_demand(omics: LocalHealthOmics, store: MemoryObjectStore) -> None:
    definition = archive(main=JOIN)
    members = {"outputUriPrefixMode": "NONE_WITH_OVERWRITE", "outputUri": "s3://out/same/"}

    run = end_of(omics, start(omics, definition, {"lines": []}, **members))

    assert run["status"] == "COMPLETED"
    assert "s3://out/same/out/all.txt" in store.uris("s3://out/")


def test_a_cancelled_run_leaves_no_process_no_output_and_no_folder(
    omics: LocalHealthOmics, store: MemoryObjectStore
) -> None:
    seconds = f"600.{os.getpid()}1"
    parameters = {"sample": "a", "reads": "s3://in/reads.fq", "seconds": float(seconds)}
    run_id = start(omics, archive(main=TOOL), parameters)
    wait_for(lambda: processes(f"sleep\0{seconds}"))

    omics.call("CancelRun", {"id": run_id})

    assert end_of(omics, run_id)["status"] == "CANCELLED"
    wait_for(lambda: not processes(f"sleep\0{seconds}"))
    assert [status for _, status in tasks_of(omics, run_id)] == ["CANCELLED"]
    assert store.uris("s3://out/") == []


def test_stopping_the_endpoint_kills_what_runs_and_tidies_up(
    store: MemoryObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = f"600.{os.getpid()}2"
    parameters = {"sample": "a", "reads": "s3://in/reads.fq", "seconds": float(seconds)}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with LocalHealthOmics(Settings(timings=Timings.none(), object_store=store)) as omics:
        start(omics, archive(main=TOOL), parameters)
        wait_for(lambda: processes(f"sleep\0{seconds}"))

    assert list(tmp_path.iterdir()) == []
    assert processes(f"sleep\0{seconds}") == []


def test_nothing_outlives_an_endpoint_that_is_killed(tmp_path: Path) -> None:
    seconds = f"600.{os.getpid()}3"
    script = f"""
import time
from healthomics_local.endpoint import LocalHealthOmics, MemoryObjectStore, Settings, Timings
store = MemoryObjectStore()
store.put("s3://in/reads.fq", "ACGT")
omics = LocalHealthOmics(Settings(timings=Timings.none(), object_store=store))
workflow = omics.add_workflow(engine="CWL", definition={archive(main=TOOL)!r})
parameters = {{"sample": "a", "reads": "s3://in/reads.fq", "seconds": {seconds}}}
required = {{"workflowId": workflow.workflow_id, "roleArn": "arn:r", "outputUri": "s3://out"}}
omics.call("StartRun", required | {{"parameters": parameters}})
time.sleep(600)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as endpoint:
        try:
            wait_for(lambda: processes(f"sleep\0{seconds}"))
        finally:
            os.kill(endpoint.pid, signal.SIGKILL)

    wait_for(lambda: not processes(f"sleep\0{seconds}"))
    assert list(tmp_path.iterdir()) == []


def test_a_workflow_is_active_once_cwltool_has_found_it_valid(omics: LocalHealthOmics) -> None:
    members = {"name": "w", "engine": "CWL", "definitionZip": archive(main=TOOL)}
    created = omics.call("CreateWorkflow", members)

    def inspected() -> dict[str, Any] | None:
        workflow = omics.call("GetWorkflow", {"id": created["id"]})
        return workflow if workflow["status"] != "CREATING" else None

    workflow = wait_for(inspected)

    assert created["status"] == "CREATING"
    assert (workflow["status"], workflow["main"]) == ("ACTIVE", "main.cwl")
    template = workflow["parameterTemplate"]
    assert template["sample"] == {"description": "The sample's name", "optional": False}
    assert template["threads"]["optional"]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        pytest.param(
            {
                "main": SCATTER.replace("lines: shout/line", "lines: shout/none"),
                "tools__shout": SHOUT,
                "tools__join": JOIN,
            },
            "shout/none",
            id="a link to nothing",
        ),
        pytest.param({"main": SCATTER}, "shout.cwl", id="a missing file"),
        pytest.param({"main": "{"}, "main.cwl", id="no YAML"),
        pytest.param({"main": "class: Nonsense\ncwlVersion: v1.2"}, "Nonsense", id="no CWL"),
        pytest.param({"a": TOOL, "b": TOOL}, "main must name", id="no main file"),
    ],
)
def test_a_workflow_that_is_not_valid_fails_and_says_why(
    omics: LocalHealthOmics, definition: dict[str, str], message: str
) -> None:
    created = omics.call("CreateWorkflow", {"engine": "CWL", "definitionZip": archive(**definition)})

    def failed() -> dict[str, Any] | None:
        workflow = omics.call("GetWorkflow", {"id": created["id"]})
        return workflow if workflow["status"] != "CREATING" else None

    workflow = wait_for(failed)

    assert workflow["status"] == "FAILED"
    assert message in workflow["statusMessage"]
    assert "/healthomics-cwl-" not in workflow["statusMessage"]
    assert "\n" not in workflow["statusMessage"]


def test_a_definition_can_lie_in_s3(omics: LocalHealthOmics, store: MemoryObjectStore) -> None:
    store.put("s3://code/workflow.zip", archive(other=JOIN))
    members = {"engine": "CWL", "definitionUri": "s3://code/workflow.zip", "main": "other.cwl"}
    created = omics.call("CreateWorkflow", members)
    wait_for(lambda: omics.call("GetWorkflow", {"id": created["id"]})["status"] == "ACTIVE")
    start_members = {"workflowId": created["id"], "roleArn": ROLE, "outputUri": "s3://out"}

    run = omics.call("StartRun", start_members | {"parameters": {"lines": ["s3://in/reads.fq"]}})

    assert end_of(omics, run["id"])["status"] == "COMPLETED"
    assert store.get(f"{run['runOutputUri']}/out/all.txt") == b"ACGT"


def test_a_workflow_fails_where_cwltool_is_not_installed(store: MemoryObjectStore) -> None:
    settings = Settings(timings=Timings.none(), object_store=store, cwl_python="/none/python")
    with LocalHealthOmics(settings) as omics:
        created = omics.call("CreateWorkflow", {"engine": "CWL", "definitionZip": archive(main=TOOL)})

        def inspected() -> dict[str, Any] | None:
            workflow = omics.call("GetWorkflow", {"id": created["id"]})
            return workflow if workflow["status"] != "CREATING" else None

        workflow = wait_for(inspected)

    assert workflow["status"] == "FAILED"
    assert "/none/python" in workflow["statusMessage"]


def test_a_workflow_becomes_active_while_runs_keep_every_processor_busy(omics: LocalHealthOmics) -> None:
    seconds = f"600.{os.getpid()}4"
    parameters = {"sample": "a", "reads": "s3://in/reads.fq", "seconds": float(seconds)}
    runs = [start(omics, archive(main=TOOL), parameters) for _ in range((os.cpu_count() or 1) + 1)]
    wait_for(lambda: processes(f"sleep\0{seconds}"))

    created = omics.call("CreateWorkflow", {"engine": "CWL", "definitionZip": archive(main=JOIN)})

    wait_for(lambda: omics.call("GetWorkflow", {"id": created["id"]})["status"] == "ACTIVE")
    assert omics.call("GetRun", {"id": runs[-1]})["status"] == "PENDING"
