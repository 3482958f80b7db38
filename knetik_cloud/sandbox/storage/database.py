"""The database: opening it, transactions, and copying all of its data out and back in."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy import table as named_table
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.pool import StaticPool

from knetik_cloud.requirements import explain_missing
from knetik_cloud.sandbox.settings import DRIVERS
from knetik_cloud.sandbox.storage import files
from knetik_cloud.sandbox.storage.paging import Bookmarks
from knetik_cloud.sandbox.storage.statements import wrapped_error
from knetik_cloud.sandbox.storage.tables import DATA, SCHEMA_VERSION, metadata, state, version_in
from knetik_cloud.sandbox.storage.unusable import UnusableDatabase

CATALOG_LOCK = 0x6B6E6574
"""Key of the advisory lock under which PostgreSQL serializes changes of items and templates."""

DATA_LOCK = 0x6B64_6174
"""Key of the advisory lock that PostgreSQL's transactions share. A change of all data holds it alone."""

RETRYABLE_STATES = ("40001", "40P01")
"""PostgreSQL's codes for a failed serialization and a deadlock."""

UNUSABLE_STATES = ("25006", "42501", "XX001", "XX002")
"""PostgreSQL's codes for a read-only database, missing privileges, and corrupt data and indexes."""

MAX_ATTEMPTS = 8
"""The maximum number of attempts to run a transaction that others conflict with."""

MAX_BACKOFF_SECONDS = 0.01
"""The longest wait before the second attempt. It doubles with each further attempt."""

MAX_PARAMETERS = 10_000
"""The maximum number of parameters of a statement. SQLite takes 32,766."""

SQLITE_REASONS = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_IOERR: "its disk can't be read or written",
    sqlite3.SQLITE_CORRUPT: "it is corrupt",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_CANTOPEN: "its file can't be opened",
    sqlite3.SQLITE_NOTADB: "its file is not an SQLite database",
}
"""The states in which SQLite rejects correct statements, by the code of the error."""

BUSY_SECONDS = 5
"""Seconds to wait for another program that has locked an SQLite file."""

T = TypeVar("T")


