"""Request ids that were used: what makes a repeated request start nothing again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ConflictException
from healthomics_local.endpoint.records import LedgerEntry
from healthomics_local.endpoint.settings import RepeatedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from datetime import datetime

    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.state import RequestKey


class RequestLedger:
    """The used request ids of every operation that takes one; each operation has its own."""

    def __init__(self, settings: Settings, entries: MutableMapping[RequestKey, LedgerEntry]) -> None:
        self._settings = settings
        self._entries = entries

    def find(self, operation: str, members: Mapping[str, Any], now: datetime) -> LedgerEntry | None:
        """The first use of this request's id, or None for a new request.

        Raises:
            ConflictException: The settings say that this repetition is one.
        """
        key = (operation, str(members["requestId"]))
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = (now - entry.at).total_seconds()
        lifetime = self._settings.request_id_lifetime_seconds
        if lifetime is not None and age >= lifetime:
            del self._entries[key]
            return None
        if age < self._settings.in_flight_seconds:
            raise ConflictException("a request with the same requestId is in progress")
        if self._settings.changed_request_conflicts and entry.fingerprint != fingerprint(members):
            raise ConflictException("the requestId was used by a request with other parameters")
        if self._settings.repeated_request is RepeatedRequest.CONFLICT:
            raise ConflictException("the requestId was used by another request")
        return entry

    def record(
        self,
        operation: str,
        members: Mapping[str, Any],
        *,
        resource: str,
        response: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Remember the first use of this request's id."""
        self._entries[operation, str(members["requestId"])] = LedgerEntry(
            resource=resource, fingerprint=fingerprint(members), response=dict(response), at=now
        )

    def forget(self, resource: str) -> None:
        """Make every request id that led to this resource new again."""
        for key in [key for key, entry in self._entries.items() if entry.resource == resource]:
            del self._entries[key]


def fingerprint(members: Mapping[str, Any]) -> str:
    """A digest of a request, which does not depend on the order of its members."""
    text = json.dumps(members, sort_keys=True, default=_blob_digest)
    return hashlib.sha256(text.encode()).hexdigest()


def _blob_digest(value: object) -> str:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else str(value)
