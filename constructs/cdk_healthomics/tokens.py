"""Values that only the deployment knows: how to tell them from literals.

jsii hands deploy-time values to Python as marked strings, lists and numbers. The marks are looked for here, so that a
long list of parameters does not cost a jsii round trip for each value.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeGuard, cast

import aws_cdk as cdk

_STRING_MARK: Final = re.compile(r"\$\{Token\[[^\]]*\]\}")
_STRING_PARTS: Final = re.compile(rf"({_STRING_MARK.pattern})")
_LIST_MARK: Final = re.compile(r"#\{Token\[[^\]]*\]\}")
_PLACEHOLDER: Final = "\0"
"""Stands for a token while a string is split; no name, URI or ARN has it."""
_NUMBERS_BELOW: Final = -1e288
"""Number tokens are encoded as huge negative floats (near -1.888e289)."""


def is_string_token(value: object) -> TypeGuard[str]:
    """Whether a value is a string with at least one deploy-time part."""
    return isinstance(value, str) and _STRING_MARK.search(value) is not None


def is_number_token(value: object) -> TypeGuard[float]:
    """Whether a value is a number that only the deployment knows."""
    return isinstance(value, float) and value < _NUMBERS_BELOW and cdk.Token.is_unresolved(value)


def is_token(value: object) -> bool:
    """Whether a scalar is, or holds, a deploy-time value."""
    return is_string_token(value) or is_number_token(value)


def is_list_token(value: Iterable[object]) -> bool:
    """Whether a list stands for one that only the deployment knows."""
    return any(isinstance(item, str) and _LIST_MARK.search(item) is not None for item in value)


def literal_text(value: str) -> str:
    """The parts of a string that are known at synth, joined."""
    return _STRING_MARK.sub("", value)


def split_at_tokens(value: str) -> list[str]:
    """The parts of a string, in their order: each is literal, or one token."""
    return [part for part in _STRING_PARTS.split(value) if part]


def references_in(value: object) -> Iterator[cdk.Reference]:
    """The references to resources in a string."""
    if is_string_token(value):
        for token in cdk.Tokenization.reverse_string(value).tokens:
            if cdk.Reference.is_reference(token):
                yield cast("cdk.Reference", token)


def begins_with_token(value: str) -> bool:
    """Whether the first part of a string is one that only the deployment knows."""
    return _STRING_MARK.match(value) is not None


def is_resolvable(value: object) -> bool:
    """Whether a value is an ``IResolvable`` (which is no runtime protocol): an object for a deploy-time value."""
    # Its attribute ``creation_stack`` is left alone: reading it fails where jsii records no stack traces.
    return callable(getattr(value, "resolve", None)) and callable(getattr(value, "to_string", None))


def is_one_token(value: str) -> bool:
    """Whether a string is one deploy-time value, with nothing before or after it."""
    return _STRING_MARK.fullmatch(value) is not None


def split_around_tokens(value: str, separator: str, limit: int = -1) -> list[str]:
    """Split a string where it is known at synth; what only the deployment knows stays whole."""
    marks = _STRING_MARK.findall(value)
    rest = iter(marks)
    parts = _STRING_MARK.sub(_PLACEHOLDER, value).split(separator, limit)
    return [re.sub(_PLACEHOLDER, lambda _: next(rest), part) for part in parts]
