"""Responses that nobody asked for, per connection over HTTP: refused, converted or accepted; and what accepting may not mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.authn_requests import AuthnRequestOptions
from vestibule.directory.connections import Connection, IdpInitiated
from vestibule.storage import activity
from vestibule.storage.tables import sessions


def last(server: Server) -> dict[str, Any]:
    with server.house.runtime.database.reading() as tx:
        found = activity.page(
            tx,
            server.house.workspace.id,
            ActivityFilter(action_prefix="end_user.sign_in"),
            before=None,
            after=None,
            size=1,
        )
    return dict(found[0].event.details)


def arrived(client: Client, response: httpx.Response, environment: str = "dev") -> httpx.Response:
    """Go the step behind an accepted response, with what cookies the browser has."""
    assert response.status_code == 303, response.text
    assert response.headers["location"].startswith(f"/e/{environment}/arrived")
    return client.get(response.headers["location"])


def test_an_unasked_response_is_refused_converted_or_accepted_as_the_connection_says(server: Server) -> None:
    sign_ins.add_person(server.house, environments=("dev", "test", "prod"))
    for environment, mode in (("dev", "off"), ("test", "convert"), ("prod", "accept")):
        connection = sign_ins.connect(server.house, environment, name=mode, idp_initiated=IdpInitiated(mode))
        client = server.client()
        response = sign_ins.post(client, connection, sign_ins.answer(server, connection, None))
        if mode == "off":
            assert response.status_code == 403
            assert last(server)["code"] == "saml_unsolicited"
        elif mode == "convert":
            assert sign_ins.read_request(response).request_id
        else:
            response = arrived(client, response, "prod")
            assert (response.status_code, response.headers["location"]) == (303, "/e/prod/")
            assert last(server)["started"] == "at the identity provider"


@pytest.fixture
def accepting(server: Server) -> Any:
    sign_ins.add_person(server.house)
    return sign_ins.connect(server.house, idp_initiated=IdpInitiated.ACCEPT)


def test_an_accepted_assertion_counts_once_on_every_browser(server: Server, accepting: Any) -> None:
    data = sign_ins.answer(server, accepting, None)
    assert sign_ins.post(server.client(), accepting, data).status_code == 303
    assert sign_ins.post(server.client(), accepting, data).status_code == 403
    assert last(server)["code"] == "replayed"


@pytest.mark.parametrize(
    ("relay_state", "location"),
    [
        ("/e/dev/?tab=1", "/e/dev/?tab=1"),
        ("/e/prod/", "/e/dev/"),
        ("/admin/settings", "/e/dev/"),
        ("https://evil.example/e/dev/", "/e/dev/"),
        ("//evil.example/e/dev/", "/e/dev/"),
        ("/e/dev/../../admin", "/e/dev/"),
        ("/e/dev/%2e%2e/%2e%2e/admin", "/e/dev/"),
        ("/e/dev/\\evil.example", "/e/dev/"),
        ("javascript:alert(1)", "/e/dev/"),
        ("", "/e/dev/"),
    ],
)
def test_relay_state_leads_to_a_path_of_the_environment_or_home(
    server: Server, accepting: Any, relay_state: str, location: str
) -> None:
    client = server.client()
    response = arrived(client, sign_ins.post(client, accepting, sign_ins.answer(server, accepting, None), relay_state))
    assert (response.status_code, response.headers["location"]) == (303, location)


def test_a_response_that_claims_to_answer_a_request_is_bound_to_it_all_the_same(server: Server, accepting: Any) -> None:
    started = sign_ins.start(server.client())
    stolen = sign_ins.answer(server, accepting, started.request_id)
    assert sign_ins.post(server.client(), accepting, stolen).status_code == 403
    assert last(server)["code"] == "other_browser"


def test_an_assertion_that_answers_a_request_is_not_taken_out_of_its_response(server: Server, accepting: Any) -> None:
    started = sign_ins.start(server.client())
    stolen = sign_ins.answer(server, accepting, started.request_id, in_response_to=None)
    assert sign_ins.post(server.client(), accepting, stolen).status_code == 403
    assert last(server)["code"] == "saml_in_response_to"


def test_one_confirmation_without_a_request_does_not_excuse_another_that_has_one(
    server: Server, accepting: Any
) -> None:
    recipe = sign_ins.recipe(server, accepting, None)
    answering = sign_ins.recipe(server, accepting, "_somebody-elses").confirmations
    data = sign_ins.answer(server, accepting, None, confirmations=(*recipe.confirmations, *answering))
    assert sign_ins.post(server.client(), accepting, data).status_code == 403
    assert last(server)["code"] == "saml_in_response_to"


def test_an_unsigned_or_foreign_response_is_refused_as_ever(server: Server, accepting: Any) -> None:
    unsigned = sign_ins.answer(server, accepting, None, sign="none")
    foreign = sign_ins.answer(server, accepting, None, key="somebody")
    for data in (unsigned, foreign):
        assert sign_ins.post(server.client(), accepting, data).status_code == 403
        assert last(server)["check"] == "signature"


def test_who_must_sign_in_again_each_time_is_asked_and_not_let_in_unasked(server: Server) -> None:
    sign_ins.add_person(server.house)
    asking = AuthnRequestOptions(force_authn=True)
    connection = sign_ins.connect(server.house, idp_initiated=IdpInitiated.ACCEPT, asking=asking)
    response = sign_ins.post(server.client(), connection, sign_ins.answer(server, connection, None))
    assert b'ForceAuthn="true"' in sign_ins.read_request(response).xml


def test_the_way_of_signing_in_that_is_asked_for_counts_for_unasked_responses_too(server: Server) -> None:
    sign_ins.add_person(server.house)
    asking = AuthnRequestOptions(context_classes=("urn:example:token",))
    connection = sign_ins.connect(server.house, idp_initiated=IdpInitiated.ACCEPT, asking=asking)
    data = sign_ins.answer(server, connection, None)
    assert sign_ins.post(server.client(), connection, data).status_code == 403
    assert last(server)["code"] == "saml_authn_context"


def test_an_admin_chooses_and_the_activity_says_so(server: Server, admin_client: Client) -> None:
    connection = sign_ins.connect(server.house)
    here = f"/admin/connections/{connection.id}"
    page = admin_client.get(here).text
    assert 'value="convert" checked' in page
    assert "signs them in to an account which is not theirs" in page
    assert admin_client.post(f"{here}/idp-initiated", {"idp_initiated": "accept"}).status_code == 303
    assert 'value="accept" checked' in admin_client.get(here).text
    refused = admin_client.post(f"{here}/idp-initiated", {"idp_initiated": "everything"})
    assert refused.status_code == 422
    assert "changed what happens to sign-ins that start at Okta Dev" in admin_client.get("/admin/activity").text


def test_the_session_of_an_accepted_response_ends_as_any_other(server: Server, accepting: Any) -> None:
    now = server.house.clock.freeze()
    client = server.client()
    end = forge.instant(now + timedelta(minutes=10))
    data = sign_ins.answer(server, accepting, None, session_not_on_or_after=end)
    assert arrived(client, sign_ins.post(client, accepting, data)).status_code == 303
    server.house.clock.advance(minutes=10)
    assert client.get("/e/dev/").status_code == 303


class Two:
    """A browser of Grace, who is signed in, and an answer about Hal that nobody there asked for."""

    def __init__(self, server: Server, connection: Connection) -> None:
        sign_ins.add_person(server.house, "hal@example.com", name="Hal Incandenza")
        self.server, self.connection, self.client = server, connection, server.client()
        assert sign_ins.sign_in(server, self.client, connection).status_code == 303

    def bring(self, email: str = "hal@example.com", relay_state: str = "") -> httpx.Response:
        data = sign_ins.answer(self.server, self.connection, None, email)
        return arrived(self.client, sign_ins.post(self.client, self.connection, data, relay_state))

    def who(self) -> str:
        page = self.client.get("/e/dev/").text
        (name,) = (name for name in ("Grace Okafor", "Hal Incandenza") if name in page)
        return name

    def sessions(self) -> int:
        with self.server.house.runtime.database.reading() as tx:
            return int(tx.execute(select(func.count()).select_from(sessions)).scalar_one())


@pytest.fixture
def two(server: Server, accepting: Any) -> Two:
    return Two(server, accepting)


def test_somebody_elses_live_session_is_never_replaced_unasked(two: Two) -> None:
    page = two.bring()
    assert page.status_code == 200
    assert "Continue as Hal Incandenza?" in page.text
    assert "signed in as Grace Okafor (grace@example.com)" in page.text
    assert two.who() == "Grace Okafor"


def test_whoever_is_here_stays_and_the_other_session_ends(two: Two) -> None:
    two.bring()
    stayed = two.client.post("/e/dev/arrived/stay")
    assert (stayed.status_code, stayed.headers["location"]) == (303, "/e/dev/sign-in")
    assert two.client.get("/e/dev/sign-in").headers["location"] == "/e/dev/"
    assert two.who() == "Grace Okafor"
    assert two.sessions() == 1
    two.client.get("/e/dev/sign-out")
    assert two.client.post("/e/dev/arrived").headers["location"] == "/e/dev/sign-in"
    assert two.who() == "Grace Okafor"
    with two.server.house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="end_user.arrival_turned_down")
        found = activity.page(tx, two.server.house.workspace.id, wanted, before=None, after=None, size=5)
    assert [one.event.subject.name for one in found] == ["Hal Incandenza"]


def test_whoever_says_so_goes_on_as_the_other_one_once(two: Two) -> None:
    two.bring(relay_state="/e/dev/?tab=1")
    gone_on = two.client.post("/e/dev/arrived", {"return_to": "/e/dev/?tab=1"})
    assert (gone_on.status_code, gone_on.headers["location"]) == (303, "/e/dev/?tab=1")
    assert two.who() == "Hal Incandenza"
    assert two.sessions() == 1
    assert two.client.get("/e/dev/arrived").headers["location"] == "/e/dev/sign-in"


def test_one_and_the_same_person_is_not_asked(two: Two) -> None:
    again = two.bring("grace@example.com")
    assert (again.status_code, again.headers["location"]) == (303, "/e/dev/")
    assert two.who() == "Grace Okafor"
    assert two.sessions() == 1


@pytest.mark.parametrize("path", ["/e/dev/arrived", "/e/dev/arrived/stay"])
def test_another_site_can_not_answer_for_the_person(two: Two, path: str) -> None:
    two.bring()
    foreign = two.client.post(path, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
    without = two.client.post(path, token="")
    assert foreign.status_code == without.status_code == 403
    assert two.sessions() == 2
    assert two.who() == "Grace Okafor"


def test_a_session_that_waited_and_ended_meanwhile_is_over(two: Two) -> None:
    two.bring()
    with two.server.house.runtime.database.transaction() as tx:
        tx.execute(
            sessions.delete().where(sessions.c.created_at == select(func.max(sessions.c.created_at)).scalar_subquery())
        )
    for response in (
        two.client.get("/e/dev/arrived"),
        two.client.post("/e/dev/arrived"),
        two.client.post("/e/dev/arrived/stay"),
    ):
        assert response.status_code in {303, 403}
    assert two.who() == "Grace Okafor"


def test_nobody_arrives_without_the_cookie_or_with_an_invented_one(server: Server, accepting: Any) -> None:
    assert accepting.id
    client = server.client()
    assert client.get("/e/dev/arrived").headers["location"] == "/e/dev/sign-in"
    client.http.cookies.set("vestibule_arrived_dev", "x" * 43)
    assert client.get("/e/dev/arrived").headers["location"] == "/e/dev/sign-in"
    assert client.get("/e/nowhere/arrived").status_code == 404
    assert client.get("/e/dev/arrived?return_to=https://evil.example/").headers["location"] == "/e/dev/sign-in"
