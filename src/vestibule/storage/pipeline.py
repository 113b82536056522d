"""PostgreSQL, several statements in one round trip: what needs no answer waits, and goes out with the next statement that does.

Owns the statements of `storage.prepared` on a connection, and BEGIN and COMMIT. By libpq's pipeline mode and past psycopg's cursors,
which cost more than such a statement does.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.waiting import Ready, Wait
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_INFO: Final = "vestibule_pipeline"
_GOOD: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_BEGIN: Final[tuple[bytes, Sequence[Any]]] = (b"BEGIN", ())
_FORGET_PLANS: Final[tuple[bytes, Sequence[Any]]] = (b"DISCARD PLANS", ())
# PostgreSQL keeps the plan of a prepared statement until a table that it is about gets new statistics, which may take it minutes.
# Made while there were a few rows, by any index that was as good, it reads all of a hundred thousand that are pushed meanwhile.
PLANS_LAST_SECONDS: Final = 10.0
_COMMIT: Final[tuple[bytes, Sequence[Any]]] = (b"COMMIT", ())
_CONSEQUENCE: Final = ExecStatus.PIPELINE_ABORTED
_ENDED: Final = "the server ended the connection"


class Pipeline:
    """What waits to be sent over one connection, and what is prepared there. Statements are kept until the connection ends."""

    __slots__ = ("_connection", "_names", "_number", "_planned_at", "_waiting", "transformer")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._names: dict[bytes, bytes] = {}
        self._number = 0
        self._planned_at = time.monotonic()
        self._waiting: list[tuple[bytes, Sequence[Any]]] = []
        self.transformer = Transformer(connection)

    def add(self, sql: bytes, values: Sequence[Any]) -> None:
        """Let a statement wait for the next `send`; its parameters are $1, $2, … Raises DataError for a value with a NUL."""
        written = self.transformer.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else ()
        # Not with BEGIN alone: a connection may do nothing but read for minutes.
        self._plan_anew_in_time()
        self._waiting.append((sql, written))

    def begin(self) -> None:
        """Begin a transaction with the next statement."""
        self._waiting = [_BEGIN]
        self._plan_anew_in_time()

    def _plan_anew_in_time(self) -> None:
        now = time.monotonic()
        if now - self._planned_at >= PLANS_LAST_SECONDS:
            self._planned_at = now
            self._waiting.append(_FORGET_PLANS)

    def end(self) -> None:
        """Commit the transaction with what waits, where there was any statement."""
        if self._waiting == [_BEGIN]:
            self._waiting = []
        elif self._waiting or self._connection.pgconn.transaction_status != TransactionStatus.IDLE:
            self._waiting.append(_COMMIT)

    def forget(self) -> None:
        """Send nothing of what waits: what it belongs to is rolled back."""
        self._waiting.clear()

    def send(self) -> list[Any]:
        """Send all that waits; return the result of each, BEGIN and COMMIT included. Raises psycopg.Error of the first that failed."""
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1 and waiting[0][0] in self._names:
            return [self._send_one(*waiting[0])]
        return self._send_all(waiting)

    def _send_one(self, sql: bytes, written: Sequence[Any]) -> Any:
        # Alone and prepared, as most are: libpq waits by itself, in half the time that turning the pipeline on and off takes.
        result = self._connection.pgconn.exec_prepared(self._names[sql], written)
        if result.status not in _GOOD:
            error = error_from_result(result, self._connection.info.encoding)
            raise error if error.sqlstate else psycopg.OperationalError(_ENDED)
        return result

    def _send_all(self, waiting: Sequence[tuple[bytes, Sequence[Any]]]) -> list[Any]:
        pgconn = self._connection.pgconn
        prepared: dict[bytes, bytes] = {}
        expected: list[bytes | None] = []
        pgconn.enter_pipeline_mode()
        try:
            for sql, written in waiting:
                name = self._names.get(sql) or prepared.get(sql)
                if name is None:
                    self._number += 1
                    name = prepared[sql] = b"vestibule_%d" % self._number
                    pgconn.send_prepare(name, sql)
                    expected.append(sql)
                pgconn.send_query_prepared(name, written)
                expected.append(None)
            pgconn.pipeline_sync()
            results = self._connection.wait(_results(self._connection))
        finally:
            if pgconn.status == ConnStatus.OK:
                pgconn.exit_pipeline_mode()
        for sql_prepared, result in zip(expected, results, strict=False):
            if sql_prepared is not None and result.status in _GOOD:
                self._names[sql_prepared] = prepared[sql_prepared]
        for result in results:
            if result.status not in _GOOD and result.status != _CONSEQUENCE:
                raise error_from_result(result, self._connection.info.encoding)
        if len(results) < len(expected):
            raise psycopg.OperationalError(_ENDED)
        return [result for sql_prepared, result in zip(expected, results, strict=True) if sql_prepared is None]


def _results(connection: psycopg.Connection[Any]) -> Generator[Wait, Ready | int, list[Any]]:
    pgconn, results = connection.pgconn, list[Any]()
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    while True:
        while pgconn.is_busy():
            while not (yield Wait.R):
                pass
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # between the results of two statements
            if pgconn.status != ConnStatus.OK:
                return results
        elif result.status == ExecStatus.PIPELINE_SYNC:
            return results
        else:
            results.append(result)


def pipeline_of(tx: Connection) -> Pipeline:
    """Return the pipeline of a connection to PostgreSQL."""
    connection = tx.connection
    found: Pipeline | None = connection.info.get(_INFO)
    if found is None:
        found = connection.info[_INFO] = Pipeline(connection.dbapi_connection)  # type: ignore[arg-type]  # psycopg's own
    return found


def send(tx: Connection) -> list[Any]:
    """Send what waits, and return the results. Raises what SQLAlchemy raises."""
    try:
        return pipeline_of(tx).send()
    except psycopg.Error as error:
        raise translated(tx, None, "", error) from error


def commit(tx: Connection) -> None:
    """Commit, with all that waits. Raises what SQLAlchemy raises, also for a transaction whose failure nobody told on.

    To the COMMIT of such a one PostgreSQL answers ROLLBACK and success: unseen, what was undone would pass for done.
    """
    pipeline_of(tx).end()
    results = send(tx)
    if results and results[-1].command_status == b"ROLLBACK":
        error = psycopg.errors.InFailedSqlTransaction("a statement had failed before COMMIT")
        raise translated(tx, None, "COMMIT", error) from error


def forget_what_waits(info: dict[str, Any]) -> None:
    """Send nothing of what still waits when a connection, by its `info`, goes back to the pool: whoever added it gave up."""
    found: Pipeline | None = info.get(_INFO)
    if found is not None:
        found.forget()


def translated(tx: Connection, cursor: Any, sql: str, error: Exception) -> BaseException:
    """Return the error of SQLAlchemy that a driver's error is, without the values. A connection that is gone is given up."""
    dbapi = tx.dialect.loaded_dbapi
    if not isinstance(error, dbapi.Error):
        return error
    gone = tx.dialect.is_disconnect(error, tx.connection, cursor)
    said = DBAPIError.instance(
        sql, None, error, dbapi.Error, hide_parameters=True, connection_invalidated=gone, dialect=tx.dialect
    )
    if gone:
        tx.invalidate(error)
    return said
