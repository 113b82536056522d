"""The two ways to use a database, and what its errors are called, on both engines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, func, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from vestibule.kernel.errors import AlreadyTaken, DatabaseBusy, DatabaseDamaged, DatabaseUnreachable
from vestibule.storage.database import Database
from vestibule.storage.tables import admin_sessions, environments, throttles, workspaces
from vestibule.storage.types import Instant

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
WORKSPACE = {"id": "wsp_1", "name": "Northwind", "help_contact": None, "created_at": NOW}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, pool_size=5, lock_timeout_seconds=0.3)
    yield made
    made.close()


def count(database: Database) -> int:
    with database.reading() as tx:
        return tx.execute(select(func.count()).select_from(workspaces)).scalar_one()


def insert_and_fail(database: Database, failure: BaseException) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
        raise failure


def test_a_transaction_is_committed_at_its_end(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
        assert count(database) == 0
    assert count(database) == 1


def test_any_exception_rolls_a_transaction_back(database: Database) -> None:
    for failure in (ValueError("stop"), KeyboardInterrupt("stop")):
        with pytest.raises(type(failure), match="stop"):
            insert_and_fail(database, failure)
    assert count(database) == 0


def test_reading_refuses_to_write(database: Database) -> None:
    for statement in (insert(workspaces).values(WORKSPACE), update(workspaces).values(name="x"), workspaces.delete()):
        with pytest.raises(RuntimeError, match="reading"), database.reading() as tx:
            tx.execute(statement)
    assert count(database) == 0


def test_a_connection_that_was_used_for_reading_writes_in_transactions_again(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    try:
        assert count(database) == 0
        with pytest.raises(ValueError, match="stop"):
            insert_and_fail(database, ValueError("stop"))
        assert count(database) == 0
    finally:
        database.close()


def test_reading_opens_no_transaction_so_that_postgresql_keeps_what_it_prepared(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=1)
    for _ in range(4):
        with database.reading() as tx:
            tx.execute(select(workspaces.c.id).where(workspaces.c.id == "wsp_1"))
            # The time at which the transaction began.
            assert tx.execute(text("SELECT now()")).scalar_one() < tx.execute(text("SELECT now()")).scalar_one()
    with database.reading() as tx:
        prepared = tx.execute(text("SELECT statement FROM pg_prepared_statements")).scalars().all()
    database.close()
    assert any("workspaces" in statement for statement in prepared)


def test_reading_sees_what_was_committed_meanwhile(database: Database) -> None:
    query = select(func.count()).select_from(workspaces)
    with database.reading() as tx:
        assert tx.execute(query).scalar_one() == 0
        with database.transaction() as other:
            other.execute(insert(workspaces), WORKSPACE)
        assert tx.execute(query).scalar_one() == 1


def test_a_key_that_exists_is_somebody_elses_haste(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
    with pytest.raises(AlreadyTaken) as caught, database.transaction() as tx:
        tx.execute(insert(workspaces), {**WORKSPACE, "name": "Hidden & Sons"})
    assert "Hidden" not in caught.value.reason
    assert "wsp_1" not in caught.value.reason


def test_a_row_that_rests_on_one_that_is_gone_is_refused(database: Database) -> None:
    with pytest.raises(AlreadyTaken), database.transaction() as tx:
        tx.execute(insert(environments), environment())


@pytest.mark.parametrize("broken", [{"session_ttl_seconds": 0}, {"name": None}])
def test_a_broken_check_is_a_mistake_of_ours_and_not_told_as_haste(
    database: Database, broken: dict[str, object]
) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.execute(insert(environments), {**environment(), **broken})


def environment() -> dict[str, object]:
    return {
        "id": "env_1",
        "workspace_id": "wsp_1",
        "key": "dev",
        "name": "DEV",
        "name_key": "dev",
        "position": 1,
        "saml_enabled": False,
        "session_ttl_seconds": 60,
        "created_at": NOW,
    }


def test_values_never_stand_in_errors(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.transaction() as tx:
        tx.execute(text("INSERT INTO nowhere (x) VALUES (:x)"), {"x": "a secret"})
    assert "a secret" not in str(caught.value)


def test_waiting_for_a_lock_ends_and_says_busy(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
    with database.transaction() as tx:
        tx.execute(update(workspaces).values(name="first"))
        with pytest.raises(DatabaseBusy), database.transaction() as other:
            other.execute(update(workspaces).values(name="second"))
    with database.reading() as tx:
        assert tx.execute(select(workspaces.c.name)).scalar_one() == "first"
    # The connection that gave up is whole again.
    with database.transaction() as tx:
        tx.execute(update(workspaces).values(name="third"))


def test_waiting_for_another_process_ends_and_says_busy(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
    # Threads of one process take turns before they reach the database; this one shares no turn with them.
    another = Database(database.engine.url.render_as_string(hide_password=False), lock_timeout_seconds=0.2)
    with another.transaction() as theirs:
        theirs.execute(update(workspaces).values(name="first"))
        with pytest.raises(DatabaseBusy), database.transaction() as tx:
            tx.execute(update(workspaces).values(name="second"))
    with database.transaction() as tx:
        tx.execute(update(workspaces).values(name="third"))
    another.close()


def test_readers_do_not_wait_for_writers(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
        assert count(database) == 0


def test_a_transaction_that_reads_first_may_write_later(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(workspaces), WORKSPACE)
    barrier = threading.Barrier(4)
    failures: list[Exception] = []
    patient = Database(database.engine.url.render_as_string(hide_password=False), lock_timeout_seconds=30)

    def add_one() -> None:
        barrier.wait()
        try:
            with patient.transaction() as tx:
                value = tx.execute(select(workspaces.c.name).with_for_update()).scalar_one()
                tx.execute(update(workspaces).values(name=value + "+"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    patient.close()
    assert failures == []
    with database.reading() as tx:
        assert tx.execute(select(workspaces.c.name)).scalar_one() == "Northwind++++"


def test_a_pool_that_is_empty_says_busy(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(database_url, pool_size=1)
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.1)
    try:
        with database.reading(), pytest.raises(DatabaseBusy), database.reading():
            raise AssertionError("there was a second connection")
    finally:
        database.close()


def test_a_database_that_is_not_there_is_unreachable() -> None:
    for url in ("sqlite:////nonexistent/folder/x.db", "postgresql://nobody@127.0.0.1:1/x"):
        database = Database(url, pool_size=1)
        try:
            with pytest.raises(DatabaseUnreachable), database.reading():
                raise AssertionError("something answered")
        finally:
            database.close()


def test_a_damaged_database_is_told_as_such(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with path.open("r+b") as file:
        file.seek(100)  # behind the header: the first page of the schema
        file.write(b"\xff" * 3000)
    database = Database(sqlite_url, pool_size=1)
    try:
        with pytest.raises(DatabaseDamaged):
            count(database)
    finally:
        database.close()


def test_a_file_that_is_no_database_is_unreachable(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("x") / "x.db"
    path.write_bytes(b"this is a letter and no database at all" * 100)
    database = Database(f"sqlite:///{path}", pool_size=1)
    try:
        with pytest.raises(DatabaseDamaged), database.reading():
            raise AssertionError("a letter answered")
    finally:
        database.close()


def test_a_database_that_may_not_be_written_now_is_told_as_one_that_does_not_answer(
    database: Database,
) -> None:
    if database.is_sqlite:
        with database.reading() as tx:  # the one connection of the pool that the transaction gets, too
            tx.exec_driver_sql("PRAGMA query_only=ON")
    else:
        with database.transaction() as tx:
            tx.exec_driver_sql("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseUnreachable), database.transaction() as tx:
        tx.execute(insert(workspaces).values(WORKSPACE))


def test_a_full_disk_is_told_as_a_database_that_does_not_answer(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=1)
    try:
        with database.reading() as tx:
            pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
            tx.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(DatabaseUnreachable), database.transaction() as tx:
            tx.execute(insert(workspaces).values(WORKSPACE | {"name": "N" * 100_000}))
    finally:
        database.close()


def test_connections_that_the_server_ended_are_replaced(postgresql_url: str) -> None:
    database, other = Database(postgresql_url, pool_size=3), Database(postgresql_url, pool_size=1)
    try:
        with database.reading(), database.reading(), database.reading():
            pass
        with other.transaction() as tx:
            mine = select(func.pg_terminate_backend(text("pid"))).select_from(text("pg_stat_activity"))
            tx.execute(mine.where(text("datname = current_database() AND pid <> pg_backend_pid()")))
        with pytest.raises(DatabaseUnreachable):
            count(database)
        # One refusal, not one for each connection that was in the pool.
        for _ in range(3):
            assert count(database) == 0
    finally:
        database.close()
        other.close()


def test_sqlite_is_set_up_for_safety(sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=2)
    try:
        with database.reading() as first, database.reading() as second:
            for tx in (first, second):
                found = {
                    name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                    for name in ("journal_mode", "synchronous", "foreign_keys")
                }
                assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    finally:
        database.close()


def test_a_new_file_may_be_opened_by_many_at_once(database_folder: object) -> None:
    failures: list[Exception] = []
    for round_number in range(5):
        barrier = threading.Barrier(6)
        url = f"sqlite:///{database_folder}/new-{round_number}.db"

        def open_it(url: str = url, barrier: threading.Barrier = barrier) -> None:
            database = Database(url, pool_size=1)
            barrier.wait()
            try:
                with database.reading() as tx:
                    tx.exec_driver_sql("SELECT 1")
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                failures.append(error)
            finally:
                database.close()

        threads = [threading.Thread(target=open_it) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


AWARE = st.timedeltas(timedelta(days=-25_000), timedelta(days=2_900_000)).map(lambda delta: NOW + delta)


def test_an_instant_comes_back_as_it_was(database: Database) -> None:
    query = select(bindparam("value", type_=Instant))
    with database.reading() as tx:

        @given(AWARE, st.integers(-14 * 60, 14 * 60))
        @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
        def comes_back(instant: datetime, offset_minutes: int) -> None:
            elsewhere = instant.astimezone(timezone(timedelta(minutes=offset_minutes)))
            back = tx.execute(query, {"value": elsewhere}).scalar_one()
            assert back == instant
            assert back.tzinfo is UTC

        comes_back()


def test_instants_compare_to_the_microsecond(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(insert(throttles), {"key": "k", "attempts": 1, "resets_at": NOW})
    with database.reading() as tx:
        for delta, later in ((-1, False), (0, False), (1, True)):
            at = NOW + timedelta(microseconds=delta)
            assert bool(tx.execute(select(throttles.c.key).where(throttles.c.resets_at < at)).first()) is later


def test_a_naive_datetime_never_reaches_the_database(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"), database.reading() as tx:
        tx.execute(select(admin_sessions).where(admin_sessions.c.expires_at > datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


def test_nothing_is_nothing(database: Database) -> None:
    with database.reading() as tx:
        assert tx.execute(select(literal(None, Instant))).scalar_one() is None


def test_keys_sort_by_code_point_on_both_engines(database: Database) -> None:
    keys = ["Z", "a", "z", "ä", "é", "一", "\U0001f600", "a b", "a-b", "a_b", "A"]
    with database.transaction() as tx:
        tx.execute(insert(throttles), [{"key": key, "attempts": 1, "resets_at": NOW} for key in keys])
    with database.reading() as tx:
        assert list(tx.execute(select(throttles.c.key).order_by(throttles.c.key)).scalars()) == sorted(keys)


def test_a_file_that_waiting_does_not_help_fails_at_once(database_folder: object) -> None:
    path = Path(f"{database_folder}/broken.db")
    first = Database(f"sqlite:///{path}", pool_size=1)
    with first.reading() as tx:
        tx.exec_driver_sql("SELECT 1")
    first.close()
    path.with_name("broken.db-wal").unlink(missing_ok=True)
    path.with_name("broken.db-wal").mkdir()  # where SQLite can't have its log
    tried: list[float] = []
    database = Database(f"sqlite:///{path}", pool_size=1, lock_timeout_seconds=3600)
    with pytest.raises(DatabaseUnreachable), database.reading() as tx:
        tried.append(tx.exec_driver_sql("SELECT 1").scalar_one())
    database.close()
    assert tried == []
