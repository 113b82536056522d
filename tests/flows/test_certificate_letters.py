"""Letters about certificates that end: in time, to those who can act, once for each number of days. On both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support import sign_ins
from tests.support.house import House, TestClock, furnish, make_runtime
from vestibule.directory.connections import Connection
from vestibule.directory.rollover import values_of
from vestibule.flows import admins
from vestibule.flows import saml_keys as saml_keys_flow
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.certificate_letters import announce_ends
from vestibule.flows.parts.posting import Letter, open_letter
from vestibule.flows.parts.saml_key_letters import announce_own_ends
from vestibule.outside.letters import write_letter
from vestibule.storage import connections, metadata_readings
from vestibule.storage.jobs import Job
from vestibule.storage.tables import activity, identity_providers, idp_certificates, jobs


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    clock = TestClock()
    clock.frozen = datetime.now(UTC)
    made = furnish(make_runtime(database_url, clock, mail_enabled=True), clock)
    for role in ("admin", "support", "auditor"):
        email, name = f"{role}@example.com", role.title()
        admins.create_admin(made.runtime, operator(), made.workspace.id, name, email, role, "a long enough sentence")
    yield made
    made.runtime.database.close()


def ending(house: House, connection: Connection, left: timedelta) -> None:
    with house.runtime.database.transaction() as tx:
        mine = idp_certificates.c.idp_id == connection.idp.id
        tx.execute(idp_certificates.update().where(mine).values(not_after=house.clock() + left))


def every_letter(house: House) -> list[Letter]:
    with house.runtime.database.reading() as tx:
        rows = tx.execute(select(jobs).where(jobs.c.kind == "letter").order_by(jobs.c.id)).all()
    return [
        open_letter(house.runtime, Job(row.id, row.workspace_id, row.kind, row.payload, 0, row.created_at))
        for row in rows
    ]


def letters(house: House) -> list[Letter]:
    return [letter for letter in every_letter(house) if letter.kind == "certificate_ends"]


def test_owners_and_admins_are_written_to_and_told_which_certificate_and_whom_it_concerns(house: House) -> None:
    connection = sign_ins.connect(house)
    ending(house, connection, timedelta(days=13, hours=5))
    assert announce_ends(house.runtime) == 1
    written = letters(house)
    assert sorted(letter.to_email for letter in written) == ["ada@example.com", "admin@example.com"]
    facts = written[0].facts
    assert (facts["idp"], facts["days"], facts["environments"]) == ("Okta Dev", "13", "DEV")
    assert facts["fingerprint"] == connection.idp.certificates[0].fingerprint
    with house.runtime.database.reading() as tx:
        query = select(activity.c.subject_name).where(activity.c.action == "identity_provider.certificate_ends")
        assert tx.execute(query).scalars().all() == ["Okta Dev"]


def test_each_number_of_days_is_announced_once_and_nothing_after_the_end(house: House) -> None:
    connection = sign_ins.connect(house)
    ending(house, connection, timedelta(days=61, hours=1))
    announced = []
    for day in range(64):
        if announce_ends(house.runtime):
            announced.append(61 - day)
        assert announce_ends(house.runtime) == 0
        house.clock.offset += timedelta(days=1)
    assert announced == [59, 29, 13, 6, 0]


def test_nothing_is_said_where_the_next_certificate_is_here_or_nobody_uses_the_connection(house: House) -> None:
    connection = sign_ins.connect(house)
    ending(house, connection, timedelta(days=5))
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, house.workspace.id, connection.id, disabled=True)
    assert announce_ends(house.runtime) == 0
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, house.workspace.id, connection.id, disabled=False)
        row = tx.execute(select(idp_certificates).where(idp_certificates.c.idp_id == connection.idp.id)).one()
        values = {**row._asdict(), "fingerprint": "AA", "position": 1, "not_after": house.clock() + timedelta(days=900)}
        tx.execute(idp_certificates.insert().values(values))
    assert announce_ends(house.runtime) == 0
    assert letters(house) == []


@pytest.mark.parametrize(
    ("applies", "failing", "waiting", "said"),
    [
        (True, False, False, "arrives here by itself"),
        (False, False, False, "and approve it here"),
        (True, False, True, "which waits for approval"),
        (False, False, True, "which waits for approval"),
        (True, True, False, "and bring it here before it is used there"),
    ],
)
def test_the_letter_says_how_the_next_certificate_gets_here(
    house: House, *, applies: bool, failing: bool, waiting: bool, said: str
) -> None:
    connection = sign_ins.connect(house)
    ending(house, connection, timedelta(days=5))
    mine, now = (house.workspace.id, connection.idp.id), house.clock()
    values = values_of(connection.idp)
    assert values is not None
    with house.runtime.database.transaction() as tx:
        tx.execute(identity_providers.update().values(metadata_url="https://idp.example/metadata"))
        failing_since = now if failing else None
        metadata_readings.save_reading(tx, *mine, now, applies_changes=applies, failing_since=failing_since)
        if waiting:
            metadata_readings.save_change(tx, *mine, "digest", values, now)
    assert announce_ends(house.runtime) == 1
    facts = letters(house)[0].facts
    text = write_letter("certificate_ends", name="Ada", url="https://here", workspace="Acme", facts=facts).text
    assert said in text


def own_letters(house: House) -> list[Letter]:
    return [letter for letter in every_letter(house) if letter.kind == "saml_key_ends"]


def test_admins_are_told_of_the_end_of_our_own_keys_once_for_each_number_of_days(house: House) -> None:
    keys = saml_keys_flow.get_keys(house.runtime, house.owner).keys
    end = min(key.certificate.not_after for key in keys)
    announced: list[int] = []
    for left in range(62, -3, -1):
        house.clock.frozen = end - timedelta(days=left) - timedelta(microseconds=1)
        announced.extend(left for _ in range(2) if announce_own_ends(house.runtime))
    assert announced == [59, 29, 13, 6, 0]
    written = own_letters(house)
    assert len(written) == 10
    assert sorted({letter.to_email for letter in written}) == ["ada@example.com", "admin@example.com"]
    prints = {key.use.value: key.certificate.fingerprint for key in keys}
    assert {name: written[0].facts[name] for name in prints} == prints
    assert written[0].url.endswith("/admin/settings/keys")


def test_keys_with_a_successor_and_keys_of_long_life_need_no_letter(house: House) -> None:
    keys = saml_keys_flow.get_keys(house.runtime, house.owner).keys
    assert announce_own_ends(house.runtime) == 0
    house.clock.frozen = min(key.certificate.not_after for key in keys) - timedelta(days=20)
    saml_keys_flow.rotate_keys(house.runtime, operator(), house.workspace.id, 14)
    assert announce_own_ends(house.runtime) == 0
    house.clock.advance(days=14)
    assert announce_own_ends(house.runtime) == 0
    assert own_letters(house) == []
