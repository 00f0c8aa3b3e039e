"""Policy documents, evaluated: the part of IAM's language that policies about HealthOmics need. Pure.

One account, no permissions boundaries. What cannot be evaluated is refused when the document is read, so that no test
passes for want of understanding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.json_values import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from healthomics_local.endpoint.authorization.authorizer import Permission

_ELEMENTS = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})
_SET_PREFIXES = ("ForAllValues:", "ForAnyValue:")
_IF_EXISTS = "IfExists"
_PARTS = re.compile(r"\$\{[*?$]\}|.", re.DOTALL)
_WILDCARDS = {"*": ".*", "?": "."}


class Decision(Enum):
    """What the statements of one or more documents say about one permission."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed"
    """No statement is about it."""
    DENIED = "denied"
    """A statement denies it, whatever others say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Condition:
    """One comparison: an operator, a condition key, and the values that it may (or may not) have."""

    matches: Callable[[str, str], bool]
    negated: bool
    any_or_all: Callable[[Iterable[bool]], bool]
    holds_without_key: bool
    key: str
    values: tuple[str, ...]

    def holds(self, context: Mapping[str, tuple[str, ...]]) -> bool:
        found = context.get(self.key)
        if found is None:
            return self.holds_without_key
        return self.any_or_all(
            any(self.matches(each, value) for value in self.values) != self.negated for each in found
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement of a document."""

    allows: bool
    services: tuple[str, ...]
    """The service principals that it names."""
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[_Condition, ...]

    def is_about(self, permission: Permission) -> bool:
        """Whether it says anything about a permission."""
        context = {name.lower(): _texts(value) for name, value in permission.context.items()}
        return (
            any(_pattern(each.lower()).fullmatch(permission.action.lower()) for each in self.actions)
            and any(_pattern(each).fullmatch(permission.resource) for each in self.resources)
            and all(condition.holds(context) for condition in self.conditions)
        )


def read_policy(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """The statements of a policy document.

    Raises:
        ValueError: It uses something that is not evaluated here.
    """
    statements: Any = document.get("Statement", ())
    return tuple(_statement(each) for each in ([statements] if is_object(statements) else statements))


def decide(statements: Iterable[Statement], permission: Permission) -> Decision:
    """What statements say about a permission; one that denies wins."""
    effects = {statement.allows for statement in statements if statement.is_about(permission)}
    if False in effects:
        return Decision.DENIED
    return Decision.ALLOWED if True in effects else Decision.NOT_ALLOWED


def _statement(document: Mapping[str, Any]) -> Statement:
    unknown = sorted(document.keys() - _ELEMENTS)
    if unknown or document.get("Effect") not in {"Allow", "Deny"}:
        raise ValueError(
            f"a statement has an Effect (Allow or Deny) and {', '.join(sorted(_ELEMENTS - {'Effect'}))}, "
            f"got Effect {document.get('Effect')!r} and {', '.join(unknown) or 'nothing else'}"
        )
    principal: Any = document.get("Principal", {})
    return Statement(
        allows=document["Effect"] == "Allow",
        services=_texts(principal.get("Service", [])) if is_object(principal) else (),
        actions=_texts(document.get("Action", [])),
        # A trust policy has no resource: it is about its role.
        resources=_texts(document.get("Resource", "*")),
        conditions=tuple(
            _condition(operator, key, _texts(values))
            for operator, comparisons in document.get("Condition", {}).items()
            for key, values in comparisons.items()
        ),
    )


def _condition(operator: str, key: str, values: tuple[str, ...]) -> _Condition:
    prefix = next((each for each in _SET_PREFIXES if operator.startswith(each)), "")
    name = operator.removeprefix(prefix).removesuffix(_IF_EXISTS)
    negated = name.replace("Not", "") in _COMPARISONS and "Not" in name
    matches = _COMPARISONS.get(name.replace("Not", "") if negated else name)
    if matches is None:
        known = ", ".join(sorted(_COMPARISONS))
        raise ValueError(f"the condition operator {operator} is not evaluated here: use {known}, or their Not forms")
    return _Condition(
        matches=matches,
        negated=negated,
        any_or_all=any if prefix == "ForAnyValue:" else all,
        holds_without_key=operator.endswith(_IF_EXISTS) or prefix == "ForAllValues:" or (negated and not prefix),
        key=key.lower(),
        values=values,
    )


def _equal(actual: str, expected: str) -> bool:
    return actual == expected


def _like(actual: str, expected: str) -> bool:
    return _pattern(expected).fullmatch(actual) is not None


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda actual, expected: actual.lower() == expected.lower(),
}


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """IAM's wildcards: ``*`` for any text, ``?`` for one character; ``${*}``, ``${?}`` and ``${$}`` mean themselves."""
    parts: list[str] = _PARTS.findall(text)
    written = (_WILDCARDS.get(part) or re.escape(part if len(part) == 1 else part[2]) for part in parts)
    return re.compile("".join(written), re.DOTALL)


def _texts(value: Any) -> tuple[str, ...]:
    """A text, a list of them, or a boolean: IAM takes all three."""
    if isinstance(value, bool):
        return ("true" if value else "false",)
    texts: Sequence[str] = (value,) if isinstance(value, str) else value
    return tuple(texts)
