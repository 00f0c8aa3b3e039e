"""What the engines that really execute workflows have in common."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from healthomics_local.endpoint.definitions import DefinitionError, main_file, read_archive, unpack
from healthomics_local.endpoint.engines.downloads import ImportFailedError
from healthomics_local.endpoint.engines.engine import Inspection
from healthomics_local.endpoint.engines.outputs import OutputExport, write_json
from healthomics_local.endpoint.engines.work import Cancelled
from healthomics_local.endpoint.engines.work_queue import WorkQueue
from healthomics_local.endpoint.objects import ObjectStoreError, S3Uri
from healthomics_local.endpoint.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from healthomics_local.endpoint.engines.engine import Execution, Job, Reporter
    from healthomics_local.endpoint.engines.process import EngineProcess, LogLine, Runner
    from healthomics_local.endpoint.engines.work import Work
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow

logger = logging.getLogger(__name__)


class Interface(Protocol):
    """What a definition declares."""

    def parameter_template(self) -> Mapping[str, Mapping[str, Any]]:
        """The inputs as a HealthOmics parameter template."""
        ...


InterfaceT = TypeVar("InterfaceT", bound=Interface)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared(Generic[InterfaceT]):
    """A run whose definition has been read."""

    job: Job
    main: Path
    """The main document; the definition is unpacked around it."""
    interface: InterfaceT
    folder: Path
    """The run's own; it goes with the work."""
    objects: ObjectStore
    """The objects that the run may read and write."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the run."""
        parameters: Mapping[str, Any] = self.job.run.request.get("parameters", {})
        return parameters


class ExecutingEngine(ABC, Generic[InterfaceT]):
    """Executes each run in a thread with a process group below it; at most one per processor at a time.

    Definitions are inspected beside the runs, one at a time: a workflow must become ACTIVE however long runs take.
    """

    #: What the files of a definition are called, such as ``.cwl``.
    extension: str

    def __init__(self, *, objects: ObjectStore, runner: Runner) -> None:
        self._objects = objects
        self._runner = runner
        self._runs = WorkQueue(os.cpu_count() or 1)
        self._inspections = WorkQueue(1)
        self._lock = threading.Lock()
        self._interfaces: dict[str, InterfaceT] = {}

    @property
    def slots(self) -> int:
        """How many runs are executed at a time."""
        return self._runs.slots

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        """Validate the definition, in the background, and tell what inputs it has."""

        def work(work: Work) -> None:
            try:
                inspection = self._inspected(workflow, work)
            except Cancelled:
                return
            except Exception as error:
                logger.exception("workflow %s could not be inspected", workflow.workflow_id)
                inspection = Inspection(error=f"The local workflow engine failed: {type(error).__name__}: {error}")
            done(inspection)

        self._inspections.add(work)

    def start(self, job: Job, reporter: Reporter) -> Execution:
        """Start a run in the background."""

        def work(work: Work) -> None:
            try:
                outcome = self._outcome(job, reporter, work)
            except Cancelled:
                return
            except Exception:
                logger.exception("run %s failed", job.run.run_id)
                outcome = Outcome.failed("SERVICE_ERROR", "The local workflow engine failed, see the endpoint's log")
            reporter.finished(outcome)

        return self._runs.add(work)

    def close(self) -> None:
        """Kill every process and join every thread."""
        self._runs.close()
        self._inspections.close()

    @abstractmethod
    def _read_interface(self, main: Path, workflow: Workflow, folder: Path, work: Work) -> InterfaceT:
        """Validate a document and read what it declares.

        Raises:
            DefinitionError: It is not valid.
        """

    @abstractmethod
    def _execute(self, run: Prepared[InterfaceT], reporter: Reporter, work: Work) -> Outcome:
        """Execute a run.

        Raises:
            ImportFailedError: An input cannot be had.
        """

    def _inspected(self, workflow: Workflow, work: Work) -> Inspection:
        try:
            archive = read_archive(workflow.definition, self._objects)
            main = main_file(archive, workflow.main, extension=self.extension)
            interface = self._interface(archive, main, workflow, work)
        except DefinitionError as error:
            return Inspection(error=str(error))
        return Inspection(
            parameter_template=interface.parameter_template(),
            main=main,
            digest=f"sha256:{hashlib.sha256(archive).hexdigest()}",
        )

    def _interface(self, archive: bytes, main: str, workflow: Workflow, work: Work) -> InterfaceT:
        """What a document declares. Validated and read once for each definition: it takes a second."""
        key = hashlib.sha256(archive + f"{main} {workflow.engine}".encode()).hexdigest()
        with self._lock:
            known = self._interfaces.get(key)
        if known is not None:
            return known
        folder = work.folder() / "inspect"
        definition = folder / "definition"
        definition.mkdir(parents=True)
        unpack(archive, definition)
        interface = self._read_interface(definition / main, workflow, folder, work)
        with self._lock:
            self._interfaces[key] = interface
        return interface

    def _outcome(self, job: Job, reporter: Reporter, work: Work) -> Outcome:
        workflow = job.run.workflow
        try:
            archive = read_archive(workflow.definition, self._objects)
            main = main_file(archive, workflow.main, extension=self.extension)
            interface = self._interface(archive, main, workflow, work)
        except DefinitionError as error:
            return Outcome.failed("WORKFLOW_VER_VALIDATION_FAILED", str(error))
        definition = work.folder() / "definition"
        definition.mkdir()
        unpack(archive, definition)
        prepared = Prepared(
            job=job,
            main=definition / main,
            interface=interface,
            folder=work.folder(),
            objects=job.objects or self._objects,
        )
        try:
            return self._execute(prepared, reporter, work)
        except ImportFailedError as error:
            return Outcome.failed(error.reason, str(error))


