"""The stored runs, with indexes for what is asked of thousands of them all the time."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthomics_local.endpoint.records import Run
from healthomics_local.endpoint.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthomics_local.endpoint.statuses import RunStatus

_Bucket = list[int]
"""The positions of runs that have something in common, in ascending order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """Which runs are meant: those that fit all of it."""

    name: str | None = None
    status: str | None = None
    group: str | None = None
    batch: str | None = None

    def fits(self, run: Run) -> bool:
        """Whether a run is meant."""
        return (
            self.name in {None, run.name}
            and self.status in {None, run.status}
            and self.group in {None, run.request.get("runGroupId")}
            and self.batch in {None, run.batch_id}
        )

    def keys(self) -> list[tuple[str, str]]:
        """The buckets that all meant runs are in."""
        named = (("name", self.name), ("status", self.status), ("group", self.group), ("batch", self.batch))
        return [(kind, value) for kind, value in named if value is not None]


class RunTable(Table[str, Run]):
    """Runs by their ids; a filtered page of them costs the same among ten and among ten thousand."""

    def __init__(self) -> None:
        super().__init__("runs", key=str, value=Run, part="tasks")
        self._ids: dict[int, str] = {}
        self._ids_of_uuids: dict[str, str] = {}
        self._all: _Bucket = []
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def __setitem__(self, key: str, run: Run) -> None:
        old, new = self._rows.get(key), _keys(run)
        if old is not None and old.sequence == run.sequence:
            known = _keys(old)
            self._leave(run.sequence, known - new)
            self._enter(run.sequence, new - known)
        else:
            if old is not None:
                self._forget(old)
            self._ids[run.sequence] = key
            self._ids_of_uuids[run.uuid] = key
            insort(self._all, run.sequence)
            self._enter(run.sequence, new)
        super().__setitem__(key, run)

    def __delitem__(self, key: str) -> None:
        run = self._rows[key]
        super().__delitem__(key)
        self._forget(run)

    def id_of(self, run_uuid: str) -> str | None:
        """The id of the stored run with this uuid; None when there is none any more."""
        return self._ids_of_uuids.get(run_uuid)

    def count(self, status: RunStatus) -> int:
        """How many runs have a status."""
        return len(self._buckets.get(("status", status), ()))

    def newest(self, wanted: RunFilter, *, before: int | None = None) -> Iterator[Run]:
        """The runs that fit, newest first; only those that were started before a position, if there is one."""
        keys = wanted.keys()
        bucket = min((self._buckets.get(key, []) for key in keys), key=len) if keys else self._all
        end = len(bucket) if before is None else bisect_left(bucket, before)
        for index in range(end - 1, -1, -1):
            run = self._rows[self._ids[bucket[index]]]
            if wanted.fits(run):
                yield run

    def oldest_removable(self) -> Run | None:
        """The oldest run that has ended and may vanish, because its retention mode is REMOVE."""
        bucket = self._buckets.get(_REMOVABLE)
        return self._rows[self._ids[bucket[0]]] if bucket else None

    def _forget(self, run: Run) -> None:
        del self._ids[run.sequence]
        del self._ids_of_uuids[run.uuid]
        del self._all[bisect_left(self._all, run.sequence)]
        self._leave(run.sequence, _keys(run))

    def _enter(self, sequence: int, keys: set[tuple[str, str]]) -> None:
        for key in keys:
            insort(self._buckets.setdefault(key, []), sequence)

    def _leave(self, sequence: int, keys: set[tuple[str, str]]) -> None:
        for key in keys:
            bucket = self._buckets[key]
            del bucket[bisect_left(bucket, sequence)]
            if not bucket:
                del self._buckets[key]


_REMOVABLE = ("removable", "")


def _keys(run: Run) -> set[tuple[str, str]]:
    """The buckets that a run is in."""
    wanted = RunFilter(name=run.name, status=run.status.value, group=run.request.get("runGroupId"), batch=run.batch_id)
    keys = set(wanted.keys())
    if run.status.is_terminal and run.request["retentionMode"] == "REMOVE":
        keys.add(_REMOVABLE)
    return keys
