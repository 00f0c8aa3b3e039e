"""HTML elements as values; everything that is not an element is escaped.

>>> element("a", "<1 & 2>", href="/?a=1&b=2", class_="run", hidden=False)
Markup('<a href="/?a=1&amp;b=2" class="run">&lt;1 &amp; 2&gt;</a>')
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"br", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already, because `element` or `joined` has made it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Markup({str(self)!r})"


Child = Markup | str | int | float | None | Iterable["Child"]
"""What an element can hold; None is nothing."""

Attribute = str | float | bool | None
"""The value of an attribute; True is an attribute without a value, False and None are none."""


def element(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element.

    Args:
        name: The element's name.
        children: Elements, and texts, which are escaped.
        attributes: With underscores for hyphens, and ``class_`` for ``class``.
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{head}>")
    return Markup(f"<{name}{head}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Elements and texts, one after the other."""
    return Markup("".join(_child(each) for each in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str | int | float):
        return escape(str(child))
    return joined(*child)


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
