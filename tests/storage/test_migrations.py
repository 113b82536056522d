"""One history of migrations leads both engines to exactly the tables that the code knows."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Integer, Table, text

from vestibule.storage.database import Database
from vestibule.storage.migrate import current_revision, migrate, newest_revision
from vestibule.storage.tables import metadata


def differences(url: str) -> list[object]:
    database = Database(url, pool_size=1)
    try:
        with database.reading() as tx:
            context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
            return list(compare_metadata(context, metadata))
    finally:
        database.close()


def test_the_migrated_schema_is_the_one_that_the_code_describes(database_url: str) -> None:
    assert differences(database_url) == []


def test_a_table_that_no_migration_makes_is_noticed(database_url: str) -> None:
    drifted = Table("without_migration", metadata, Column("id", Integer))
    try:
        assert [difference[0] for difference in differences(database_url) if isinstance(difference, tuple)] == [
            "add_table"
        ]
    finally:
        metadata.remove(drifted)


def test_tables_without_a_rowid_are_those_that_the_code_says(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=1)
    try:
        with database.reading() as tx:
            there = set(
                tx.execute(text("SELECT name FROM pragma_table_list WHERE type = 'table' AND wr = 1")).scalars()
            )
    finally:
        database.close()
    assert there == {name for name, one in metadata.tables.items() if not one.dialect_options["sqlite"]["with_rowid"]}
    assert "environment_access" in there


def test_every_index_is_made_as_the_code_says_its_condition_included(empty_database_url: str) -> None:
    database = Database(empty_database_url, pool_size=1)
    try:
        with database.transaction() as tx:
            metadata.create_all(tx)
        wanted = indexes(database)
        with database.transaction() as tx:
            metadata.drop_all(tx)
        assert indexes(database) == {}
        migrate(empty_database_url)
        assert indexes(database) == wanted
    finally:
        database.close()
    assert any("reference IS NOT NULL" in one for one in wanted.values())


def indexes(database: Database) -> dict[str, str]:
    """Return how each index that has a name of ours was made."""
    there = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if database.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    with database.reading() as tx:
        return {name: " ".join(sql.split()) for name, sql in tx.execute(text(there))}


def test_migrating_twice_is_harmless(empty_database_url: str) -> None:
    migrate(empty_database_url)
    migrate(empty_database_url)
    database = Database(empty_database_url, pool_size=1)
    try:
        assert current_revision(database) == newest_revision()
    finally:
        database.close()
