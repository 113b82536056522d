"""The database: engines for SQLite and PostgreSQL, and the two ways to use one: reading, and one transaction."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg._preparing import PrepareManager
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus
from sqlalchemy import Connection as Transaction
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from vestibule.kernel.errors import AlreadyTaken, DatabaseBusy, DatabaseDamaged, DatabaseUnreachable, GaveWay
from vestibule.storage.pipeline import commit, forget_what_waits, pipeline_of, send, translated

__all__ = ["Database", "Transaction", "check_url"]

_MOMENT_SECONDS: Final = 0.01
_OTHERS: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_NO_SQLITE: Final = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_FULL", "SQLITE_IOERR")
# index_corrupted and data_corrupted are PostgreSQL's.
_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
READ_ONLY: Final = "vestibule_read_only"
# A key that exists, or a row that is gone or still needed: unique and foreign keys, and exclusion.
_TAKEN: Final = {
    "23505",
    "23503",
    "23P01",
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_FOREIGNKEY",
}
# lock_not_available and query_canceled (statement timeout), serialization_failure and deadlock: all is rolled back.
_BUSY: Final = {"55P03", "57014"}
_CROSSED: Final = {"40001", "40P01"}


def check_url(url: str) -> None:
    """Raise ValueError unless this can be read as the address of a database. Whether one is there is not looked at."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        try:
            make_conninfo("", **dict.fromkeys(parsed.query, ""))
        except psycopg.Error as error:
            raise ValueError(str(error)) from error


class Database:
    """One SQLite file or one PostgreSQL database."""

    def __init__(self, url: str, pool_size: int = 20, *, lock_timeout_seconds: float = 5.0) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._writing = threading.Lock() if self.is_sqlite else None
        self._patience_seconds = lock_timeout_seconds
        if self.is_sqlite:
            self.engine = _sqlite(parsed, pool_size, lock_timeout_seconds)
        else:
            self.engine = _postgresql(parsed, pool_size, lock_timeout_seconds)
        # Not before_cursor_execute, for which the prepared statements would pay as well; they look for themselves.
        for name in ("do_execute", "do_executemany"):
            event.listen(self.engine, name, _refuse_to_write_while_reading)
        self._reader = self.engine.execution_options(**{READ_ONLY: True})

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open the one transaction of a flow: committed at the end, rolled back by any exception. Raises AlreadyTaken, DatabaseBusy."""
        with self._turn(), timely(), self.engine.begin() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a connection for queries only: every statement sees what is committed, no lock is taken. Raises DatabaseBusy.

        An INSERT, UPDATE or DELETE is refused (RuntimeError): it would be committed by itself, whatever comes after it.
        """
        with timely(), self._reader.connect() as tx:
            yield tx

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # SQLite lets one write at a time and makes the others look again, at longer and longer intervals. Among the threads
        # of one process a lock wakes the next one at once, which doubles what a busy server gets done.
        if self._writing is None:
            yield
            return
        if not self._writing.acquire(timeout=self._patience_seconds):
            raise DatabaseBusy("another thread of this process is writing")
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


@contextmanager
def savepoint(tx: Transaction) -> Iterator[None]:
    """Do a part of a transaction whole or not at all, the rest unharmed. Raises AlreadyTaken, DatabaseBusy."""
    with timely(), tx.begin_nested():
        yield
        if tx.dialect.name == "postgresql":
            send(tx)  # a failure of what waits is one of this part: at its RELEASE it would be too late to roll back


def settle(tx: Transaction) -> None:
    """Let what waits to be written succeed or fail now, not with a statement of something else. Raises AlreadyTaken, DatabaseBusy."""
    if tx.dialect.name == "postgresql":
        with timely():
            send(tx)


