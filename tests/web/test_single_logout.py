"""Single Logout over HTTP, on both engines: from here, from the identity provider, and whatever the two do wrong."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import httpx
import pytest
from lxml import etree
from sqlalchemy import func, select

from tests.saml import forge, forge_logout
from tests.saml.forge_encryption import Encryption, encrypt
from tests.support import sign_ins
from tests.support.house import Client, Server, TestClock
from tests.support.logging_out import BOTH, POST, REDIRECT, SLO, SLO_DONE, message, read, send
from vestibule.directory.activity import ActivityFilter, Entry, Outcome
from vestibule.directory.connections import Connection, LogoutEndpoints, slo_url
from vestibule.directory.sessions import IdpName
from vestibule.flows import connections as connection_flows
from vestibule.flows.parts.saml_keys import decryption_keys
from vestibule.storage import activity
from vestibule.storage.connections import load_connection
from vestibule.storage.sweeping import sweep
from vestibule.storage.tables import logout_requests, saml_assertions, saml_keys, sessions

BINDINGS = pytest.mark.parametrize("binding", ["redirect", "post"])
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
PARTIAL = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"


def count(server: Server, table: Any = sessions) -> int:
    with server.house.runtime.database.reading() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def acts(server: Server, prefix: str) -> list[Entry]:
    with server.house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix=prefix)
        return list(activity.page(tx, server.house.workspace.id, wanted, before=None, after=None, size=20))


def signed_in(server: Server, logout: LogoutEndpoints = BOTH, **changes: Any) -> tuple[Connection, Client]:
    connection = sign_ins.connect(server.house, logout=logout, **changes)
    sign_ins.add_person(server.house)
    return connection, enter(server, connection)


def enter(server: Server, connection: Connection, email: str = "grace@example.com", **changes: Any) -> Client:
    client = server.client()
    started = sign_ins.start(client, email)
    data = sign_ins.answer(server, connection, started.request_id, email, **changes)
    assert sign_ins.post(client, connection, data, started.relay_state).status_code == 303
    return client


def leave(client: Client) -> httpx.Response:
    client.get("/e/dev/")
    return client.post("/e/dev/sign-out")


def refused(server: Server, response: httpx.Response, code: str, check: str) -> Entry:
    assert response.status_code in {400, 403}, response.text
    assert "can’t be accepted" in response.text
    reference = sign_ins.reference_in(response.text)
    with server.house.runtime.database.reading() as tx:
        entry = activity.find_reference(tx, server.house.workspace.id, reference)
    assert entry is not None
    details: Any = entry.event.details
    assert (details["code"], details["check"]) == (code, check), details
    assert [one["name"] for one in details["checks"] if one["outcome"] == "failed"] == [check]
    return entry


# From here


@pytest.mark.parametrize(("logout", "url"), [(BOTH, SLO), (REDIRECT, SLO), (POST, SLO)])
def test_signing_out_ends_the_session_here_and_takes_a_signed_request_to_the_idp(
    server: Server, logout: LogoutEndpoints, url: str
) -> None:
    connection, client = signed_in(server, logout)
    page = leave(client)
    assert page.status_code == 200
    assert "You are signed out here" in page.text
    assert count(server) == 0
    ours = read(page)
    assert (ours.url, ours.kind, ours.relay_state) == (url, "SAMLRequest", None)
    assert etree.QName(ours.root).localname == "LogoutRequest"
    assert ours.root.get("Destination") == url
    assert ours.root.findtext("{*}NameID") == "grace@example.com"
    assert ours.root.find("{*}NameID").get("Format") == forge.EMAIL_FORMAT
    assert ours.root.findtext("{*}SessionIndex") == "_session1"
    assert ours.root.get("NotOnOrAfter")
    assert client.get("/e/dev/").status_code == 303
    assert connection.logs_out_at_idp


@BINDINGS
def test_the_idps_answer_says_that_it_is_over_everywhere(server: Server, binding: str) -> None:
    connection, client = signed_in(server)
    ours = read(leave(client))
    answer = message(server, connection, "LogoutResponse", in_response_to=ours.id)
    page = send(client, connection, answer, binding, relay_state="https://evil.example/")
    assert page.status_code == 200, page.text
    assert "ended here and at Okta Dev" in page.text
    assert "evil.example" not in page.text
    again = send(client, connection, answer, binding)
    assert "ended here and at Okta Dev" in again.text
    entries = acts(server, "end_user.signed_out_at_idp")
    assert [entry.event.outcome for entry in entries] == [Outcome.DONE]
    assert entries[0].event.subject.name == "Grace Okafor"


@BINDINGS
@pytest.mark.parametrize("statuses", [(forge.SUCCESS, PARTIAL), (RESPONDER, PARTIAL), (RESPONDER,)])
def test_a_partial_or_failed_logout_is_said_plainly(server: Server, binding: str, statuses: tuple[str, ...]) -> None:
    connection, client = signed_in(server)
    ours = read(leave(client))
    answer = message(server, connection, "LogoutResponse", in_response_to=ours.id, statuses=statuses)
    page = send(client, connection, answer, binding)
    assert "You are signed out here" in page.text
    assert "At Okta Dev perhaps not" in page.text
    assert [entry.event.outcome for entry in acts(server, "end_user.signed_out_at_idp")] == [Outcome.REFUSED]


def test_a_silent_idp_leaves_no_session_here(server: Server) -> None:
    _, client = signed_in(server)
    read(leave(client))
    assert count(server) == 0
    assert client.get("/e/dev/").headers["location"].startswith("/e/dev/sign-in")
    assert [entry.event.action for entry in acts(server, "end_user.signed_out")] == ["end_user.signed_out"]


def test_a_key_that_does_not_open_keeps_nobody_signed_in(server: Server) -> None:
    _, client = signed_in(server)
    read(leave(client))
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_keys.update().values(sealed_private_key=b"broken"))
    connection = acts(server, "end_user.sign_in")[0].event.connection_id
    assert connection is not None
    with server.house.runtime.database.reading() as tx:
        found = load_connection(tx, connection)
    assert found is not None
    again = enter(server, found)
    assert leave(again).headers["location"] == "/e/dev/sign-in?signed_out=1"
    assert count(server) == 0


def test_without_an_endpoint_a_switch_or_a_saml_session_signing_out_stays_here(server: Server) -> None:
    house = server.house
    connection, client = signed_in(server, LogoutEndpoints())
    assert leave(client).headers["location"] == "/e/dev/sign-in?signed_out=1"
    other = sign_ins.connect(house, name="Other", domains=("other.example",), entity_id="urn:other", logout=BOTH)
    sign_ins.add_person(house, "hal@other.example", name="Hal")
    connection_flows.set_logs_out_at_idp(house.runtime, house.owner, other.id, logs_out=False)
    assert leave(enter(server, other, "hal@other.example")).headers["location"] == "/e/dev/sign-in?signed_out=1"
    assert (count(server), count(server, logout_requests)) == (0, 0)
    assert not connection.idp.logout.offered


def test_an_answer_in_another_browser_or_to_nothing_is_refused(server: Server, clock: TestClock) -> None:
    connection, client = signed_in(server)
    ours = read(leave(client))
    answer = message(server, connection, "LogoutResponse", in_response_to=ours.id)
    refused(server, send(server.client(), connection, answer), "logout_other_browser", "in_response_to")
    stray = message(server, connection, "LogoutResponse", in_response_to="_nothing")
    refused(server, send(client, connection, stray), "logout_unknown", "in_response_to")
    none = message(server, connection, "LogoutResponse", in_response_to=None)
    refused(server, send(client, connection, none), "logout_unknown", "in_response_to")
    clock.advance(minutes=10)
    late = message(server, connection, "LogoutResponse", in_response_to=ours.id)
    refused(server, send(client, connection, late), "logout_unknown", "in_response_to")


def test_the_answer_to_another_connections_request_is_refused(server: Server) -> None:
    _, client = signed_in(server)
    ours = read(leave(client))
    other = sign_ins.connect(server.house, name="Other", domains=("other.example",), entity_id="urn:other", logout=BOTH)
    answer = message(server, other, "LogoutResponse", in_response_to=ours.id)
    refused(server, send(client, other, answer), "logout_unknown", "in_response_to")


# From the identity provider


@BINDINGS
def test_the_idp_ends_every_session_of_a_name_without_any_cookie_and_is_answered(server: Server, binding: str) -> None:
    connection, first = signed_in(server)
    second = enter(server, connection, session_index="_other")
    theirs = message(server, connection)
    answered = send(server.client(), connection, theirs, binding, relay_state="their state /?&ü")
    ours = read(answered)
    assert (ours.kind, ours.relay_state) == ("SAMLResponse", "their state /?&ü")
    assert ours.url == (SLO if binding == "redirect" else SLO_DONE)
    assert ours.root.get("InResponseTo") == theirs.message_id
    assert ours.root.find(".//{*}StatusCode").get("Value") == forge.SUCCESS
    assert count(server) == 0
    assert first.get("/e/dev/").status_code == second.get("/e/dev/").status_code == 303
    entry = acts(server, "end_user.signed_out_by_idp")[0]
    assert entry.event.subject.name == "Grace Okafor"
    assert entry.event.details["sessions_ended"] == 2


def test_our_answer_by_post_may_be_framed_by_the_idp_alone_and_nothing_else_may(server: Server) -> None:
    connection, client = signed_in(server)
    ours = leave(client)
    assert "frame-ancestors 'none'" in ours.headers["content-security-policy"]
    answered = send(server.client(), connection, message(server, connection), "post")
    policy = answered.headers["content-security-policy"]
    assert "frame-ancestors https://idp.example;" in policy
    assert "form-action 'self' https://idp.example;" in policy
    unsigned = send(server.client(), connection, message(server, connection), "post", key="evil")
    assert "frame-ancestors 'none'" in unsigned.headers["content-security-policy"]


@BINDINGS
def test_session_indexes_end_those_sessions_and_the_ones_without_an_index(server: Server, binding: str) -> None:
    connection, _ = signed_in(server)
    kept = enter(server, connection, session_index="_kept")
    enter(server, connection, session_index=None)
    send(server.client(), connection, message(server, connection, session_indexes=("_session1", "_x")), binding)
    assert count(server) == 1
    assert kept.get("/e/dev/").status_code == 200


@BINDINGS
def test_a_request_a_second_time_ends_nothing_and_is_answered_all_the_same(
    server: Server, clock: TestClock, binding: str
) -> None:
    connection, _ = signed_in(server)
    theirs = message(server, connection)
    send(server.client(), connection, theirs, binding)
    clock.advance(seconds=1)
    again = enter(server, connection)
    assert read(send(server.client(), connection, theirs, binding)).root.get("InResponseTo") == theirs.message_id
    assert again.get("/e/dev/").status_code == 200
    assert len(acts(server, "end_user.signed_out_by_idp")) == 1


UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


@BINDINGS
@pytest.mark.parametrize(
    ("asked", "asserted", "meant"),
    [
        ({}, {}, True),
        ({"session_indexes": ("_session1",)}, {}, True),
        ({"session_indexes": ("_x", "_session1")}, {"name_id_format": None}, True),
        ({"session_indexes": ("_session1",)}, {"session_index": None}, True),
        ({}, {"session_index": None}, True),
        ({"name_id_format": UNSPECIFIED}, {}, True),
        ({"session_indexes": ("_x",)}, {}, False),
        ({"session_indexes": ("all", "some", "")}, {}, False),
        ({"name_id": "hal@example.com"}, {}, False),
        ({"name_id_format": PERSISTENT}, {}, False),
    ],
)
def test_an_assertion_that_arrives_after_the_request_that_ended_its_session_signs_nobody_in(
    server: Server, clock: TestClock, binding: str, asked: dict[str, Any], asserted: dict[str, Any], meant: bool
) -> None:
    connection = sign_ins.connect(server.house, logout=BOTH)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    underway = sign_ins.answer(server, connection, started.request_id, **asserted)
    clock.advance(seconds=2)
    assert read(send(server.client(), connection, message(server, connection, **asked), binding)).kind == "SAMLResponse"
    clock.advance(seconds=2)
    arrived = sign_ins.post(client, connection, underway, started.relay_state)
    assert (arrived.status_code, count(server)) == ((403, 0) if meant else (303, 1))
    if meant:
        assert "has signed you out in the meantime" in arrived.text
        assert "first use" not in arrived.text.lower()
        (entry,) = acts(server, "end_user.sign_in")
        details: Any = entry.event.details
        assert (entry.event.outcome, details["code"]) == (Outcome.REFUSED, "signed_out_before")
        assert details["check"] == "session_not_on_or_after"
        assert [one["name"] for one in details["checks"] if one["outcome"] == "failed"] == ["session_not_on_or_after"]
        again = enter(server, connection, **asserted)
        assert again.get("/e/dev/").status_code == 200


def test_a_request_that_ended_sessions_ends_the_assertions_on_their_way_at_its_own_connection_alone(
    server: Server, clock: TestClock
) -> None:
    connection, _ = signed_in(server)
    other = sign_ins.connect(server.house, "test", name="Test", logout=BOTH)
    sign_ins.add_person(server.house, "joe@example.com", name="Joe", environments=("test",))
    client = server.client()
    started = sign_ins.start(client, "joe@example.com", "test")
    same: dict[str, Any] = {"name_id": "grace@example.com", "session_index": "_session1"}
    underway = sign_ins.answer(server, other, started.request_id, "joe@example.com", **same)
    clock.advance(seconds=2)
    send(server.client(), connection, message(server, connection))
    arrived = sign_ins.post(client, other, underway, started.relay_state)
    assert "has signed you out" not in arrived.text


def test_what_was_used_before_the_sign_out_is_refused_as_used(server: Server, clock: TestClock) -> None:
    connection, _ = signed_in(server)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id)
    assert sign_ins.post(client, connection, data, started.relay_state).status_code == 303
    clock.advance(seconds=2)
    send(server.client(), connection, message(server, connection))
    assert "was used already" in sign_ins.post(client, connection, data, started.relay_state).text


def test_a_later_request_takes_the_place_of_an_earlier_one_and_an_earlier_one_takes_no_later_ones(
    server: Server, clock: TestClock
) -> None:
    connection = sign_ins.connect(server.house, logout=BOTH)
    sign_ins.add_person(server.house)
    first = message(server, connection)
    clock.advance(seconds=10)
    client = server.client()
    started = sign_ins.start(client)
    underway = sign_ins.answer(server, connection, started.request_id)
    clock.advance(seconds=10)
    send(server.client(), connection, message(server, connection))
    send(server.client(), connection, first)
    assert sign_ins.post(client, connection, underway, started.relay_state).status_code == 403
    with server.house.runtime.database.reading() as tx:
        kept = tx.execute(select(func.count()).select_from(saml_assertions)).scalar_one()
    clock.advance(days=1, minutes=6)
    with server.house.runtime.database.transaction() as tx:
        assert sweep(tx, "saml_assertions", server.house.clock(), 1000) == kept


def test_an_unknown_name_gets_the_same_answer_as_a_known_one(server: Server) -> None:
    connection, client = signed_in(server)
    answered = read(send(server.client(), connection, message(server, connection, name_id="nobody@example.com")))
    assert answered.root.find(".//{*}StatusCode").get("Value") == forge.SUCCESS
    assert client.get("/e/dev/").status_code == 200
    entry = acts(server, "end_user.signed_out_by_idp")[0]
    assert (entry.event.subject.id, entry.event.details["sessions_ended"]) == (None, 0)


def test_an_idp_without_an_address_for_answers_is_obeyed_with_a_page(server: Server) -> None:
    connection, _ = signed_in(server, LogoutEndpoints())
    page = send(server.client(), connection, message(server, connection))
    assert page.status_code == 200
    assert "You are signed out" in page.text
    assert count(server) == 0


def test_sessions_of_other_connections_environments_and_people_never_end(server: Server) -> None:
    house = server.house
    same: dict[str, Any] = {"name_id": "0001", "name_id_format": PERSISTENT}
    connection = sign_ins.connect(house, logout=BOTH)
    sign_ins.add_person(house)
    enter(server, connection, **same)
    sign_ins.add_person(house, "hal@example.com", name="Hal")
    colleague = enter(server, connection, "hal@example.com")
    other = sign_ins.connect(house, name="Other", domains=("other.example",), entity_id="urn:other", logout=BOTH)
    sign_ins.add_person(house, "ida@other.example", name="Ida")
    elsewhere = enter(server, other, "ida@other.example", **same)
    tested = sign_ins.connect(house, "test", name="Test", entity_id="urn:test", logout=BOTH)
    sign_ins.add_person(house, "joe@example.com", name="Joe", environments=("test",))
    started_in = server.client()
    started = sign_ins.start(started_in, "joe@example.com", "test")
    data = sign_ins.answer(server, tested, started.request_id, "joe@example.com", **same)
    sign_ins.post(started_in, tested, data, started.relay_state)
    assert count(server) == 4
    send(server.client(), connection, message(server, connection, **same))
    assert count(server) == 3
    assert colleague.get("/e/dev/").status_code == elsewhere.get("/e/dev/").status_code == 200
    assert started_in.get("/e/test/").status_code == 200


@BINDINGS
@pytest.mark.parametrize(
    ("changes", "key", "code", "check"),
    [
        ({}, "evil", "saml_signature", "signature"),
        ({"issuer": "urn:other"}, "idp", "saml_issuer", "idp_entity_id"),
        ({"destination": "https://other.example/slo"}, "idp", "saml_destination", "destination"),
        ({"destination": None}, "idp", "saml_destination_missing", "destination"),
        ({"not_on_or_after": "2020-01-01T00:00:00Z"}, "idp", "saml_logout_expired", "not_on_or_after"),
        ({"issue_instant": "2020-01-01T00:00:00Z"}, "idp", "saml_issued_long_ago", "not_on_or_after"),
        ({"issue_instant": "2100-01-01T00:00:00Z"}, "idp", "saml_issued_in_future", "not_before"),
        ({"name_id": None}, "idp", "saml_name_id", "name_id"),
        ({"version": "1.1"}, "idp", "saml_version", "message"),
    ],
)
def test_a_request_that_does_not_pass_ends_nothing(
    server: Server, binding: str, changes: dict[str, Any], key: str, code: str, check: str
) -> None:
    connection, client = signed_in(server)
    refused(server, send(client, connection, message(server, connection, **changes), binding, key=key), code, check)
    assert client.get("/e/dev/").status_code == 200


def test_unsigned_and_misplaced_messages_end_nothing(server: Server) -> None:
    connection, client = signed_in(server)
    path, theirs = f"/saml/{connection.id}/slo", message(server, connection)
    unsigned = forge_logout.redirected(theirs).partition("&SigAlg")[0]
    refused(server, client.http.get(f"{path}?{unsigned}"), "saml_redirect_unsigned", "signature")
    field = forge_logout.posted(theirs, signed=False)
    refused(server, client.http.post(path, data={"SAMLRequest": field}), "saml_unsigned", "signature")
    signed = forge_logout.posted(theirs)
    refused(server, client.http.post(path, data={"SAMLResponse": signed}), "saml_not_a_logout", "message")
    sign_in = forge.post_field(sign_ins.answer(server, connection, "_x"))
    refused(server, client.http.post(path, data={"SAMLResponse": sign_in}), "saml_not_a_logout", "message")
    assert sign_ins.post(client, connection, base64.b64decode(signed)).status_code == 400
    body = httpx.QueryParams([("SAMLRequest", signed), ("SAMLRequest", signed)])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.http.post(path, content=str(body), headers=headers).status_code == 400
    assert client.http.post(path, data={}).status_code in {400, 415}
    assert client.http.post(path, data={"SAMLRequest": "A" * 600_000}).status_code == 413
    assert client.get("/e/dev/").status_code == 200


def test_the_address_opened_by_hand_says_what_it_is_for_and_an_unknown_one_is_not_found(server: Server) -> None:
    connection, client = signed_in(server)
    page = client.get(f"/saml/{connection.id}/slo")
    assert page.status_code == 400
    assert "for identity providers" in page.text
    theirs = forge_logout.redirected(message(server, connection))
    assert client.get(f"/saml/con_00000000000000000000000000/slo?{theirs}").status_code == 404


def test_a_refused_message_opens_to_its_checks_and_what_to_change(admin_client: Client, server: Server) -> None:
    connection, _ = signed_in(server)
    theirs = message(server, connection, destination="https://other.example/slo")
    entry = refused(server, send(server.client(), connection, theirs), "saml_destination", "destination")
    page = admin_client.get(f"/admin/activity/{entry.id}").text.replace("<wbr>", "")
    assert "Refused logout message" in page
    assert "What to change in Okta" in page
    assert slo_url(server.base_url, connection.id) in page
    assert "A logout message at the connection Okta Dev was refused" in admin_client.get("/admin/activity").text


def test_the_metadata_and_the_connection_page_carry_the_address(admin_client: Client, server: Server) -> None:
    connection, client = signed_in(server)
    root = etree.fromstring(client.get(f"/saml/{connection.id}/metadata").content)
    services = root.findall(".//{*}SingleLogoutService")
    address = slo_url(server.base_url, connection.id)
    assert [each.get("Location") for each in services] == [address, address]
    assert [each.get("Binding", "").rpartition(":")[2] for each in services] == ["HTTP-Redirect", "HTTP-POST"]
    here = f"/admin/connections/{connection.id}"
    page = admin_client.get(here).text
    assert address in page.replace("<wbr>", "")
    assert SLO in page.replace("<wbr>", "").replace("&amp;", "&")
    for value, said in (("off", "leaves the session at Okta Dev"), ("on", "signs out at Okta Dev, too")):
        assert admin_client.post(f"{here}/logout", {"logs_out": value}).status_code == 303
        assert said in admin_client.get(here).text


def test_names_are_one_name_only_where_everything_of_them_is() -> None:
    idp, sp = "urn:idp", "urn:sp"
    mail = forge.EMAIL_FORMAT
    stored = IdpName("a", mail).key(idp, sp)
    assert stored in IdpName("a", mail, idp, sp).keys(idp, sp)
    assert stored in IdpName("a").keys(idp, sp)
    assert IdpName("a").key(idp, sp) in IdpName("a", mail).keys(idp, sp)
    for other in (IdpName("A", mail), IdpName("a", PERSISTENT), IdpName("a", mail, "x"), IdpName("a", mail, None, "x")):
        assert stored not in other.keys(idp, sp)


@BINDINGS
def test_a_signing_key_that_does_not_open_ends_the_sessions_and_says_that_the_answer_is_missing(
    server: Server, binding: str
) -> None:
    connection, client = signed_in(server)
    read(leave(enter(server, connection)))
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_keys.update().values(sealed_private_key=b"broken"))
    page = send(server.client(), connection, message(server, connection), binding)
    assert page.status_code == 403
    assert "You are signed out here" in page.text
    assert "It is a fault on our side" in page.text
    assert count(server) == 0
    assert client.get("/e/dev/").status_code == 303
    (entry,) = acts(server, "end_user.single_logout")
    assert entry.event.reference == sign_ins.reference_in(page.text)
    assert (entry.event.details["code"], entry.event.details["check"]) == ("own_key_unreadable", "connection")
    assert len(acts(server, "end_user.signed_out_by_idp")) == 1
    owner = server.client()
    owner.sign_in()
    told = owner.get(f"/admin/activity/{entry.id}").text
    assert "The sessions that it names have ended" in told
    assert "it changed nothing" not in told


@BINDINGS
def test_a_name_that_is_encrypted_to_a_key_of_ours_that_does_not_open_is_our_fault_and_ends_nothing(
    server: Server, binding: str
) -> None:
    connection, client = signed_in(server)
    (key,) = decryption_keys(server.house.runtime, server.house.workspace.id)
    ours = replace(forge.key("sp"), private_key=key.private_key)
    name = f'<saml:NameID xmlns:saml="{forge.SAML}" Format="{forge.EMAIL_FORMAT}">grace@example.com</saml:NameID>'
    hidden = forge.Raw(encrypt(name, Encryption(key=ours), "EncryptedID"))
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_keys.update().values(sealed_private_key=b"broken"))
    page = send(client, connection, message(server, connection, name_id=hidden), binding)
    entry = refused(server, page, "own_key_unreadable", "name_id")
    assert client.get("/e/dev/").status_code == 200
    owner = server.client()
    owner.sign_in()
    told = owner.get(f"/admin/activity/{entry.id}").text
    assert "This is not about the identity provider" in told
    assert "What to change in Okta" not in told


@BINDINGS
def test_a_name_encrypted_with_cbc_is_refused_even_where_sign_ins_may_use_it(server: Server, binding: str) -> None:
    connection, client = signed_in(server, allow_cbc=True)
    (key,) = decryption_keys(server.house.runtime, server.house.workspace.id)
    ours = replace(forge.key("sp"), private_key=key.private_key)
    name = f'<saml:NameID xmlns:saml="{forge.SAML}" Format="{forge.EMAIL_FORMAT}">grace@example.com</saml:NameID>'
    for encryption, opens in (
        (Encryption(key=ours, cipher="aes256-cbc"), False),
        (Encryption(key=ours, cipher="aes128-cbc"), False),
        (Encryption(key=ours, cipher="aes256-gcm"), True),
    ):
        hidden = forge.Raw(encrypt(name, encryption, "EncryptedID"))
        answered = send(client, connection, message(server, connection, name_id=hidden), binding)
        if not opens:
            refused(server, answered, "saml_encryption_cbc", "name_id")
            assert client.get("/e/dev/").status_code == 200
        else:
            assert read(answered).kind == "SAMLResponse"
    assert count(server) == 0
