"""The process that reads or executes one WDL workflow, with miniwdl.

``inspect MAIN`` writes what the workflow declares. ``run MAIN INPUTS OPTIONS`` executes it: the inputs are a file
with the parameters, the options one with miniwdl's configuration. What the tasks do is told to the parent, and the
outputs are written in the form that cwltool has for files.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from healthomics_local.endpoint.engines.runners.child_process import JsonLines, ending_with_parent, send
else:
    # Python has the folder of a script on its path.
    from child_process import JsonLines, ending_with_parent, send

# Not in the environment that this is checked in.
WDL: Any = importlib.import_module("WDL")
runtime: Any = importlib.import_module("WDL.runtime")

GRACE_SECONDS = 8.0
"""For miniwdl to stop containers, which are no children of this process."""
_MIB = 2**20


def load(main: str, *, lenient: bool) -> tuple[Any, Any]:
    """The document, and its workflow or only task."""
    document = WDL.load(main, check_quant=not lenient)
    target = document.workflow
    if target is None and len(document.tasks) == 1:
        target = document.tasks[0]
    if target is None:
        raise ValueError("the main definition file has no workflow")
    return document, target


def interface(target: Any) -> dict[str, Any]:
    """What a workflow or task declares."""
    required = {binding.name for binding in target.required_inputs}
    declared = {
        binding.name: {
            "type": type_form(binding.value.type),
            "optional": binding.name not in required,
            "description": description(target.parameter_meta.get(binding.name)),
        }
        for binding in target.available_inputs
        # Inputs of calls are no parameters unless the workflow itself leaves them open.
        if "." not in binding.name or binding.name in required
    }
    return {"name": target.name, "inputs": declared}


def type_form(wdl_type: Any) -> Any:
    """A type as JSON: ``File``, ``Directory``, or what it is made of; anything else is None."""
    kinds = WDL.Type
    match wdl_type:
        case kinds.File() | kinds.Directory():
            return type(wdl_type).__name__
        case kinds.Array():
            return {"array": type_form(wdl_type.item_type)}
        case kinds.Map():
            return {"map": type_form(wdl_type.item_type[1])}
        case kinds.Pair():
            return {"members": {"left": type_form(wdl_type.left_type), "right": type_form(wdl_type.right_type)}}
        case kinds.StructInstance():
            declared: dict[str, Any] = wdl_type.members or {}
            return {"members": {name: type_form(member) for name, member in declared.items()}}
        case _:
            return None


def description(meta: Any) -> str:
    """What a parameter's metadata says about it, which can be text or an object."""
    # Literals of the document, which know their values.
    meta = getattr(meta, "value", meta)
    if is_mapping(meta):
        meta = next((meta[name] for name in ("description", "help") if name in meta), "")
    return str(meta or "")


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a dictionary."""
    return isinstance(value, dict)


def value_form(value: Any) -> Any:
    """A value as JSON, files as objects with a class and a location."""
    kinds = WDL.Value
    match value:
        case kinds.File() | kinds.Directory():
            return path_form(Path(value.value))
        case kinds.Array():
            return [value_form(each) for each in value.value]
        case kinds.Map() | kinds.Pair() | kinds.Struct():
            return {name: value_form(each) for name, each in members(value)}
        case _:
            return value.json


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a value that has names for them."""
    kinds = WDL.Value
    match value:
        case kinds.Map():
            yield from ((str(key.json), each) for key, each in value.value)
        case kinds.Pair():
            yield from zip(("left", "right"), value.value, strict=True)
        case _:
            yield from value.value.items()


def path_form(path: Path) -> dict[str, Any]:
    """A file, or a folder with everything in it."""
    if not path.is_dir():
        return {"class": "File", "location": path.as_uri()}
    listing = [path_form(each) for each in sorted(path.iterdir())]
    return {"class": "Directory", "location": path.as_uri(), "listing": listing}


