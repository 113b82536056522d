"""INSERT with ON CONFLICT: both databases speak it, SQLAlchemy has it in each dialect's own class."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared


def insert_into(tx: Transaction, table: Table) -> Any:
    """Begin an INSERT into `table` that can say `on_conflict_do_nothing` and `on_conflict_do_update`.

    Any, since the two dialects' classes share these words and no base that has them.
    """
    return (sqlite_insert if tx.dialect.name == "sqlite" else postgresql_insert)(table)


class PreparedInsert:
    """An INSERT that may meet a conflict, prepared for both databases. `complete` is handed its beginning and says the rest."""

    __slots__ = ("_postgresql", "_sqlite")

    def __init__(self, table: Table, complete: Callable[[Any], Any]) -> None:
        self._sqlite = Prepared(complete(sqlite_insert(table)))
        self._postgresql = Prepared(complete(postgresql_insert(table)))

    def write(self, tx: Transaction, values: Mapping[str, Any]) -> int:
        """Return how many rows were written."""
        return self._of(tx).write(tx, values)

    def write_later(self, tx: Transaction, values: Mapping[str, Any]) -> None:
        """Write where nobody looks at the outcome."""
        self._of(tx).write_later(tx, values)

    def _of(self, tx: Transaction) -> Prepared:
        return self._sqlite if tx.dialect.name == "sqlite" else self._postgresql
