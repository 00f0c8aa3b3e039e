"""The records of a table as rows of text, and which of them a change touches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from healthomics_local.endpoint.stored_form import Blobs, StoredFormError, form_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthomics_local.endpoint.tables import Table

Name = tuple[str, str]
"""Collection and key of a row."""

Row = tuple[str, str, str]
"""Collection, key and value."""

_text = json.JSONEncoder(separators=(",", ":")).encode


class StoredTable:
    """A table, and what of it is stored.

    Where the table has a part, the members of that tuple are rows of their own: when one of the thousand tasks of a
    run ends, two rows are written.
    """

    def __init__(self, table: Table[Any, Any]) -> None:
        self.table = table
        self._key, self._value = form_of(table.key_type), form_of(table.value_type)
        self._part_collection = f"{table.name}.{table.part}"
        self._part = form_of(None)
        self.collections = [table.name]
        if table.part is not None:
            self._part = form_of(get_args(get_type_hints(table.value_type)[table.part])[0])
            self.collections.append(self._part_collection)
        self._stored_parts: dict[Any, Sequence[Any]] = {}
        self._read_parts: dict[Any, list[Any]] = {}

    def rows(self, changed: Sequence[Any], blobs: Blobs) -> tuple[list[Row], list[Name]]:
        """The rows to put and those to delete when these keys have changed; bytes go to the blobs."""
        put: list[Row] = []
        deleted: list[Name] = []
        for key in changed:
            stored_key = self._key.store(key, blobs)
            parts: Sequence[Any] = ()
            if key in self.table:
                whole: Any = self.table[key]
                if self.table.part is not None:
                    parts = self._parts(whole)
                    whole = replace(whole, **{self.table.part: ()})
                put.append((self.table.name, _text(stored_key), _text(self._value.store(whole, blobs))))
            else:
                deleted.append((self.table.name, _text(stored_key)))
            known = self._stored_parts.get(key, ())
            for index, part in enumerate(parts):
                # Records are immutable: the same object is the same content.
                if index >= len(known) or part is not known[index]:
                    name = _text([stored_key, index])
                    put.append((self._part_collection, name, _text(self._part.store(part, blobs))))
            deleted += [(self._part_collection, _text([stored_key, index])) for index in range(len(parts), len(known))]
        return put, deleted

    def stored(self, changed: Sequence[Any]) -> None:
        """Take note that the rows of these keys have been written."""
        if self.table.part is None:
            return
        for key in changed:
            if key in self.table:
                self._stored_parts[key] = self._parts(self.table[key])
            else:
                self._stored_parts.pop(key, None)

    def restore(self, row: Row, blobs: Blobs) -> None:
        """Take in a row; `restored` has to follow after the last one.

        Raises:
            StoredFormError: The row is not what the table's types say.
            ValueError: It is no JSON.
            KeyError: A blob is missing.
        """
        collection, key, value = row
        if collection == self.table.name:
            self.table[self._key.restore(json.loads(key), blobs)] = self._value.restore(json.loads(value), blobs)
            return
        stored_key, index = json.loads(key)
        parts = self._read_parts.setdefault(self._key.restore(stored_key, blobs), [])
        if index != len(parts):
            raise StoredFormError(f"part {index} does not follow {len(parts)} others")
        parts.append(self._part.restore(json.loads(value), blobs))

    def restored(self) -> None:
        """Put the parts into their records.

        Raises:
            StoredFormError: There are parts of a record that is not there.
        """
        for key, parts in self._read_parts.items():
            if key not in self.table:
                raise StoredFormError(f"there are {self._part_collection} of {key}, which is not there")
            self.table[key] = replace(self.table[key], **{str(self.table.part): tuple(parts)})
        self.stored(list(self._read_parts))
        self._read_parts = {}

    def _parts(self, record: Any) -> Sequence[Any]:
        parts: Sequence[Any] = getattr(record, str(self.table.part))
        return parts
