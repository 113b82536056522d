"""Loading rows in bulk: past SQLAlchemy, without foreign keys being looked at, and with the indexes made at the end where that pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Table

from vestibule.storage.database import Database

Load = Callable[[Table, list[dict[str, Any]]], None]
_SQLITE_INDEXES: Final = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
# What is lost in a crash is loaded again; and no row is written twice.
_SQLITE_SETTINGS: Final = (
    "PRAGMA foreign_keys = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA journal_mode = OFF",
    "PRAGMA cache_size = -1000000",
)
# An index over seven million terms takes longer than a statement of the product may.
_POSTGRESQL_SETTINGS: Final = (
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET statement_timeout = 0",
)
_POSTGRESQL_INDEXES: Final = (
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
)


@contextmanager
def loading(database: Database, without_indexes: Sequence[Table]) -> Iterator[Load]:
    """Give a function that loads rows into a table. Indexes of these tables, constraints excepted, are made again at the end."""
    database.engine.dispose()  # SQLite leaves its write-ahead log only when nobody else has the file open
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    sqlite, names = database.is_sqlite, {table.name for table in without_indexes}
    for setting in _SQLITE_SETTINGS if sqlite else _POSTGRESQL_SETTINGS:
        cursor.execute(setting)
    cursor.execute(_SQLITE_INDEXES if sqlite else _POSTGRESQL_INDEXES)
    dropped = [(name, made) for table, name, made in cursor.fetchall() if table in names]
    for name, _ in dropped:
        cursor.execute(f'DROP INDEX "{name}"')
    connection.commit()
    try:
        yield lambda table, rows: _load(database, connection, table, rows)
        for _, made in dropped:
            cursor.execute(made)
        connection.commit()
        if sqlite:
            cursor.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.invalidate()  # its settings are nobody else's
        connection.close()


def _load(database: Database, connection: Any, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = [column.name for column in table.c if column.name in rows[0]]
    dialect = database.engine.dialect
    binders = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    pairs, values = list(zip(names, binders, strict=True)), list(map(itemgetter(*names), rows))
    if any(binders):
        values = [tuple(binder(row[name]) if binder else row[name] for name, binder in pairs) for row in rows]
    cursor = connection.cursor()
    if database.is_sqlite:
        cursor.execute("BEGIN IMMEDIATE")
        marks = ", ".join("?" for _ in names)
        cursor.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608 - names of our own schema
    else:
        with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
            for value in values:
                copy.write_row(value)
    connection.commit()
