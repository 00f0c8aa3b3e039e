"""Request ids that were used: what makes a repeated request start nothing again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ConflictException
from healthomics_local.endpoint.records import LedgerEntry
from healthomics_local.endpoint.settings import RepeatedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from datetime import datetime

    from healthomics_local.endpoint.settings import Settings
    from healthomics_local.endpoint.state import RequestKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """What an operation has created."""

    resource: str
    """A key that the operation can look up, and that no other resource will ever have."""
    response: Mapping[str, Any]


class RequestLedger:
    """The used request ids of every operation that takes one; each operation has its own."""

    def __init__(self, settings: Settings, entries: MutableMapping[RequestKey, LedgerEntry]) -> None:
        self._settings = settings
        self._entries = entries

    def once(
        self,
        operation: str,
        members: Mapping[str, Any],
        now: datetime,
        *,
        create: Callable[[], Created],
        present: Callable[[LedgerEntry], Mapping[str, Any] | None],
    ) -> dict[str, Any]:
        """Create something, unless an earlier request with this id has created it.

        Args:
            operation: The API name.
            members: The request.
            now: The time.
            create: Creates it.
            present: What the operation would answer now about what the earlier request has created; None: that is gone,
                so the request is a new one.

        Raises:
            ConflictException: The settings say that this repetition is one.
        """
        repeated = self.repeated(operation, members, now, present=present)
        if repeated is not None:
            return repeated
        created = create()
        self._entries[operation, str(members["requestId"])] = LedgerEntry(
            resource=created.resource, fingerprint=fingerprint(members), response=dict(created.response), at=now
        )
        return dict(created.response)

    def repeated(
        self,
        operation: str,
        members: Mapping[str, Any],
        now: datetime,
        *,
        present: Callable[[LedgerEntry], Mapping[str, Any] | None],
    ) -> dict[str, Any] | None:
        """The answer to a repeated request; None for a new one. The arguments are those of `once`.

        Raises:
            ConflictException: The settings say that this repetition is one.
        """
        key = (operation, str(members["requestId"]))
        entry = self._entries.get(key)
        if entry is None:
            return None
        age = (now - entry.at).total_seconds()
        lifetime = self._settings.request_id_lifetime_seconds
        current = present(entry) if lifetime is None or age < lifetime else None
        if current is None:
            del self._entries[key]
            return None
        if age < self._settings.in_flight_seconds:
            raise ConflictException("a request with the same requestId is in progress")
        if self._settings.changed_request_conflicts and entry.fingerprint != fingerprint(members):
            raise ConflictException("the requestId was used by a request with other parameters")
        if self._settings.repeated_request is RepeatedRequest.CONFLICT:
            raise ConflictException("the requestId was used by another request")
        return dict(entry.response if self._settings.repeated_request is RepeatedRequest.REPLAY else current)

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
