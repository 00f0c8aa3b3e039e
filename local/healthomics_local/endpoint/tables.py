"""Collections of records that know what has changed in them."""

from __future__ import annotations

from collections.abc import Hashable, ItemsView, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Table(MutableMapping[K, V], Generic[K, V]):
    """Records under their keys, in the order in which the keys came.

    >>> table: Table[str, int] = Table("numbers", key=str, value=int)
    >>> table.track_changes()
    >>> table["one"] = 1; table["two"] = 2; del table["one"]
    >>> table.take_changes() == ["one", "two"], table.take_changes(), dict(table)
    (True, [], {'two': 2})
    """

    def __init__(self, name: str, *, key: Any, value: Any, part: str | None = None) -> None:
        """Make an empty table.

        Args:
            name: What the records are called where they are stored.
            key: The type of the keys.
            value: The type of the records.
            part: A member that is a tuple of records, which may be many: each is stored for itself.
        """
        self.name = name
        self.key_type = key
        self.value_type = value
        self.part = part
        self._rows: dict[K, V] = {}
        # The keys alone; a dictionary keeps their order.
        self._changes: dict[K, None] | None = None

    def track_changes(self) -> None:
        """Remember from now on which keys were set or deleted."""
        self._changes = {}

    def take_changes(self) -> list[K]:
        """The keys that were set or deleted since the last time, in order; none, unless that is tracked."""
        changes = self._changes
        if not changes:
            return []
        self._changes = {}
        return list(changes)

    def put_back(self, changes: list[K]) -> None:
        """Count keys as changed again, because they could not be stored."""
        if self._changes is not None:
            self._changes = dict.fromkeys(changes) | self._changes

    def __setitem__(self, key: K, value: V) -> None:
        self._rows[key] = value
        if self._changes is not None:
            self._changes[key] = None

    def __delitem__(self, key: K) -> None:
        del self._rows[key]
        if self._changes is not None:
            self._changes[key] = None

    def __getitem__(self, key: K) -> V:
        return self._rows[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    # The views of the dictionary itself are several times faster than those of the base class.
    def keys(self) -> KeysView[K]:
        """The keys."""
        return self._rows.keys()

    def values(self) -> ValuesView[V]:
        """The records."""
        return self._rows.values()

    def items(self) -> ItemsView[K, V]:
        """Keys and records."""
        return self._rows.items()