def take_time(tx: Transaction) -> None:
    """Let statements take as long as they take, until the transaction ends: what belongs to 200,000 people is not gone in 30 s."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("SET LOCAL statement_timeout = 0")


@contextmanager
def timely() -> Iterator[None]:
    """Turn the engines' errors that are nobody's mistake into AlreadyTaken, DatabaseBusy or one of its kinds."""
    try:
        yield
    except IntegrityError as error:
        # A CHECK or NOT NULL that fails is a mistake of ours and must not be told as somebody else's haste.
        if _code(error) in _TAKEN:
            raise AlreadyTaken(_words(error)) from error
        raise
    except DBAPIError as error:
        if _code(error) in _CROSSED:
            raise GaveWay(_words(error)) from error
        if _code(error) in _BUSY or "database is locked" in str(error.orig):
            raise DatabaseBusy(_words(error)) from error
        if (_code(error) or "").startswith(_DAMAGED):
            raise DatabaseDamaged(_words(error)) from error
        if _is_unreachable(error):
            raise DatabaseUnreachable(_words(error)) from error
        raise
    except PoolExhausted as error:
        raise DatabaseBusy(str(error)) from error


def _code(error: DBAPIError) -> str | None:
    name = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return str(name) if name else None


def _words(error: DBAPIError) -> str:
    # PostgreSQL's second line is "DETAIL: Key (email)=(…)", and this goes to the log.
    return str(error.orig).partition("\n")[0]


def _is_unreachable(error: DBAPIError) -> bool:
    # 08… connection exceptions, 57P0… shutting down or starting up, 28… and 3D000 the wrong account or database, 53… no room or
    # too many connections, 25006 read-only, as a standby is. A server that can't be connected to at all gives no state.
    state = _code(error)
    if isinstance(error.orig, sqlite3.Error):
        return state is not None and state.startswith(_NO_SQLITE)
    if state is None:
        return isinstance(error, OperationalError)
    return state.startswith(("08", "57P0", "28", "3D", "53", "25006"))


def _refuse_to_write_while_reading(*event_arguments: Any) -> None:
    context = event_arguments[-1]
    writes = context.isinsert or context.isupdate or context.isdelete
    if writes and context.root_connection.get_execution_options().get(READ_ONLY):
        raise RuntimeError("a write in Database.reading()")


def _sqlite(url: Any, pool_size: int, timeout_seconds: float) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"timeout": timeout_seconds},
    )

    @event.listens_for(engine, "do_connect")
    def make_private(_: object, __: object, arguments: list[Any], ___: object) -> None:
        # Whom the folder lets in could read everybody's names and password hashes. Only where there is no file yet: to open and
        # close one that is in use would let go of every lock that this process has on it.
        if arguments[0].startswith("/"):  # not a database in memory, nor SQLite's own file:… addresses
            with suppress(OSError):
                os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        _write_ahead(connection, timeout_seconds)
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-16000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        # Pages go from the log to the file every 16 MB: those that each request writes, less often than by SQLite's own 4 MB.
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        # SQLite's own knows the letters of ASCII only, PostgreSQL's knows all; no index is made with it.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Transaction) -> None:
        # IMMEDIATE: a transaction that reads first and writes later would otherwise fail when another one wrote meanwhile.
        # Past SQLAlchemy's cursors, which cost more than the statement does.
        if not connection.get_execution_options().get(READ_ONLY):
            try:
                connection.connection.dbapi_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]  # sqlite3's own
            except sqlite3.Error as error:
                raise translated(connection, None, "BEGIN IMMEDIATE", error) from error

    return engine


def _write_ahead(connection: sqlite3.Connection, patience_seconds: float) -> None:
    # A file keeps its mode, so one connection changes it, once. That wants the file alone, and SQLite does not wait for it
    # where others are opening the file at the same instant.
    end = time.monotonic() + patience_seconds
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # Waiting helps against others alone: not against a full disk, nor a file that may not be written.
            if error.sqlite_errorcode & 0xFF not in _OTHERS or time.monotonic() >= end:
                raise
            time.sleep(_MOMENT_SECONDS)
        else:
            return


def _lower(value: object) -> str | None:
    return None if value is None else str(value).lower()


class _Cursor(psycopg.Cursor[Any]):
    """A cursor that tells of a result's columns only what SQLAlchemy asks for, which is a third of the cost of a wide row."""

    @property
    def description(self) -> list[tuple[Any, ...]] | None:  # type: ignore[override]  # psycopg's is of the same shape, made of objects
        """Return name and type of each column (PEP 249)."""
        result = self.pgresult
        if result is None or result.status != ExecStatus.TUPLES_OK:
            return None
        return [
            (str(result.fname(index), "utf-8"), result.ftype(index), None, None, None, None, None)  # type: ignore[arg-type]  # within range it is never None
            for index in range(result.nfields)
        ]


class _Kept(PrepareManager):
    """What psycopg prepared: kept for as long as the connection, though psycopg would drop all at each ROLLBACK, ours as well.

    It does so since what was made in the transaction may be gone with it; we make tables in migrations only.
    """

    def clear(self) -> bool:
        """Forget nothing."""
        return False


def _postgresql(url: Any, pool_size: int, timeout_seconds: float) -> Engine:
    limits = {
        "lock_timeout": int(timeout_seconds * 1000),
        "statement_timeout": 30_000,
        "idle_in_transaction_session_timeout": 60_000,
        "timezone": "UTC",
    }
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,  # they would stand in error messages, and so in the log
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=False,
        # We say BEGIN ourselves, below: a read needs none.
        connect_args={"options": options, "connect_timeout": 10, "autocommit": True, "cursor_factory": _Cursor},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: psycopg.Connection[Any], _: object) -> None:
        connection._prepared = _Kept()  # noqa: SLF001 - there is no other way to tell psycopg
        connection.prepare_threshold = 2

    @event.listens_for(engine, "begin")
    def begin(connection: Transaction) -> None:
        # A round trip less at either end: BEGIN goes out with the first statement, COMMIT with the last that waits.
        options = connection.get_execution_options()
        # VACUUM and the like ask for no transaction.
        if not options.get(READ_ONLY) and options.get("isolation_level") != "AUTOCOMMIT":
            pipeline_of(connection).begin()

    event.listen(engine, "commit", commit)

    @event.listens_for(engine, "checkin")
    def forget_the_rest(_: object, record: Any) -> None:
        forget_what_waits(record.info)

    @event.listens_for(engine, "rollback")
    @event.listens_for(engine, "rollback_savepoint")
    def forget(connection: Transaction, *_: Any) -> None:
        if not connection.invalidated:
            pipeline_of(connection).forget()

    @event.listens_for(engine, "before_cursor_execute")
    def send_before(connection: Transaction, *event_arguments: Any) -> None:
        # Prepared statements, which come without a context, see to it themselves.
        if event_arguments[3] is not None:
            send(connection)

    return engine
