"""Records in a form that JSON can hold, and back, by their type hints.

What a record says of itself is enough: dataclasses, enumerations, dates, bytes, optional members, tuples and
mappings of all of these need no code of their own. Members of any type, such as a run's parameters, are JSON values,
and may have dates and bytes in them. Bytes are stored beside the records, once each: the archive of a workflow is in
each of its runs.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from healthomics_local.endpoint.json_values import is_array, is_object

Blobs = dict[str, bytes]
"""Bytes by their digests."""

_MARK = "$"
"""Begins the only key of an object that stands for something which JSON does not have."""

_DATE, _BLOB, _MAP = "$date", "$blob", "$map"
_PLAIN = (str, int, float, bool)


class StoredFormError(Exception):
    """A stored value is not what the type hints say: another version has written it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How values of one type are stored."""

    store: Callable[[Any, Blobs], Any]
    """Gives the JSON form, and adds the bytes in it to the blobs."""
    restore: Callable[[Any, Blobs], Any]
    """Gives the value; raises StoredFormError, or KeyError for a blob that is missing."""


@cache
def form_of(hint: Any) -> Form:
    """How values of a type are stored.

    Raises:
        TypeError: This is no type that can be stored.
    """
    simple = _SIMPLE.get(hint)
    if simple is not None:
        return simple
    composed = _COMPOSED.get(get_origin(hint))
    if composed is not None:
        return composed(get_args(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Form(lambda value, _: value.value, lambda stored, _: _enumerated(hint, stored))
    raise TypeError(f"no stored form for {hint!r}")


def _record(kind: type[Any]) -> Form:
    hints = get_type_hints(kind)
    forms = {field.name: form_of(hints[field.name]) for field in fields(kind)}
    optional = {
        field.name for field in fields(kind) if field.default is not MISSING or field.default_factory is not MISSING
    }
    # Most members of most records are None, and need no room.
    left_out = frozenset(field.name for field in fields(kind) if field.default is None)

    def store(value: Any, blobs: Blobs) -> Any:
        stored: dict[str, Any] = {}
        for name, form in forms.items():
            member = getattr(value, name)
            if member is not None or name not in left_out:
                stored[name] = form.store(member, blobs)
        return stored

    def restore(stored: Any, blobs: Blobs) -> Any:
        if not is_object(stored) or not stored.keys() <= forms.keys() or not forms.keys() - optional <= stored.keys():
            raise StoredFormError(f"this is no {kind.__name__}")
        return kind(**{name: forms[name].restore(member, blobs) for name, member in stored.items()})

    return Form(store, restore)


def _union(alternatives: tuple[Any, ...]) -> Form:
    """An optional type, or one of several that are told apart by their classes."""
    some = tuple(each for each in alternatives if each is not types.NoneType)
    forms = [form_of(each) for each in some]
    optional = len(some) < len(alternatives)
    if len(some) == 1:
        form = forms[0]
        return Form(
            lambda value, blobs: None if value is None else form.store(value, blobs),
            lambda stored, blobs: None if stored is None else form.restore(stored, blobs),
        )
    if not all(isinstance(each, type) for each in some):
        raise TypeError(f"no stored form for one of {some!r}")

    def store(value: Any, blobs: Blobs) -> Any:
        if value is None and optional:
            return None
        index = next(index for index, each in enumerate(some) if isinstance(value, each))
        return [index, forms[index].store(value, blobs)]

    def restore(stored: Any, blobs: Blobs) -> Any:
        if stored is None and optional:
            return None
        index, inner = _pair(stored)
        if not isinstance(index, int) or not 0 <= index < len(forms):
            raise StoredFormError(f"there is no alternative {index!r}")
        return forms[index].restore(inner, blobs)

    return Form(store, restore)


def _tuple(arguments: tuple[Any, ...]) -> Form:
    if len(arguments) == 2 and arguments[1] is ...:  # noqa: PLR2004 - tuple[X, ...]
        form = form_of(arguments[0])
        return Form(
            lambda value, blobs: [form.store(each, blobs) for each in value],
            lambda stored, blobs: tuple(form.restore(each, blobs) for each in _array(stored)),
        )
    forms = [form_of(each) for each in arguments]

    def restore(stored: Any, blobs: Blobs) -> Any:
        parts = _array(stored)
        if len(parts) != len(forms):
            raise StoredFormError(f"{len(forms)} parts were expected, got {len(parts)}")
        return tuple(form.restore(part, blobs) for form, part in zip(forms, parts, strict=True))

    return Form(
        lambda value, blobs: [form.store(each, blobs) for form, each in zip(forms, value, strict=True)], restore
    )


def _mapping(arguments: tuple[Any, ...]) -> Form:
    if arguments[0] is not str:
        raise TypeError(f"the keys of a stored mapping are texts, got {arguments[0]!r}")
    form = form_of(arguments[1])

    def restore(stored: Any, blobs: Blobs) -> Any:
        if not is_object(stored):
            raise StoredFormError("an object was expected")
        return {key: form.restore(member, blobs) for key, member in stored.items()}

    return Form(lambda value, blobs: {key: form.store(member, blobs) for key, member in value.items()}, restore)


def _store_any(value: Any, blobs: Blobs) -> Any:
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, Mapping):
        stored = {_text(key): _store_any(member, blobs) for key, member in cast("dict[Any, Any]", value).items()}
        marked = len(stored) == 1 and next(iter(stored)).startswith(_MARK)
        return {_MAP: stored} if marked else stored
    if isinstance(value, list | tuple):
        return [_store_any(member, blobs) for member in cast("list[Any]", value)]
    if isinstance(value, datetime):
        return {_DATE: value.isoformat()}
    if isinstance(value, bytes):
        return {_BLOB: _store_blob(value, blobs)}
    raise TypeError(f"no stored form for a {type(value).__name__}")


def _restore_any(stored: Any, blobs: Blobs) -> Any:
    if is_array(stored):
        return [_restore_any(member, blobs) for member in stored]
    if not is_object(stored):
        return stored
    if len(stored) == 1:
        (key, inner), *_ = stored.items()
        if key == _DATE:
            return _date(inner)
        if key == _BLOB:
            return blobs[_text(inner)]
        if key == _MAP and is_object(inner):
            stored = inner
    return {key: _restore_any(member, blobs) for key, member in stored.items()}


def _store_blob(value: bytes, blobs: Blobs) -> str:
    digest = _digest(value)
    blobs[digest] = value
    return digest


# The same archive comes again with each change of each of its runs.
@lru_cache(maxsize=64)
def _digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _restore_none(stored: Any, _: Blobs) -> None:
    if stored is not None:
        raise StoredFormError("nothing was expected")


def _plain(kind: type) -> Callable[[Any, Blobs], Any]:
    # JSON does not keep 1.0 and 1 apart in all hands; a boolean is no number, although Python says so.
    accepted = (int, float) if kind is float else (kind,)

    def restore(stored: Any, _: Blobs) -> Any:
        if not isinstance(stored, accepted) or (isinstance(stored, bool) and kind is not bool):
            raise StoredFormError(f"a {kind.__name__} was expected, got {stored!r}")
        return stored

    return restore


def _enumerated(kind: type[Enum], stored: Any) -> Enum:
    try:
        return kind(stored)
    except ValueError as error:
        raise StoredFormError(str(error)) from error


def _date(stored: Any) -> datetime:
    try:
        return datetime.fromisoformat(_text(stored))
    except ValueError as error:
        raise StoredFormError(str(error)) from error


def _text(stored: Any) -> str:
    if not isinstance(stored, str):
        raise StoredFormError(f"a text was expected, got {stored!r}")
    return stored


def _array(stored: Any) -> list[Any]:
    if not is_array(stored):
        raise StoredFormError("an array was expected")
    return stored


def _pair(stored: Any) -> tuple[Any, Any]:
    parts = _array(stored)
    if len(parts) != 2:  # noqa: PLR2004
        raise StoredFormError("two parts were expected")
    return parts[0], parts[1]


_SIMPLE: dict[Any, Form] = {
    Any: Form(_store_any, _restore_any),
    None: Form(lambda value, _: value, _restore_none),
    types.NoneType: Form(lambda value, _: value, _restore_none),
    datetime: Form(lambda value, _: value.isoformat(), lambda stored, _: _date(stored)),
    bytes: Form(_store_blob, lambda stored, blobs: blobs[_text(stored)]),
    **{kind: Form(lambda value, _: value, _plain(kind)) for kind in _PLAIN},
}
_COMPOSED: dict[Any, Callable[[tuple[Any, ...]], Form]] = {
    Union: _union,
    types.UnionType: _union,
    tuple: _tuple,
    Mapping: _mapping,
    dict: _mapping,
}
