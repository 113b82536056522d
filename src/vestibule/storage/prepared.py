"""Statements of the hottest paths, compiled once for each engine and run without what SQLAlchemy works out anew at each execution.

The statement, its types and its errors stay SQLAlchemy's: what differs is that a sign-in, which runs eight of them, spends its time
on its own work. For statements that are written once, with every value a parameter; everything else goes through `tx.execute`.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, SelectBase, bindparam
from sqlalchemy.sql.dml import UpdateBase

from vestibule.storage.database import READ_ONLY, Transaction
from vestibule.storage.pipeline import Pipeline, pipeline_of, send, translated

_CURSOR: Final = "vestibule_prepared_cursor"
_PARAMETER: Final = re.compile(r"%(?:%|\((?P<name>[^)]+)\)s)")


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    # The same as PostgreSQL itself writes it, with $1 for the first parameter.
    numbered: bytes
    on_sqlite: bool
    writes: bool
    # What callers call the parameters, in the order of the SQL, constants left out; then how some of them are written.
    names: tuple[str, ...]
    writers: tuple[tuple[int, Callable[[Any], Any]], ...]
    constants: tuple[tuple[int, Any], ...]
    row: type[Any]
    processors: tuple[tuple[int, Callable[[Any], Any]], ...]

    def parameters_of(self, values: Mapping[str, Any]) -> list[Any]:
        """Return what goes with the SQL, in order."""
        written = [values[name] for name in self.names]
        for index, write in self.writers:
            written[index] = write(written[index])
        for index, constant in self.constants:
            written.insert(index, constant)
        return written


class Prepared:
    """One statement. `values` are its parameters by name, all of them, each time the same names."""

    __slots__ = ("_by_dialect", "_statement")

    def __init__(self, statement: SelectBase | UpdateBase) -> None:
        self._statement = statement
        self._by_dialect: dict[str, _Compiled] = {}

    def rows(self, tx: Transaction, values: Mapping[str, Any]) -> list[Any]:
        """Return every row, its columns by name."""
        compiled, parameters = self._announce(tx, values)
        return _rows(tx, compiled, _executed(tx, compiled, parameters))

    def write(self, tx: Transaction, values: Mapping[str, Any]) -> int:
        """Return how many rows were written. Raises IntegrityError as SQLAlchemy does."""
        compiled, parameters = self._announce(tx, values)
        done = _executed(tx, compiled, parameters)
        count: int = done.rowcount if compiled.on_sqlite else done.command_tuples or 0
        return count

    def write_later(self, tx: Transaction, *rows: Mapping[str, Any]) -> None:
        """Write once for each of `rows`; on PostgreSQL it goes out with the next statement that is answered, or with COMMIT.

        For what nobody looks at the outcome of: an IntegrityError is that statement's then.
        """
        if not rows:
            return
        compiled, first = self._announce(tx, rows[0])
        every = [first, *(compiled.parameters_of(values) for values in rows[1:])]
        if compiled.on_sqlite:
            _executed(tx, compiled, every, many=True)
            return
        for parameters in every:
            _waiting(tx, compiled, parameters)

    def _announce(self, tx: Transaction, values: Mapping[str, Any]) -> tuple[_Compiled, list[Any]]:
        compiled = self._by_dialect.get(tx.dialect.name)
        if compiled is None:
            compiled = self._by_dialect[tx.dialect.name] = _compile(self._statement, tx, values)
        if compiled.writes and tx.get_execution_options().get(READ_ONLY):
            raise RuntimeError("a write in Database.reading()")
        parameters = compiled.parameters_of(values)
        for listener in tx.dispatch.before_cursor_execute:
            listener(tx, None, compiled.sql, parameters, None, False)
        return compiled, parameters


class OneOrMany:
    """A statement about the rows whose `column` is one of some keys, made once: prepared for one, as most requests name, or for many.

    A parameter must not be called as a column that the statement sets.
    """

    __slots__ = ("_many", "_one")

    def __init__(self, statement: Any, column: ColumnElement[Any]) -> None:
        self._one = Prepared(statement.where(column == bindparam("the_key")))
        self._many = statement.where(column.in_(bindparam("the_keys", expanding=True)))

    def rows(self, tx: Transaction, keys: Collection[str], values: Mapping[str, Any]) -> Sequence[Any]:
        """Return every row, its columns by name."""
        if len(keys) == 1:
            return self._one.rows(tx, {**values, "the_key": next(iter(keys))})
        return tx.execute(self._many, {**values, "the_keys": list(keys)}).all()

    def write(self, tx: Transaction, keys: Collection[str], values: Mapping[str, Any]) -> int:
        """Return how many rows were written. Raises IntegrityError as SQLAlchemy does."""
        if len(keys) == 1:
            return self._one.write(tx, {**values, "the_key": next(iter(keys))})
        return tx.execute(self._many, {**values, "the_keys": list(keys)}).rowcount

    def write_later(self, tx: Transaction, keys: Collection[str], values: Mapping[str, Any]) -> None:
        """Write where nobody looks at the outcome, many at once."""
        if len(keys) == 1:
            self._one.write_later(tx, {**values, "the_key": next(iter(keys))})
        elif keys:
            tx.execute(self._many, {**values, "the_keys": list(keys)})


def rows_together(tx: Transaction, *asked: tuple[Prepared, Mapping[str, Any]]) -> list[list[Any]]:
    """Return the rows of several statements, on PostgreSQL in one round trip."""
    announced = [one._announce(tx, values) for one, values in asked]  # noqa: SLF001 - a Prepared's own business
    if tx.dialect.name == "sqlite":
        return [_rows(tx, compiled, _executed(tx, compiled, parameters)) for compiled, parameters in announced]
    for compiled, parameters in announced:
        _waiting(tx, compiled, parameters)
    found = send(tx)[-len(asked) :]
    return [_rows(tx, compiled, result) for (compiled, _), result in zip(announced, found, strict=True)]


def _rows(tx: Transaction, compiled: _Compiled, found: Any) -> list[Any]:
    if compiled.on_sqlite:
        rows = found.fetchall()
    else:
        loader = pipeline_of(tx).transformer
        loader.set_pgresult(found)
        rows = loader.load_rows(0, found.ntuples, tuple)
    make, processors = compiled.row._make, compiled.processors
    if not processors:
        return [make(row) for row in rows]
    made = []
    for row in rows:
        cells = list(row)
        for index, process in processors:
            cells[index] = process(cells[index])
        made.append(make(cells))
    return made


def _executed(tx: Transaction, compiled: _Compiled, parameters: list[Any], *, many: bool = False) -> Any:
    pipeline = None if compiled.on_sqlite else _waiting(tx, compiled, parameters)
    try:
        if pipeline is not None:
            return pipeline.send()[-1]
        cursor = _cursor(tx)
        (cursor.executemany if many else cursor.execute)(compiled.sql, parameters)
    except Exception as error:
        raise translated(tx, None, compiled.sql, error) from error
    return cursor


def _waiting(tx: Transaction, compiled: _Compiled, parameters: list[Any]) -> Pipeline:
    pipeline = pipeline_of(tx)
    try:
        pipeline.add(compiled.numbered, parameters)
    except Exception as error:
        raise translated(tx, None, compiled.sql, error) from error
    return pipeline


def _cursor(tx: Transaction) -> Any:
    # One for each connection, as every result is fetched at once.
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
    # A constant that is written into the SQL is none of its parameters any more.
    order = tuple(compiled.positiontup or dict.fromkeys(filter(None, _PARAMETER.findall(compiled.string))))
    names: list[str] = []
    writers: list[tuple[int, Callable[[Any], Any]]] = []
    constants: list[tuple[int, Any]] = []
    for index, bind in enumerate(binds[name] for name in order):
        write = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if bind.key not in values:
            constants.append((index, write(bind.effective_value) if write else bind.effective_value))
            continue
        if write is not None:
            writers.append((len(names), write))
        names.append(bind.key)
    columns = compiled._result_columns  # noqa: SLF001 - what SQLAlchemy's own results are made of
    row: type[Any] = namedtuple("Row", [str(column.keyname) for column in columns])  # type: ignore[misc]  # noqa: PYI024 - its names come from the statement
    readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    return _Compiled(
        sql=compiled.string,
        numbered=_numbered(compiled.string, order),
        on_sqlite=compiled.positional,
        writes=compiled.isinsert or compiled.isupdate or compiled.isdelete,
        names=tuple(names),
        writers=tuple(writers),
        constants=tuple(constants),
        row=row,
        processors=tuple((index, reader) for index, reader in enumerate(readers) if reader is not None),
    )


def _numbered(sql: str, order: tuple[str, ...]) -> bytes:
    numbers = {name: f"${number}" for number, name in enumerate(order, 1)}
    return _PARAMETER.sub(lambda found: numbers[found["name"]] if found["name"] else "%", sql).encode()