class Database:
    """An open database. Everything that happens in it happens in `transaction()`.

    SQLite has one connection, used by one thread at a time. Its transactions begin IMMEDIATE, so that what a
    transaction reads stays true until it writes, whichever other process has the file open. Those that only
    read need no lock, and work while another process writes. PostgreSQL has a pool, and the queries lock the
    rows that they decide by.

    Args:
        database: The path of an SQLite file, a URL, or None for a database in memory.

    Raises:
        UnusableDatabase: If the database can't be opened.
        ValueError: If the URL is malformed, or belongs to another type of database or driver.
    """

    def __init__(self, database: str | None) -> None:
        try:
            url = _url(database)
            opener = OPENERS.get(url.drivername)
            if opener is not None:
                with explain_missing("sandbox"):
                    self._engine = opener(url)
        except (ArgumentError, ValueError) as error:
            wanted = "postgresql://user:password@host:port/name"
            raise ValueError(f"the URL of the database can't be used: write it as {wanted}") from error
        if opener is None:
            raise ValueError(
                f"{url.drivername}: is not a supported database: pass the path of an SQLite file, or a "
                "PostgreSQL URL, postgresql://user@host/name"
            )
        self.single_threaded = self._engine.dialect.name == "sqlite"
        self._statements = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        # SQLite has one connection, which belongs to the thread that holds the lock.
        self._lock = threading.RLock()
        self.bookmarks = Bookmarks()
        self._only: Connection | None = None
        self._opened: files.Opened | None = None
        self._is_in_place = True
        self._foreign_writes_before: Any = None
        try:
            path = None
            if self.single_threaded:
                path = _path(url)
                if path is not None:
                    files.prepare(path)
                self._only = self._engine.connect()
            with self._transaction() as db:
                self._prepare(db)
            if path is not None:
                self._opened = files.Opened(path)
                self._foreign_writes_before = self._pragma("data_version")
        except (DBAPIError, sqlite3.Error, OSError) as error:
            self.close()
            raise UnusableDatabase(f"can't open the database {self.name}: {self._reason(error)}") from error
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The name for messages: the path of its file, or its URL without secrets."""
        url = self._engine.url
        if self.single_threaded:
            return url.database or "in memory"
        return url.set(drivername=url.get_backend_name(), query={}).render_as_string(hide_password=True)

    def retryable(self, error: DBAPIError) -> bool:
        """Return whether a transaction failed only because of another one, such as in a deadlock."""
        return getattr(error.orig, "sqlstate", None) in RETRYABLE_STATES

    def retrying(self, work: Callable[[], T]) -> T:
        """Run work that opens a transaction, again if another transaction conflicts with it.

        Raises:
            UnusableDatabase: If the database is locked, full, read-only, corrupt or gone.
        """
        for attempt in range(MAX_ATTEMPTS):
            try:
                return work()
            except DBAPIError as error:
                if not self.retryable(error):
                    raise
                if attempt == MAX_ATTEMPTS - 1:
                    raise self._unusable(error) from error
            time.sleep(random.uniform(0, MAX_BACKOFF_SECONDS * 2**attempt))
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def transaction(self, reads_only: bool = False) -> Iterator[Connection]:
        """Run a block in one transaction: committed at its end, rolled back when an exception leaves it.

        Args:
            reads_only: The block writes nothing, so SQLite does not wait for other programs that write.

        Raises:
            UnusableDatabase: If the database is locked, full, read-only, corrupt or gone.
        """
        with self._checked(), self._transaction(reads_only) as db:
            yield db

    @contextmanager
    def statements(self) -> Iterator[Connection]:
        """Run statements that each stand alone: one trip to PostgreSQL, where a transaction takes three.

        Raises:
            UnusableDatabase: If the database is read-only or gone.
        """
        with self._checked(), self._statements.connect() as connection:
            yield connection

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Raise UnusableDatabase for errors that the state of the database causes."""
        try:
            yield
        except DBAPIError as error:
            if self.retryable(error) or not _is_unusable(error):
                raise
            raise self._unusable(error) from error

    def _unusable(self, error: DBAPIError) -> UnusableDatabase:
        return UnusableDatabase(f"can't use the database {self.name}: {self._reason(error)}")

    @contextmanager
    def _transaction(self, reads_only: bool = False) -> Iterator[Connection]:
        if self._only is None:
            # Closing the connection rolls back what was not committed.
            with self._engine.connect() as connection:
                yield connection
                _commit(connection)
            return
        with self._lock:
            self._check_file()
            _begin(self._only, "BEGIN" if reads_only else "BEGIN IMMEDIATE")
            try:
                yield self._only
                _commit(self._only)
            except BaseException:
                _rollback(self._only)
                raise

    def _check_file(self) -> None:
        """Check that the file of SQLite is still at its path. If it isn't, its log is moved into it first.

        SQLite would apply the log to a file that took its place, such as a backup, and damage it.

        Raises:
            UnusableDatabase: If the file or its log was removed or replaced.
        """
        if self._opened is None:
            return
        was_in_place, self._is_in_place = self._is_in_place, self._opened.is_in_place()
        if self._is_in_place:
            return
        with suppress(sqlite3.Error):
            # Another process that has opened the file in its place writes to the same log.
            if was_in_place and self._pragma("data_version") == self._foreign_writes_before:
                self._pragma("wal_checkpoint(TRUNCATE)")
        raise UnusableDatabase(f"can't use the database {self.name}: {files.REMOVED}")

    def _pragma(self, name: str) -> Any:
        assert self._only is not None
        return self._only.connection.cursor().execute(f"PRAGMA {name}").fetchone()

    def close(self) -> None:
        """Close every connection. An in-memory database is gone with it."""
        if self._only is not None and not self._only.closed:
            with suppress(UnusableDatabase, sqlite3.Error):
                self._check_file()
                if self._opened is not None:
                    # Closing does this only where no other program has opened the file.
                    self._pragma("wal_checkpoint(PASSIVE)")
            self._only.close()
        self._engine.dispose()

    def _reason(self, error: Exception) -> str:
        """Return why the database can't be used: a known cause, or the driver's message."""
        folder = Path(self.name).parent
        if self.single_threaded and not folder.is_dir():
            return f"there is no folder {folder}"
        original = getattr(error, "orig", error)
        if isinstance(original, OSError):
            return str(original.strerror)
        code = getattr(original, "sqlite_errorcode", None)
        return SQLITE_REASONS.get((code or 0) & 0xFF) or str(original).strip()

    def _prepare(self, db: Connection) -> None:
        """Create the tables in a new database.

        Raises:
            UnusableDatabase: If it is the database of a newer version, or of another program.
        """
        lock_catalog(db)
        inspector = inspect(db)
        if inspector.has_table(state.name):
            columns = {each["name"] for each in inspector.get_columns(state.name)}
            known = select(state.c.document).where(state.c.name == "schema")
            version = version_in(db.scalar(known)) if columns == {*state.c.keys()} else None
            if version is None:
                raise UnusableDatabase(f"{self.name} {files.FOREIGN}: it contains {state.name}")
            if version > SCHEMA_VERSION:
                raise UnusableDatabase(
                    f"The database was written by a newer knetik_cloud (schema {version}; this one knows "
                    f"{SCHEMA_VERSION}). Upgrade knetik_cloud, or use another database."
                )
        elif names := sorted(filter(inspector.has_table, metadata.tables)):  # or views
            raise UnusableDatabase(f"{self.name} {files.FOREIGN}: it contains {', '.join(names)}")
        else:
            metadata.create_all(db, checkfirst=False)
            db.execute(insert(state).values(name="schema", document={"version": SCHEMA_VERSION}))


