"""What tasks write to standard output and standard error, as much of it as a log should hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_MAX_BYTES = 4 * 1024 * 1024
"""The end of the output says why a task failed."""
_SHOWN_LINES = 5


def output_lines(path: Path, start: int = 0, end: int | None = None) -> list[str]:
    """The lines of a file between two offsets, or the last of them; none of a file that is gone."""
    try:
        with path.open("rb") as output:
            size = (path.stat().st_size if end is None else end) - start
            left_out = max(0, size - _MAX_BYTES)
            output.seek(start + left_out)
            lines = output.read(size - left_out).decode(errors="replace").splitlines()
    except OSError:
        return []
    return [f"({left_out} bytes before this are left out)", *lines] if left_out else lines


def last_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """The last lines that are not empty: what a status message can hold."""
    return tuple(line for line in lines if line.strip())[-_SHOWN_LINES:]
