"""Structured log lines: one JSON object a line, with the request it belongs to.

Printed rather than logged: Lambda keeps a JSON line as it is, with every log format and without a logger set up.
"""

import json
from collections.abc import Callable, Mapping


class JsonLog:
    """Writes JSON lines that carry the same fields."""

    def __init__(self, write: Callable[[str], object], fields: Mapping[str, str]) -> None:
        """Prepare.

        Args:
            write: Takes one line.
            fields: What every line says, for example the request id.
        """
        self._write = write
        self._fields = fields

    def info(self, message: str, /, **fields: str | float | None) -> None:
        """Write a line."""
        self._line("INFO", message, fields)

    def problem(self, message: str, /, **fields: str | float | None) -> None:
        """Write a line about something that went wrong."""
        self._line("ERROR", message, fields)

    def _line(self, level: str, message: str, fields: Mapping[str, str | float | None]) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        self._write(json.dumps({"level": level, "message": message, **self._fields, **known}))
