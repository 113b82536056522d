"""The activity: what is written stays, whoever connects to the database; pages lose nothing and show no other workspace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.exc import DBAPIError

from tests.support.steps import counting_steps
from vestibule.directory.activity import ActivityFilter, Actor, ActorKind, Entry, Event, Outcome, Subject
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.storage import activity
from vestibule.storage.database import Database
from vestibule.storage.tables import activity as table

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVERYTHING = ActivityFilter()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def write(database: Database, number: int = 0, action: str = "admin.invited", workspace: str = "wsp_1") -> Entry:
    at = NOW + timedelta(seconds=number)
    actor = Actor(ActorKind.ADMIN, "adm_1", "Ada Park", "192.0.2.1", "request-1")
    subject = Subject("admin", f"adm_{number}", "Bo")
    event = Event(
        action, subject, Outcome.DONE, "env_1", "con_1", f"VK7P-{number:04}", {"role": "admin", "ü": [1, None]}
    )
    entry = Entry(new_id("activity", at), at, actor, event)
    with database.transaction() as tx:
        activity.append(tx, workspace, entry)
    return entry


def page(
    database: Database,
    wanted: ActivityFilter = EVERYTHING,
    *,
    before: str | None = None,
    after: str | None = None,
    size: int = 3,
) -> list[str]:
    with database.reading() as tx:
        return [one.id for one in activity.page(tx, "wsp_1", wanted, before=before, after=after, size=size)]


def test_an_entry_is_read_as_it_was_written_and_by_its_own_workspace_alone(database: Database) -> None:
    entry = write(database)
    with database.reading() as tx:
        assert activity.find(tx, "wsp_1", entry.id) == entry
        assert activity.find(tx, "wsp_2", entry.id) is None
        assert activity.find_reference(tx, "wsp_1", "VK7P-0000") == entry
        assert activity.find_reference(tx, "wsp_2", "VK7P-0000") is None


def test_the_database_refuses_to_change_or_delete_an_entry(database: Database) -> None:
    entry = write(database)
    for statement in (
        update(table).values(actor_name="Nobody"),
        update(table).where(table.c.id == entry.id).values(details={}),
        table.delete(),
        table.delete().where(table.c.id == entry.id),
    ):
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as tx:
            tx.execute(statement)
    with database.reading() as tx:
        assert activity.find(tx, "wsp_1", entry.id) == entry


def test_no_back_door_of_sqlite_changes_an_entry(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    try:
        entry = write(database)
        row = {"id": entry.id, "workspace_id": "wsp_1"}
        for verb in ("REPLACE", "INSERT OR REPLACE"):
            columns = ", ".join(column.name for column in table.c if column.name not in row)
            statement = text(
                f"{verb} INTO activity (id, workspace_id, {columns}) "  # noqa: S608 - names of the schema alone
                f"SELECT id, 'wsp_2', {columns} FROM activity WHERE id = :id"
            )
            with pytest.raises(DBAPIError, match="append-only"), database.transaction() as tx:
                tx.execute(statement, {"id": entry.id})
        with database.reading() as tx:
            assert activity.find(tx, "wsp_1", entry.id) == entry
    finally:
        database.close()


def test_no_back_door_of_postgresql_changes_an_entry(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    try:
        entry = write(database)
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as tx:
            tx.execute(text("TRUNCATE activity"))
        copied = select(*table.c).where(table.c.id == entry.id)
        upsert = postgresql_insert(table).from_select([column.name for column in table.c], copied)
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as tx:
            tx.execute(upsert.on_conflict_do_update(index_elements=["id"], set_={"actor_name": "Nobody"}))
        with database.reading() as tx:
            assert activity.find(tx, "wsp_1", entry.id) == entry
    finally:
        database.close()


def test_an_entry_disappears_with_the_transaction_that_failed(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            activity.append(tx, "wsp_1", Entry(new_id("activity", NOW), NOW, Actor(ActorKind.SYSTEM), EVENT))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    with database.reading() as tx:
        assert tx.execute(select(func.count()).select_from(table)).scalar_one() == 0


EVENT = Event("job.done", Subject("job", None, ""))


def test_pages_are_newest_first_and_lose_nothing_either_way(database: Database) -> None:
    newest_first = [write(database, number).id for number in range(8)][::-1]
    write(database, 3, workspace="wsp_2")
    seen = page(database)
    while further := page(database, before=seen[-1]):
        seen += further
    assert seen == newest_first
    assert page(database, after=newest_first[3]) == newest_first[:3]
    assert page(database, after=newest_first[5]) == newest_first[2:5]
    assert page(database, after=newest_first[0]) == []


def test_filters_narrow_and_combine(database: Database) -> None:
    invited = write(database, 1, "admin.invited")
    removed = write(database, 2, "admin.removed")
    other = write(database, 3, "admins.counted")
    for wanted, found in (
        (ActivityFilter(action_prefix="admin."), [removed, invited]),
        (ActivityFilter(action_prefix="admin.removed"), [removed]),
        (ActivityFilter(action_prefix="admin"), [other, removed, invited]),
        (ActivityFilter(subject_id="adm_2"), [removed]),
        (ActivityFilter(reference="VK7P-0001"), [invited]),
        (ActivityFilter(outcome=Outcome.REFUSED), []),
        (ActivityFilter(outcome=Outcome.DONE, actor_id="adm_1", environment_id="env_1"), [other, removed, invited]),
        (ActivityFilter(actor_id="adm_2"), []),
        (ActivityFilter(connection_id="con_1", subject_id="adm_1"), [invited]),
    ):
        assert page(database, wanted) == [entry.id for entry in found], wanted


@pytest.mark.parametrize("prefix", ["\U0010ffff", "\ud7ff", "admin.\U0010ffff", "%", "_", "'", "admin.%"])
def test_a_prefix_of_a_stranger_is_a_prefix_and_nothing_more(database: Database, prefix: str) -> None:
    write(database)
    assert page(database, ActivityFilter(action_prefix=prefix)) == []


def test_a_span_of_time_begins_at_its_first_instant_and_ends_before_its_last(database: Database) -> None:
    entries = [write(database, number) for number in range(4)]
    wanted = ActivityFilter(since=entries[1].at, until=entries[3].at)
    assert page(database, wanted) == [entries[2].id, entries[1].id]


def write_many(database: Database, count: int) -> list[Entry]:
    """Write what happens in a house: some things often, some seldom, some refused, some in one environment alone."""
    chance = random.Random(4)  # noqa: S311 - made-up records are no secrets
    entries = []
    with database.transaction() as tx:
        for number in range(count):
            at, who = NOW + timedelta(seconds=number), chance.choice(["usr_1", "usr_2", "usr_3", None])
            action = chance.choices(
                ["user.came", "user.left", "user.made", "group.made", "place.made"], [60, 20, 9, 6, 1]
            )
            refused = action[0] == "user.came" and chance.random() < 0.3
            event = Event(
                action[0],
                Subject("end_user", chance.choice([who, "usr_2"]), chance.choice(["ada@x.example", "bo@x.example"])),
                Outcome.REFUSED if refused else Outcome.DONE,
                chance.choices(["env_1", "env_2", None], [80, 5, 15])[0],
            )
            entries.append(Entry(new_id("activity", at), at, Actor(ActorKind.END_USER, who), event))
            activity.append(tx, "wsp_1", entries[-1])
            activity.append(tx, "wsp_2", replace(entries[-1], id=new_id("activity", at)))
    return sorted(entries, key=lambda one: one.id, reverse=True)


def fits(entry: Entry, wanted: ActivityFilter) -> bool:
    """Answer person by person what SQL is asked."""
    event = entry.event
    return (
        event.action.startswith(wanted.action_prefix or "")
        and wanted.outcome in {None, event.outcome}
        and wanted.environment_id in {None, event.environment_id}
        and (wanted.person_id is None or wanted.person_id in {entry.actor.id, event.subject.id})
        and wanted.subject_name in {None, event.subject.name}
    )


@pytest.mark.parametrize("most", [4, 12, 1000])
def test_pages_of_several_conditions_lose_nothing_and_repeat_nothing_wherever_looking_stops(
    database: Database, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(activity, "MOST_LOOKED_THROUGH", most)
    entries = write_many(database, 150)
    questions = [
        ActivityFilter(action_prefix=prefix, outcome=outcome, environment_id=environment, person_id=person)
        for prefix in (None, "user.", "user.came", "group.", "nothing.")
        for outcome, environment, person in (
            (None, None, None),
            (Outcome.REFUSED, None, None),
            (Outcome.REFUSED, "env_2", None),
            (Outcome.DONE, "env_1", "usr_2"),
            (None, "env_2", "usr_1"),
        )
    ]
    questions.append(ActivityFilter(outcome=Outcome.REFUSED, subject_name="bo@x.example"))
    stopped = 0
    for wanted in questions:
        expected = [one.id for one in entries if fits(one, wanted)]
        for newer in (False, True):
            found: list[str] = []
            edge = "act_" if newer else "act_~"
            while edge:
                with database.reading() as tx:
                    ends = {"after": edge, "before": None} if newer else {"after": None, "before": edge}
                    some = activity.look(tx, "wsp_1", wanted, **ends, size=6)
                ids = [one.id for one in some.entries]
                found = [*ids, *found] if newer else [*found, *ids]
                stopped += some.stop is not None
                edge = some.stop or ("" if len(ids) < 6 else ids[0] if newer else ids[-1])
            assert found == expected, (wanted, newer)
    assert bool(stopped) == (most < 1000)


def test_a_page_is_bounded_however_much_has_happened(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite counts its steps. PostgreSQL takes the same statements; `make bench` compares them at a million.
    monkeypatch.setattr(activity, "MOST_LOOKED_THROUGH", 40)
    database, taken = Database(sqlite_url), []
    asked = (
        ActivityFilter(action_prefix="user.came"),
        ActivityFilter(action_prefix="user."),
        ActivityFilter(action_prefix="user.", outcome=Outcome.REFUSED, environment_id="env_2"),
        ActivityFilter(action_prefix="group.", outcome=Outcome.REFUSED),
        ActivityFilter(outcome=Outcome.REFUSED, subject_name="nobody@x.example"),
    )
    for more in (1_000, 5_000):
        write_many(database, more)
        for wanted in asked:
            with database.reading() as tx, counting_steps(tx) as counted:
                activity.look(tx, "wsp_1", wanted, before=None, after=None, size=6)
            taken.append(counted.taken)
    database.close()
    few, many = taken[: len(asked)], taken[len(asked) :]
    assert all(after <= 2 * before + 2 for before, after in zip(few, many, strict=True)), (few, many)


def test_writing_the_same_entry_twice_is_refused(database: Database) -> None:
    entry = write(database)
    with pytest.raises((AlreadyTaken, DBAPIError)), database.transaction() as tx:
        activity.append(tx, "wsp_2", entry)
    with database.reading() as tx:
        assert activity.find(tx, "wsp_1", entry.id) == entry
