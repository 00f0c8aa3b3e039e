r"""The model's regular expressions, which are Java's, as Python's.

Two things differ: Java has Unicode classes such as ``\p{L}``, and ``\w`` and ``\d`` are ASCII.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from functools import cache
from itertools import groupby

_UNICODE_CLASS = re.compile(r"\\p\{(\w)\}")


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches, as the service requires."""
    return _compiled(pattern).fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # AWS writes "||" between classes where a union needs nothing; Python would warn about a set operation.
    plain = pattern.replace("||", "|")
    return re.compile(_UNICODE_CLASS.sub(lambda found: _ranges(found[1]), plain), re.ASCII)


def _ranges(major_class: str) -> str:
    return _ranges_by_class()[major_class]


@cache
def _ranges_by_class() -> dict[str, str]:
    """For each major Unicode category its characters, in the form that stands between ``[`` and ``]``."""
    by_class: dict[str, list[str]] = defaultdict(list)
    points = range(sys.maxunicode + 1)
    for major_class, same in groupby(points, key=lambda point: unicodedata.category(chr(point))[0]):
        stretch = list(same)
        by_class[major_class].append(f"\\U{stretch[0]:08x}-\\U{stretch[-1]:08x}")
    return {major_class: "".join(ranges) for major_class, ranges in by_class.items()}
