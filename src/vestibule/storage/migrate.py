"""Bringing a database to this release, and telling whether it is there."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_
from vestibule.storage.database import Database, Transaction, timely

# Any number that no other program takes: the letters of "vestibul".
_LOCK: Final = 0x766573746962756C
_WAIT_SECONDS: Final = 60
# Alembic keeps the connection at hand in global names.
_ONE_AT_A_TIME: Final = threading.Lock()


class SchemaNewer(VestibuleError):
    """The database is at a revision that this release does not know."""

    code = "schema_newer"
    public = N_(
        "The database belongs to a newer release than this one. Install that release, or put the backup from before the upgrade back."
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def migrate(url: str) -> None:
    """Bring the database at `url` (or an empty one) to this release. Each revision is one transaction; on SQLite all are one.

    Nodes that start together may all call this: one does it, the others wait.
    Raises SchemaNewer, DatabaseBusy, DatabaseUnreachable.
    """
    database = Database(url, pool_size=1, lock_timeout_seconds=_WAIT_SECONDS)
    try:
        refuse_newer(current_revision(database))
        config = _config()
        with _ONE_AT_A_TIME, timely(), database.engine.connect() as connection:
            config.attributes["connection"] = connection
            if database.is_sqlite:
                # Before Alembic looks where the database is: between two transactions another node could do the next revision.
                with connection.begin():
                    command.upgrade(config, "head")
            else:
                _wait_for_others(connection)
                command.upgrade(config, "head")
    finally:
        database.close()


def _wait_for_others(connection: Transaction) -> None:
    # The lock is the session's: it ends with the connection, however that ends. Waiting for a table, on the other hand,
    # makes everybody wait who comes after us, so that is short; and a large table may take its time.
    connection.exec_driver_sql("SET statement_timeout = 0")  # waiting for the lock is a statement, too
    connection.execute(select(func.pg_advisory_lock(_LOCK)))
    for limit in ("idle_in_transaction_session_timeout = 0", "lock_timeout = 5000"):
        connection.exec_driver_sql(f"SET {limit}")
    connection.commit()


def newest_revision() -> str | None:
    """Return the revision that this release needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def refuse_newer(revision: str | None) -> None:
    """Raise SchemaNewer for a revision that this release does not know."""
    if revision is not None and revision not in {
        one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()
    }:
        raise SchemaNewer(f"the database is at revision {revision}, which this release does not know")


def current_revision(database: Database) -> str | None:
    """Return the revision that the database is at, None for an empty one."""
    with database.reading() as tx:
        return MigrationContext.configure(tx).get_current_revision()