def _url(database: str | None) -> URL:
    """Return the URL of a database. The name of a file may contain any character, such as ? and %."""
    if database is None:
        return URL.create("sqlite")
    scheme, separator, rest = database.partition("://")
    if not separator:
        return URL.create("sqlite", database=database)
    return make_url(f"{DRIVERS.get(scheme, scheme)}://{rest}")


def _path(url: URL) -> Path | None:
    """Return the path of an SQLite file, or None for a database in memory."""
    return Path(url.database) if url.database and url.database != ":memory:" else None


def _is_unusable(error: DBAPIError) -> bool:
    """Return whether the state of the database caused an error, and not a statement."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_REASONS
    state = getattr(error.orig, "sqlstate", None)
    return state in UNUSABLE_STATES or isinstance(error, (OperationalError, InterfaceError))


# SQLAlchemy's own transactions cost many times as much as these calls of the driver. It still begins one for
# the statements that run through it, and that one is then ended through it.


def _begin(db: Connection, statement: str) -> None:
    try:
        db.connection.cursor().execute(statement)
    except db.dialect.loaded_dbapi.Error as error:
        raise wrapped_error(db, error, statement) from error


def _commit(db: Connection) -> None:
    if db.in_transaction():
        db.commit()
        return
    try:
        db.connection.commit()
    except db.dialect.loaded_dbapi.Error as error:
        raise wrapped_error(db, error, "COMMIT") from error


def _rollback(db: Connection) -> None:
    # Not `in_transaction()`, which is False after a commit that failed, and would leave it unusable.
    if db.get_transaction() is not None:
        db.rollback()
    # Does nothing after SQLAlchemy's, nor where SQLite has rolled back by itself.
    db.connection.rollback()


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split values into lists that a statement can take as parameters."""
    for start in range(0, len(values), MAX_PARAMETERS):
        yield values[start : start + MAX_PARAMETERS]


def lock_catalog(db: Connection) -> None:
    """Hold off other changes of items and templates until this transaction ends."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(CATALOG_LOCK)))


def lock_data(db: Connection) -> None:
    """Block all other transactions on the data until this one ends."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(DATA_LOCK)))


def upsert(db: Connection, target: Table, row: Mapping[str, Any]) -> None:
    """Insert a row, or replace the one with its primary key, whichever transaction comes first."""
    dialect: Any = sqlite
    if db.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # not at the top, as it takes long to import

        dialect = postgresql
    keys = [column.name for column in target.primary_key]
    others = {name: value for name, value in row.items() if name not in keys}
    db.execute(dialect.insert(target).values(**row).on_conflict_do_update(index_elements=keys, set_=others))


