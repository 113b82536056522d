"""Prepared statements give what SQLAlchemy gives, on both engines: rows, counts, errors, and the refusals of reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, func, insert, literal, select, text, update
from sqlalchemy.exc import StatementError

from bench.statements import counting
from vestibule.kernel.errors import AlreadyTaken, DatabaseUnreachable
from vestibule.storage.database import Database
from vestibule.storage.prepared import Prepared
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


def test_a_connection_that_the_server_ended_is_replaced(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=2)
    find = Prepared(_FIND)

    def ended() -> None:
        with database.reading() as other, database.reading() as tx:
            pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            find.rows(tx, {"whose": "wsp_1"})

    with pytest.raises(DatabaseUnreachable):
        ended()
    for _ in range(2):
        with database.reading() as tx:
            assert find.rows(tx, {"whose": "wsp_1"}) == []
    database.close()
