"""Bringing a database to a release: by several nodes at once, half way, and where there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import event, func, inspect, select
from sqlalchemy.pool import Pool

from tests.support.databases import Databases
from vestibule.kernel.errors import DatabaseUnreachable
from vestibule.storage import migrate as room
from vestibule.storage.database import Database
from vestibule.storage.migrate import SchemaNewer, current_revision, migrate, newest_revision
from vestibule.storage.tables import metadata

SCRIPTS = Path(room.__file__).parent / "migrations"


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Database]:
    made = Database(empty_database_url)
    yield made
    made.close()


def test_an_empty_database_has_no_revision(empty: Database) -> None:
    assert current_revision(empty) is None
    assert newest_revision() is not None


def test_nodes_that_start_together_migrate_once(empty: Database, empty_database_url: str) -> None:
    program = "import sys; from vestibule.storage.migrate import migrate; migrate(sys.argv[1])"
    nodes = [subprocess.Popen([sys.executable, "-c", program, empty_database_url]) for _ in range(4)]
    assert [node.wait() for node in nodes] == [0, 0, 0, 0]
    assert current_revision(empty) == newest_revision()
    assert set(inspect(empty.engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_migration_that_fails_leaves_nothing_behind(
    empty: Database, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = broken_history(tmp_path, breaks=True)
    monkeypatch.setattr(room, "_config", lambda: config)
    with pytest.raises(RuntimeError, match="the power went out"):
        migrate(empty_database_url)
    if empty.is_sqlite:
        assert inspect(empty.engine).get_table_names() == []
    else:
        # The first revision stays, the second one is gone as a whole: table, row and number.
        assert current_revision(empty) == "1"
        assert set(inspect(empty.engine).get_table_names()) == {"first", "alembic_version"}
        with empty.reading() as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM first").scalar_one() == 0
    config = broken_history(tmp_path, breaks=False)
    migrate(empty_database_url)
    assert current_revision(empty) == "2"
    assert set(inspect(empty.engine).get_table_names()) == {"first", "second", "alembic_version"}


def broken_history(folder: Path, *, breaks: bool) -> Config:
    """Write a history of two revisions; the second breaks off in the middle."""
    versions = folder / "versions"
    versions.mkdir(exist_ok=True)
    (folder / "env.py").write_text((SCRIPTS / "env.py").read_text())
    (folder / "script.py.mako").write_text((SCRIPTS / "script.py.mako").read_text())
    for revision, before, body in (
        ("1", None, 'op.execute("CREATE TABLE first (x INTEGER)")'),
        ("2", "1", 'op.execute("CREATE TABLE second (x INTEGER)"); op.execute("INSERT INTO first VALUES (1)")'),
    ):
        failing = '; raise RuntimeError("the power went out")' if breaks and revision == "2" else ""
        (versions / f"{revision}.py").write_text(
            f'from alembic import op\nrevision = "{revision}"\ndown_revision = {before!r}\n'
            f"def upgrade():\n    {body}{failing}\n"
        )
    config = Config()
    config.set_main_option("script_location", str(folder))
    return config


def test_a_database_of_a_newer_release_is_left_alone(database_url: str) -> None:
    database = Database(database_url)
    try:
        with database.transaction() as tx:
            tx.exec_driver_sql("UPDATE alembic_version SET version_num = 'from the future'")
        with pytest.raises(SchemaNewer, match="newer release"):
            migrate(database_url)
        assert current_revision(database) == "from the future"
    finally:
        database.close()


def test_a_database_that_is_not_there_is_unreachable() -> None:
    for url in ("sqlite:////nonexistent/folder/x.db", "postgresql://nobody@127.0.0.1:1/x"):
        with pytest.raises(DatabaseUnreachable):
            migrate(url)


def test_who_comes_while_another_node_migrates_waits_longer_than_a_statement_may_take(
    databases: Databases, database_folder: Path
) -> None:
    def be_impatient(connection: Any, _: object) -> None:
        connection.execute("SET statement_timeout = 200")

    with databases.empty("postgresql", database_folder) as url:
        other = Database(url)
        event.listen(Pool, "connect", be_impatient)
        try:
            with other.reading() as tx, ThreadPoolExecutor(1) as pool:
                tx.execute(select(func.pg_advisory_lock(room._LOCK)))
                waiting = pool.submit(migrate, url)
                wait([waiting], timeout=1)
                tx.execute(select(func.pg_advisory_unlock(room._LOCK)))
                waiting.result()
        finally:
            event.remove(Pool, "connect", be_impatient)
            other.close()


def test_migrating_waits_longer_than_a_statement_may_take(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = broken_history(tmp_path, breaks=False)
    (tmp_path / "versions" / "2.py").write_text(
        'from alembic import op\nrevision = "2"\ndown_revision = "1"\n'
        "def upgrade():\n"
        "    bind = op.get_bind()\n"
        '    if bind.dialect.name == "postgresql":\n'
        '        found = bind.exec_driver_sql("SHOW statement_timeout").scalar_one()\n'
        '        waits = bind.exec_driver_sql("SHOW lock_timeout").scalar_one()\n'
        '        assert (found, waits) == ("0", "5s"), (found, waits)\n'
    )
    monkeypatch.setattr(room, "_config", lambda: config)
    migrate(empty_database_url)
