"""The engine that executes CWL workflows, with cwltool on this machine and without containers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from healthomics_local.endpoint.definitions import DefinitionError
from healthomics_local.endpoint.engines.cwl_inputs import InputImport
from healthomics_local.endpoint.engines.cwl_interface import CwlInterface, parse_interface
from healthomics_local.endpoint.engines.cwl_tasks import TaskLog
from healthomics_local.endpoint.engines.executing import (
    ExecutingEngine,
    Prepared,
    definition_text,
    exported,
    exporter_for,
    follow,
    output_document,
)
from healthomics_local.endpoint.engines.failures import run_failure
from healthomics_local.endpoint.engines.outputs import write_json
from healthomics_local.endpoint.engines.process import Runner
from healthomics_local.endpoint.records import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from healthomics_local.endpoint.engines.engine import Reporter
    from healthomics_local.endpoint.engines.work import Work
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow

_COMMON = ("--disable-color", "--no-container", "--relax-path-checks")


class CwlEngine(ExecutingEngine[CwlInterface]):
    """Executes CWL."""

    extension = ".cwl"

    def __init__(self, *, objects: ObjectStore, python: str) -> None:
        super().__init__(objects=objects, runner=Runner(python=python, script="run_cwl.py"))

    def _read_interface(self, main: Path, workflow: Workflow, folder: Path, work: Work) -> CwlInterface:
        process = work.process(self._runner, ["--pack", *_COMMON, str(main)], folder)
        messages = [line.message for line in process.log_lines() if line.is_error]
        code = process.wait()
        work.checkpoint()
        if code != 0:
            text = " ".join(messages) or process.last_stderr() or f"exit code {code}"
            raise DefinitionError(definition_text(text))
        try:
            return parse_interface(process.output_path.read_text(encoding="utf-8"))
        except (ValueError, KeyError) as error:
            raise DefinitionError(f"the definition cannot be read: {error}") from error

    def _execute(self, run: Prepared[CwlInterface], reporter: Reporter, work: Work) -> Outcome:
        folder = run.folder
        outputs = folder / "outputs"
        outputs.mkdir()
        importer = InputImport(store=run.objects, folder=folder / "inputs", checkpoint=work.checkpoint)
        inputs = write_json(importer.localized(run.parameters, run.interface), folder / "inputs.json")
        scratch = f"{folder / 'tmp'}{os.sep}"
        arguments = [
            *_COMMON,
            *("--outdir", str(outputs), "--tmpdir-prefix", scratch, "--tmp-outdir-prefix", scratch),
            str(run.main),
            str(inputs),
        ]
        process = work.process(self._runner, arguments, folder)
        tasks = TaskLog(process=process, reporter=reporter)
        log = folder / "engine.log"
        code = follow(process, reporter, log, tasks.read)
        work.checkpoint()
        outcome = Outcome()
        if code != 0:
            text = " ".join(tasks.errors) or process.last_stderr() or f"exit code {code}"
            outcome = run_failure(tasks.failed, text)
        exporter = exporter_for(run, outputs, work)
        return exported(
            outcome,
            exporter,
            logs={"engine.log": log, "stderr.log": process.stderr_path},
            outputs=lambda: exporter.export(output_document(process)),
            folder=folder,
        )