def follow(process: EngineProcess, reporter: Reporter, log: Path, read: Callable[[LogLine], None]) -> int:
    """Write the engine's log to a file and to the run's log stream until it ends; the exit code.

    Args:
        process: The engine.
        reporter: Where the run's progress is told.
        log: The file.
        read: Gets each line.
    """
    with log.open("w", encoding="utf-8") as engine_log:
        for line in process.log_lines():
            if line.message:
                engine_log.write(f"{line.level} {line.message}\n")
                reporter.log(f"{line.level} {line.message}", failed=line.is_error)
            read(line)
    return process.wait()


def exported(
    outcome: Outcome,
    exporter: OutputExport,
    *,
    logs: Mapping[str, Path],
    outputs: Callable[[], Any],
    folder: Path,
) -> Outcome:
    """Write logs, and outputs where there are any; a run whose outputs cannot be written has failed.

    Args:
        outcome: How the run went so far.
        exporter: Writes to the run's output URI.
        logs: The files for ``logs/``, by their names there.
        outputs: Exports the outputs, and gives the document for ``logs/outputs.json``.
        folder: Where that document can be written first.
    """
    succeeded = outcome.failure_reason is None
    try:
        for name, path in logs.items():
            exporter.upload_log(path, name)
        if succeeded:
            exporter.upload_log(write_json(outputs(), folder / "outputs.json"), "outputs.json")
    except (ObjectStoreError, OSError, ValueError) as error:
        if succeeded:
            return Outcome.failed("EXPORT_FAILED", f"Outputs cannot be written: {error}")
        logger.warning("the logs of a failed run cannot be written: %s", error)
    return outcome


def exporter_for(run: Prepared[Any], folder: Path, work: Work) -> OutputExport:
    """What exports the outputs that lie in a folder."""
    return OutputExport(
        store=run.objects,
        destination=S3Uri.parse(run.job.run.run_output_uri),
        folder=folder,
        checkpoint=work.checkpoint,
    )


def definition_text(text: str) -> str:
    """What an engine says about a definition, without the folder that it lies in here."""
    return text.replace("definition/", "")


def output_document(process: EngineProcess) -> dict[str, Any]:
    """The JSON object that the runner has written.

    Raises:
        ValueError: It has written none.
    """
    document: dict[str, Any] = json.loads(process.output_path.read_text(encoding="utf-8"))
    return document
