"""Checks of an operation's input against the service model, in the words of the service.

Pure: a shape and a value in, a list of violations out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from healthomics_local.endpoint.errors import SerializationException, ValidationException
from healthomics_local.endpoint.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

_T = TypeVar("_T")

MAX_SHOWN_VALUE = 1024
"""Longer values are cut in messages: the message names the constraint, the caller has the value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """One constraint that one member breaks."""

    path: str
    value: object
    constraint: str

    def __str__(self) -> str:
        """The service's sentence for it."""
        return f"Value {_shown(self.value)} at '{self.path}' failed to satisfy constraint: {self.constraint}"


def check_input(shape: StructureShape | None, members: Mapping[str, Any], *, reject_unknown: bool) -> None:
    """Raise the service's error for everything that is wrong with an operation's input.

    Args:
        shape: The operation's input; None for an operation without one.
        members: The input as it was read from path, query and body.
        reject_unknown: Whether a member that the model does not know is an error.

    Raises:
        SerializationException: A value has a type that the service could not read.
        ValidationException: Constraints are violated, all of them listed.
    """
    violations = list(_structure(shape, members, "", reject_unknown=reject_unknown)) if shape else []
    if violations:
        raise ValidationException(error_text(violations))


def error_text(violations: Sequence[Violation]) -> str:
    """The message of a ValidationException, as HealthOmics words it."""
    noun = "error" if len(violations) == 1 else "errors"
    return f"{len(violations)} validation {noun} detected: {'; '.join(map(str, violations))}"


def _structure(
    shape: StructureShape, value: Mapping[str, Any], path: str, *, reject_unknown: bool
) -> Iterator[Violation]:
    required = set(shape.required_members)
    for name, member in shape.members.items():
        where = f"{path}.{name}" if path else name
        given = value.get(name)
        if given is not None:
            yield from _value(member, given, where, reject_unknown=reject_unknown)
        elif name in required:
            yield Violation(path=where, value=None, constraint="Member must not be null")
    if reject_unknown:
        for name in value.keys() - shape.members.keys():
            where = f"{path}.{name}" if path else name
            yield Violation(path=where, value=value[name], constraint="Member must be known to the service")


def _value(shape: Shape, value: object, path: str, *, reject_unknown: bool) -> Iterator[Violation]:
    match shape:
        case StructureShape():
            if shape.is_document_type:
                return
            members = _as_mapping(value, path, "a structure")
            yield from _structure(shape, members, path, reject_unknown=reject_unknown)
        case ListShape():
            items = cast("list[object]", _of_type(list, value, path, "a list"))
            yield from _length(shape, len(items), value, path)
            for index, item in enumerate(items, start=1):
                where = f"{path}.{index}.member"
                yield from _element(shape.member, item, where, reject_unknown=reject_unknown)
        case MapShape():
            yield from _map(shape, _as_mapping(value, path, "a map"), path, reject_unknown=reject_unknown)
        case StringShape():
            yield from _string(shape, _of_type(str, value, path, "a string"), path)
        case _:
            yield from _simple(shape, value, path)


def _element(shape: Shape, value: object, path: str, *, reject_unknown: bool) -> Iterator[Violation]:
    if value is None:
        yield Violation(path=path, value=None, constraint="Member must not be null")
    else:
        yield from _value(shape, value, path, reject_unknown=reject_unknown)


def _map(shape: MapShape, value: Mapping[str, Any], path: str, *, reject_unknown: bool) -> Iterator[Violation]:
    yield from _length(shape, len(value), value, path)
    # The service reports a bad key or a bad string value once for the whole map, with all its constraints.
    if any(list(_value(shape.key, key, path, reject_unknown=reject_unknown)) for key in value):
        constraint = f"Map keys must satisfy constraint: [{', '.join(_constraints(shape.key))}]"
        yield Violation(path=path, value=value, constraint=constraint)
    bad_strings = False
    for key, item in value.items():
        found = list(_element(shape.value, item, f"{path}.{key}.member", reject_unknown=reject_unknown))
        if isinstance(shape.value, StringShape):
            bad_strings = bad_strings or bool(found)
        else:
            yield from found
    if bad_strings:
        constraint = f"Map value must satisfy constraint: [{', '.join(_constraints(shape.value))}]"
        yield Violation(path=path, value=value, constraint=constraint)


def _string(shape: StringShape, value: str, path: str) -> Iterator[Violation]:
    if shape.enum:
        if value not in shape.enum:
            yield Violation(path=path, value=value, constraint=_enum_constraint(shape.enum))
        return
    yield from _length(shape, len(value), value, path)
    pattern = shape.metadata.get("pattern")
    # An empty string fails its length; that it also fails its pattern would say nothing more.
    if pattern and not matches(pattern, value) and (value or not shape.metadata.get("min")):
        yield Violation(path=path, value=value, constraint=_pattern_constraint(pattern))


def _simple(shape: Shape, value: object, path: str) -> Iterator[Violation]:
    match shape.type_name:
        case "integer" | "long":
            # bool is an int in Python, but JSON's true is no number.
            if isinstance(value, bool) or not isinstance(value, int):
                raise _wrong_type(value, path, "an integer")
            least, most = shape.metadata.get("min"), shape.metadata.get("max")
            if least is not None and value < least:
                constraint = f"Member must have value greater than or equal to {least}"
                yield Violation(path=path, value=value, constraint=constraint)
            if most is not None and value > most:
                constraint = f"Member must have value less than or equal to {most}"
                yield Violation(path=path, value=value, constraint=constraint)
        case "boolean":
            _of_type(bool, value, path, "a boolean")
        case "blob":
            _of_type(bytes, value, path, "a base64 blob")
        case _:
            return


def _length(shape: Shape, length: int, value: object, path: str) -> Iterator[Violation]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and length < least:
        constraint = f"Member must have length greater than or equal to {least}"
        yield Violation(path=path, value=value, constraint=constraint)
    if most is not None and length > most:
        constraint = f"Member must have length less than or equal to {most}"
        yield Violation(path=path, value=value, constraint=constraint)


def _constraints(shape: Shape) -> Iterator[str]:
    if "max" in shape.metadata:
        yield f"Member must have length less than or equal to {shape.metadata['max']}"
    if "min" in shape.metadata:
        yield f"Member must have length greater than or equal to {shape.metadata['min']}"
    if "pattern" in shape.metadata:
        yield _pattern_constraint(shape.metadata["pattern"])


def _enum_constraint(values: Sequence[str]) -> str:
    return f"Member must satisfy enum value set: [{', '.join(values)}]"


def _pattern_constraint(pattern: str) -> str:
    return f"Member must satisfy regular expression pattern: {pattern}"


def _as_mapping(value: object, path: str, noun: str) -> dict[str, Any]:
    return cast("dict[str, Any]", _of_type(dict, value, path, noun))


def _of_type(expected: type[_T], value: object, path: str, noun: str) -> _T:
    if not isinstance(value, expected):
        raise _wrong_type(value, path, noun)
    return value


def _wrong_type(value: object, path: str, noun: str) -> SerializationException:
    kind = "null" if value is None else type(value).__name__
    return SerializationException(f"Value at '{path}' must be {noun}, not {kind}")


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value).items()
        text = "{" + ", ".join(f"{key}={item}" for key, item in items) + "}"
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return f"'{text[:MAX_SHOWN_VALUE]}…'" if len(text) > MAX_SHOWN_VALUE else f"'{text}'"
