"""Counting what a server asks of its database meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.support.house import Server


@contextmanager
def counted(server: Server) -> Iterator[list[str]]:
    """Give the statements that are sent to the database meanwhile; what begins a transaction is none."""
    statements: list[str] = []
    engine = server.house.runtime.database.engine

    def note(*arguments: Any) -> None:
        if not arguments[2].startswith("BEGIN"):
            statements.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
