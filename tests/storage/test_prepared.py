"""Prepared statements give what SQLAlchemy gives, on both engines: rows, counts, errors, and the refusals of reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import DataError
from sqlalchemy import Column, MetaData, String, Table, bindparam, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from bench.statements import counting
from vestibule.kernel.errors import AlreadyTaken, DatabaseUnreachable
from vestibule.storage import pipeline
from vestibule.storage.database import Database, Transaction, savepoint
from vestibule.storage.prepared import OneOrMany, Prepared, rows_together
from vestibule.storage.tables import activity, workspaces

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
WORKSPACE = {"id": "wsp_1", "name": "Northwind", "help_contact": None, "created_at": NOW}
ENTRY = {
    "id": "act_1",
    "workspace_id": "wsp_1",
    "at": NOW,
    "actor_kind": "system",
    "actor_id": None,
    "actor_name": "",
    "address": "",
    "request_id": "",
    "action": "end_user.sign_in",
    "outcome": "done",
    "subject_kind": "end_user",
    "subject_id": "usr_1",
    "subject_name": "Zoë",
    "environment_id": None,
    "connection_id": None,
    "reference": None,
    "details": {"groups": ["a", "b"], "nothing": None},
}
INSERT = Prepared(insert(workspaces))
APPEND = Prepared(insert(activity))
RENAME = Prepared(
    update(workspaces)
    .where(workspaces.c.id == bindparam("whose"), workspaces.c.name != "Gone")
    .values(name=bindparam("to"), created_at=bindparam("now"))
)
_SELECT = select(workspaces, literal("constant").label("said"), workspaces.c.help_contact.is_(None).label("no_help"))
_FIND = _SELECT.where(workspaces.c.id == bindparam("whose"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, pool_size=2)
    with made.transaction() as tx:
        assert INSERT.write(tx, WORKSPACE) == 1
    yield made
    made.close()


def test_rows_are_those_of_sqlalchemy(database: Database) -> None:
    found = Prepared(_FIND)
    with database.reading() as tx:
        for whose in ("wsp_1", "wsp_1", "wsp_2"):
            rows = found.rows(tx, {"whose": whose})
            expected = tx.execute(_FIND, {"whose": whose}).all()
            assert [row._asdict() for row in rows] == [dict(row._mapping) for row in expected]


def test_a_constant_list_separator_and_a_value_that_is_used_twice_are_written_as_sqlalchemy_does(
    database: Database,
) -> None:
    names = select(func.aggregate_strings(workspaces.c.name, ", ").label("names")).where(
        workspaces.c.id == bindparam("whose")
    )
    both = names.union_all(names)
    with database.reading() as tx:
        rows = Prepared(both).rows(tx, {"whose": "wsp_1"})
        assert [row.names for row in rows] == ["Northwind", "Northwind"]
        assert [row.names for row in Prepared(both).rows(tx, {"whose": "wsp_2"})] == [None, None]


def test_instants_nothing_and_json_are_kept_as_they_were(database: Database) -> None:
    with database.transaction() as tx:
        APPEND.write(tx, ENTRY)
        assert tx.execute(select(activity)).one()._asdict() == ENTRY
        assert Prepared(select(activity)).rows(tx, {})[0]._asdict() == ENTRY


def test_a_write_says_how_many_rows_it_reached_and_its_constants_hold(database: Database) -> None:
    with database.transaction() as tx:
        assert RENAME.write(tx, {"whose": "wsp_1", "to": "Gone", "now": NOW}) == 1
        assert RENAME.write(tx, {"whose": "wsp_1", "to": "Back", "now": NOW}) == 0
        assert RENAME.write(tx, {"whose": "wsp_2", "to": "Back", "now": NOW}) == 0
        assert tx.execute(select(workspaces.c.name)).scalar_one() == "Gone"


def test_a_key_that_exists_is_somebody_elses_haste_and_rolls_back(database: Database) -> None:
    def insert_twice() -> None:
        with database.transaction() as tx:
            INSERT.write(tx, {**WORKSPACE, "id": "wsp_2"})
            INSERT.write(tx, WORKSPACE)

    with pytest.raises(AlreadyTaken) as caught:
        insert_twice()
    assert "Northwind" not in str(caught.value)
    with database.reading() as tx:
        assert Prepared(_FIND).rows(tx, {"whose": "wsp_2"}) == []


def test_a_key_that_exists_is_haste_in_the_middle_of_a_transaction_too(database: Database) -> None:
    def half_done() -> None:
        with database.transaction() as tx:
            assert RENAME.write(tx, {"whose": "wsp_1", "to": "Half done", "now": NOW}) == 1
            INSERT.write(tx, WORKSPACE)

    for _ in range(2):
        with pytest.raises(AlreadyTaken):
            half_done()
    with database.reading() as tx:
        assert Prepared(_FIND).rows(tx, {"whose": "wsp_1"})[0].name == "Northwind"


def test_reading_refuses_to_write(database: Database) -> None:
    with pytest.raises(RuntimeError, match="reading"), database.reading() as tx:
        RENAME.write(tx, {"whose": "wsp_1", "to": "Other", "now": NOW})
    with database.reading() as tx:
        assert Prepared(_FIND).rows(tx, {"whose": "wsp_1"})[0].name == "Northwind"


def test_a_naive_datetime_never_reaches_the_database(database: Database) -> None:
    with pytest.raises((ValueError, StatementError), match="naive"), database.transaction() as tx:
        RENAME.write(tx, {"whose": "wsp_1", "to": "x", "now": datetime(2026, 1, 1)})  # noqa: DTZ001 - the mistake itself


def test_whoever_counts_statements_counts_these_too(database: Database) -> None:
    with counting(database) as counted, database.transaction() as tx:
        RENAME.write(tx, {"whose": "wsp_1", "to": "x", "now": NOW})
        Prepared(_FIND).rows(tx, {"whose": "wsp_1"})
    assert (len(counted.statements), counted.writes) == (2, 1)


@pytest.mark.parametrize("known", [False, True])
def test_a_connection_that_the_server_ended_is_replaced(postgresql_url: str, *, known: bool) -> None:
    database = Database(postgresql_url, pool_size=2)
    find = Prepared(_FIND)

    def ended() -> None:
        with database.reading() as other, database.reading() as tx:
            pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            if known:
                find.rows(tx, {"whose": "wsp_1"})
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            find.rows(tx, {"whose": "wsp_1"})

    with pytest.raises(DatabaseUnreachable):
        ended()
    for _ in range(2):
        with database.reading() as tx:
            assert find.rows(tx, {"whose": "wsp_1"}) == []
    database.close()


def names(database: Database) -> list[str]:
    with database.reading() as tx:
        return list(tx.execute(select(workspaces.c.id).order_by(workspaces.c.id)).scalars())


def test_what_nobody_waits_for_is_there_for_the_next_statement_and_after_the_commit(database: Database) -> None:
    count = Prepared(select(func.count().label("number")).select_from(workspaces))
    with database.transaction() as tx:
        INSERT.write_later(tx, *({**WORKSPACE, "id": f"wsp_{number}", "name": "x" * 200_000} for number in (2, 3)))
        assert count.rows(tx, {})[0].number == 3
        INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_4"})
        assert tx.execute(select(func.count()).select_from(workspaces)).scalar_one() == 4
        INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_5"})
    assert names(database) == [f"wsp_{number}" for number in range(1, 6)]


def test_a_key_that_exists_is_haste_at_the_commit_too_and_nothing_of_the_transaction_is_left(
    database: Database,
) -> None:
    def insert_twice() -> None:
        with database.transaction() as tx:
            INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_2"}, WORKSPACE)
            INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_3"})

    with pytest.raises(AlreadyTaken) as caught:
        insert_twice()
    assert "Northwind" not in str(caught.value)
    assert names(database) == ["wsp_1"]


def test_what_waits_belongs_to_its_savepoint(database: Database) -> None:
    def insert_and_stop(tx: Transaction, workspace_id: str) -> None:
        with savepoint(tx):
            INSERT.write_later(tx, {**WORKSPACE, "id": workspace_id})
            raise ValueError("stop")

    def insert_again(tx: Transaction) -> None:
        with savepoint(tx):
            INSERT.write_later(tx, WORKSPACE)

    with database.transaction() as tx:
        INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_2"})
        with pytest.raises(ValueError, match="stop"):
            insert_and_stop(tx, "wsp_3")
        with pytest.raises(AlreadyTaken):
            insert_again(tx)
        with savepoint(tx):
            INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_4"})
    assert names(database) == ["wsp_1", "wsp_2", "wsp_4"]


def test_what_waits_when_a_transaction_fails_is_never_sent(database: Database) -> None:
    def insert_and_stop() -> None:
        with database.transaction() as tx:
            INSERT.write_later(tx, {**WORKSPACE, "id": "wsp_2"})
            raise ValueError("stop")

    for _ in range(3):  # each connection of the pool
        with pytest.raises(ValueError, match="stop"):
            insert_and_stop()
    with database.transaction():
        pass
    assert names(database) == ["wsp_1"]


def test_a_transaction_whose_failure_nobody_told_on_is_no_success(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=1)

    def swallow() -> None:
        with database.transaction() as tx:
            INSERT.write(tx, {**WORKSPACE, "id": "wsp_2"})
            with suppress(IntegrityError):
                INSERT.write(tx, {**WORKSPACE, "id": "wsp_2"})

    with pytest.raises(DBAPIError, match="had failed before COMMIT"):
        swallow()
    assert names(database) == []
    with database.transaction() as tx:
        INSERT.write(tx, {**WORKSPACE, "id": "wsp_3"})
    assert names(database) == ["wsp_3"]
    database.close()


@pytest.mark.parametrize("broken", ["a\0b", "\ud800"])
def test_what_was_given_up_does_not_go_out_with_somebody_elses_statement(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    find = Prepared(_FIND)
    database = Database(postgresql_url, pool_size=1)
    with pytest.raises((DBAPIError, UnicodeEncodeError, DataError)), database.reading() as tx:
        rows_together(tx, (find, {"whose": "wsp_1"}), (find, {"whose": broken}))
    sent: list[int] = []
    whole = pipeline.Pipeline._send_all

    def note(self: pipeline.Pipeline, waiting: Any) -> Any:
        sent.append(len(waiting))
        return whole(self, waiting)

    monkeypatch.setattr(pipeline.Pipeline, "_send_all", note)
    with database.reading() as tx:
        find.rows(tx, {"whose": "wsp_1"})
    assert sent == [1]
    database.close()


def test_a_text_that_postgresql_can_not_keep_is_refused_whole(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=1)
    with pytest.raises(DBAPIError, match="NUL"), database.transaction() as tx:
        INSERT.write_later(tx, {**WORKSPACE, "name": "North\0wind"})
    assert names(database) == []
    database.close()


def test_begin_and_commit_cost_no_round_trip_and_what_is_prepared_outlives_a_rollback(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, sent = Database(postgresql_url, pool_size=1), list[int]()

    def insert(*, stop: bool) -> None:
        with database.transaction() as tx:
            INSERT.write_later(tx, {**WORKSPACE, "id": f"wsp_{len(sent)}"})
            assert Prepared(_FIND).rows(tx, {"whose": "nobody"}) == []
            APPEND.write_later(tx, {**ENTRY, "workspace_id": f"wsp_{len(sent) - 1}"})
            if stop:
                raise ValueError("stop")

    results = pipeline._results

    def counted(connection: psycopg.Connection[Any]) -> Any:
        sent.append(1)
        return results(connection)

    for _ in range(2):
        with pytest.raises(ValueError, match="stop"):
            insert(stop=True)
    monkeypatch.setattr(pipeline, "_results", counted)
    insert(stop=False)
    assert len(sent) == 2  # BEGIN, INSERT, SELECT; then INSERT, COMMIT
    with database.reading() as tx:
        kept = tx.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    assert sum("INSERT INTO workspaces" in one for one in kept) == 1
    database.close()


@pytest.mark.parametrize("way", ["transaction", "reading"])
def test_a_plan_made_for_a_few_rows_is_made_anew_when_there_are_many(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    things = Table("things", MetaData(), Column("name", String))
    find = Prepared(select(things.c.name).where(things.c.name == bindparam("name")))
    # What PostgreSQL itself would notice, within minutes.
    small = "CREATE TABLE things (name text) WITH (autovacuum_enabled = off)"
    grow = "INSERT INTO things SELECT 'thing ' || n FROM generate_series(1, 20000) n"
    database = Database(postgresql_url, pool_size=1)
    with database.transaction() as tx:
        for statement in (small, "CREATE INDEX ix_things_name ON things (name)", "INSERT INTO things VALUES ('one')"):
            tx.execute(text(statement))
        tx.execute(text("ANALYZE things"))

    def read_so_far() -> int:
        with database.reading() as tx:
            tx.execute(text("SELECT pg_stat_force_next_flush()"))
            return int(
                tx.execute(text("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'things'")).scalar_one()
            )

    def rows_read() -> int:
        before = read_so_far()
        with database.transaction() if way == "transaction" else database.reading() as tx:
            assert [row.name for row in find.rows(tx, {"name": "one"})] == ["one"]
        return read_so_far() - before

    try:
        for _ in range(10):
            assert rows_read() == 1
        with database.transaction() as tx:
            tx.execute(text(grow))
        assert rows_read() > 20_000
        monkeypatch.setattr(pipeline, "PLANS_LAST_SECONDS", 0)
        assert rows_read() == 0
    finally:
        database.close()


@pytest.mark.parametrize("keys", [[], ["wsp_1"], ["wsp_2", "wsp_1", "wsp_none"]])
def test_a_statement_for_one_or_many_keys_reads_and_writes_the_rows_of_those_keys(
    database: Database, keys: list[str]
) -> None:
    renamed = OneOrMany(update(workspaces).values(name=bindparam("to")), workspaces.c.id)
    found = OneOrMany(select(workspaces).order_by(workspaces.c.id), workspaces.c.id)
    with database.transaction() as tx:
        INSERT.write(tx, {**WORKSPACE, "id": "wsp_2"})
        there = [key for key in ("wsp_1", "wsp_2") if key in keys]
        assert renamed.write(tx, keys, {"to": "Southwind"}) == len(there)
        assert [(row.id, row.name) for row in found.rows(tx, keys, {})] == [(key, "Southwind") for key in there]
        renamed.write_later(tx, keys, {"to": "Eastwind"})
        assert [row.name for row in found.rows(tx, keys, {})] == ["Eastwind"] * len(there)
