"""Options that come as keywords: are there such ones?

``Unpack`` tells type checkers the names; at run time any name would do, and a misspelt one nothing.
"""

from collections.abc import Mapping
from typing import cast

_NOWHERE: Mapping[str, str] = {}


def refuse_unknown_options(
    options: object, allowed: type, *, where: str, elsewhere: Mapping[str, str] = _NOWHERE
) -> None:
    """Refuse options that nobody would look at.

    Args:
        options: The options, as ``**options`` has them.
        allowed: The ``TypedDict`` that names those there are.
        where: Path of the construct that they are for.
        elsewhere: What to say of names that are options of something else.

    Raises:
        TypeError: There are no such options; as Python has it of arguments.
    """
    names = cast("frozenset[str]", vars(allowed)["__optional_keys__"])
    unknown = sorted(set(cast("Mapping[str, object]", options)) - names)
    if unknown:
        hints = "".join(f", and {elsewhere[name]}" for name in unknown if name in elsewhere)
        raise TypeError(
            f"{where}: there is no option {' and no option '.join(unknown)}: use {', '.join(sorted(names))}{hints}"
        )
