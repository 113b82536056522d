"""An identity provider changes its key: the first sign-in with the new one has the metadata read, once for all, and goes through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from tests.saml import forge
from tests.support import metadata, sign_ins
from tests.support.house import Server
from tests.support.logging_out import message, send
from vestibule.directory.connections import Connection
from vestibule.flows.parts.rereading import reread_due
from vestibule.storage import connections
from vestibule.storage.tables import identity_providers as idps


def pem_of(key: str) -> str:
    return forge.key(key).certificate_pem


@pytest.fixture
def documents() -> Iterator[metadata.Documents]:
    with metadata.serving_documents() as served:
        yield served


@pytest.fixture
def connection(server: Server, documents: metadata.Documents) -> Connection:
    made = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    documents.document = rolled("idp", "other")
    with server.house.runtime.database.transaction() as tx:
        tx.execute(update(idps).where(idps.c.id == made.idp.id).values(metadata_url=documents.url))
    return made


def rolled(*keys: str, entity_id: str = sign_ins.IDP_ENTITY_ID) -> str:
    return metadata.idp_metadata(entity_id, *map(pem_of, keys), sso_url=sign_ins.SSO_URL.partition("?")[0])


def come(server: Server, connection: Connection, key: str = "other") -> httpx.Response:
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id, key=key)
    return sign_ins.post(client, connection, data, started.relay_state)


def test_a_sign_in_with_the_new_key_goes_through_and_the_old_one_still_does(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    assert come(server, connection).status_code == 303
    assert come(server, connection, key="idp").status_code == 303
    assert documents.asked == 1


def test_many_at_the_instant_of_the_rollover_share_one_reading(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(come(server, connection).status_code)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [303] * 6
    assert documents.asked == 1


def test_a_key_that_the_metadata_does_not_know_is_refused_and_asked_about_once_in_five_minutes(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    documents.document = rolled("idp")
    assert [come(server, connection).status_code for _ in range(3)] == [403] * 3
    assert documents.asked == 1
    server.house.clock.offset += timedelta(minutes=5)
    assert come(server, connection).status_code == 403
    assert documents.asked == 2


@pytest.mark.parametrize("status", [500, 404])
def test_metadata_that_can_not_be_read_refuses_the_sign_in_as_before(
    server: Server, documents: metadata.Documents, connection: Connection, status: int
) -> None:
    documents.status = status
    assert come(server, connection).status_code == 403
    assert come(server, connection, key="idp").status_code == 303


def test_metadata_that_moved_to_another_entity_lets_nobody_in(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    documents.document = rolled("other", entity_id="https://attacker.example")
    assert come(server, connection).status_code == 403


def test_a_sign_in_with_the_new_key_goes_through_while_another_change_of_the_metadata_waits(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    moved = documents.document.replace(sign_ins.SSO_URL.partition("?")[0], "https://elsewhere.example/sso")
    documents.document = rolled("idp").replace(sign_ins.SSO_URL.partition("?")[0], "https://elsewhere.example/sso")
    reread_due(server.house.runtime)
    assert come(server, connection, key="idp").status_code == 303
    documents.document = moved
    assert come(server, connection).status_code == 303
    assert come(server, connection, key="idp").status_code == 303


def test_an_unasked_response_of_the_new_key_goes_through_where_those_are_accepted_after_one_reading(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    def arrive(key: str, **changes: Any) -> int:
        data = sign_ins.answer(server, connection, None, key=key, **changes)
        return sign_ins.post(server.client(), connection, data).status_code

    with server.house.runtime.database.transaction() as tx:
        connections.update_connection(tx, server.house.workspace.id, connection.id, idp_initiated="accept")
    assert arrive("other", response_issuer="https://other.example") == 403
    assert documents.asked == 0
    assert [arrive("other"), arrive("idp"), arrive("evil"), arrive("evil")] == [303, 303, 403, 403]
    assert documents.asked == 1


def test_what_is_refused_for_its_form_or_asked_by_nobody_fetches_nothing(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id, key="other")
    known = sign_ins.answer(server, connection, started.request_id)
    for hostile in (
        known.replace(b"<saml:Assertion", b"<saml:Assertion x:y='1' xmlns:x='urn:x'", 1),
        known.replace(b"Okafor", b"Hopper"),
        b"<!DOCTYPE x>" + data,
    ):
        assert sign_ins.post(client, connection, hostile).status_code in {400, 403}
    elsewhere = server.client()
    elsewhere.get("/e/dev/sign-in")
    assert sign_ins.post(elsewhere, connection, data).status_code == 403
    assert documents.asked == 0


def test_a_response_that_does_not_say_whose_it_is_fetches_nothing(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    for issuer in (None, "https://other.example"):
        client = server.client()
        started = sign_ins.start(client)
        data = sign_ins.answer(server, connection, started.request_id, key="other", response_issuer=issuer)
        assert sign_ins.post(client, connection, data, started.relay_state).status_code == 403
    assert documents.asked == 0


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_logout_message_of_the_new_key_is_obeyed_after_one_reading_for_all(
    server: Server, documents: metadata.Documents, connection: Connection, binding: str
) -> None:
    assert come(server, connection, key="idp").status_code == 303
    unknown = send(server.client(), connection, message(server, connection), binding, key="evil")
    assert unknown.status_code == 403
    assert documents.asked == 1
    server.house.clock.offset += timedelta(minutes=5)
    documents.document = rolled("other", "another")
    assert come(server, connection, key="other").status_code == 303
    ended = send(server.client(), connection, message(server, connection), binding, key="another")
    assert ended.status_code == 200
    assert documents.asked == 2


def test_a_posted_logout_message_of_somebody_else_fetches_nothing(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    for theirs in (message(server, connection, issuer="urn:other"), message(server, connection, issuer=None)):
        assert send(server.client(), connection, theirs, "post", key="other").status_code == 403
    assert documents.asked == 0


def test_a_test_sign_in_with_the_new_key_passes_as_a_sign_in_does(
    server: Server, documents: metadata.Documents, connection: Connection
) -> None:
    client = server.client()
    client.sign_in()
    path = f"/admin/connections/{connection.id}"
    client.get(path)
    started = sign_ins.read_request(client.post(f"{path}/test", {}))
    data = sign_ins.answer(server, connection, started.request_id, key="other")
    answered = sign_ins.post(client, connection, data, started.relay_state)
    assert 'class="v-failed"' not in client.get(answered.headers["location"]).text
    assert documents.asked == 1
