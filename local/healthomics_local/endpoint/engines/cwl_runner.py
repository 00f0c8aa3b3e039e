"""The process that executes one CWL workflow: cwltool, with three changes.

It is run as a script, by an interpreter that has cwltool, and imports nothing of this package.

- What cwltool logs goes to standard output as one JSON object a line, so that nothing a tool prints can be
  taken for it. Standard error is left to the tools.
- A ``DockerRequirement`` is a hint: there are no containers here, and a workflow for HealthOmics must name one.
- The process group dies with the parent, whatever way the parent dies.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import threading
from importlib.metadata import version
from typing import Any, TypeGuard

from cwltool.context import LoadingContext
from cwltool.main import main as cwltool
from cwltool.workflow import default_make_tool


class JsonLines(logging.Handler):
    """Writes records where the parent reads them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, and how far the tools' output is, which tells whose output comes next."""
        document = {
            "level": record.levelname,
            "message": record.getMessage(),
            "stderr_bytes": os.fstat(2).st_size,
        }
        sys.__stdout__.write(json.dumps(document) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


def make_tool(document: Any, context: LoadingContext) -> Any:
    """Make a tool or a workflow, without the demand for a container."""
    return default_make_tool(without_required_containers(document), context)


def without_required_containers(node: Any) -> Any:
    """The document with each DockerRequirement moved from the requirements to the hints, in place."""
    for inner in _inner_nodes(node):
        without_required_containers(inner)
    if _is_list(requirements := _member(node, "requirements")):
        containers = [each for each in requirements if _member(each, "class") == "DockerRequirement"]
        if containers:
            node["requirements"] = [each for each in requirements if each not in containers]
            node["hints"] = [*(node.get("hints") or []), *containers]
    return node


def _inner_nodes(node: Any) -> list[Any]:
    if _is_list(node):
        return node
    return list(node.values()) if _is_mapping(node) else []


def _member(node: Any, name: str) -> Any:
    return node.get(name) if _is_mapping(node) else None


def _is_list(node: object) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _is_mapping(node: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def _die_with_parent(folder: str) -> None:
    """Wait for the end of standard input, which the parent holds open as long as it lives."""
    while os.read(0, 1024):
        pass
    # A parent that could still do this would have done it.
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _run(arguments: list[str], output_path: str) -> int:
    context = LoadingContext({"construct_tool_object": make_tool})
    with open(output_path, "w", encoding="utf-8") as output:  # noqa: PTH123 - what cwltool expects
        return cwltool(
            versionfunc=lambda: f"cwltool {version('cwltool')}",
            argsl=arguments,
            stdout=output,
            logger_handler=JsonLines(),
            loadingContext=context,
        )


def main() -> int:
    """Run cwltool.

    The first argument is the folder that goes with the parent, the second one is the file for cwltool's
    output, and the rest are its own arguments.
    """
    folder, output_path, *arguments = sys.argv[1:]
    threading.Thread(target=_die_with_parent, args=(folder,), daemon=True).start()
    if arguments[0] == "--pack":
        # Packing alone accepts documents whose links lead nowhere.
        code = _run(["--validate", *arguments[1:]], os.devnull)
        if code != 0:
            return code
    return _run(arguments, output_path)


if __name__ == "__main__":
    sys.exit(main())