class TaskWatch:
    """Follows the tasks, as a plug-in of miniwdl."""

    def __call__(
        self, _config: Any, _logger: Any, run_id_stack: list[str], _run_dir: str, task: Any, **received: Any
    ) -> Generator[dict[str, Any], dict[str, Any], None]:
        """Watch one task: its inputs, its container, its outputs."""
        key = "/".join(run_id_stack)
        name = run_id_stack[-1].removeprefix("call-")
        container: Any = None
        try:
            received = yield received
            container = received["container"]
            self._watch_start(container, key, name)
            received = yield received
        except Exception as error:
            stopped = isinstance(error, runtime.Terminated)
            code = getattr(error, "exit_status", None)
            text = "" if code is not None else str(error)
            self._ended(key, container, status="CANCELLED" if stopped else "FAILED", exit_code=code, text=text)
            raise
        self._ended(key, container, status="COMPLETED")
        yield received

    @staticmethod
    def _watch_start(container: Any, key: str, name: str) -> None:
        """Tell when the task really runs, which may be long after it could have: it waits for processors first."""
        values = container.runtime_values
        started = {
            "task": key,
            "name": name,
            "cpus": values.get("cpu", 1),
            "memory_mib": values.get("memory_reservation", 0) / _MIB,
        }
        in_container = container.task_running_context

        @contextlib.contextmanager
        def running() -> Generator[None]:
            send("INFO", "", started=started)
            with in_container():
                yield

        container.task_running_context = running

    @staticmethod
    def _ended(key: str, container: Any, *, status: str, exit_code: int | None = None, text: str = "") -> None:
        paths = [] if container is None else [container.host_stdout_txt(), container.host_stderr_txt()]
        ended = {"task": key, "status": status, "exit_code": exit_code, "text": text, "output": paths}
        send("INFO", "", ended=ended)


def watch_tasks(watch: TaskWatch) -> None:
    """Add a plug-in. miniwdl finds plug-ins by the entry points of installed packages, and this is none."""
    load_plugins = runtime.config.load_plugins

    def with_ours(config: Any, group: str) -> Iterator[Any]:
        yield from load_plugins(config, group)
        if group == "task":
            yield "healthomics", watch

    runtime.config.load_plugins = with_ours


def inspect(main: str, *, lenient: bool) -> Any:
    """Read a definition."""
    _, target = load(main, lenient=lenient)
    return interface(target)


def run(main: str, inputs_path: str, options_path: str, *, lenient: bool) -> Any:
    """Execute a workflow in the present folder."""
    _, target = load(main, lenient=lenient)
    parameters = json.loads(Path(inputs_path).read_text(encoding="utf-8"))
    inputs = WDL.values_from_json(parameters, target.available_inputs, target.required_inputs, namespace=target.name)
    config = runtime.config.Loader(logging.getLogger("miniwdl"), filenames=[])
    config.override(json.loads(Path(options_path).read_text(encoding="utf-8")))
    watch_tasks(TaskWatch())
    folder = Path.cwd() / "run"
    folder.mkdir()
    # The dot is miniwdl's word for "in this very folder".
    _, outputs = runtime.run(config, target, inputs, run_dir=f"{folder}/.")
    return {f"{target.name}.{binding.name}": value_form(binding.value) for binding in outputs}


def explanation(error: BaseException) -> str:
    """What went wrong, with the place in the document where miniwdl knows it."""
    several = getattr(error, "exceptions", None)
    if several:
        return "; ".join(explanation(each) for each in several)
    while isinstance(error, runtime.RunFailed) and error.__cause__ is not None:
        error = error.__cause__
    position = getattr(error, "pos", None)
    place = f"{Path(position.uri).name} line {position.line}: " if position is not None else ""
    cause = f": {error.__cause__}" if isinstance(error, WDL.Error.ImportError) and error.__cause__ else ""
    return f"{place}{error}{cause}"


def main() -> int:
    """Do what the arguments say, after the folder that goes with the parent and the file for the result."""
    folder, output_path, action, *arguments = sys.argv[1:]
    name, _, lenient = action.partition("-")
    logging.basicConfig(level=logging.INFO, handlers=[JsonLines()])
    with ending_with_parent(folder, grace_seconds=GRACE_SECONDS if name == "run" else 0):
        try:
            result = (run if name == "run" else inspect)(*arguments, lenient=bool(lenient))
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent must know
            send("ERROR", "", failure=explanation(error))
            return 1
        Path(output_path).write_text(json.dumps(result), encoding="utf-8")
        return 0


if __name__ == "__main__":
    sys.exit(main())
