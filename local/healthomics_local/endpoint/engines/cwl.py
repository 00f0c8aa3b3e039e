"""The engine that executes CWL workflows, with cwltool on this machine and without containers."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.definitions import DefinitionError, file_names, read_archive, unpack
from healthomics_local.endpoint.engines.cwl_inputs import ImportFailedError, InputImport
from healthomics_local.endpoint.engines.cwl_interface import CwlInterface, parse_interface
from healthomics_local.endpoint.engines.cwl_outputs import OutputExport, write_json
from healthomics_local.endpoint.engines.cwl_tasks import TaskLog, one_line
from healthomics_local.endpoint.engines.cwl_work import Cancelled, CwlWork
from healthomics_local.endpoint.engines.engine import Inspection
from healthomics_local.endpoint.objects import ObjectStoreError, S3Uri
from healthomics_local.endpoint.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthomics_local.endpoint.engines.cwl_process import CwlProcess
    from healthomics_local.endpoint.engines.engine import Job, Reporter
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow

logger = logging.getLogger(__name__)

_DEFAULT_MAIN = "main.cwl"
_COMMON = ("--disable-color", "--no-container", "--relax-path-checks")


class CwlEngine:
    """Executes each run in a thread with a process group below it; at most one per processor at a time."""

    def __init__(self, *, objects: ObjectStore, python: str) -> None:
        self._objects = objects
        self._python = python
        self._slots = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._work: set[CwlWork] = set()
        self._closed = False
        self._interfaces: dict[str, CwlInterface] = {}

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        """Validate the definition with cwltool, in the background, and tell what inputs it has."""

        def work(work: CwlWork) -> None:
            try:
                done(self._inspected(workflow, work))
            except Cancelled:
                return

        self._begin(work)

    def start(self, job: Job, reporter: Reporter) -> CwlWork:
        """Start a run in the background."""

        def work(work: CwlWork) -> None:
            try:
                outcome = self._outcome(job, reporter, work)
            except Cancelled:
                return
            except Exception:
                logger.exception("run %s failed", job.run.run_id)
                outcome = Outcome.failed("SERVICE_ERROR", "The local CWL engine failed, see its log")
            reporter.finished(outcome)

        return self._begin(work)

    def close(self) -> None:
        """Kill every process and join every thread."""
        with self._lock:
            self._closed = True
            work = list(self._work)
        for each in work:
            each.cancel()
        for each in work:
            each.join()

    def _begin(self, function: Callable[[CwlWork], None]) -> CwlWork:
        work = CwlWork(function, slots=self._slots, ended=self._forget)
        with self._lock:
            if self._closed:
                work.cancel()
            else:
                self._work.add(work)
                work.start()
        return work

    def _forget(self, work: CwlWork) -> None:
        with self._lock:
            self._work.discard(work)

    def _inspected(self, workflow: Workflow, work: CwlWork) -> Inspection:
        try:
            archive = read_archive(workflow.definition, self._objects)
            main = _main_file(archive, workflow.main)
            interface = self._interface(archive, main, work)
        except DefinitionError as error:
            return Inspection(error=one_line(str(error)))
        return Inspection(
            parameter_template=interface.parameter_template(),
            main=main,
            digest=f"sha256:{hashlib.sha256(archive).hexdigest()}",
        )

    def _interface(self, archive: bytes, main: str, work: CwlWork) -> CwlInterface:
        """The document's inputs. Validated and read once for each definition: it takes a second."""
        key = hashlib.sha256(archive + main.encode()).hexdigest()
        with self._lock:
            known = self._interfaces.get(key)
        if known is not None:
            return known
        folder = work.folder() / "inspect"
        definition = folder / "definition"
        definition.mkdir(parents=True)
        unpack(archive, definition)
        process = work.process(self._python, ["--pack", *_COMMON, str(definition / main)], folder)
        messages = [line.message for line in process.log_lines() if line.level in {"ERROR", "CRITICAL"}]
        code = process.wait()
        work.checkpoint()
        if code != 0:
            text = " ".join(messages) or " ".join(process.stderr_from(0, lines=5)) or f"exit code {code}"
            raise DefinitionError(text.replace("definition/", ""))
        try:
            interface = parse_interface(process.output_path.read_text(encoding="utf-8"))
        except (ValueError, KeyError) as error:
            raise DefinitionError(f"the definition cannot be read: {error}") from error
        with self._lock:
            self._interfaces[key] = interface
        return interface

    def _outcome(self, job: Job, reporter: Reporter, work: CwlWork) -> Outcome:
        run = job.run
        try:
            archive = read_archive(run.workflow.definition, self._objects)
            main = _main_file(archive, run.workflow.main)
            interface = self._interface(archive, main, work)
        except DefinitionError as error:
            return Outcome.failed("WORKFLOW_VER_VALIDATION_FAILED", one_line(str(error)))
        folder = work.folder()
        definition, outputs = folder / "definition", folder / "outputs"
        definition.mkdir()
        outputs.mkdir()
        unpack(archive, definition)
        importer = InputImport(store=self._objects, folder=folder / "inputs", checkpoint=work.checkpoint)
        try:
            parameters = importer.localized(run.request.get("parameters", {}), interface)
        except ImportFailedError as error:
            return Outcome.failed(error.reason, one_line(str(error)))
        inputs = write_json(parameters, folder / "inputs.json")
        scratch = f"{folder / 'tmp'}{os.sep}"
        arguments = [
            *_COMMON,
            *("--outdir", str(outputs), "--tmpdir-prefix", scratch, "--tmp-outdir-prefix", scratch),
            str(definition / main),
            str(inputs),
        ]
        process = work.process(self._python, arguments, folder)
        tasks = TaskLog(process=process, reporter=reporter)
        with (folder / "engine.log").open("w", encoding="utf-8") as engine_log:
            for line in process.log_lines():
                engine_log.write(f"{line.level} {line.message}\n")
                tasks.read(line)
        code = process.wait()
        work.checkpoint()
        exporter = OutputExport(
            store=self._objects,
            destination=S3Uri.parse(run.run_output_uri),
            folder=outputs,
            checkpoint=work.checkpoint,
        )
        outcome = Outcome() if code == 0 else _failure(code, tasks, process)
        return self._exported(outcome, exporter, process, folder)

    def _exported(self, outcome: Outcome, exporter: OutputExport, process: CwlProcess, folder: Path) -> Outcome:
        """Write logs, and outputs where there are any; a run whose outputs cannot be written has failed."""
        succeeded = outcome.failure_reason is None
        try:
            exporter.upload_log(folder / "engine.log", "engine.log")
            exporter.upload_log(process.stderr_path, "stderr.log")
            if succeeded:
                document: dict[str, Any] = json.loads(process.output_path.read_text(encoding="utf-8"))
                exported = exporter.export(document)
                exporter.upload_log(write_json(exported, folder / "outputs.json"), "outputs.json")
        except (ObjectStoreError, OSError, ValueError) as error:
            if succeeded:
                return Outcome.failed("EXPORT_FAILED", one_line(f"Outputs cannot be written: {error}"))
            logger.warning("the logs of a failed run cannot be written: %s", error)
        return outcome


def _main_file(archive: bytes, wanted: str | None) -> str:
    """The document to run: the one that was named, ``main.cwl``, or the only one there is."""
    names = file_names(archive)
    if wanted is not None:
        if wanted not in names:
            raise DefinitionError(f"the definition has no file {wanted}")
        return wanted
    candidates = sorted(name for name in names if name.endswith(".cwl"))
    if _DEFAULT_MAIN in candidates:
        return _DEFAULT_MAIN
    if len(candidates) != 1:
        raise DefinitionError("main must name the main definition file: there is no main.cwl")
    return candidates[0]


def _failure(code: int, tasks: TaskLog, process: CwlProcess) -> Outcome:
    failed = tasks.failed
    if failed is not None:
        message = (
            f"Run failed due to task: {failed.name}, id: {failed.task_id}, failure. "
            f"Use the GetRunTask API for more information. The task {failed.description()}"
        )
        return Outcome.failed("RUN_TASK_FAILED", one_line(message))
    text = " ".join(tasks.errors) or " ".join(process.stderr_from(0, lines=5)) or f"exit code {code}"
    return Outcome.failed("WORKFLOW_RUN_FAILED", one_line(f"Workflow engine failed: {text}"))
