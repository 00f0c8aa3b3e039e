"""WDL workflows that are really executed, by miniwdl, with a udocker that needs no containers.

``make miniwdl`` installs miniwdl into an environment of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from healthomics_local.endpoint import LocalHealthOmics, MemoryObjectStore, Settings, Timings
from healthomics_local.endpoint.engines.container_backends import HELP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

MINIWDL = Path(__file__).parents[3] / ".miniwdl" / "bin" / "python"
ROLE = "arn:aws:iam::123456789012:role/run"
SECONDS = 120

MAIN = """
version 1.0
import "tasks/shout.wdl" as tasks

struct Options {
  Int copies
  Float seconds
}

workflow shouting {
  input {
    Array[String] words
    Map[String, File] reads
    Options options = object { copies: 1, seconds: 0.0 }
    String bad = ""
  }
  scatter (word in words) {
    call tasks.shout {
      input: word = word, reads = reads[word], bad = bad, copies = options.copies, seconds = options.seconds
    }
  }
  call tasks.join { input: lines = shout.line }
  output {
    File all = join.all
    Array[File] lines = shout.line
    Map[String, Int] counts = {"words": length(words)}
  }
  parameter_meta {
    words: "Who shouts"
    reads: {help: "What they read"}
  }
}
"""
TASKS = """
version 1.0

task shout {
  input {
    String word
    File reads
    String bad
    Int copies
    Float seconds
  }
  command <<<
    echo "reading ~{word}" >&2
    test "~{word}" != "~{bad}" || { echo "cannot read ~{word}" >&2; exit 3; }
    sleep ~{seconds}
    for copy in $(seq ~{copies}); do echo "~{word}" | tr a-z A-Z; done > line.txt
    cat "~{reads}" >> line.txt
    echo done
  >>>
  output { File line = "line.txt" }
  runtime { docker: "tools:1" cpu: 1 memory: "1500 MiB" }
}

task join {
  input { Array[File] lines }
  command <<< cat ~{sep=" " lines} >>>
  output { File all = stdout() }
  runtime { docker: "tools:1" }
}
"""
WORDS = {"shouting.words": ["one", "two"], "shouting.reads": {"one": "s3://in/1.fq", "two": "s3://in/2.fq"}}


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


DEFINITION = archive({"main.wdl": MAIN, "tasks/shout.wdl": TASKS})


@pytest.fixture(scope="module")
def store() -> MemoryObjectStore:
    store = MemoryObjectStore()
    store.put("s3://in/1.fq", "ACGT\n")
    store.put("s3://in/2.fq", "TTTT\n")
    return store


def programs(folder: Path) -> Path:
    """A folder for the PATH on which nothing runs containers."""
    assert MINIWDL.exists(), "run `make miniwdl` first"
    folder.mkdir()
    for name in ("sh", "bash", "cat", "tr", "seq", "sleep"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture(scope="module")
def udocker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing but a udocker on the PATH."""
    folder = programs(tmp_path_factory.mktemp("udocker") / "bin")
    program = folder / "udocker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("udocker.py")} "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        yield


