"""Metadata that is followed: read every day, applied or kept for an admin, and each outage said once. On both engines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from tests.flows.test_idp_values import draft, understand
from tests.saml import forge
from tests.support import metadata
from tests.support.house import House
from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.directory.rollover import (
    ASK_AGAIN_AFTER,
    READ_EVERY,
    RETRY_AFTER,
    SOONEST,
    SPREAD,
    next_reading,
    values_of,
)
from vestibule.flows import authentication, connections, idp_values, rollover
from vestibule.flows.parts import rereading
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.rereading import Reread, reread, reread_due
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.understanding import TypedIdp, Understood, digest_of, read_metadata
from vestibule.kernel.errors import Conflict, Invalid
from vestibule.outside import fetching
from vestibule.storage import metadata_readings
from vestibule.storage.tables import activity

pem = cache(metadata.certificate_pem)


@pytest.fixture
def documents() -> Iterator[metadata.Documents]:
    with metadata.serving_documents() as served:
        yield served


@pytest.fixture
def connection(house: House, documents: metadata.Documents) -> Connection:
    house.clock.frozen = datetime.now(UTC)
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, pem("old"))
    values = understand(house, TypedIdp("url", metadata_url=documents.url))
    return idp_values.save_idp_values(house.runtime, house.owner, draft(house).id, values)


def later(house: House, delta: timedelta) -> None:
    house.clock.offset += delta


def subjects(house: House, connection: Connection) -> list[str]:
    facts = connections.get_connection(house.runtime, house.owner, connection.id)
    return [one.subject for one in facts.connection.idp.certificates]


def following(house: House, connection: Connection) -> rollover.Following:
    return rollover.get_following(house.runtime, house.owner, connection.idp)


def actions(house: House) -> list[str]:
    with house.runtime.database.reading() as tx:
        query = select(activity.c.action).where(activity.c.action.like("identity_provider.%")).order_by(activity.c.id)
        return list(tx.execute(query).scalars())


def test_metadata_is_read_every_day_and_an_old_and_a_new_certificate_are_valid_together(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    reread_due(house.runtime)
    asked = documents.asked
    later(house, READ_EVERY - SPREAD - timedelta(seconds=1))
    assert reread_due(house.runtime) == 0
    old, new = metadata.certificate_pem("old", days=20), metadata.certificate_pem("new")
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, old, new)
    later(house, SPREAD + timedelta(seconds=1))
    assert reread_due(house.runtime) == 1
    assert documents.asked == asked + 1
    assert subjects(house, connection) == ["CN=old", "CN=new"]
    assert actions(house) == ["identity_provider.metadata_applied"]


def test_a_certificate_that_left_the_metadata_is_trusted_no_longer(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("new"))
    reread_due(house.runtime)
    assert subjects(house, connection) == ["CN=new"]


def test_an_outage_is_on_the_record_once_tried_again_sooner_and_over_when_it_is_over(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    documents.status = 500
    for failures in range(1, 4):
        assert reread_due(house.runtime) == 1
        reading = following(house, connection).reading
        assert (reading.failures, reading.due_at) == (failures, house.clock() + RETRY_AFTER[failures - 1])
        later(house, RETRY_AFTER[failures - 1])
    assert actions(house) == ["identity_provider.metadata_unreadable"]
    assert subjects(house, connection) == ["CN=old"]
    documents.status = 200
    reread_due(house.runtime)
    reading = following(house, connection).reading
    assert (reading.failures, reading.failure, reading.failing_since) == (0, None, None)


@pytest.mark.parametrize(
    "moved",
    [
        metadata.idp_metadata("https://other.example"),
        metadata.idp_metadata(sso_url="https://other.example/sso"),
    ],
    ids=["entity", "host"],
)
def test_another_entity_id_or_host_waits_for_approval_even_where_changes_are_applied(
    house: House, documents: metadata.Documents, connection: Connection, moved: str
) -> None:
    documents.document = moved
    reread_due(house.runtime)
    waiting = following(house, connection)
    assert waiting.found is not None
    assert waiting.difference
    assert authentication.show_authentication(house.runtime, house.owner, "dev").moved == {connection.idp.id}
    assert subjects(house, connection) == ["CN=old"]
    rollover.approve_change(house.runtime, house.owner, connection.id, waiting.found.digest)
    assert subjects(house, connection) == ["CN=idp"]
    assert following(house, connection).found is None
    assert actions(house)[-2:] == ["identity_provider.metadata_change_found", "identity_provider.metadata_approved"]


def test_where_the_admin_says_so_every_change_waits(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    rollover.set_applies_changes(house.runtime, house.owner, connection.id, applies=False)
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("new"))
    assert idp_values.read_metadata_again(house.runtime, house.owner, connection.id)[1] is Reread.WAITS
    assert subjects(house, connection) == ["CN=old"]
    difference = following(house, connection).difference
    assert difference is not None
    assert [one.subject for one in difference.added] == ["CN=new"]


def test_a_dismissed_change_is_not_asked_again_but_another_one_is(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    documents.document = metadata.idp_metadata("https://other.example")
    reread_due(house.runtime)
    found = following(house, connection).found
    assert found is not None
    rollover.dismiss_change(house.runtime, house.owner, connection.id, found.digest)
    later(house, READ_EVERY)
    reread_due(house.runtime)
    assert following(house, connection).found is None
    documents.document = metadata.idp_metadata("https://third.example")
    later(house, READ_EVERY)
    reread_due(house.runtime)
    assert following(house, connection).found is not None


def moved_host(house: House, documents: metadata.Documents, connection: Connection, *, dismissed: bool) -> None:
    documents.document = on_new_host("old")
    reread_due(house.runtime)
    found = following(house, connection).found
    assert found is not None
    if dismissed:
        rollover.dismiss_change(house.runtime, house.owner, connection.id, found.digest)


def on_new_host(*names: str) -> str:
    return metadata.idp_metadata(metadata.ENTITY_ID, *map(pem, names), sso_url="https://other.example/sso")


@pytest.mark.parametrize("dismissed", [True, False], ids=["dismissed", "waiting"])
def test_certificates_that_come_after_another_change_was_found_are_in_use_at_once_and_nothing_else_of_it_is(
    house: House, documents: metadata.Documents, connection: Connection, *, dismissed: bool
) -> None:
    moved_host(house, documents, connection, dismissed=dismissed)
    documents.document = on_new_host("old", "new")
    later(house, READ_EVERY)
    reread_due(house.runtime)
    assert subjects(house, connection) == ["CN=old", "CN=new"]
    now = connections.get_connection(house.runtime, house.owner, connection.id).connection.idp
    assert now.sso_redirect_url == metadata.SSO_URL
    waiting = following(house, connection)
    assert (waiting.found is None) is dismissed
    assert actions(house)[-1] == "identity_provider.metadata_applied"
    documents.document = on_new_host("new")
    later(house, READ_EVERY)
    reread_due(house.runtime)
    waiting = following(house, connection)
    assert waiting.found is not None
    assert waiting.difference is not None
    assert [one.subject for one in waiting.difference.removed] == ["CN=old"]
    assert subjects(house, connection) == ["CN=old", "CN=new"]
    rollover.approve_change(house.runtime, house.owner, connection.id, waiting.found.digest)
    assert subjects(house, connection) == ["CN=new"]


def test_certificates_of_another_entity_or_beside_a_further_change_or_where_all_waits_are_not_put_into_use(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    moved_host(house, documents, connection, dismissed=True)
    further = on_new_host("old", "new").replace("https://other.example", "https://third.example")
    for document in (further, further.replace(metadata.ENTITY_ID, "https://other.example/metadata")):
        documents.document = document
        later(house, READ_EVERY)
        reread_due(house.runtime)
        assert subjects(house, connection) == ["CN=old"]
        found = following(house, connection).found
        assert found is not None
        rollover.dismiss_change(house.runtime, house.owner, connection.id, found.digest)
    rollover.set_applies_changes(house.runtime, house.owner, connection.id, applies=False)
    documents.document = on_new_host("old")
    later(house, READ_EVERY)
    reread_due(house.runtime)
    documents.document = on_new_host("old", "newest")
    later(house, READ_EVERY)
    reread_due(house.runtime)
    assert subjects(house, connection) == ["CN=old"]
    assert following(house, connection).found is not None


def test_metadata_whose_change_waits_or_was_dismissed_counts_as_read(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    moved_host(house, documents, connection, dismissed=True)
    for _ in range(2):
        facts = connections.get_connection(house.runtime, house.owner, connection.id)
        assert facts.connection.idp.metadata_read_at == house.clock()
        later(house, READ_EVERY)
        reread_due(house.runtime)


def test_an_approval_of_what_was_superseded_is_refused(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    documents.document = metadata.idp_metadata("https://other.example")
    reread_due(house.runtime)
    seen = following(house, connection).found
    assert seen is not None
    documents.document = metadata.idp_metadata("https://attacker.example")
    later(house, READ_EVERY)
    reread_due(house.runtime)
    for decide in (rollover.approve_change, rollover.dismiss_change):
        with pytest.raises(Conflict):
            decide(house.runtime, house.owner, connection.id, seen.digest)
    assert subjects(house, connection) == ["CN=old"]


def test_a_change_that_the_metadata_took_back_waits_no_longer(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    before = documents.document
    documents.document = metadata.idp_metadata("https://other.example")
    reread_due(house.runtime)
    documents.document = before
    later(house, READ_EVERY)
    reread_due(house.runtime)
    assert following(house, connection).found is None


def test_one_of_all_who_ask_at_once_may_read_and_nobody_again_before_five_minutes(
    house: House, connection: Connection
) -> None:
    def claim() -> bool:
        with house.runtime.database.transaction() as tx:
            return metadata_readings.claim_reading(tx, house.workspace.id, connection.idp.id, house.clock())

    assert [claim(), claim()] == [True, False]
    later(house, ASK_AGAIN_AFTER - timedelta(microseconds=1))
    assert claim() is False
    later(house, timedelta(microseconds=1))
    assert claim() is True


def test_an_older_document_that_comes_late_does_not_undo_what_a_newer_one_brought(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("new"))
    reread_due(house.runtime)
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("old"))
    # What the slow reader had loaded before the newer reading was over.
    assert reread(house.runtime, connection.idp, system()) is Reread.REPLACED
    assert subjects(house, connection) == ["CN=new"]


HOSTILE = {
    "huge": ("<EntityDescriptor" + " " * (3 * 1024 * 1024) + "/>", "2 MiB"),
    "a_page": ("<!doctype html><title>Sign in</title>", "web page"),
    "json": ('{"issuer": "https://idp.example"}', "JSON"),
    "nothing": ("", "nothing here"),
    "not_xml": ("<EntityDescriptor", "well-formed"),
    "a_dtd": ('<!DOCTYPE x [<!ENTITY a "b">]>' + metadata.idp_metadata(), "DTD"),
    "several_others": (
        metadata.aggregate(metadata.idp_metadata("urn:a"), metadata.idp_metadata("urn:b")),
        "none of them has the entity ID",
    ),
    "ourselves": (
        metadata.idp_metadata().replace("IDPSSODescriptor", "SPSSODescriptor"),
        "service provider",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_document_that_can_not_be_used_changes_nothing_and_says_why(
    house: House, documents: metadata.Documents, connection: Connection, kind: str
) -> None:
    documents.document, said = HOSTILE[kind]
    assert reread_due(house.runtime) == 1
    followed = following(house, connection)
    assert followed.reading.failures == 1
    assert said in (followed.reading.failure or "")
    assert followed.found is None
    assert subjects(house, connection) == ["CN=old"]
    assert actions(house) == ["identity_provider.metadata_unreadable"]


def test_a_server_that_never_comes_to_the_point_is_left_and_the_next_one_is_read(
    house: House, documents: metadata.Documents, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.3)
    documents.pause_seconds = 1.0
    with metadata.serving_documents() as others:
        others.document = metadata.idp_metadata("urn:other", metadata.certificate_pem("other"))
        values = understand(house, TypedIdp("url", metadata_url=others.url))
        other = draft(house, name="Other", domains="other.example")
        idp_values.save_idp_values(house.runtime, house.owner, other.id, values)
        others.document = metadata.idp_metadata("urn:other", metadata.certificate_pem("newer"))
        assert reread_due(house.runtime) == 2
        assert subjects(house, other) == ["CN=newer"]
    assert "did not give a document" in (following(house, connection).reading.failure or "")
    assert subjects(house, connection) == ["CN=old"]


def test_a_defect_at_one_idp_is_logged_and_put_off_and_the_others_are_read(
    house: House, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with metadata.serving_documents() as others:
        others.document = metadata.idp_metadata("urn:other", metadata.certificate_pem("other"))
        values = understand(house, TypedIdp("url", metadata_url=others.url))
        other = draft(house, name="Other", domains="other.example")
        idp_values.save_idp_values(house.runtime, house.owner, other.id, values)
        others.document = metadata.idp_metadata("urn:other", metadata.certificate_pem("newer"))

        def stumble(runtime: Runtime, idp: IdentityProvider) -> Understood:
            if idp.id == connection.idp.id:
                raise RecursionError
            return read_metadata(runtime, idp)

        monkeypatch.setattr(rereading, "read_metadata", stumble)
        with capture_logs() as logs:
            assert reread_due(house.runtime) == 2
        assert subjects(house, other) == ["CN=newer"]
    assert [one["idp"] for one in logs if one["event"] == "reading metadata stumbled"] == [connection.idp.id]
    reading = following(house, connection).reading
    assert (reading.failures, reading.due_at) == (1, house.clock() + RETRY_AFTER[0])
    assert "unexpected" in (reading.failure or "")
    assert actions(house) == ["identity_provider.metadata_unreadable", "identity_provider.metadata_applied"]


SIGNER = forge.key("metadata")


def signed(document: str, key: str = "metadata", attributes: str = "") -> str:
    return forge.sign_xml(
        document.replace(" entityID", f' ID="_m"{attributes} entityID', 1), "_m", forge.Signing(key=forge.key(key))
    ).decode()


@pytest.fixture
def pinned(house: House, documents: metadata.Documents) -> Connection:
    house.clock.frozen = datetime.now(UTC)
    documents.document = signed(metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("old")))
    typed = TypedIdp("url", metadata_url=documents.url, metadata_certificate=SIGNER.certificate_pem)
    return idp_values.save_idp_values(house.runtime, house.owner, draft(house).id, understand(house, typed))


def test_signed_metadata_is_followed_and_its_certificate_shown(
    house: House, documents: metadata.Documents, pinned: Connection
) -> None:
    documents.document = signed(metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("new")))
    reread_due(house.runtime)
    assert subjects(house, pinned) == ["CN=new"]
    facts = connections.get_connection(house.runtime, house.owner, pinned.id)
    assert facts.connection.idp.metadata_certificate == SIGNER.certificate_der
    shown = following(house, facts.connection).signed_by
    assert shown is not None
    assert shown.fingerprint == hashlib.sha256(SIGNER.certificate_der).digest().hex(":").upper()


NEW = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("new"))
REFUSED = {
    "unsigned": (NEW, "not signed as a whole"),
    "wrapped": (metadata.aggregate(signed(NEW)), "not signed as a whole"),
    "another_key": (signed(NEW, "evil"), "does not pass"),
    "changed_since": (signed(NEW).replace("https://idp.example/sso", "https://idp.example/other"), "does not pass"),
    "run_out": (signed(NEW, attributes=' validUntil="2020-01-01T00:00:00Z"'), "valid until 2020"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_pinned_certificate_did_not_sign_is_refused_and_the_old_values_stay(
    house: House, documents: metadata.Documents, pinned: Connection, kind: str
) -> None:
    documents.document, said = REFUSED[kind]
    assert reread_due(house.runtime) == 1
    assert subjects(house, pinned) == ["CN=old"]
    assert following(house, pinned).found is None
    assert said in (following(house, pinned).reading.failure or "")
    assert actions(house) == ["identity_provider.metadata_unreadable"]
    with pytest.raises(Invalid) as caught:
        idp_values.read_metadata_again(house.runtime, house.owner, pinned.id)
    assert said in str(caught.value.errors[0])
    typed = TypedIdp("url", metadata_url=documents.url, metadata_certificate=SIGNER.certificate_pem)
    with pytest.raises(Invalid):
        understand(house, typed)


@pytest.mark.parametrize("typed", ["nonsense", "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_certificate_is_not_pinned(house: House, documents: metadata.Documents, typed: str) -> None:
    with pytest.raises(Invalid) as caught:
        understand(house, TypedIdp("url", metadata_url=documents.url, metadata_certificate=typed))
    assert [one.field for one in caught.value.errors] == ["metadata_certificate"]
    assert documents.asked == 0


@pytest.mark.parametrize(
    ("attributes", "due_in"),
    [(' cacheDuration="PT3H"', timedelta(hours=3)), (' cacheDuration="PT5M"', SOONEST), (' cacheDuration="P9D"', None)],
)
def test_metadata_says_itself_when_it_is_read_next_within_bounds(
    house: House, documents: metadata.Documents, connection: Connection, attributes: str, due_in: timedelta | None
) -> None:
    documents.document = documents.document.replace(" entityID", f"{attributes} entityID", 1)
    reread_due(house.runtime)
    due_at = following(house, connection).reading.due_at
    assert due_at == (next_reading(connection.idp.id, house.clock()) if due_in is None else house.clock() + due_in)


def test_metadata_that_ends_soon_is_read_again_when_it_ends(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    end = (house.clock() + timedelta(hours=2)).replace(microsecond=0)
    documents.document = documents.document.replace(" entityID", f' validUntil="{forge.instant(end)}" entityID', 1)
    reread_due(house.runtime)
    assert following(house, connection).reading.due_at == end


def test_a_failure_that_nobody_scheduled_puts_nothing_off(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    reread_due(house.runtime)
    documents.status = 500
    for _ in range(3):
        with pytest.raises(Invalid):
            reread(house.runtime, connection.idp, system())
        reading = following(house, connection).reading
        assert (reading.failures, reading.due_at) == (0, house.clock() + RETRY_AFTER[0])
        assert reading.failing_since is not None
    assert actions(house) == ["identity_provider.metadata_unreadable"]


def test_two_who_fail_at_once_note_one_outage(
    house: House, documents: metadata.Documents, connection: Connection
) -> None:
    documents.status, documents.pause_seconds = 500, 0.2

    def fail() -> None:
        with pytest.raises(Invalid):
            reread(house.runtime, connection.idp, system())

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(fail) for _ in range(4)]:
            done.result()
    assert actions(house) == ["identity_provider.metadata_unreadable"]


def test_a_round_ends_in_time_and_the_rest_comes_in_the_next_one(
    house: House, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connection.idp.metadata_url
    monkeypatch.setattr(rereading, "ROUND_SECONDS", 0.0)
    assert reread_due(house.runtime) == 0
    assert rereading.is_more_due(house.runtime)
    monkeypatch.setattr(rereading, "ROUND_SECONDS", 20.0)
    assert reread_due(house.runtime) == 1
    assert not rereading.is_more_due(house.runtime)


def test_the_order_of_certificates_is_no_other_digest(connection: Connection) -> None:
    values = values_of(connection.idp)
    assert values is not None
    both = (*values.certificates, replace(values.certificates[0], fingerprint="00"))
    assert digest_of(replace(values, certificates=both)) == digest_of(replace(values, certificates=both[::-1]))
    assert digest_of(replace(values, metadata_certificate=b"x")) != digest_of(values)
