"""INSERT with ON CONFLICT: both databases speak it, SQLAlchemy has it in each dialect's own class."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from vestibule.storage.database import Transaction


def insert_into(tx: Transaction, table: Table) -> Any:
    """Begin an INSERT into `table` that can say `on_conflict_do_nothing` and `on_conflict_do_update`.

    Any, since the two dialects' classes share these words and no base that has them.
    """
    return (sqlite_insert if tx.dialect.name == "sqlite" else postgresql_insert)(table)
