"""The engine that executes WDL workflows, with miniwdl and containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.definitions import DefinitionError
from healthomics_local.endpoint.engines.container_backends import HELP
from healthomics_local.endpoint.engines.downloads import Downloads
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
from healthomics_local.endpoint.engines.simulated import inspect_archive
from healthomics_local.endpoint.engines.wdl_interface import WdlInterface, parse_interface, plain
from healthomics_local.endpoint.engines.wdl_tasks import WdlTasks
from healthomics_local.endpoint.records import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from healthomics_local.endpoint.engines.container_backends import WdlSupport
    from healthomics_local.endpoint.engines.engine import Execution, Inspection, Job, Reporter
    from healthomics_local.endpoint.engines.work import Work
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.records import Workflow

# A little longer than miniwdl's own time for its containers, which are no children of its process.
_GRACE_SECONDS = 9.0


class WdlEngine(ExecutingEngine[WdlInterface]):
    """Executes WDL, where there is miniwdl and something that runs containers; elsewhere each run fails and says so."""

    extension = ".wdl"

    def __init__(self, *, objects: ObjectStore, support: WdlSupport) -> None:
        runner = Runner(
            python=support.python, script="run_wdl.py", shares_environment=True, grace_seconds=_GRACE_SECONDS
        )
        super().__init__(objects=objects, runner=runner)
        self._support = support

    def inspect(self, workflow: Workflow, done: Callable[[Inspection], None]) -> None:
        """Validate the definition as far as that is possible, and tell what inputs it has."""
        if self._support.has_miniwdl:
            super().inspect(workflow, done)
        else:
            done(inspect_archive(workflow))

    def start(self, job: Job, reporter: Reporter) -> Execution:
        """Start a run in the background; without a container back end it fails at once."""
        if self._support.backend is not None:
            return super().start(job, reporter)
        reporter.log(HELP, failed=True)
        reporter.finished(Outcome.failed("WORKFLOW_RUN_FAILED", HELP))
        return _Ended()

    def _read_interface(self, main: Path, workflow: Workflow, folder: Path, work: Work) -> WdlInterface:
        process = work.process(self._runner, [_action("inspect", workflow), str(main)], folder)
        failures = [str(line.details["failure"]) for line in process.log_lines() if "failure" in line.details]
        code = process.wait()
        work.checkpoint()
        if code != 0:
            text = " ".join(failures) or process.last_stderr() or f"exit code {code}"
            raise DefinitionError(definition_text(text))
        return parse_interface(output_document(process))

    def _execute(self, run: Prepared[WdlInterface], reporter: Reporter, work: Work) -> Outcome:
        folder = run.folder
        downloads = Downloads(store=run.objects, folder=folder / "inputs", checkpoint=work.checkpoint)
        inputs = write_json(run.interface.localized(run.parameters, downloads), folder / "inputs.json")
        options = write_json(self._options(folder), folder / "options.json")
        action = _action("run", run.job.run.workflow)
        process = work.process(self._runner, [action, str(run.main), str(inputs), str(options)], folder)
        tasks = WdlTasks(reporter)
        log = folder / "engine.log"
        code = follow(process, reporter, log, tasks.read)
        work.checkpoint()
        outcome = Outcome()
        if code != 0:
            text = tasks.failure or process.last_stderr() or f"exit code {code}"
            reporter.log(f"ERROR {text}", failed=True)
            outcome = run_failure(tasks.failed, text)
        exporter = exporter_for(run, folder / "run" / "out", work)
        return exported(
            outcome,
            exporter,
            logs={"engine.log": log},
            outputs=lambda: plain(exporter.export(output_document(process))),
            folder=folder,
        )

    def _options(self, folder: Path) -> dict[str, dict[str, object]]:
        """The configuration of miniwdl, whatever the user's own one says."""
        backend = self._support.backend
        own: dict[str, dict[str, object]] = {
            # Outputs are hard links, so that they lie below the folder that is exported.
            "file_io": {"root": str(folder), "output_hardlinks": True},
            "call_cache": {"get": False, "put": False},
            "download_cache": {"get": False, "put": False},
        }
        if backend is not None:
            own |= {name: dict(values) for name, values in backend.options.items()}
        return own


class _Ended:
    """The execution of a run that was never executed."""

    def cancel(self) -> None:
        """Nothing to cancel."""


def _action(name: str, workflow: Workflow) -> str:
    return f"{name}-lenient" if workflow.engine == "WDL_LENIENT" else name