@pytest.fixture
def no_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the PATH that runs containers."""
    monkeypatch.setenv("PATH", str(programs(tmp_path / "bin")))


def settings(store: MemoryObjectStore, **changes: Any) -> Settings:
    return Settings(timings=Timings.none(), object_store=store, wdl_python=str(MINIWDL), **changes)


@pytest.fixture(scope="module")
def omics(store: MemoryObjectStore, udocker: None) -> Iterator[LocalHealthOmics]:
    with LocalHealthOmics(settings(store)) as omics:
        yield omics


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("waited for too long")


def start(omics: LocalHealthOmics, parameters: dict[str, Any], definition: bytes = DEFINITION) -> str:
    workflow = omics.add_workflow(engine="WDL", definition=definition)
    members = {"workflowId": workflow.workflow_id, "roleArn": ROLE, "outputUri": "s3://out/runs"}
    return omics.call("StartRun", members | {"parameters": parameters})["id"]


def end_of(omics: LocalHealthOmics, run_id: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        run = omics.call("GetRun", {"id": run_id})
        return run if run["status"] in {"COMPLETED", "FAILED", "CANCELLED"} else None

    return wait_for(ended)


def tasks_of(omics: LocalHealthOmics, run_id: str) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in omics.call("ListRunTasks", {"id": run_id})["items"]}


def test_a_scattered_workflow_is_executed(omics: LocalHealthOmics, store: MemoryObjectStore) -> None:
    run_id = start(omics, WORDS | {"options": {"copies": 2, "seconds": 0}})

    run = end_of(omics, run_id)

    assert (run["status"], run.get("statusMessage")) == ("COMPLETED", None)
    base = f"s3://out/runs/{run_id}"
    outputs = json.loads(store.get(f"{base}/logs/outputs.json"))
    assert store.get(outputs["shouting.all"]) == b"ONE\nONE\nACGT\nTWO\nTWO\nTTTT\n"
    assert [store.get(uri) for uri in outputs["shouting.lines"]] == [b"ONE\nONE\nACGT\n", b"TWO\nTWO\nTTTT\n"]
    assert outputs["shouting.counts"] == {"words": 2}
    assert outputs["shouting.all"].startswith(f"{base}/out/all/")
    tasks = tasks_of(omics, run_id)
    assert {name: task["status"] for name, task in tasks.items()} == {
        "shout-0-one": "COMPLETED",
        "shout-1-two": "COMPLETED",
        "join": "COMPLETED",
    }
    assert (tasks["shout-0-one"]["cpus"], tasks["shout-0-one"]["memory"]) == (1, 2)
    log = omics.logs.messages(f"run/{run_id}/task/{tasks['shout-1-two']['taskId']}")
    assert log == ["Task started", "done", "reading two", "Task completed"]
    engine_log = store.get(f"{base}/logs/engine.log").decode()
    assert engine_log.splitlines() == omics.logs.messages(f"run/{run_id}/engine")
    assert "/healthomics-run-" not in engine_log
    (manifest,) = omics.logs.streams(f"manifest/run/{run_id}/")
    assert len(omics.logs.messages(manifest)) == 4


def test_a_task_that_fails_fails_the_run_and_says_why(omics: LocalHealthOmics, store: MemoryObjectStore) -> None:
    run_id = start(omics, WORDS | {"shouting.words": ["one"], "shouting.bad": "one"})

    run = end_of(omics, run_id)

    assert (run["status"], run["failureReason"]) == ("FAILED", "RUN_TASK_FAILED")
    assert "Run failed due to task: shout-0, id: " in run["statusMessage"]
    assert run["statusMessage"].endswith("exited with status 3: reading one | cannot read one")
    (task,) = tasks_of(omics, run_id).values()
    assert task["status"] == "FAILED"
    assert store.uris(f"s3://out/runs/{run_id}/") == [f"s3://out/runs/{run_id}/logs/engine.log"]


@pytest.mark.parametrize(
    ("parameters", "reason", "message"),
    [
        (
            {"shouting.words": ["a"], "shouting.reads": {"a": "s3://in/none.fq"}},
            "INPUT_URI_NOT_FOUND",
            "Input URI not found: s3://in/none.fq",
        ),
        (
            {"shouting.words": ["a"], "shouting.reads": {"a": "/etc/hostname"}},
            "INVALID_URI_INPUT",
            "must be an S3 URI, got /etc/hostname",
        ),
        ({"words": []}, "WORKFLOW_RUN_FAILED", "missing required inputs/outputs: reads"),
        (WORDS | {"shouting.none": 1}, "WORKFLOW_RUN_FAILED", "unknown input/output: shouting.none"),
    ],
)
def test_a_bad_input_fails_the_run(
    omics: LocalHealthOmics, parameters: dict[str, Any], reason: str, message: str
) -> None:
    run = end_of(omics, start(omics, parameters))

    assert (run["status"], run["failureReason"]) == ("FAILED", reason)
    assert message in run["statusMessage"]


def processes(marker: str) -> list[str]:
    """The processes with this text in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(entry.read_bytes().decode(errors="replace"))
    return [command for command in found if marker in command]


