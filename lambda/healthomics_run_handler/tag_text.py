"""Texts in tag values: AWS allows letters, digits, spaces and + - = . _ : / @, and at most 256 characters. Pure."""

import re

TAG_VALUE_LIMIT = 256

_UNUSUAL = re.compile(r"[^A-Za-z0-9 +\-._:/@]+")
_ESCAPED = re.compile(r"(?:=[0-9A-F]{2})+")


def escape(text: str) -> str:
    """Write every other character as ``=XX``, a byte of UTF-8 each."""
    return _UNUSUAL.sub(lambda found: "".join(f"={byte:02X}" for byte in found[0].encode()), text)


def unescape(text: str) -> str:
    """Undo ``escape``."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("=", "")).decode(errors="replace"), text)
