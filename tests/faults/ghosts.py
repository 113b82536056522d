"""PostgreSQL's processes that still work for a server that was killed: what they do may yet be committed."""

from __future__ import annotations

import time

from sqlalchemy import text

from vestibule.storage.database import Database

PATIENCE_SECONDS = 60


def backends(database_url: str) -> set[int]:
    """Return which processes work on a database; none on SQLite."""
    database = Database(database_url, pool_size=1)
    try:
        if database.is_sqlite:
            return set()
        with database.reading() as tx:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            return {row.pid for row in tx.execute(text(query))}
    finally:
        database.close()


def wait_until_gone(database_url: str, ghosts: set[int]) -> None:
    """Wait until none of these processes works any more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ghosts & backends(database_url):
        assert time.monotonic() < deadline, "PostgreSQL still works for the killed server"
        time.sleep(0.05)