def is_empty(db: Connection) -> bool:
    """Return whether all tables are empty."""
    return all(db.execute(select(table).limit(1)).first() is None for table in DATA)


def dump(db: Connection) -> dict[str, Any]:
    """Copy all data, and the next ids, into a JSON document."""
    rows = {table.name: [dict(row) for row in db.execute(select(table)).mappings()] for table in DATA}
    return {"rows": rows, "last_ids": _last_ids(db)}


def load(db: Connection, document: dict[str, Any]) -> None:
    """Replace all data, and the next ids, by those of a document that `dump` made."""
    for table in DATA:
        db.execute(delete(table))
        rows = document["rows"].get(table.name)
        if rows:
            db.execute(insert(table), rows)
    _set_last_ids(db, document["last_ids"])


def clear(db: Connection) -> None:
    """Delete all data. Ids start at 1 again."""
    load(db, {"rows": {}, "last_ids": {}})


def align_ids(db: Connection) -> None:
    """Set the next id of each table to follow the highest one, which PostgreSQL does not do by itself."""
    if db.dialect.name == "postgresql":
        last = {table.name: db.scalar(select(func.max(column))) for table, column in _identities()}
        known = _last_ids(db)
        _set_last_ids(db, {name: max(number or 0, known.get(name, 0)) for name, number in last.items()})


def _identities() -> Iterator[tuple[Table, Column[Any]]]:
    """Return the tables that number their rows, each with the column of the number."""
    for table in DATA:
        column = table.autoincrement_column
        if column is not None:
            yield table, column


def _sequence(column: Column[Any]) -> str:
    """Return the name of the PostgreSQL sequence of a column."""
    return f"{column.table.name}_{column.name}_seq"


def _last_ids(db: Connection) -> dict[str, int]:
    if db.dialect.name == "sqlite":
        return {row.name: row.seq for row in db.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    last = {}
    for table, column in _identities():
        position = select(literal_column("last_value", Integer), literal_column("is_called", Boolean))
        row = db.execute(position.select_from(named_table(_sequence(column)))).one()
        last[table.name] = row.last_value - (not row.is_called)
    return last


def _set_last_ids(db: Connection, last_ids: dict[str, int]) -> None:
    if db.dialect.name == "sqlite":
        db.execute(text("DELETE FROM sqlite_sequence"))
        if last_ids:
            rows = [{"name": name, "seq": number} for name, number in last_ids.items()]
            db.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), rows)
        return
    # Not setval, which a rollback doesn't undo: the next rows would get ids that are taken.
    for table, column in _identities():
        next_id = last_ids.get(table.name, 0) + 1
        db.execute(text(f"ALTER SEQUENCE {_sequence(column)} RESTART WITH {next_id:d}"))


def _postgresql(url: URL) -> Engine:
    from urllib3.util.wait import wait_for_read  # SQLite needs none of it

    # A server takes 100 connections unless told otherwise, which leaves room for nine workers. Who waits for
    # one gets it: a request holds a single connection, and none while it waits for another.
    engine = create_engine(url, pool_size=10, max_overflow=0)

    @event.listens_for(engine, "checkout")
    def check(connection: Any, *_: Any) -> None:
        # A server that ends an idle connection, such as for a restart, says so.
        if wait_for_read(connection, timeout=0):
            raise DisconnectionError

    return engine


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        try:
            # The driver would begin transactions by itself.
            connection.isolation_level = None
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            if _path(url) is not None:
                connection.execute("PRAGMA journal_mode = WAL")
                # NORMAL survives the death of the process but not a loss of power. FULL costs one flush per
                # write and loses nothing.
                connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            # The pool does not have it yet.
            connection.close()
            raise

    return engine


OPENERS = {"sqlite": _sqlite, "sqlite+pysqlite": _sqlite, "postgresql+psycopg": _postgresql}
"""The functions that open each type of database, by its driver."""
