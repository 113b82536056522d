"""How many SQL statements, and how many transactions that write, one request costs: counted where they leave SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from vestibule.storage.database import Database


@dataclass
class Counted:
    """The statements in order, without BEGIN and COMMIT, and the number of transactions that were committed with a write."""

    statements: list[str] = field(default_factory=list)
    transactions: int = 0

    @property
    def writes(self) -> int:
        """Return how many of the statements write."""
        return sum(_writes(one) for one in self.statements)


@contextmanager
def counting(database: Database) -> Iterator[Counted]:
    """Count what is done with a database meanwhile. For one request at a time."""
    counted, pending = Counted(), 0

    def on_execute(_: Any, __: Any, statement: str, *___: Any) -> None:
        nonlocal pending
        if not statement.startswith("BEGIN"):
            counted.statements.append(statement)
            pending += _writes(statement)

    def on_commit(_: Any) -> None:
        nonlocal pending
        counted.transactions += bool(pending)
        pending = 0

    event.listen(database.engine, "before_cursor_execute", on_execute)
    event.listen(database.engine, "commit", on_commit)
    try:
        yield counted
    finally:
        event.remove(database.engine, "before_cursor_execute", on_execute)
        event.remove(database.engine, "commit", on_commit)


def _writes(statement: str) -> bool:
    return statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))
