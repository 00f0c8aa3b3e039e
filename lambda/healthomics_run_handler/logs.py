"""Structured log lines: one JSON object a line, with the request it belongs to.

Printed rather than logged: Lambda keeps a JSON line as it is, with every log format and without a logger set up.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from healthomics_run_handler.identity import RunIdentity, parse_physical_id


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


def write_line(line: str) -> None:
    """Write to standard output, which is Lambda's log."""
    print(line, flush=True)  # noqa: T201 - as above


def log_fields(event: Any, context: Any) -> dict[str, str]:
    """Return what every log line of an invocation says. Never the ResponseURL or a property.

    An Update or a Delete of a run names that run; a line about another one says so itself.
    """
    fields = {"awsRequestId": str(getattr(context, "aws_request_id", ""))}
    if isinstance(event, dict):
        texts = cast("dict[str, object]", event)
        for name in ("RequestType", "RequestId", "LogicalResourceId", "StackId"):
            value = texts.get(name)
            if isinstance(value, str):
                fields[name] = value
        held = parse_physical_id(str(texts.get("PhysicalResourceId", "")))
        if isinstance(held, RunIdentity):
            fields["run_id"] = held.run_id
    return fields