def test_a_cancelled_run_and_a_stopped_endpoint_leave_nothing(
    store: MemoryObjectStore, udocker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seconds = f"600.{os.getpid()}"
    parameters = WORDS | {"shouting.options": {"copies": 1, "seconds": float(seconds)}}
    with LocalHealthOmics(settings(store)) as omics:
        cancelled = start(omics, parameters)
        wait_for(lambda: processes(f"sleep\0{seconds}"))
        omics.call("CancelRun", {"id": cancelled})
        status = end_of(omics, cancelled)["status"]
        wait_for(lambda: not list(tmp_path.iterdir()))
        left_by_cancellation = processes(seconds)
        start(omics, parameters)
        wait_for(lambda: processes(f"sleep\0{seconds}"))

    assert status == "CANCELLED"
    assert left_by_cancellation == []
    assert processes(seconds) == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_outlives_an_endpoint_that_is_killed(udocker: None, tmp_path: Path) -> None:
    seconds = f"601.{os.getpid()}"
    options = {"copies": 1, "seconds": float(seconds)}
    parameters = {"words": ["a"], "reads": {"a": "s3://in/1.fq"}, "options": options}
    script = f"""
import time
from healthomics_local.endpoint import LocalHealthOmics, Settings, Timings
omics = LocalHealthOmics(Settings(timings=Timings.none(), wdl_python={str(MINIWDL)!r}))
omics.objects.put("s3://in/1.fq", "ACGT")
workflow = omics.add_workflow(engine="WDL", definition={DEFINITION!r})
required = {{"workflowId": workflow.workflow_id, "roleArn": "arn:r", "outputUri": "s3://out"}}
omics.call("StartRun", required | {{"parameters": {parameters!r}}})
time.sleep(600)
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as endpoint:
        try:
            wait_for(lambda: processes(f"sleep\0{seconds}"))
        finally:
            os.kill(endpoint.pid, signal.SIGKILL)

    wait_for(lambda: not processes(f"sleep\0{seconds}") and not list(tmp_path.iterdir()))


def created(omics: LocalHealthOmics, **members: Any) -> dict[str, Any]:
    workflow_id = omics.call("CreateWorkflow", members)["id"]

    def inspected() -> dict[str, Any] | None:
        workflow = omics.call("GetWorkflow", {"id": workflow_id})
        return workflow if workflow["status"] != "CREATING" else None

    return wait_for(inspected)


def test_a_workflow_gets_its_parameter_template_from_the_definition(omics: LocalHealthOmics) -> None:
    workflow = created(omics, engine="WDL", definitionZip=DEFINITION)

    assert (workflow["status"], workflow["main"]) == ("ACTIVE", "main.wdl")
    assert workflow["parameterTemplate"] == {
        "shouting.words": {"description": "Who shouts", "optional": False},
        "shouting.reads": {"description": "What they read", "optional": False},
        "shouting.options": {"description": "", "optional": True},
        "shouting.bad": {"description": "", "optional": True},
    }


LENIENT = """
version 1.0
workflow w {
  input { Int? n }
  Int m = n
}
"""


def test_what_is_not_valid_fails_the_workflow_unless_it_may_be_lenient(omics: LocalHealthOmics) -> None:
    strict = created(omics, engine="WDL", definitionZip=archive({"main.wdl": LENIENT}))
    lenient = created(omics, engine="WDL_LENIENT", definitionZip=archive({"main.wdl": LENIENT}))
    broken = created(omics, engine="WDL", definitionZip=archive({"main.wdl": "version 1.0\nworkflow {"}))

    assert strict["status"] == "FAILED"
    assert strict["statusMessage"].startswith("main.wdl line 5: ")
    assert lenient["status"] == "ACTIVE"
    assert broken["status"] == "FAILED"
    assert broken["statusMessage"].startswith("main.wdl line 2: ")


@pytest.mark.usefixtures("no_containers")
def test_without_a_container_back_end_a_run_fails_that_must_not_be_simulated(store: MemoryObjectStore) -> None:
    with LocalHealthOmics(settings(store, engine={"WDL": "miniwdl"})) as omics:
        workflow = created(omics, engine="WDL", definitionZip=DEFINITION)
        run = end_of(omics, start(omics, WORDS))

    assert workflow["status"] == "ACTIVE"
    assert workflow["parameterTemplate"]["shouting.words"]["optional"] is False
    assert (run["status"], run["failureReason"], run["statusMessage"]) == ("FAILED", "WORKFLOW_RUN_FAILED", HELP)


@pytest.mark.usefixtures("no_containers")
def test_without_a_container_back_end_a_run_is_simulated_and_says_so(store: MemoryObjectStore) -> None:
    with LocalHealthOmics(settings(store)) as omics:
        run_id = start(omics, WORDS)
        run = end_of(omics, run_id)

    assert run["status"] == "COMPLETED"
    assert omics.logs.messages(f"run/{run_id}/engine")[0] == f"Simulated: {HELP}"


def test_without_miniwdl_a_run_fails_that_must_not_be_simulated(store: MemoryObjectStore) -> None:
    choice = Settings(timings=Timings.none(), object_store=store, engine={"WDL": "miniwdl"}, wdl_python=os.devnull)
    with LocalHealthOmics(choice) as omics:
        workflow = created(omics, engine="WDL", definitionZip=DEFINITION)
        run = end_of(omics, start(omics, WORDS))

    assert workflow["status"] == "ACTIVE"
    assert (run["status"], run["statusMessage"]) == ("FAILED", HELP)


def test_a_workflow_without_a_definition_is_simulated(omics: LocalHealthOmics) -> None:
    workflow = omics.add_workflow(engine="WDL")
    members = {"workflowId": workflow.workflow_id, "roleArn": ROLE, "outputUri": "s3://out/runs"}

    run_id = omics.call("StartRun", members)["id"]

    assert end_of(omics, run_id)["status"] == "COMPLETED"
    assert omics.logs.messages(f"run/{run_id}/engine")[0].startswith("Simulated: nothing is executed")
