"""``NAME=VALUE`` on the command line, for every setting that a word can express. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.settings import RepeatedRequest, RunOutputLayout, Settings, StorageChecks, Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TIMING = "timings."


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("give true or false")
    return text == "true"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("give a number") from None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("give an integer") from None


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"give one of {', '.join(choices)}")
        return text

    return read


# By the annotations of Settings, which are texts there.
_READERS: dict[str, Callable[[str], Any]] = {
    "bool": _boolean,
    "int": _integer,
    "float": _number,
    "str": str,
    "tuple[str, ...]": _names,
    "RepeatedRequest": lambda text: RepeatedRequest(_one_of(*RepeatedRequest)(text)),
    "RunOutputLayout": lambda text: RunOutputLayout(_one_of(*RunOutputLayout)(text)),
    "StorageChecks": lambda text: StorageChecks(_one_of(*StorageChecks)(text)),
    "Literal['STATIC', 'DYNAMIC']": _one_of("STATIC", "DYNAMIC"),
}
_OR_NONE = " | None"


def _readers() -> dict[str, Callable[[str], Any]]:
    found: dict[str, Callable[[str], Any]] = {}
    for field in fields(Settings):
        annotation = str(field.type).replace('"', "'")
        reader = _READERS.get(annotation.removesuffix(_OR_NONE))
        if reader is not None:
            found[field.name] = _or_none(reader) if annotation.endswith(_OR_NONE) else reader
    return found | {f"{_TIMING}{field.name}": _number for field in fields(Timings)}


def _or_none(reader: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: None if text == "none" else reader(text)


READERS = _readers()
"""Each setting that can be given as a word, and what reads it."""


def with_options(settings: Settings, options: Iterable[str]) -> Settings:
    """The settings, with those changed that are given as ``NAME=VALUE``; ``none`` stands for None.

    Raises:
        ValueError: There is no such setting, or it has no such value.
    """
    members: dict[str, Any] = {}
    timings: dict[str, Any] = {}
    for option in options:
        name, separator, text = option.partition("=")
        name = name.strip().replace("-", "_")
        if not separator:
            raise ValueError(f"{option!r} must be NAME=VALUE")
        if name not in READERS:
            raise ValueError(f"there is no setting {name!r}; there are {', '.join(sorted(READERS))}")
        try:
            value = READERS[name](text.strip())
        except ValueError as error:
            raise ValueError(f"{name} cannot be {text!r}: {error}") from error
        if name.startswith(_TIMING):
            timings[name.removeprefix(_TIMING)] = value
        else:
            members[name] = value
    return replace(settings, timings=replace(settings.timings, **timings), **members)
