"""How much work SQLite does for a query, counted and not timed: the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vestibule.storage.database import Transaction


@dataclass
class Steps:
    """Hundreds of steps of SQLite's virtual machine."""

    taken: int = 0

    def count(self) -> None:
        """Count one hundred more."""
        self.taken += 1


@contextmanager
def counting_steps(tx: Transaction) -> Iterator[Steps]:
    """Count the steps of what is asked inside."""
    steps, connection = Steps(), tx.connection.driver_connection
    assert connection
    connection.set_progress_handler(steps.count, 100)
    try:
        yield steps
    finally:
        connection.set_progress_handler(None, 0)
