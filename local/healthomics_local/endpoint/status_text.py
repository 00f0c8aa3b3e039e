"""Messages as the service model allows them: one line, without control characters. Pure."""

from __future__ import annotations

MAX_CHARACTERS = 1024


def one_line(text: str, *, limit: int = MAX_CHARACTERS) -> str:
    """Text without the control characters that a status message must not have."""
    cleaned = "".join(char if char.isprintable() else " " for char in " ".join(text.split()))
    return cleaned if len(cleaned) <= limit else f"{cleaned[: limit - 1]}…"
