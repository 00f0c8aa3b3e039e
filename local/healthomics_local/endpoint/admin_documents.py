"""The JSON documents of the admin API, and the values of the Python API that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import UnionType
from typing import Any

from healthomics_local.endpoint.errors import ValidationException
from healthomics_local.endpoint.faults import Fault
from healthomics_local.endpoint.json_values import is_object, parse_json
from healthomics_local.endpoint.script import RunScript, TaskDemand
from healthomics_local.endpoint.script_plan import ScriptRule
from healthomics_local.endpoint.statuses import RunStatus

Kinds = Mapping[str, UnionType | type]

_FAULT: Kinds = {
    "operation": str,
    "code": str | None,
    "message": str,
    "status": int | None,
    "skip": int,
    "count": int | None,
    "after_processing": bool,
    "latency": int | float,
    "drop_connection": bool,
}
"""All of a Fault but ``when``, which is a function."""
_RULE: Kinds = {"workflow_id": str | None, "run_name": str | None, "count": int | None}
_SCRIPT: Kinds = {
    "failure_reason": str | None,
    "status_message": str | None,
    "fails_in": str,
    "pending_seconds": int | float | None,
    "starting_seconds": int | float | None,
    "running_seconds": int | float | None,
    "stopping_seconds": int | float | None,
    "tasks": list,
}
_TASK: Kinds = {"name": str, "cpus": int, "memory_gib": int, "gpus": int}


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; an empty one, where there is no body.

    Raises:
        ValidationException: It is none.
    """
    try:
        document = parse_json(body or b"{}")
    except ValueError as error:
        raise ValidationException(f"the request body is not valid JSON: {error}") from error
    if not is_object(document):
        raise ValidationException("the request body must be a JSON object")
    return document


def fault_from(document: Mapping[str, Any]) -> Fault:
    """A fault.

    Raises:
        ValidationException: It has other members than a Fault, or impossible values.
    """
    _check(document, _FAULT, "a fault")
    try:
        return Fault(**document)
    except ValueError as error:
        raise ValidationException(str(error)) from error


def fault_document(fault: Fault) -> dict[str, Any]:
    """A fault in JSON form."""
    return {name: value for name, value in asdict(fault).items() if name in _FAULT}


def rule_from(document: Mapping[str, Any]) -> ScriptRule:
    """A script, and which runs go by it.

    Raises:
        ValidationException: It has other members than a ScriptRule and its RunScript, or impossible values.
    """
    _check(document, {**_RULE, **_SCRIPT}, "a script")
    script = {name: value for name, value in document.items() if name in _SCRIPT}
    try:
        if "fails_in" in script:
            script["fails_in"] = RunStatus(script["fails_in"])
        if "tasks" in script:
            script["tasks"] = tuple(_task(each) for each in script["tasks"])
        rule = {name: value for name, value in document.items() if name in _RULE}
        return ScriptRule(script=RunScript(**script), **rule)
    except ValueError as error:
        raise ValidationException(str(error)) from error


def rule_document(rule: ScriptRule) -> dict[str, Any]:
    """A script and its runs in JSON form."""
    whole = asdict(rule)
    return {**{name: whole[name] for name in _RULE}, **whole["script"]}


def _task(document: object) -> str | TaskDemand:
    if isinstance(document, str):
        return document
    if not is_object(document) or "name" not in document:
        raise ValidationException("a task must be a name, or an object with one")
    _check(document, _TASK, "a task")
    return TaskDemand(**document)


def _check(document: Mapping[str, Any], kinds: Kinds, what: str) -> None:
    unknown = sorted(document.keys() - kinds.keys())
    if unknown:
        raise ValidationException(f"{what} has no {', '.join(unknown)}: {', '.join(sorted(kinds))}")
    for name, value in document.items():
        kind = kinds[name]
        # bool is an int in Python, but JSON's true is no number.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValidationException(f"{name} of {what} cannot be {value!r}")
