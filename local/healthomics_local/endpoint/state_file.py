"""The endpoint's records in a SQLite file, so that they survive a restart.

The file is written within each transaction, before anybody hears of its outcome, and a killed process loses
nothing that it had written. It is not synced to the disk each time: a machine that loses power may lose the latest
changes, which is enough for a development tool, and no call waits for the disk.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.stored_form import Blobs, StoredFormError
from healthomics_local.endpoint.stored_rows import StoredTable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from healthomics_local.endpoint.tables import Table

VERSION = 1
"""Of the layout of the file and of the records in it."""

# "HOmx": tells a file of ours from another SQLite database.
_APPLICATION_ID = 0x484F6D78
_SCHEMA = (
    "CREATE TABLE records (collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (collection, key))",
    "CREATE TABLE blobs (digest TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_PUT = "INSERT INTO records VALUES (?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value"
_PUT_FACT = "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class StateFileError(Exception):
    """The file cannot be used; the message says why, and what to do."""


class StateFile:
    """An open file, which nobody else can open until it is closed."""

    def __init__(self, path: Path, *, identity: str) -> None:
        """Open a file, or make a new one.

        Args:
            path: Where it is; the folder must exist.
            identity: Whose records these are; a file keeps its first one.

        Raises:
            StateFileError: It cannot be used.
        """
        self._path = path
        self._tables: list[StoredTable] = []
        self._known_blobs: set[str] = set()
        with self._explained():
            if not path.exists():
                # Parameters of runs are in it: not for other users of the machine.
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                self._open(identity)
            except BaseException:
                self._connection.close()
                raise

    @property
    def openings(self) -> int:
        """How often somebody has loaded the file."""
        return int(self._fact("openings") or 0)

    @property
    def time(self) -> datetime | None:
        """The endpoint's time when something was last written; None when nothing was."""
        time = self._fact("time")
        return None if time is None else datetime.fromisoformat(time)

    def load(self, tables: Iterable[Table[Any, Any]]) -> None:
        """Fill empty tables with what is stored; their changes can be saved from then on.

        Raises:
            StateFileError: Something in the file cannot be understood.
        """
        self._tables = [StoredTable(table) for table in tables]
        places = {collection: table for table in self._tables for collection in table.collections}
        row = ("", "", "")
        try:
            with self._explained():
                blobs = _UsedBlobs(self._connection.execute("SELECT digest, content FROM blobs"))
                rows = self._connection.execute("SELECT collection, key, value FROM records ORDER BY rowid")
                with closing(rows):
                    for row in rows:
                        places[row[0]].restore(row, blobs)
                for table in self._tables:
                    table.restored()
                self._known_blobs = blobs.used
                with self._transaction():
                    unused = [(digest,) for digest in blobs.keys() - blobs.used]
                    self._connection.executemany("DELETE FROM blobs WHERE digest = ?", unused)
                    self._connection.execute(_PUT_FACT, ("openings", str(self.openings + 1)))
        except (StoredFormError, ValueError, TypeError, KeyError) as error:
            raise self._error(
                f"has a record that this endpoint cannot read ({row[0]} {row[1]}: {error})",
                "use the release that has written it, or name another file",
            ) from error

    def save(self, *, now: datetime) -> None:
        """Write what has changed, all of it or nothing.

        Raises:
            StateFileError: It could not be written; it is tried again with the next change.
        """
        changes = [(each, changed) for each in self._tables if (changed := each.table.take_changes())]
        if not changes:
            return
        try:
            with self._explained(), self._transaction():
                for each, changed in changes:
                    self._write(each, changed)
                self._connection.execute(_PUT_FACT, ("time", now.isoformat()))
        except BaseException:
            self._known_blobs.clear()
            for each, changed in changes:
                each.table.put_back(changed)
            raise
        for each, changed in changes:
            each.stored(changed)

    def save_time(self, now: datetime) -> None:
        """Write down how late it is on a clock that would start anew.

        Raises:
            StateFileError: It could not be written.
        """
        with self._explained():
            self._connection.execute(_PUT_FACT, ("time", now.isoformat()))

    def close(self) -> None:
        """Let others open the file."""
        self._connection.close()

    def _open(self, identity: str) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        # Looked at before anything is changed: it may be the database of another program.
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (objects,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        is_new = application == 0 and objects == 0
        if not is_new:
            self._check(application, version, identity)
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")
        if is_new:
            with self._transaction():
                execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                execute(f"PRAGMA user_version = {VERSION}")
                for statement in _SCHEMA:
                    execute(statement)
                execute(_PUT_FACT, ("identity", identity))

    def _check(self, application: int, version: int, identity: str) -> None:
        if application != _APPLICATION_ID:
            raise self._error("is a SQLite database of another program", "name another file")
        if version != VERSION:
            raise self._error(
                f"has version {version} and this endpoint reads version {VERSION}",
                "use the release that has written it, or name another file",
            )
        stored = self._fact("identity")
        if stored != identity:
            raise self._error(
                f"holds the records of {stored} and this endpoint is {identity}",
                "start it with the same account and Region, or name another file",
            )

    def _write(self, table: StoredTable, changed: Sequence[Any]) -> None:
        blobs: Blobs = {}
        put, deleted = table.rows(changed, blobs)
        new = [(digest, content) for digest, content in blobs.items() if digest not in self._known_blobs]
        self._connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", new)
        self._connection.executemany("DELETE FROM records WHERE collection = ? AND key = ?", deleted)
        self._connection.executemany(_PUT, put)
        self._known_blobs.update(blobs)

    def _fact(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite itself takes back a transaction for which there is no room.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise self._error("is in use by another endpoint", "stop that one, or name another file") from error
            raise self._error(f"cannot be used: {error}", "look at its folder, or name another file") from error
        except sqlite3.DatabaseError as error:
            raise self._error(f"is damaged, or no state file: {error}", "name another file") from error
        except OSError as error:
            raise self._error(f"cannot be used: {error.strerror}", "name another file") from error

    def _error(self, what: str, cure: str) -> StateFileError:
        return StateFileError(f"the state file {self._path} {what}: {cure}")


class _UsedBlobs(Blobs):
    """Knows which of them somebody asked for; nobody needs the others any more."""

    def __init__(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        super().__init__(blobs)
        self.used: set[str] = set()

    def __getitem__(self, digest: str) -> bytes:
        self.used.add(digest)
        return super().__getitem__(digest)
