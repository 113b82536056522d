"""When the metadata of identity providers is to be read: the same order on both engines."""

from __future__ import annotations

from datetime import timedelta

from tests.support.house import House
from tests.support.people import CERTIFICATE, connect
from vestibule.directory.connections import IdpValues
from vestibule.storage import identity_providers, metadata_readings


def test_those_never_read_come_first_then_those_that_wait_longest_and_nobody_before_their_time(house: House) -> None:
    now, ids = house.clock(), []
    # The first was never read; the last is due in an instant.
    due = [None, now - timedelta(hours=1), now - timedelta(hours=2), now + timedelta(microseconds=1)]
    for number, moment in enumerate(due):
        idp = connect(house, name=f"IdP {number}").idp
        values = IdpValues(
            f"https://idp.example/{number}", None, None, (CERTIFICATE,), metadata_url="https://idp.example"
        )
        with house.runtime.database.transaction() as tx:
            identity_providers.update_idp_values(tx, idp, values, None)
            if moment:
                metadata_readings.save_reading(tx, house.workspace.id, idp.id, now, due_at=moment)
        ids.append(idp.id)
    with house.runtime.database.reading() as tx:
        found = [idp_id for _, idp_id in metadata_readings.list_due(tx, now, 10)]
        assert found == [ids[0], ids[2], ids[1]]
        assert metadata_readings.list_due(tx, now, 1) == ((house.workspace.id, ids[0]),)


def test_what_a_clock_that_ran_ahead_noted_holds_up_no_reading(house: House) -> None:
    now, later = house.clock(), house.clock() + timedelta(days=800)
    idp = connect(house).idp
    values = IdpValues("https://idp.example", None, None, (CERTIFICATE,), metadata_url="https://idp.example")
    with house.runtime.database.transaction() as tx:
        identity_providers.update_idp_values(tx, idp, values, None)
        assert metadata_readings.claim_reading(tx, house.workspace.id, idp.id, later)
        metadata_readings.save_reading(tx, house.workspace.id, idp.id, later, due_at=later)
        assert metadata_readings.list_due(tx, now, 10) == ((house.workspace.id, idp.id),)
        assert metadata_readings.claim_reading(tx, house.workspace.id, idp.id, now)
        assert not metadata_readings.claim_reading(tx, house.workspace.id, idp.id, now - timedelta(minutes=4))
