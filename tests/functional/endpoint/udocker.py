"""A udocker without containers: it runs the command on this machine, in the folder that would be bound into one.

The paths that the command knows from its container are replaced by those that they are bound to.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path


def bound_paths(arguments: list[str]) -> dict[str, str]:
    """What a path in the container is on this machine."""
    pairs = [value.rsplit(":", 1) for flag, value in itertools.pairwise(arguments) if flag == "-v"]
    return {inside: outside for outside, inside in pairs}


def run(arguments: list[str]) -> int:
    paths = bound_paths(arguments)
    container = arguments[arguments.index("--workdir") + 1].removesuffix("/work")
    command = Path(paths[f"{container}/command"])
    text = command.read_text()
    # The longest first: the work folder is part of the paths of the inputs.
    for inside in sorted(paths, key=len, reverse=True):
        text = text.replace(inside, paths[inside])
    here = command.with_name("command-here")
    here.write_text(text)
    with (
        Path(paths[f"{container}/stdout.txt"]).open("ab") as stdout,
        Path(paths[f"{container}/stderr.txt"]).open("ab") as stderr,
    ):
        work = paths[f"{container}/work"]
        return subprocess.run(["bash", str(here)], cwd=work, stdout=stdout, stderr=stderr, check=False).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]) if "run" in sys.argv else 0)
