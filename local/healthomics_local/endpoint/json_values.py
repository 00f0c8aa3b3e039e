"""Reading JSON, and telling what kind of value it is in a way that type checkers follow."""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeGuard

MAX_NESTING = 100
"""Arrays and objects within each other. Python reads about a thousand, and then cannot write them any more."""

_HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes) -> object:
    """The value of a JSON text, if it is one that can be written again.

    Raises:
        ValueError: It is no JSON, or no UTF-8. Python also reads NaN, numbers too large for a float and halves of
            surrogate pairs, none of which another parser has to take; nor more than 100 levels.
    """
    if isinstance(text, bytes):
        text = text.decode()
    try:
        value: object = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("the JSON text is nested too deeply") from None
    if text.count("[") + text.count("{") > MAX_NESTING and _depth(value) > MAX_NESTING:
        raise ValueError(f"the JSON text is nested more than {MAX_NESTING} levels deep")
    if _HALF_OF_A_PAIR.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a string has half of a surrogate pair") from None
    return value


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether the value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether the value is a JSON array."""
    return isinstance(value, list)


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _depth(value: object) -> int:
    """How many arrays and objects are within each other; without recursion, which has limits of its own."""
    depth, level = 0, [value]
    while containers := [each for each in level if is_object(each) or is_array(each)]:
        depth += 1
        level = [item for each in containers for item in (each.values() if is_object(each) else each)]
    return depth
