"""Connections and identity providers in the database, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from tests.support import sign_ins
from tests.support.house import House, TestClock, furnish, make_runtime
from vestibule.directory.activity import Actor, ActorKind, Entry, Event, Outcome, Subject
from vestibule.directory.connections import IdpCertificate, IdpValues, Provisioning
from vestibule.directory.end_users import EndUserStatus
from vestibule.directory.impact import Population, Ties
from vestibule.flows import connections as flow
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.storage import activity, connection_people, connections, identity_providers


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    """Note every statement that reaches the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(house.runtime.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(house.runtime.database.engine, "before_cursor_execute", note)


def certificates(house: House, count: int) -> tuple[IdpCertificate, ...]:
    now = house.clock()
    return tuple(
        IdpCertificate(b"\x30%d" % index, f"CN={index}", f"F{9 - index}", now, now + timedelta(days=index + 1))
        for index in range(count)
    )


def test_a_connection_is_loaded_whole_in_one_statement(house: House) -> None:
    house.clock.freeze()
    made = sign_ins.connect(house, domains=("b.example", "a.example", "*.c.example"))
    with house.runtime.database.transaction() as tx:
        values = IdpValues(
            "entity", "https://idp.example/sso", None, certificates(house, 3), True, "https://idp.example/md"
        )
        identity_providers.update_idp_values(tx, made.idp, values, house.clock())
    with statements(house) as seen, house.runtime.database.reading() as tx:
        loaded = connections.load_connection(tx, made.id)
    assert len(seen) == 1
    assert loaded is not None
    assert loaded.domains == ("*.c.example", "a.example", "b.example")
    assert loaded.idp.certificates == certificates(house, 3)
    assert (loaded.idp.entity_id, loaded.idp.wants_signed_requests) == ("entity", True)
    assert loaded.idp.metadata_read_at == house.clock()
    assert replace(loaded, idp=made.idp, domains=made.domains) == made


def test_a_draft_without_certificates_and_domains_is_loaded_too(house: House) -> None:
    made = sign_ins.connect(house, domains=None)
    with house.runtime.database.transaction() as tx:
        identity_providers.update_idp_values(tx, made.idp, IdpValues("e", None, None, ()), None)
    with house.runtime.database.reading() as tx:
        loaded = connections.load_connection(tx, made.id)
        assert connections.load_connection(tx, new_id("connection", house.clock())) is None
    assert loaded is not None
    assert (loaded.domains, loaded.idp.certificates, loaded.idp.complete) == ((), (), False)


def test_another_workspace_finds_nothing(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    made = sign_ins.connect(house)
    with house.runtime.database.reading() as tx:
        assert connections.find_connection(tx, house.workspace.id, made.id) is not None
        assert connections.find_connection(tx, other.workspace.id, made.id) is None
        assert connections.list_connections(tx, other.workspace.id) == ()
        assert identity_providers.find_idp(tx, other.workspace.id, made.idp.id) is None
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, other.workspace.id, made.id, disabled=True)
        connections.set_provisioning(tx, other.workspace.id, made.id, Provisioning.JIT)
        identity_providers.rename_idp(tx, other.workspace.id, made.idp.id, "Stolen", "generic")
        connections.delete_connection(tx, other.workspace.id, made.id)
        assert not identity_providers.delete_unused_idp(tx, other.workspace.id, made.idp.id)
    with house.runtime.database.reading() as tx:
        untouched = connections.load_connection(tx, made.id)
    assert untouched is not None
    assert (untouched.disabled, untouched.provisioning, untouched.idp.name) == (False, Provisioning.MANUAL, "Okta Dev")


def test_the_list_takes_one_statement_whatever_its_length_and_is_oldest_first(house: House) -> None:
    made = []
    for number in range(4):
        house.clock.advance(seconds=1)
        made.append(sign_ins.connect(house, name=f"IdP {number}", domains=(f"d{number}.example",)))
    sign_ins.connect(house, "test", name="Elsewhere")
    with statements(house) as seen, house.runtime.database.reading() as tx:
        listed = connections.list_connections(
            tx, house.workspace.id, house.environments["dev"].id, with_last_sign_in=True
        )
    assert len(seen) == 1
    assert [one.id for one in listed] == [one.id for one in made]
    with house.runtime.database.reading() as tx:
        assert len(connections.list_connections(tx, house.workspace.id)) == 5


def test_the_last_sign_in_is_the_newest_that_was_let_in(house: House) -> None:
    made = sign_ins.connect(house)
    now = house.clock.freeze()

    def entry(minutes: int, action: str, outcome: Outcome) -> Entry:
        at = now + timedelta(minutes=minutes)
        happened = Event(action, Subject("end_user", "usr", "Grace"), outcome, connection_id=made.id)
        return Entry(new_id("activity", at), at, Actor(ActorKind.END_USER), happened)

    with house.runtime.database.transaction() as tx:
        for one in (
            entry(0, "end_user.sign_in", Outcome.DONE),
            entry(1, "end_user.sign_in", Outcome.DONE),
            entry(2, "end_user.sign_in", Outcome.REFUSED),
            entry(3, "connection.changed", Outcome.DONE),
        ):
            activity.append(tx, house.workspace.id, one)
    with house.runtime.database.reading() as tx:
        (listed,) = connections.list_connections(tx, house.workspace.id, with_last_sign_in=True)
        (plain,) = connections.list_connections(tx, house.workspace.id)
    assert listed.last_sign_in_at == now + timedelta(minutes=1)
    assert plain.last_sign_in_at is None


def test_a_domain_is_claimed_once_in_an_environment_and_again_in_another(house: House) -> None:
    sign_ins.connect(house, domains=("example.com",))
    second = sign_ins.connect(house, name="Second", domains=("example.org",))
    sign_ins.connect(house, "test", name="Third", domains=("example.com",))
    with pytest.raises(AlreadyTaken), house.runtime.database.transaction() as tx:
        connections.replace_domains(tx, second, ("example.org", "example.com"), all_domains=False)
    with house.runtime.database.reading() as tx:
        kept = connections.load_connection(tx, second.id)
    assert kept is not None
    assert kept.domains == ("example.org",)


def test_an_idp_that_is_used_is_not_deleted(house: House) -> None:
    made = sign_ins.connect(house)
    with house.runtime.database.transaction() as tx:
        assert not identity_providers.delete_unused_idp(tx, house.workspace.id, made.idp.id)
        connections.delete_connection(tx, house.workspace.id, made.id)
        assert identity_providers.delete_unused_idp(tx, house.workspace.id, made.idp.id)
        assert identity_providers.list_idps(tx, house.workspace.id) == ()


def test_people_are_counted_by_domain_with_their_passwords_and_without_the_deactivated(house: House) -> None:
    sign_ins.add_person(house, "a@Example.com", password=sign_ins.PASSWORD)
    sign_ins.add_person(house, "b@example.com")
    sign_ins.add_person(house, "c@eu.example.com")
    sign_ins.add_person(house, "gone@example.com", status=EndUserStatus.DEACTIVATED)
    sign_ins.add_person(house, "elsewhere@example.com", environments=("test",))
    dev = house.environments["dev"].id
    with house.runtime.database.reading() as tx:
        found = connection_people.populations(tx, house.workspace.id, dev)
        assert connection_people.count_people(tx, house.workspace.id, dev, 100) == 4
        assert connection_people.count_people(tx, house.workspace.id, dev, 2) == 2
    assert set(found) == {Population("example.com", 2, 1), Population("eu.example.com", 1, 1)}


def test_a_connection_without_people_has_no_ties(house: House) -> None:
    made = sign_ins.connect(house)
    with house.runtime.database.reading() as tx:
        assert connection_people.ties(tx, house.workspace.id, made.id, house.clock()) == Ties(0, 0)


def test_deleting_a_connection_takes_as_long_as_its_people_take(postgresql_url: str, clock: TestClock) -> None:
    runtime = make_runtime(postgresql_url, clock)
    house = furnish(runtime, clock)
    connection = sign_ins.connect(house)
    with runtime.database.transaction() as tx:
        tx.exec_driver_sql(
            "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.4); RETURN OLD; END $$"
        )
        tx.exec_driver_sql("CREATE TRIGGER slow BEFORE DELETE ON connections FOR EACH ROW EXECUTE FUNCTION take_time()")

    def be_impatient(connection: Any, *_: object) -> None:
        connection.execute("SET statement_timeout = 200")

    event.listen(runtime.database.engine, "checkout", be_impatient)
    flow.delete_connection(runtime, house.owner, connection.id)
    with runtime.database.transaction() as tx:
        assert connections.load_connection(tx, connection.id) is None
        assert tx.exec_driver_sql("SHOW statement_timeout").scalar_one() == "200ms"
    runtime.database.close()
