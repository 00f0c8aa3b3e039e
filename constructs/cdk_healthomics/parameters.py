"""JSON documents (run parameters, engine settings) as the one text that travels in the template.

jsii and CloudFormation both lose types on the way (``1.0`` becomes ``1``, ``True`` becomes ``"true"``, integers beyond
2^53 are rounded), so the text is written here. It is what ``json.dumps(document, sort_keys=True)`` writes, and
deploy-time scalars resolve inside it. The text is ASCII: CloudFormation gives templates back with a ``?`` for every
other character, so that ``cdk diff`` could not see a change in one.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

from cdk_healthomics.tokens import (
    is_list_token,
    is_number_token,
    is_resolvable,
    is_string_token,
    literal_text,
)

PARAMETERS_LIMIT_BYTES: Final = 50_000
"""Parameters of one run, as JSON (HealthOmics user guide, run inputs)."""

_DEPTH_LIMIT: Final = 200
"""How deep lists and mappings may be nested: far beyond what anybody writes, and well within Python's own limit."""

TokenWriter = Callable[[object], str]
"""Writes a deploy-time scalar as JSON: ``Stack.to_json_string``, which escapes what it resolves to at synth."""


def json_problems(document: object, at: str, inside: tuple[object, ...] = ()) -> Iterator[str]:
    """What of a document is not JSON, or cannot be known to be.

    Args:
        document: The value to look at.
        at: What to call it in the messages, such as ``parameters``.
        inside: The lists and mappings that the value is in.
    """
    if (problem := _nesting_problem(document, at, inside)) is not None:
        yield problem
        return
    match document:
        case None | bool() | int():
            return
        case str():
            if not _is_text(document):
                yield f"{at} is {document!r}, which is not valid Unicode: it has half of a surrogate pair"
        case float():
            if not math.isfinite(document):
                yield f"{at} is {document}, which JSON does not know: give a finite number, or a string"
        case Mapping():
            yield from _mapping_problems(cast("Mapping[object, object]", document), at, inside)
        case Sequence() if not isinstance(document, bytes | bytearray | memoryview):
            items = cast("Sequence[object]", document)
            if is_list_token(items):
                yield (
                    f"{at} is a list that only the deployment knows, and its length with it: "
                    "give its items one by one (Fn.select), or one string (Fn.join)"
                )
                return
            for index, item in enumerate(items):
                yield from json_problems(item, f"{at}[{index}]", (*inside, items))
        case _ if is_resolvable(document):
            yield (f"{at} is a deploy-time value of unknown type: say which with Token.as_string or Token.as_number")
        case _:
            yield (
                f"{at} is a {type(document).__name__}, which JSON does not know: "
                "give a string, number, boolean, None, list or mapping"
            )


def _nesting_problem(document: object, at: str, inside: tuple[object, ...]) -> str | None:
    if any(document is outer for outer in inside):
        return f"{at} contains itself, which JSON cannot: give a value without a circle"
    if len(inside) > _DEPTH_LIMIT:
        return f"{at} is nested more than {_DEPTH_LIMIT} levels deep: give a flatter value, or the URI of a file"
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mapping_problems(document: Mapping[object, object], at: str, inside: tuple[object, ...]) -> Iterator[str]:
    for key, value in document.items():
        if not isinstance(key, str):
            yield f"{at} has the key {key!r}, a {type(key).__name__}: keys of JSON objects are strings"
        elif is_string_token(key):
            yield f"{at} has a key that only the deployment knows: keys are part of the template, so write them out"
        elif not _is_text(key):
            yield f"{at} has the key {key!r}, which is not valid Unicode: it has half of a surrogate pair"
        else:
            yield from json_problems(value, f"{at}[{key!r}]", (*inside, document))


def json_text(document: object, write_token: TokenWriter, *, compact: bool = False) -> str:
    """Write a document that has no ``json_problems`` as JSON, with sorted keys, in ASCII.

    Args:
        document: The value to write.
        write_token: Writes the deploy-time scalars.
        compact: Leave out the spaces after the separators.
    """
    comma, colon = (",", ":") if compact else (", ", ": ")

    def write(value: object) -> str:
        match value:
            case str() if is_string_token(value):
                return write_token(value)
            case float() if is_number_token(value):
                return write_token(value)
            case Mapping():
                members = cast("Mapping[str, object]", value)
                pairs = (f"{json.dumps(key)}{colon}{write(members[key])}" for key in sorted(members))
                return f"{{{comma.join(pairs)}}}"
            case Sequence() if not isinstance(value, str):
                return f"[{comma.join(write(item) for item in cast('Sequence[object]', value))}]"
            case _:
                return json.dumps(value, allow_nan=False)

    return write(document)


def smallest_size(document: object) -> int:
    """The bytes of the shortest JSON of a document, counting nothing for what only the deployment knows."""

    def known(value: object) -> object:
        match value:
            case str():
                return literal_text(value)
            case float() if is_number_token(value):
                return 0
            case Mapping():
                members = cast("Mapping[str, object]", value)
                return {key: known(member) for key, member in members.items()}
            case Sequence():
                return [known(item) for item in cast("Sequence[object]", value)]
            case _:
                return value

    return len(json.dumps(known(document), ensure_ascii=False, separators=(",", ":")).encode())


def template_problems(parameters: Mapping[str, object], template: Mapping[str, object]) -> Iterator[str]:
    """Where the parameters do not fit the workflow's parameter template.

    Args:
        parameters: What the run passes.
        template: Parameter name -> entry of the template, a ``WorkflowParameterProperty`` or a mapping.
    """
    missing = sorted(name for name, entry in template.items() if _is_required(entry) and name not in parameters)
    unknown = sorted(name for name in parameters if name not in template)
    if missing:
        yield f"parameters lacks {', '.join(missing)}, which the workflow's parameter template requires: add it"
    if unknown:
        yield (
            f"parameters has {', '.join(unknown)}, which the workflow's parameter template does not have "
            f"({', '.join(sorted(template))}): drop it, or add it to the template"
        )


def _is_required(entry: object) -> bool:
    if isinstance(entry, Mapping):
        optional = cast("Mapping[str, object]", entry).get("optional")
    elif is_resolvable(entry):  # nobody knows
        return False
    else:
        optional = getattr(entry, "optional", None)
    return optional is None or optional is False


def literal_strings(document: object) -> Iterator[str]:
    """Every string of a document, tokens included, keys not."""
    match document:
        case str():
            yield document
        case Mapping():
            for value in cast("Mapping[str, object]", document).values():
                yield from literal_strings(value)
        case Sequence() if not isinstance(document, bytes | bytearray | memoryview):
            for item in cast("Sequence[object]", document):
                yield from literal_strings(item)
        case _:
            return
