"""The file of saved conversations: one SQLite database, which many processes use at once.

What is written is on disk when a transaction ends. The journal is a write-ahead log, so that
readers and the one writer do not wait for each other; and `synchronous` is FULL, because in that
mode the weaker NORMAL syncs the log only now and then, and a power cut takes what came since.

Each connection overwrites what it deletes, growing answers' former contents among it: what the
person deletes is to be gone from the file, and not only from its lists.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hiveloom_cli.chat.migrations import MIGRATIONS
from hiveloom_cli.errors import FileUnreadable, HiveloomError, Locked, StoreUnusable
from hiveloom_cli.files import ensure_private_folder, open_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hiveloom_cli.chat.migrations import Migrations

_APPLICATION_ID = 0x68697665  # "hive": told from any other program's database
_BUSY_S = 5.0
_FILE_MODE = 0o600
_SMALLEST = 512  # bytes of a database that is one
_SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # macOS, where a plain fsync leaves it in the disk's cache
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA journal_size_limit = 4194304",
)
_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
_MENDED_OUTSIDE = {*_DAMAGED, sqlite3.SQLITE_READONLY}  # by whoever was told
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened for writing",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_PERM: "it cannot be written",
    sqlite3.SQLITE_IOERR: "reading or writing it failed",
}
_PRIMARY = 0xFF  # of an error code; the rest says more about it


class Store:
    """The database at `path`, which need not exist.

    It is opened when it is first used, and made when something is first written. Using it raises
    `StoreUnusable`, `Locked` and `FileUnreadable`; a file that is no database, or is damaged, is
    left as it is. A file of a newer version is read and not written, and one of an older version
    that cannot be written is read as it is. Several threads may use one store.
    """

    def __init__(self, path: Path, migrations: Migrations = MIGRATIONS) -> None:
        self.path = path
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._is_settled = False  # it reads a file that nobody writes, and looks for no change
        self._version = 0
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the file; the store can be used again."""
        with self._lock, suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def read(self, sql: str, values: Mapping[str, Any], since: int = 1) -> list[dict[str, Any]]:
        """Read rows; none if there is no file yet, or it is of a version before `since`."""
        if self._connection is None and not self.path.exists():
            return []
        with self.use(writing=False) as database:
            if self._version < since:
                return []
            return [dict(row) for row in database.execute(sql, values)]

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction: all that is written in it is on disk at its end, or none of it."""
        with self.use(writing=True) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
                self._version = _get_number(database, "user_version")  # it may be newer by now
                self._check_version()
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    with suppress(sqlite3.Error):
                        database.execute("ROLLBACK")
                raise

    @contextmanager
    def use(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        """Hold the connection against other threads, and map what SQLite raises."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open(writing=writing)
                if writing:
                    self._check_version()
                yield self._connection
            except sqlite3.Error as error:
                if _get_code(error) in _MENDED_OUTSIDE:
                    self.close()  # a new connection sees when it is mended
                raise self._explain(error) from error
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise self._build_unusable(reason) from error
            finally:
                if self._is_settled:
                    self.close()

    def _check_version(self) -> None:
        if self._version > len(self._migrations):
            problem = f"{self.path} was written by a newer hiveloom"
            raise StoreUnusable(problem, hint="update this hiveloom")

    def _open(self, *, writing: bool) -> sqlite3.Connection:
        self._is_settled = False
        if writing and not self.path.exists():
            ensure_private_folder(self.path.parent)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, _FILE_MODE))
        if 0 < self.path.stat().st_size < _SMALLEST:
            raise self._build_damaged("no database")  # SQLite would begin one in its place
        try:
            return self._connect("mode=rw")
        except (sqlite3.Error, OSError) as error:
            # Reading needs a place for the log's index, unless nobody can be writing.
            if writing or not self._has_settled(error):
                raise
        self._is_settled = True
        return self._connect("mode=ro&immutable=1")

    def _has_settled(self, error: Exception) -> bool:
        """Whether all there is stands in the file itself, which only refuses to be written."""
        log = self.path.with_name(f"{self.path.name}-wal")
        refused = isinstance(error, OSError) or _get_code(error) in _REASONS
        return refused and not (log.exists() and log.stat().st_size)

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,  # transactions are ours to begin
            check_same_thread=False,
        )
        try:
            connection.row_factory = sqlite3.Row
            for setting in _SETTINGS:
                connection.execute(setting)
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # In one transaction: another process may be making the tables just now.
        connection.execute("BEGIN")
        version = _get_number(connection, "user_version")
        is_ours = _get_number(connection, "application_id") == _APPLICATION_ID
        is_empty = not version and not connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        connection.execute("COMMIT")
        if not is_ours and not is_empty:
            raise self._build_damaged("another program's database")
        if version < len(self._migrations) and not (version and self._is_settled):
            with open_lock(self.path):
                self._migrate(connection)
            version = _get_number(connection, "user_version")
        self._version = version

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = _get_number(connection, "user_version")  # another process may have been faster
        if not version:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
        for number, step in enumerate(self._migrations[version:], version + 1):
            connection.execute("BEGIN IMMEDIATE")
            for statement in step:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")  # what fails before it goes with the connection

    def _explain(self, error: sqlite3.Error) -> HiveloomError:
        code = _get_code(error)
        if code in _BUSY:
            problem = f"another program has held {self.path} for {_BUSY_S:.0f} s"
            return Locked(problem, hint="wait for it to finish, then try again")
        if code in _DAMAGED:
            return self._build_damaged("damaged, or no database")
        if "no such module: fts5" in str(error):
            return StoreUnusable(
                "the SQLite of this Python has no full-text search (FTS5)",
                hint="run hiveloom with a Python whose SQLite has it",
            )
        return self._build_unusable(_REASONS.get(code, str(error)))

    def _build_damaged(self, problem: str) -> FileUnreadable:
        hint = f"move it away, and a new one is begun: mv {self.path} {self.path}.broken"
        return FileUnreadable(self.path, problem, hint=hint)

    def _build_unusable(self, reason: str) -> StoreUnusable:
        hint = "check the space on its disk, its owner and its mode"
        return StoreUnusable(f"{self.path}: {reason}", hint=hint)


def _get_number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _get_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY
