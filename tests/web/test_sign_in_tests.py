"""Test sign-in over HTTP, on both engines: it shows everything, makes nothing, and can't be confused with a sign-in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.saml import forge
from tests.saml.forge_encryption import Encryption, encrypted_response
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.directory.connections import Connection
from vestibule.flows.parts.saml_keys import decryption_keys
from vestibule.storage import connections
from vestibule.storage.tables import (
    activity,
    end_users,
    identity_links,
    identity_providers,
    idp_certificates,
    knocks,
    saml_keys,
    saml_requests,
    sessions,
)


def admin(server: Server) -> Client:
    client = server.client()
    client.sign_in()
    return client


def begin(client: Client, connection: Connection, **form: str) -> sign_ins.Started:
    path = f"/admin/connections/{connection.id}"
    client.get(path)
    return sign_ins.read_request(client.post(f"{path}/set-up" if form else f"{path}/test", form))


def shown(client: Client, answered: httpx.Response) -> str:
    assert answered.status_code == 303, answered.text
    page = client.get(answered.headers["location"])
    assert page.status_code == 200, page.text
    return str(page.text)


def run(server: Server, client: Client, connection: Connection, **changes: Any) -> str:
    started = begin(client, connection)
    data = sign_ins.answer(server, connection, started.request_id, **changes)
    return shown(client, sign_ins.post(client, connection, data, started.relay_state))


def made(server: Server) -> dict[str, int]:
    with server.house.runtime.database.reading() as tx:
        return {
            table.name: len(tx.execute(select(table)).all()) for table in (sessions, end_users, identity_links, knocks)
        }


def failed(page: str) -> list[str]:
    return re.findall(r'class="v-failed".*?<span class="v-person">([^<]*)', page, re.DOTALL)


def test_a_good_response_shows_every_check_and_makes_neither_session_nor_account_nor_link_nor_knock(
    server: Server,
) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = admin(server)
    before = made(server)
    known = run(server, client, connection)
    assert "every check passed" in known
    assert "would be signed in to their account, found by e-\u2060mail" in known
    assert "Attributes as received" in known
    stranger = run(server, client, connection, email="eve@example.com")
    assert "there is no account with this e-\u2060mail address" in stranger
    outside = run(server, client, connection, email="eve@elsewhere.example")
    assert "not enforced for the domain" in outside
    assert made(server) == before
    assert "vestibule_env_dev" not in str(client.http.cookies)
    with server.house.runtime.database.reading() as tx:
        rows = tx.execute(select(activity).where(activity.c.action == "connection.tested")).all()
    assert [row.actor_name for row in rows] == [server.house.owner.admin.name] * 3
    assert not any("example.com" in str(row.details) for row in rows)


@pytest.mark.parametrize("state", ["pending", "disabled"])
def test_it_works_while_the_connection_signs_nobody_in(server: Server, state: str) -> None:
    connection = sign_ins.connect(server.house, switched_on=False)
    with server.house.runtime.database.transaction() as tx:
        changes: dict[str, Any] = {"provisioning": None} if state == "pending" else {"disabled": True}
        connections.update_connection(tx, server.house.workspace.id, connection.id, **changes)
    page = run(server, admin(server), connection)
    assert "every check passed" in page
    assert "now it signs nobody in" in page


def test_all_that_is_wrong_is_said_with_what_to_change_and_nothing_of_it_is_markup(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client = admin(server)
    page = run(server, client, connection, audiences=(("https://other.example",),), destination="https://else.example")
    assert failed(page) == ["Destination", "Audience"]
    assert "What to change in Okta" in page
    assert "<mark>" in page
    refused = run(
        server,
        client,
        connection,
        status="urn:oasis:names:tc:SAML:2.0:status:Responder",
        status_message="<script>alert(1)</script>\u202eno",
    )
    assert "&lt;script&gt;" in refused
    assert "<script>alert" not in refused
    assert "\u202e" not in refused
    tampered_request = begin(client, connection)
    data = sign_ins.answer(server, connection, tampered_request.request_id)
    answered = sign_ins.post(client, connection, data.replace(b"Grace", b"Eve__"), tampered_request.relay_state)
    assert "Attributes as claimed, unverified" in shown(client, answered)


@pytest.mark.parametrize(("seconds_left", "good"), [(1, True), (0, False), (-60, False)])
def test_a_session_that_has_ended_at_the_idp_passes_neither_a_test_nor_a_sign_in(
    server: Server, seconds_left: int, good: bool
) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    ends = forge.instant(server.house.clock.freeze() + timedelta(seconds=seconds_left))
    page = run(server, admin(server), connection, session_not_on_or_after=ends)
    assert failed(page) == ([] if good else ["Session at the identity provider"])
    client = server.client()
    data = sign_ins.answer(server, connection, sign_ins.start(client).request_id, session_not_on_or_after=ends)
    answered = sign_ins.post(client, connection, data)
    assert answered.status_code == (303 if good else 403)
    assert ("Max-Age=1;" in answered.headers["set-cookie"]) if good else made(server)["sessions"] == 0


@pytest.mark.parametrize("request_id", [None, "_unknown"])
def test_an_answer_that_names_no_request_is_a_result_when_relay_state_brings_the_test_back(
    server: Server, request_id: str | None
) -> None:
    connection = sign_ins.connect(server.house)
    client = admin(server)
    started = begin(client, connection)
    data = sign_ins.answer(server, connection, request_id)
    page = shown(client, sign_ins.post(client, connection, data, started.relay_state))
    assert failed(page)[0] == "Response is for a sign-in we started"
    garbled = begin(client, connection)
    headers = {"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site"}
    fields = {"SAMLResponse": "%%%", "RelayState": garbled.relay_state}
    assert "would be refused" in shown(
        client, client.http.post(f"/saml/{connection.id}/acs", data=fields, headers=headers)
    )


def test_a_test_counts_once_and_its_assertion_can_not_be_replayed_as_a_sign_in(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = admin(server)
    started = begin(client, connection)
    good = sign_ins.answer(server, connection, started.request_id)
    address = sign_ins.post(client, connection, good, started.relay_state).headers["location"]
    bad = sign_ins.answer(server, connection, started.request_id, audiences=(("https://other.example",),))
    assert sign_ins.post(client, connection, bad, started.relay_state).headers["location"] == address
    assert "every check passed" in client.get(address).text
    # The same assertion ID at a real sign-in.
    person = server.client()
    real = sign_ins.start(person)
    assertion_id = re.search(rb'Assertion [^>]*ID="([^"]+)"', good)
    assert assertion_id is not None
    again = sign_ins.answer(server, connection, real.request_id, assertion_id=assertion_id[1].decode())
    assert "works once" in sign_ins.post(person, connection, again, real.relay_state).text


def test_a_real_answer_never_lands_on_a_test_and_the_reverse(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = admin(server)
    test = begin(client, connection)
    real = sign_ins.start(client)
    # The RelayState of the other does not change whose answer it is.
    data = sign_ins.answer(server, connection, real.request_id)
    assert sign_ins.post(client, connection, data, test.relay_state).headers["location"] == "/e/dev/"
    data = sign_ins.answer(server, connection, test.request_id)
    answered = sign_ins.post(client, connection, data, real.relay_state)
    assert answered.headers["location"] == f"/admin/connections/{connection.id}/tests/{test.request_id}"


def test_only_the_browser_and_the_console_session_that_began_a_test_have_its_result(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client, other = admin(server), admin(server)
    started = begin(client, connection)
    data = sign_ins.answer(server, connection, started.request_id)
    stolen = sign_ins.post(other, connection, data, started.relay_state)
    assert (stolen.status_code, "not started in this browser" in stolen.text) == (403, True)
    address = sign_ins.post(client, connection, data, started.relay_state).headers["location"]
    assert client.get(address).status_code == 200
    assert other.get(address).status_code == 404
    assert server.client().get(address).headers["location"].startswith("/admin/sign-in")
    server.house.clock.advance(minutes=31)
    assert client.get(address).status_code == 404


def test_a_test_ends_with_time_and_with_the_session(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client = admin(server)
    late = begin(client, connection)
    server.house.clock.advance(minutes=10)
    data = sign_ins.answer(server, connection, late.request_id)
    assert sign_ins.post(client, connection, data, late.relay_state).status_code == 403
    started = begin(client, connection)
    client.get("/admin/me")
    client.post("/admin/sign-out")
    data = sign_ins.answer(server, connection, started.request_id)
    assert sign_ins.post(client, connection, data, started.relay_state).status_code == 403
    with server.house.runtime.database.reading() as tx:
        assert tx.execute(select(saml_requests)).all() == []


def test_tested_values_that_another_provider_has_are_shown_whole_until_that_is_settled(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client = admin(server)
    draft = {
        "has_url": "no",
        "way": "values",
        "sso_url": "https://next.example/sso",
        "binding": "redirect",
        "entity_id": "https://next.example",
        "slo_url": "https://next.example/slo",
        "certificate": forge.key("next").certificate_pem,
    }
    started = begin(client, connection, **draft, act="test")
    issuers: dict[str, Any] = {"response_issuer": "https://next.example", "assertion_issuer": "https://next.example"}
    answer = sign_ins.answer(server, connection, started.request_id, key="next", **issuers)
    shown(client, sign_ins.post(client, connection, answer, started.relay_state))
    other = sign_ins.connect(server.house, "test", name="Next")
    client.get(f"/admin/connections/{other.id}/set-up")
    saved = client.post(f"/admin/connections/{other.id}/set-up", {**draft, "act": "save", "keep_apart": "on"})
    assert saved.status_code == 303
    path = f"/admin/connections/{connection.id}/set-up"
    refused = client.post(path, {"act": "use_tested", "test": started.request_id})
    assert refused.status_code == 422
    assert re.search(r'name="slo_url"[^>]* value="https://next.example/slo"', refused.text)


def test_a_draft_is_tested_before_it_replaces_what_is_in_use(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client = admin(server)
    draft = {
        "act": "test",
        "has_url": "no",
        "way": "values",
        "sso_url": "https://next.example/sso",
        "binding": "redirect",
        "entity_id": "https://next.example",
        "certificate": forge.key("next").certificate_pem,
    }
    started = begin(client, connection, **draft)
    assert started.url.startswith("https://next.example/sso?")
    wrong = sign_ins.answer(server, connection, started.request_id)
    page = shown(client, sign_ins.post(client, connection, wrong, started.relay_state))
    assert "Try other values" in page
    assert set(failed(page)) == {"Issuer", "Signature"}
    assert "Use these values" not in page
    form = {"act": "use_tested", "test": started.request_id}
    path = f"/admin/connections/{connection.id}/set-up"
    assert client.post(path, form).status_code == 404
    started = begin(client, connection, **draft)
    issuers: dict[str, Any] = {"response_issuer": "https://next.example", "assertion_issuer": "https://next.example"}
    right = sign_ins.answer(server, connection, started.request_id, key="next", **issuers)
    assert "Use these values" in shown(client, sign_ins.post(client, connection, right, started.relay_state))
    with server.house.runtime.database.reading() as tx:
        unchanged = connections.load_connection(tx, connection.id)
    assert unchanged is not None
    assert unchanged.idp.entity_id == connection.idp.entity_id
    assert admin(server).post(path, {"act": "use_tested", "test": started.request_id}).status_code == 404
    assert client.post(path, {"act": "use_tested", "test": started.request_id}).status_code == 303
    with server.house.runtime.database.reading() as tx:
        changed = connections.load_connection(tx, connection.id)
    assert changed is not None
    assert changed.idp.entity_id == "https://next.example"


@pytest.mark.parametrize(
    "taken_away",
    [identity_providers.update().values(sso_redirect_url=None, sso_post_url=None), idp_certificates.delete()],
)
def test_a_connection_without_what_a_sign_in_needs_begins_no_test_and_that_is_on_the_record(
    server: Server, taken_away: Any
) -> None:
    connection, client = sign_ins.connect(server.house), admin(server)

    def not_begun() -> list[Any]:
        with server.house.runtime.database.reading() as tx:
            wanted = select(activity).where(activity.c.action == "connection.test_not_begun")
            return list(tx.execute(wanted).all())

    begin(client, connection)
    assert not_begun() == [], "a test that begins is on the record when it ends"
    with server.house.runtime.database.transaction() as tx:
        tx.execute(taken_away)
    client.get(f"/admin/connections/{connection.id}")
    page = client.post(f"/admin/connections/{connection.id}/test")
    assert page.status_code == 409
    assert "There is nothing to test yet" in page.text
    (entry,) = not_begun()
    assert (entry.outcome, entry.connection_id) == ("refused", connection.id)
    assert entry.details == {
        "draft": False,
        "code": "connection_pending",
        "check": "connection",
        "reason": "entity ID, sign-on URL or certificate of the identity provider is missing",
    }
    shown = client.get(f"/admin/activity/{entry.id}").text
    assert "which could not begin" in shown
    assert "The connection is not finished" in shown


def test_a_key_of_ours_that_does_not_open_is_asked_for_only_by_what_is_encrypted_and_is_a_refusal_then(
    server: Server,
) -> None:
    connection = sign_ins.connect(server.house)
    client = admin(server)
    (key,) = decryption_keys(server.house.runtime, server.house.workspace.id)
    ours = replace(forge.key("sp"), private_key=key.private_key)
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_keys.update().values(sealed_private_key=b"broken"))
    assert "every check passed" in run(server, client, connection)
    started = begin(client, connection)
    recipe = sign_ins.recipe(server, connection, started.request_id)
    data = encrypted_response(recipe, "assertion", Encryption(key=ours), forge.Signing(key=forge.key("idp")))
    page = sign_ins.post(client, connection, data, started.relay_state)
    assert page.status_code == 403
    assert "This server can’t use a key of its own" in page.text
    entry = client.get(f"/admin/activity?q={sign_ins.reference_in(page.text)}")
    assert entry.status_code in {200, 303}
    assert client.get(f"/admin/connections/{connection.id}/tests/{started.request_id}").status_code == 404
