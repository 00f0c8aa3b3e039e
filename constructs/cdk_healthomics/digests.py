"""Digests of what is defined in the app, for names that must change when something is replaced."""

import hashlib
import json
from typing import Final

_LENGTH: Final = 12


def digest(document: object) -> str:
    """Digest of a JSON-like value: 12 hex digits, the same at every synth, and fit for a logical id."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_LENGTH]
