"""Responses that let nobody in, over HTTP, on both engines: each ends on a page with one sentence, a code, and a way on."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.directory.activity import Outcome
from vestibule.directory.connections import Connection, IdpInitiated, sp_entity_id
from vestibule.directory.end_users import EndUserStatus
from vestibule.directory.sessions import KnockReason
from vestibule.directory.sources import Source
from vestibule.storage import access, activity, connections, end_users, knocks, workspaces
from vestibule.storage.tables import activity as activity_table
from vestibule.storage.tables import saml_requests, sessions

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


def count(server: Server, table: Any) -> int:
    with server.house.runtime.database.reading() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def assert_refused(
    server: Server, response: httpx.Response, code: str, check: str, status: int = 403
) -> dict[str, Any]:
    """The page has a sentence, a code and a way on; the activity has the reason under that code; nobody is signed in."""
    assert response.status_code == status, response.text
    assert "vestibule_env_" not in response.headers.get("set-cookie", "")
    assert "Try again" in response.text or "Continue" in response.text
    assert "/e/dev/sign-in" in response.text
    reference = sign_ins.reference_in(response.text)
    with server.house.runtime.database.reading() as tx:
        entry = activity.find_reference(tx, server.house.workspace.id, reference)
    assert entry is not None
    assert entry.event.outcome is Outcome.REFUSED
    details = dict(entry.event.details)
    assert (details["code"], details["check"]) == (code, check), details
    checks: Any = details["checks"]
    assert [one["name"] for one in checks if one["outcome"] == "failed"] == [check]
    failed = [one["name"] for one in checks].index(check)
    assert all(one["outcome"] == "passed" for one in checks[:failed])
    return {**details, "subject_id": entry.event.subject.id, "subject_name": entry.event.subject.name}


def nobody_entered(server: Server) -> bool:
    return count(server, sessions) == 0


# The message


Change = Callable[[Server, Connection], dict[str, Any]]


def _other_audience(server: Server, _: Connection) -> dict[str, Any]:
    return {"audiences": ((f"{server.base_url}/saml/other/metadata",),)}


def _expired(server: Server, _: Connection) -> dict[str, Any]:
    return {"not_on_or_after": forge.instant(server.house.clock() - timedelta(minutes=3))}


WRONG: dict[str, tuple[Change, str, str]] = {
    "audience": (_other_audience, "saml_audience", "audience"),
    "issuer": (
        lambda *_: {"assertion_issuer": "https://evil.example", "response_issuer": None},
        "saml_issuer",
        "idp_entity_id",
    ),
    "destination": (lambda *_: {"destination": "https://evil.example/acs"}, "saml_destination", "destination"),
    "status": (lambda *_: {"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "saml_status", "status"),
    "expired": (_expired, "saml_expired", "not_on_or_after"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_response_is_refused_and_the_admin_finds_the_check_under_the_code(server: Server, wrong: str) -> None:
    change, code, check = WRONG[wrong]
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id, **change(server, connection))
    details = assert_refused(server, sign_ins.post(client, connection, data), code, check)
    assert details["unverified_email"] == "grace@example.com"
    assert "email" not in details
    assert nobody_entered(server)


def test_an_unsigned_and_a_foreign_signed_response_are_refused(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    unsigned = sign_ins.answer(server, connection, started.request_id, sign="none")
    assert_refused(server, sign_ins.post(client, connection, unsigned), "saml_unsigned", "signature")
    foreign = sign_ins.answer(server, connection, started.request_id, key="stranger")
    assert_refused(server, sign_ins.post(client, connection, foreign), "saml_signature", "signature")
    genuine = sign_ins.answer(server, connection, started.request_id)
    tampered = genuine.replace(b"grace@example.com", b"admin@example.com")
    assert_refused(server, sign_ins.post(client, connection, tampered), "saml_digest", "signature")
    assert nobody_entered(server)
    # None of that has used the request up: a stranger must not be able to spoil somebody's sign-in.
    assert sign_ins.post(client, connection, genuine).status_code == 303


@pytest.mark.parametrize(
    "rubbish", ["", "%%%", base64.b64encode(b"<a>").decode(), base64.b64encode(b"\xff\xfe\x00").decode()]
)
def test_what_is_no_response_at_all_is_a_bad_request_with_a_code(server: Server, rubbish: str) -> None:
    connection = sign_ins.connect(server.house)
    response = server.client().http.post(f"/saml/{connection.id}/acs", data={"SAMLResponse": rubbish})
    assert response.status_code == 400
    assert sign_ins.reference_in(response.text)
    assert rubbish not in response.text or not rubbish


def test_forms_that_no_identity_provider_sends_are_refused_without_a_trace(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    path, http = f"/saml/{connection.id}/acs", server.client().http
    before = count(server, activity_table)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert http.post(path, data={"RelayState": "x"}).status_code == 400
    assert http.post(path, content=b"SAMLResponse=YQ%3D%3D&SAMLResponse=YQ%3D%3D", headers=kind).status_code == 400
    assert http.post(path, content=b"SAMLResponse=%ff", headers=kind).status_code == 400
    assert http.post(path, json={"SAMLResponse": "YQ=="}).status_code == 415
    assert http.post(path, content=b"SAMLResponse=" + b"A" * 600_000, headers=kind).status_code == 413
    answer = http.get(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "identity providers" in answer.text
    assert count(server, activity_table) == before


@pytest.mark.parametrize(
    "name", ["con_01jd8w4tq50000000000000000", "con_x", "x' OR 1=1", "con_01JD8W4TQ50000000000000000"]
)
def test_an_unknown_connection_is_not_found(server: Server, name: str) -> None:
    client = server.client()
    assert client.http.post(f"/saml/{name}/acs", data={"SAMLResponse": "YQ=="}).status_code == 404
    assert client.get(f"/saml/{name}/metadata").status_code == 404
    assert client.get("/e/nowhere/sign-in").status_code == 404


# What the response belongs to


def test_a_replayed_response_is_refused_in_the_same_browser_and_in_another(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id)
    assert sign_ins.post(client, connection, data).status_code == 303
    again = sign_ins.post(client, connection, data)
    assert_refused(server, again, "replayed", "replay")
    assert "used already" in again.text
    # The Back button of somebody who is signed in: the way on leads to where they are.
    assert client.get("/e/dev/sign-in").headers["location"] == "/e/dev/"
    assert_refused(server, sign_ins.post(server.client(), connection, data), "other_browser", "in_response_to")
    assert count(server, sessions) == 1


def test_one_assertion_in_a_second_response_to_another_request_is_refused(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    first, second = sign_ins.start(client), sign_ins.start(client)
    data = sign_ins.answer(server, connection, first.request_id, assertion_id="_same")
    assert sign_ins.post(client, connection, data).status_code == 303
    data = sign_ins.answer(server, connection, second.request_id, assertion_id="_same")
    assert_refused(server, sign_ins.post(client, connection, data), "replayed", "replay")


def test_of_the_same_response_posted_many_times_at_once_exactly_one_signs_in(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id)
    cookies = dict(client.http.cookies)

    def send(_: int) -> int:
        other = server.client()
        other.http.cookies.update(cookies)
        return sign_ins.post(other, connection, data).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(8)))
    assert statuses == [303] + [403] * 7
    assert count(server, sessions) == 1


def test_first_sign_ins_of_one_person_at_the_same_instant_make_one_link(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    clients = [server.client() for _ in range(6)]
    posts = [(client, sign_ins.answer(server, connection, sign_ins.start(client).request_id)) for client in clients]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda one: sign_ins.post(one[0], connection, one[1]).status_code, posts))
    assert statuses == [303] * 6
    assert count(server, sessions) == 6


def test_a_response_in_another_browser_than_the_one_that_asked_is_refused(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    attacker, victim = server.client(), server.client()
    victim.get("/e/dev/sign-in")
    started = sign_ins.start(attacker)
    data = sign_ins.answer(server, connection, started.request_id)
    assert_refused(server, sign_ins.post(victim, connection, data), "other_browser", "in_response_to")
    without_cookies = server.client()
    response = sign_ins.post(without_cookies, connection, data)
    assert_refused(server, response, "other_browser", "in_response_to")
    assert "cookies" in response.text


def test_a_response_for_another_environments_connection_is_refused_there(server: Server) -> None:
    dev = sign_ins.connect(server.house, name="Okta Dev")
    test = sign_ins.connect(server.house, "test", name="Okta Test")
    sign_ins.add_person(server.house, environments=("dev", "test"))
    client = server.client()
    started = sign_ins.start(client, environment="dev")
    data = sign_ins.answer(server, dev, started.request_id)
    response = sign_ins.post(client, test, data)
    assert response.status_code == 403
    assert "another sign-in" in response.text
    forged = sign_ins.answer(server, test, started.request_id)
    assert sign_ins.post(client, test, forged).status_code == 403
    assert nobody_entered(server)


def test_a_late_response_is_refused_at_the_instant_of_expiry(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client, clock = server.client(), server.house.clock
    clock.freeze()
    first, second = sign_ins.start(client), sign_ins.start(client)
    clock.advance(minutes=9, seconds=59)
    data = sign_ins.answer(server, connection, first.request_id)
    assert sign_ins.post(client, connection, data).status_code == 303
    clock.advance(seconds=1)
    data = sign_ins.answer(server, connection, second.request_id)
    assert_refused(server, sign_ins.post(client, connection, data), "request_expired", "in_response_to")


def test_an_answer_to_a_request_that_nobody_sent_is_refused(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    sign_ins.start(client)
    data = sign_ins.answer(server, connection, "_" + "0" * 40)
    assert_refused(server, sign_ins.post(client, connection, data), "request_unknown", "in_response_to")


# Nobody asked


def test_an_unasked_response_is_dropped_unread_and_a_fresh_sign_in_starts(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    unasked = sign_ins.answer(server, connection, None)
    response = sign_ins.post(client, connection, unasked, "/e/dev/sign-out")
    started = sign_ins.read_request(response)
    assert nobody_entered(server)
    data = sign_ins.answer(server, connection, started.request_id)
    answered = sign_ins.post(client, connection, data)
    assert (answered.status_code, answered.headers["location"]) == (303, "/e/dev/sign-out")


def test_an_unasked_response_leads_nowhere_else(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    for relay_state in ("https://evil.example/", "/e/prod/", "//evil.example", "/admin/"):
        client = server.client()
        started = sign_ins.read_request(
            sign_ins.post(client, connection, sign_ins.answer(server, connection, None), relay_state)
        )
        data = sign_ins.answer(server, connection, started.request_id)
        assert sign_ins.post(client, connection, data).headers["location"] == "/e/dev/", relay_state


def test_an_identity_provider_that_never_says_what_it_answers_does_not_send_the_browser_in_circles(
    server: Server,
) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    unasked = sign_ins.answer(server, connection, None)
    assert sign_ins.post(client, connection, unasked).status_code == 200
    response = sign_ins.post(client, connection, unasked)
    assert_refused(server, response, "saml_unsolicited", "in_response_to")
    started = sign_ins.start(other := server.client())
    response = sign_ins.post(other, connection, unasked, started.relay_state)
    assert_refused(server, response, "saml_unsolicited", "in_response_to")


def test_who_clicks_at_the_identity_provider_again_right_after_signing_in_is_sent_around_again(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    for _ in range(3):
        unasked = sign_ins.answer(server, connection, None)
        started = sign_ins.read_request(sign_ins.post(client, connection, unasked))
        answered = sign_ins.post(client, connection, sign_ins.answer(server, connection, started.request_id))
        assert (answered.status_code, answered.headers["location"]) == (303, "/e/dev/")


def test_an_unasked_response_is_refused_where_that_is_off(server: Server) -> None:
    connection = sign_ins.connect(server.house, idp_initiated=IdpInitiated.OFF)
    sign_ins.add_person(server.house)
    client = server.client()
    response = sign_ins.post(client, connection, sign_ins.answer(server, connection, None))
    assert_refused(server, response, "saml_unsolicited", "in_response_to")
    assert count(server, saml_requests) == 0


# The connection


def test_a_connection_that_is_pending_disabled_or_switched_off_signs_nobody_in(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    sign_ins.add_person(house)
    client = server.client()
    answers = [sign_ins.answer(server, connection, sign_ins.start(client).request_id) for _ in range(3)]
    states: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = [
        (
            "connection_pending",
            lambda tx: connections.update_connection(tx, house.workspace.id, connection.id, provisioning=None),
            lambda tx: connections.update_connection(tx, house.workspace.id, connection.id, provisioning="manual"),
        ),
        (
            "connection_disabled",
            lambda tx: connections.set_disabled(tx, house.workspace.id, connection.id, disabled=True),
            lambda tx: connections.set_disabled(tx, house.workspace.id, connection.id, disabled=False),
        ),
        (
            "saml_switched_off",
            lambda tx: workspaces.set_saml_enabled(tx, house.workspace.id, house.environments["dev"].id, enabled=False),
            lambda tx: workspaces.set_saml_enabled(tx, house.workspace.id, house.environments["dev"].id, enabled=True),
        ),
    ]
    for (code, spoil, mend), data in zip(states, answers, strict=True):
        with house.runtime.database.transaction() as tx:
            spoil(tx)
        response = sign_ins.post(client, connection, data)
        assert response.status_code == 403
        assert code in str(_details(server, response))
        with house.runtime.database.transaction() as tx:
            mend(tx)
        assert sign_ins.post(client, connection, data).status_code == 303


def _details(server: Server, response: httpx.Response) -> dict[str, Any]:
    with server.house.runtime.database.reading() as tx:
        entry = activity.find_reference(tx, server.house.workspace.id, sign_ins.reference_in(response.text))
    assert entry is not None
    return dict(entry.event.details)


# The person


def _knocked(server: Server) -> list[tuple[KnockReason, str | None, int, str | None]]:
    with server.house.runtime.database.reading() as tx:
        found = knocks.list_knocks(tx, server.house.workspace.id, size=25)
    return [(knock.reason, knock.email, knock.attempts, knock.end_user_id) for knock in found]


def test_an_unknown_person_gets_no_account_and_waits(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    for attempts in (1, 2):
        response = sign_ins.sign_in(server, server.client(), connection, "New.Person@example.com")
        details = assert_refused(server, response, "person_unknown", "person")
        assert "no access yet" in response.text
        assert details["email"] == "New.Person@example.com"
        assert _knocked(server) == [(KnockReason.UNKNOWN, "New.Person@example.com", attempts, None)]
    sign_ins.add_person(server.house, "new.person@example.com")
    assert sign_ins.sign_in(server, server.client(), connection, "New.Person@example.com").status_code == 303


def test_whom_to_ask_is_on_the_page(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    with server.house.runtime.database.transaction() as tx:
        workspaces.update_workspace(tx, server.house.workspace.id, "Northwind", "help@northwind.example")
    response = sign_ins.sign_in(server, server.client(), connection, "nobody@example.com")
    assert "help@northwind.example" in response.text


def test_a_known_person_without_access_to_this_environment_waits(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    person = sign_ins.add_person(server.house, environments=("test",))
    response = sign_ins.sign_in(server, server.client(), connection)
    assert_refused(server, response, "no_access", "access")
    assert _knocked(server) == [(KnockReason.NO_ACCESS, "grace@example.com", 1, person.id)]


def test_somebody_who_got_a_re_used_address_waits_and_does_not_get_the_old_account(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    person = sign_ins.add_person(house)

    def come(name_id: str) -> httpx.Response:
        client = server.client()
        request = sign_ins.start(client).request_id
        data = sign_ins.answer(server, connection, request, name_id=name_id, name_id_format=PERSISTENT)
        return sign_ins.post(client, connection, data)

    assert come("first").status_code == 303
    for status in (EndUserStatus.ACTIVE, EndUserStatus.DEACTIVATED):
        with house.runtime.database.transaction() as tx:
            end_users.set_status(tx, house.workspace.id, person.id, status, house.clock())
        response = come("second")
        assert_refused(server, response, "address_reused", "identity")
        assert "linked" not in response.text
    assert _knocked(server) == [(KnockReason.ADDRESS_REUSED, "grace@example.com", 2, person.id)]


def test_a_deactivated_person_is_refused_and_does_not_wait(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    person = sign_ins.add_person(house)
    assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
    with house.runtime.database.transaction() as tx:
        end_users.set_status(tx, house.workspace.id, person.id, EndUserStatus.DEACTIVATED, house.clock())
    response = sign_ins.sign_in(server, server.client(), connection)
    details = assert_refused(server, response, "deactivated", "person")
    assert (details["subject_id"], details["subject_name"]) == (person.id, "Grace Okafor")
    assert _knocked(server) == []


def test_an_address_of_a_domain_that_the_connection_is_not_enforced_for_is_refused(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house, "ceo@rival.example")
    for email in ("ceo@rival.example", "ceo@eu.example.com", "ceo@notexample.com"):
        client = server.client()
        request = sign_ins.start(client).request_id
        data = sign_ins.answer(server, connection, request, email)
        assert_refused(server, sign_ins.post(client, connection, data), "domain_out_of_reach", "domain")
    assert _knocked(server) == []


def test_an_identity_provider_for_all_domains_can_not_sign_in_people_of_another_ones_domain(server: Server) -> None:
    sign_ins.connect(server.house, name="Own")
    partner = sign_ins.connect(server.house, name="Partner", domains=None, entity_id="https://partner.example/idp")
    sign_ins.add_person(server.house)
    sign_ins.add_person(server.house, "guest@partner.example")
    client = server.client()
    request = sign_ins.start(client, "guest@partner.example").request_id
    data = sign_ins.answer(server, partner, request, "grace@example.com")
    assert_refused(server, sign_ins.post(client, partner, data), "domain_out_of_reach", "domain")
    assert sign_ins.sign_in(server, server.client(), partner, "guest@partner.example").status_code == 303


def test_a_linked_person_whose_account_left_the_connections_domains_is_refused(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    person = sign_ins.add_person(house)
    assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
    with house.runtime.database.transaction() as tx:
        end_users.update_profile(
            tx, house.workspace.id, person.id, full_name="G", email="g@else.example", terms=["g"], now=house.clock()
        )
    response = sign_ins.sign_in(server, server.client(), connection)
    assert_refused(server, response, "domain_out_of_reach", "domain")


def test_an_assertion_without_e_mail_or_without_a_lasting_identity_is_refused(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    request = sign_ins.start(client).request_id
    data = sign_ins.answer(server, connection, request, name_id="u-1", name_id_format=PERSISTENT, attributes=())
    assert_refused(server, sign_ins.post(client, connection, data), "email_missing", "email")
    request = sign_ins.start(client).request_id
    data = sign_ins.answer(server, connection, request, name_id="_t", name_id_format=TRANSIENT)
    assert_refused(server, sign_ins.post(client, connection, data), "name_id_transient", "name_id")


def test_people_of_another_workspace_are_not_found(server: Server) -> None:
    from tests.support.house import furnish  # noqa: PLC0415  # only this test has two houses

    connection = sign_ins.connect(server.house)
    other = furnish(server.house.runtime, server.house.clock, ("Stage",), "Contoso")
    sign_ins.add_person(other, environments=("stage",))
    assert_refused(server, sign_ins.sign_in(server, server.client(), connection), "person_unknown", "person")


# Access that ends


def _sign_in(server: Server) -> tuple[Client, Connection, str]:
    connection = sign_ins.connect(server.house)
    person = sign_ins.add_person(server.house)
    client = server.client()
    assert sign_ins.sign_in(server, client, connection).status_code == 303
    assert client.get("/e/dev/").status_code == 200
    return client, connection, person.id


def test_a_session_ends_at_once_when_the_person_is_deactivated(server: Server) -> None:
    client, _, person_id = _sign_in(server)
    with server.house.runtime.database.transaction() as tx:
        end_users.set_status(tx, server.house.workspace.id, person_id, EndUserStatus.DEACTIVATED, server.house.clock())
    assert client.get("/e/dev/").status_code == 303


def test_a_session_ends_at_once_when_environment_access_is_removed(server: Server) -> None:
    client, _, person_id = _sign_in(server)
    house = server.house
    with house.runtime.database.transaction() as tx:
        access.revoke_access(tx, house.workspace.id, house.environments["dev"].id, person_id)
    assert client.get("/e/dev/").status_code == 303
    with house.runtime.database.transaction() as tx:
        place = house.environments["dev"].id
        access.grant_access(tx, house.workspace.id, place, person_id, source=Source.MANUAL, now=house.clock())
    assert client.get("/e/dev/").status_code == 303


def test_a_session_ends_at_once_when_the_connection_is_disabled_or_deleted(server: Server) -> None:
    client, connection, _ = _sign_in(server)
    house = server.house
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, house.workspace.id, connection.id, disabled=True)
    assert client.get("/e/dev/").status_code == 303
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, house.workspace.id, connection.id, disabled=False)
    again = server.client()
    assert sign_ins.sign_in(server, again, connection).status_code == 303
    with house.runtime.database.transaction() as tx:
        connections.delete_connection(tx, house.workspace.id, connection.id)
    assert again.get("/e/dev/").status_code == 303


def test_somebody_deactivated_while_away_at_the_identity_provider_does_not_come_in(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    person = sign_ins.add_person(house)
    client = server.client()
    started = sign_ins.start(client)
    with house.runtime.database.transaction() as tx:
        end_users.set_status(tx, house.workspace.id, person.id, EndUserStatus.DEACTIVATED, house.clock())
    data = sign_ins.answer(server, connection, started.request_id)
    assert_refused(server, sign_ins.post(client, connection, data), "deactivated", "person")


# Floods and hostile values


def test_a_flood_of_rubbish_is_refused_each_time_and_recorded_only_so_often(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    http = server.client().http
    before = count(server, activity_table)
    for _ in range(70):
        assert http.post(f"/saml/{connection.id}/acs", data={"SAMLResponse": "rubbish"}).status_code == 400
    assert count(server, activity_table) - before == 60


def test_hostile_values_reach_page_and_record_only_made_safe(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    client = server.client()
    request = sign_ins.start(client).request_id
    hostile = "<script>alert(1)</script>\u202egpj"
    data = sign_ins.answer(server, connection, request, audiences=((hostile,),))
    response = sign_ins.post(client, connection, data)
    assert "<script>alert" not in response.text
    details = _details(server, response)
    assert "\u202e" not in str(details)
    audience = next(one for one in details["checks"] if one["name"] == "audience")
    assert audience["expected"] == sp_entity_id(server.base_url, connection.id)
    assert "\\u{202e}" in audience["received"]
