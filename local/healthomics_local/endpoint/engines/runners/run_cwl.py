"""The process that executes one CWL workflow: cwltool, with two changes.

- A ``DockerRequirement`` is a hint: there are no containers here, and a workflow for HealthOmics must name one.
- The log tells what each job asks for, and what it has used.
"""

from __future__ import annotations

import math
import os
import re
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cwltool.context import LoadingContext, RuntimeContext
from cwltool.executors import SingleJobExecutor
from cwltool.main import main as cwltool
from cwltool.workflow import default_make_tool

if TYPE_CHECKING:
    import logging

    from healthomics_local.endpoint.engines.runners.child_process import JsonLines, ending_with_parent
    from healthomics_local.endpoint.engines.runners.container_hints import without_required_containers
    from healthomics_local.endpoint.engines.runners.task_meter import TaskMeter
else:
    # Python has the folder of a script on its path.
    from child_process import JsonLines, ending_with_parent
    from container_hints import without_required_containers
    from task_meter import TaskMeter

# "[job align_2] /tmp/x$ bwa …" when it starts, "[job align_2] completed success" when it ends.
_JOB = re.compile(r"\[job (?P<name>[^\]]+)\] (?P<completed>completed )?")


class JobLog(JsonLines):
    """Adds to the first line of a job what it asks for, and to the last one what it has used.

    Only what cwltool's module of jobs says is about a job: others say ``[job step s]`` about steps without any.
    """

    def __init__(self) -> None:
        super().__init__()
        self._resources: dict[str, float] = {}
        self._meter = TaskMeter()
        self._job: str | None = None

    def select_resources(self, request: dict[str, float], _context: RuntimeContext) -> dict[str, float]:
        """Give a job what it asks for, and remember that: cwltool asks just before the job starts."""
        self._resources = {"cpus": request["coresMin"], "memory_mib": request["ramMin"]}
        granted = {
            "cores": request["coresMin"],
            "ram": math.ceil(request["ramMin"]),
            "tmpdirSize": math.ceil(request["tmpdirMin"]),
            "outdirSize": math.ceil(request["outdirMin"]),
        }
        if "cudaDeviceCountMin" in request:
            granted["cudaDeviceCount"] = request["cudaDeviceCountMin"]
        return granted

    def details(self, record: logging.LogRecord, message: str) -> dict[str, Any]:
        """What a job asks for, or what it has used."""
        found = _JOB.match(message) if record.module == "job" else None
        if found is None:
            return {}
        if found["completed"]:
            self._job = None
            return {"usage": self._meter.end()}
        if found["name"] == self._job:
            return {}
        self._job = found["name"]
        self._meter.begin()
        return {"started": self._resources}


def make_tool(document: Any, context: LoadingContext) -> Any:
    """Make a tool or a workflow, without the demand for a container."""
    return default_make_tool(without_required_containers(document), context)


class OneJobAtATime(SingleJobExecutor):
    """Runs jobs in a row, so that the log tells whose output and whose processes there are."""

    def __init__(self, log: JobLog) -> None:
        super().__init__()
        self._log = log

    def run_jobs(self, process: Any, job_order_object: Any, logger: logging.Logger, runtime_context: Any) -> None:
        """Run the jobs of a workflow."""
        runtime_context.select_resources = self._log.select_resources
        super().run_jobs(process, job_order_object, logger, runtime_context)


def _run(arguments: list[str], output_path: str) -> int:
    log = JobLog()
    with open(output_path, "w", encoding="utf-8") as output:  # noqa: PTH123 - what cwltool expects
        return cwltool(
            versionfunc=lambda: f"cwltool {version('cwltool')}",
            argsl=arguments,
            stdout=output,
            logger_handler=log,
            loadingContext=LoadingContext({"construct_tool_object": make_tool}),
            executor=OneJobAtATime(log),
        )


def main() -> int:
    """Run cwltool.

    The first argument is the folder that goes with the parent, the second one is the file for cwltool's
    output, and the rest are its own arguments.
    """
    folder, output_path, *arguments = sys.argv[1:]
    with ending_with_parent(folder):
        if arguments[0] == "--pack":
            # Packing alone accepts documents whose links lead nowhere.
            code = _run(["--validate", *arguments[1:]], os.devnull)
            if code != 0:
                return code
        return _run(arguments, output_path)


if __name__ == "__main__":
    sys.exit(main())
