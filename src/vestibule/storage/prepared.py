"""Statements of the hottest paths, compiled once for each engine and run without what SQLAlchemy works out anew at each execution.

The statement, its types and its errors stay SQLAlchemy's: what differs is that a sign-in, which runs eight of them, spends its time
on its own work. For statements that are written once, with every value a parameter; everything else goes through `tx.execute`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import SelectBase
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

from vestibule.storage.database import READ_ONLY, Transaction

_CURSOR: Final = "vestibule_prepared_cursor"


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    positional: bool
    order: tuple[str, ...]
    writes: bool
    # For each parameter of the SQL its name, and what a caller calls it with how it is written, or the constant that it is.
    parameters: tuple[tuple[str, str | None, Any], ...]
    row: type[Any]
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]

    def parameters_of(self, values: Mapping[str, Any]) -> Any:
        """Return what goes with the SQL."""
        written = {
            name: rest if key is None else values[key] if rest is None else rest(values[key])
            for name, key, rest in self.parameters
        }
        return [written[name] for name in self.order] if self.positional else written


class Prepared:
    """One statement. `values` are its parameters by name, all of them, each time the same names."""

    __slots__ = ("_by_dialect", "_statement")

    def __init__(self, statement: SelectBase | UpdateBase) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def rows(self, tx: Transaction, values: Mapping[str, Any]) -> list[Any]:
        """Return every row, its columns by name."""
        compiled, cursor = self._run(tx, values)
        found = cursor.fetchall()
        make, processors = compiled.row._make, compiled.processors
        if not processors:
            return [make(row) for row in found]
        rows = []
        for row in found:
            cells = list(row)
            for index, process in processors:
                cells[index] = process(cells[index])
            rows.append(make(cells))
        return rows

    def write(self, tx: Transaction, values: Mapping[str, Any]) -> int:
        """Return how many rows were written. Raises IntegrityError as SQLAlchemy does."""
        _, cursor = self._run(tx, values)
        count: int = cursor.rowcount
        return count

    def _run(self, tx: Transaction, values: Mapping[str, Any]) -> tuple[_Compiled, Any]:
        compiled = self._by_dialect.get(tx.dialect.name)
        if compiled is None:
            compiled = self._by_dialect[tx.dialect.name] = _compile(self._statement, tx, values)
        if compiled.writes and tx.get_execution_options().get(READ_ONLY):
            raise RuntimeError("a write in Database.reading()")
        parameters = compiled.parameters_of(values)
        cursor = _cursor(tx)
        for listener in tx.dispatch.before_cursor_execute:
            listener(tx, cursor, compiled.sql, parameters, None, False)
        try:
            cursor.execute(compiled.sql, parameters)
        except Exception as error:
            raise _translated(tx, cursor, compiled.sql, error) from error
        return compiled, cursor


def _cursor(tx: Transaction) -> Any:
    # One for each connection, as every result is fetched at once: making a cursor costs psycopg a third of what running one does.
    connection = tx.connection
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = connection.cursor()
    return cursor


def _compile(statement: SelectBase | UpdateBase, tx: Transaction, values: Mapping[str, Any]) -> _Compiled:
    dialect = tx.dialect
    options: dict[str, Any] = {}
    if isinstance(statement, SelectBase):
        # Constants such as the separator of a list of domains are written into the SQL, and that asks for values of the others.
        statement, options = statement.params(dict(values)), {"render_postcompile": True}
    compiled = statement.compile(dialect=dialect, column_keys=list(values), compile_kwargs=options)
    if compiled.insert_prefetch:
        raise TypeError("not a statement whose every value is a parameter")
    binds = {name: bind for bind, name in compiled.bind_names.items()}
    parameters: list[tuple[str, str | None, Any]] = []
    for name, bind in binds.items():
        write = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if bind.key in values:
            parameters.append((name, bind.key, write))
        else:
            parameters.append((name, None, write(bind.effective_value) if write else bind.effective_value))
    columns = compiled._result_columns  # noqa: SLF001 - what SQLAlchemy's own results are made of
    row: type[Any] = namedtuple("Row", [str(column.keyname) for column in columns])  # type: ignore[misc]  # noqa: PYI024 - its names come from the statement
    readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    return _Compiled(
        sql=compiled.string,
        positional=compiled.positional,
        order=tuple(compiled.positiontup or ()),
        writes=compiled.isinsert or compiled.isupdate or compiled.isdelete,
        parameters=tuple(parameters),
        row=row,
        processors=tuple((index, reader) for index, reader in enumerate(readers) if reader is not None),
    )


def _translated(tx: Transaction, cursor: Any, sql: str, error: Exception) -> BaseException:
    dbapi = tx.dialect.loaded_dbapi
    if not isinstance(error, dbapi.Error):
        return error
    gone = tx.dialect.is_disconnect(error, tx.connection, cursor)
    translated = DBAPIError.instance(
        sql, None, error, dbapi.Error, hide_parameters=True, connection_invalidated=gone, dialect=tx.dialect
    )
    if gone:
        tx.invalidate(error)
    return translated
