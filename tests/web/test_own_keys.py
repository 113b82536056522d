"""Keys of ours that another secret key has sealed, over HTTP, on both engines: no error page, and what to do instead."""

from __future__ import annotations

import pytest
from sqlalchemy import Table

from tests.support import sign_ins
from tests.support.house import Client, Server
from tests.support.logging_out import BOTH
from vestibule.directory.activity import ActivityFilter, ActorKind, Entry, Outcome
from vestibule.flows.parts.saml_keys import usable_keys
from vestibule.kernel.secrets import Sealer
from vestibule.storage import activity
from vestibule.storage.tables import saml_keys, saml_requests, sessions

WHAT_TO_DO = "Ask the operator to run “vestibule doctor”, which says what to do."


def seal_anew(server: Server) -> None:
    """Seal the keys with another secret key, as they are after a restore to a server that has not the old one."""
    runtime = server.house.runtime
    other = Sealer("another secret key than the one of this server")
    for key in usable_keys(runtime, server.house.workspace.id):
        row = f"saml_keys/{key.id}"
        sealed = other.seal(runtime.sealer.open(key.sealed_private_key, row), row)
        with runtime.database.transaction() as tx:
            tx.execute(saml_keys.update().where(saml_keys.c.id == key.id).values(sealed_private_key=sealed))


def admin(server: Server) -> Client:
    client = server.client()
    client.sign_in()
    return client


def rows(server: Server, table: Table) -> int:
    with server.house.runtime.database.reading() as tx:
        return len(tx.execute(table.select()).all())


def acts(server: Server, action: str) -> list[Entry]:
    with server.house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix=action)
        return list(activity.page(tx, server.house.workspace.id, wanted, before=None, after=None, size=20))


def test_a_test_sign_in_that_must_be_signed_says_what_to_do_and_begins_nothing(server: Server) -> None:
    connection = sign_ins.connect(server.house, sign_requests=True)
    client = admin(server)
    path = f"/admin/connections/{connection.id}"
    client.get(path)
    sign_ins.read_request(client.post(f"{path}/test"))
    assert rows(server, saml_requests) == 1
    seal_anew(server)
    client.get(path)
    page = client.post(f"{path}/test")
    assert page.status_code == 500
    assert WHAT_TO_DO in page.text
    assert rows(server, saml_requests) == 1
    (entry,) = acts(server, "connection.test")
    assert (entry.event.action, entry.event.outcome) == ("connection.test_not_begun", Outcome.REFUSED)
    assert (entry.event.connection_id, entry.actor.kind) == (connection.id, ActorKind.ADMIN)
    assert (entry.event.details["code"], entry.event.details["draft"]) == ("own_key_unreadable", False)
    shown = client.get(f"/admin/activity/{entry.id}").text
    assert "wanted to test the sign-in of Okta Dev, which could not begin" in shown
    assert "This is not about the identity provider" in shown


def test_a_test_sign_in_that_needs_no_signature_needs_no_key(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    seal_anew(server)
    client = admin(server)
    path = f"/admin/connections/{connection.id}"
    client.get(path)
    assert sign_ins.read_request(client.post(f"{path}/test")).request_id


def test_signed_metadata_says_what_to_do_and_unsigned_metadata_is_had_all_the_same(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client, path = server.client(), f"/saml/{connection.id}/metadata"
    assert client.get(f"{path}?signed=1").status_code == 200
    seal_anew(server)
    page = client.get(f"{path}?signed=1")
    assert page.status_code == 500
    assert WHAT_TO_DO in page.text
    assert b"EntityDescriptor" not in page.content
    assert client.get(path).status_code == 200


def test_the_console_rotates_keys_that_do_not_open_at_once_or_not_at_all(server: Server) -> None:
    seal_anew(server)
    client = admin(server)
    path = "/admin/settings/keys/rotate"
    client.get(path)
    page = client.post(path, {"overlap_days": "14"})
    assert page.status_code == 422
    assert "The keys were not rotated" in page.text
    assert "Give the server the secret key that it had" in page.text
    assert client.post(path, {"overlap_days": "0"}).status_code == 303
    connection = sign_ins.connect(server.house)
    assert client.get(f"/saml/{connection.id}/metadata?signed=1").status_code == 200


@pytest.mark.parametrize("readable", [True, False])
def test_signing_out_ends_the_session_here_and_the_record_says_why_the_idp_was_not_told(
    server: Server, readable: bool
) -> None:
    connection = sign_ins.connect(server.house, logout=BOTH)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client, "grace@example.com")
    data = sign_ins.answer(server, connection, started.request_id, "grace@example.com")
    assert sign_ins.post(client, connection, data, started.relay_state).status_code == 303
    if not readable:
        seal_anew(server)
    client.get("/e/dev/")
    left = client.post("/e/dev/sign-out")
    assert rows(server, sessions) == 0
    entries = acts(server, "end_user.signed_out_at_idp")
    if readable:
        assert not entries
        return
    assert left.headers["location"] == "/e/dev/sign-in?signed_out=1"
    (entry,) = entries
    assert (entry.event.outcome, entry.event.details["code"]) == (Outcome.REFUSED, "own_key_unreadable")
    assert str(entry.event.details["reason"]).startswith("could not open the seal of saml_keys/")
    page = admin(server).get(f"/admin/activity/{entry.id}")
    assert page.status_code == 200
    assert "vestibule doctor" in page.text
    assert "The person is signed out here, and perhaps not at the identity provider" in page.text
    assert "the message" not in page.text.lower(), "nothing arrived that could be in order"
