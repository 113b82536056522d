"""Signing in through an identity provider, over HTTP, on both engines: what works."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree
from sqlalchemy import select

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Server
from vestibule.directory.activity import ActivityFilter, Outcome
from vestibule.directory.connections import acs_url, sp_entity_id
from vestibule.directory.end_users import EndUserStatus
from vestibule.saml.keys import SigningKey
from vestibule.storage import activity, end_users
from vestibule.storage.tables import identity_links, sessions


def test_a_known_person_signs_in_and_sees_who_and_where_they_are(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    response = sign_ins.sign_in(server, client, connection)
    assert (response.status_code, response.headers["location"]) == (303, "/e/dev/"), response.text
    page = client.get("/e/dev/").text
    assert "Welcome, Grace Okafor" in page
    assert "grace@example.com" in page
    assert "Everyone" in page
    assert "Okta Dev" in page


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_each_way_of_signing_lets_in(server: Server, sign: forge.SignWhat) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id, sign=sign)
    assert sign_ins.post(client, connection, data, started.relay_state).status_code == 303


def test_the_first_sign_in_links_once_and_on_the_record_and_the_invited_become_active(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    person = sign_ins.add_person(house, "Grace@Example.com")
    for _ in range(2):
        assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
    with house.runtime.database.reading() as tx:
        assert len(tx.execute(select(identity_links)).all()) == 1
        found = end_users.find_end_user(tx, house.workspace.id, person.id)
        entries = activity.page(
            tx, house.workspace.id, ActivityFilter(subject_id=person.id), before=None, after=None, size=10
        )
    assert found is not None
    assert found.status is EndUserStatus.ACTIVE
    assert found.last_sign_in_at is not None
    assert [entry.event.action for entry in entries] == ["end_user.sign_in", "end_user.sign_in", "end_user.linked"]
    assert {entry.event.connection_id for entry in entries} == {connection.id}
    assert entries[0].actor.name == "Grace Okafor"


def test_once_linked_the_identity_counts_and_no_longer_the_e_mail(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    sign_ins.add_person(house)
    format_persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    for email in ("grace@example.com", "grace.new@example.com", "grace@elsewhere.example"):
        client = server.client()
        started = sign_ins.start(client)
        attributes = (forge.Attribute("email", (email,)),)
        data = sign_ins.answer(
            server,
            connection,
            started.request_id,
            name_id="u-1",
            name_id_format=format_persistent,
            attributes=attributes,
        )
        assert sign_ins.post(client, connection, data).status_code == 303
        assert "grace@example.com" in client.get("/e/dev/").text


def test_a_transient_name_id_is_known_by_the_stable_id(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    for name_id, email in (("_t1", "grace@example.com"), ("_t2", "renamed@example.com")):
        client = server.client()
        started = sign_ins.start(client)
        attributes = (forge.Attribute("email", (email,)), forge.Attribute("subject-id", ("g-17@example.com",)))
        data = sign_ins.answer(
            server, connection, started.request_id, name_id=name_id, name_id_format=transient, attributes=attributes
        )
        assert sign_ins.post(client, connection, data).status_code == 303, name_id


def test_the_request_is_what_the_identity_provider_needs(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    started = sign_ins.start(server.client())
    assert started.url.startswith(sign_ins.SSO_URL + "&SAMLRequest=")
    assert "Signature=" not in started.url
    root = etree.fromstring(started.xml)
    assert root.get("AssertionConsumerServiceURL") == acs_url(server.base_url, connection.id)
    assert root.findtext("{*}Issuer") == sp_entity_id(server.base_url, connection.id)
    assert root.get("Destination") == sign_ins.SSO_URL
    assert root.get("ForceAuthn") is None
    assert started.relay_state == started.request_id


def test_requests_are_signed_when_the_connection_says_so(server: Server) -> None:
    sign_ins.connect(server.house, sign_requests=True)
    assert "&Signature=" in sign_ins.start(server.client()).url


def test_an_identity_provider_that_takes_only_posts_gets_a_form_and_the_policy_opens_to_it_alone(
    server: Server,
) -> None:
    connection = sign_ins.connect(server.house, post_only=True)
    sign_ins.add_person(server.house)
    client = server.client()
    response = sign_ins.begin(client)
    policy = response.headers["content-security-policy"]
    assert "form-action 'self' https://idp.example;" in policy
    assert f'action="{sign_ins.POST_URL}"' in response.text
    started = sign_ins.read_request(response)
    data = sign_ins.answer(server, connection, started.request_id)
    assert sign_ins.post(client, connection, data).status_code == 303


def test_a_deep_link_survives_the_round_and_another_site_does_not(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    wanted = {
        "/e/dev/sign-out": "/e/dev/sign-out",
        "/e/dev/?a=1": "/e/dev/?a=1",
        "https://evil.example/e/dev/": "/e/dev/",
        "//evil.example/e/dev/": "/e/dev/",
        "/e/dev//evil.example": "/e/dev/",
        "/e/dev/../../admin": "/e/dev/",
        "/e/prod/": "/e/dev/",
        "/admin/settings": "/e/dev/",
    }
    for return_to, expected in wanted.items():
        client = server.client()
        started = sign_ins.start(client, return_to=return_to)
        data = sign_ins.answer(server, connection, started.request_id)
        response = sign_ins.post(client, connection, data, "https://evil.example/")
        assert response.headers["location"] == expected, return_to


def test_several_tabs_of_one_browser_may_sign_in_at_once(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    first, second = sign_ins.start(client), sign_ins.start(client)
    for started in (second, first):
        data = sign_ins.answer(server, connection, started.request_id)
        assert sign_ins.post(client, connection, data).status_code == 303
    assert client.get("/e/dev/").status_code == 200


def test_a_second_sign_in_replaces_the_session_of_the_same_browser(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    first, second = sign_ins.start(client), sign_ins.start(client)
    sign_ins.post(client, connection, sign_ins.answer(server, connection, first.request_id))
    old = dict(client.http.cookies)
    sign_ins.post(client, connection, sign_ins.answer(server, connection, second.request_id))
    with server.house.runtime.database.reading() as tx:
        assert len(tx.execute(select(sessions)).all()) == 1
    assert old["vestibule_env_dev"] != client.http.cookies["vestibule_env_dev"]


def test_the_session_lasts_the_shorter_of_ours_and_the_identity_providers(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client, clock = server.client(), server.house.clock
    now = clock.freeze()
    started = sign_ins.start(client)
    ends = forge.instant(now + timedelta(minutes=30))
    data = sign_ins.answer(server, connection, started.request_id, session_not_on_or_after=ends)
    assert "Max-Age=1800" in sign_ins.post(client, connection, data).headers["set-cookie"]
    clock.advance(minutes=29, seconds=59)
    assert client.get("/e/dev/").status_code == 200
    clock.advance(seconds=1)
    assert client.get("/e/dev/").headers["location"] == "/e/dev/sign-in?ended=1"
    other = server.client()
    assert sign_ins.sign_in(server, other, connection).status_code == 303
    clock.advance(hours=8, seconds=-1)
    assert other.get("/e/dev/").status_code == 200
    clock.advance(seconds=1)
    assert other.get("/e/dev/").status_code == 303


def test_somebody_signed_in_is_not_asked_again_and_can_sign_out_here(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    sign_ins.sign_in(server, client, connection)
    assert client.get("/e/dev/sign-in").headers["location"] == "/e/dev/"
    assert client.get("/e/test/").headers["location"] == "/e/test/sign-in"
    assert "does not always sign you out at your organisation" in client.get("/e/dev/sign-out").text
    response = client.post("/e/dev/sign-out")
    assert response.headers["location"] == "/e/dev/sign-in?signed_out=1"
    assert client.get("/e/dev/").status_code == 303
    with server.house.runtime.database.reading() as tx:
        assert tx.execute(select(sessions)).all() == []


def test_a_stolen_session_cookie_of_one_environment_opens_no_other(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house, environments=("dev", "test"))
    client = server.client()
    sign_ins.sign_in(server, client, connection)
    token = client.http.cookies["vestibule_env_dev"]
    other = server.client()
    other.http.cookies.set("vestibule_env_test", token)
    assert other.get("/e/test/").status_code == 303


def test_the_metadata_names_the_connection_and_its_one_endpoint(server: Server) -> None:
    connection = sign_ins.connect(server.house, sign_requests=True)
    response = server.client().get(f"/saml/{connection.id}/metadata")
    assert response.headers["content-type"].startswith("application/samlmetadata+xml")
    root = etree.fromstring(response.content)
    assert root.get("entityID") == sp_entity_id(server.base_url, connection.id)
    service = root.find(".//{*}AssertionConsumerService")
    assert service is not None
    assert service.get("Location") == acs_url(server.base_url, connection.id)
    assert root.findtext(".//{*}X509Certificate")
    assert SigningKey.__name__ not in response.text


def test_each_sign_in_and_its_refusal_is_in_the_activity(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house)
    sign_ins.add_person(house)
    sign_ins.sign_in(server, server.client(), connection)
    sign_ins.sign_in(server, server.client(), connection, "nobody@example.com")
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="end_user.sign_in")
        entries = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=10)
    assert [entry.event.outcome for entry in entries] == [Outcome.REFUSED, Outcome.DONE]
    assert all(entry.event.environment_id == house.environments["dev"].id for entry in entries)
    assert entries[0].event.reference
    assert entries[0].actor.address == "127.0.0.1"
