"""What kind of value an argument is: mistakes that a type checker would have found.

Interfaces of the CDK are protocols that cannot be asked at run time, so what implements one is known by the attribute
that the library needs of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from cdk_healthomics.tokens import is_number_token


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument can be."""

    holds: Callable[[object], bool]
    cure: str
    """What to give instead of something else."""
    optional: bool = True


def instance(*types: type) -> Callable[[object], bool]:
    """Of one of some classes; a boolean is no number."""
    return lambda value: isinstance(value, types) and (bool in types or not isinstance(value, bool))


def whole(value: object) -> bool:
    """A whole number, or one that only the deployment knows."""
    return is_number_token(value) or (isinstance(value, int) and not isinstance(value, bool))


def has(attribute: str) -> Callable[[object], bool]:
    """With an attribute."""
    # Some proxies of jsii look attributes up only when they are asked for, so nothing less than asking tells.
    return lambda value: hasattr(value, attribute)


def text_or(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    """A string, or something else."""
    return lambda value: isinstance(value, str) or holds(value)


def each(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    """A sequence whose items all are of a kind."""
    return lambda value: (
        isinstance(value, Sequence)
        and not isinstance(value, str | bytes)
        and all(holds(item) for item in cast("Sequence[object]", value))
    )


def type_problems(arguments: Mapping[str, object], kinds: Mapping[str, Kind]) -> Iterator[str]:
    """Which arguments are of another kind than they should be.

    Args:
        arguments: Name -> value, of those that are to be looked at.
        kinds: Name -> what it can be.
    """
    for name, value in arguments.items():
        kind = kinds[name]
        if not kind.holds(value) and not (value is None and kind.optional):
            yield f"{name} is {value!r}, a {type(value).__name__}: give {kind.cure}"


def require(name: str, value: object, kind: Kind) -> None:
    """Refuse a value of another kind, where there is no construct yet to report it at.

    Raises:
        TypeError: It is of another kind.
    """
    for problem in type_problems({name: value}, {name: kind}):
        raise TypeError(problem)
