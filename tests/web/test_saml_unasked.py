"""Responses that nobody asked for, per connection over HTTP: refused, converted or accepted; and what accepting may not mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.authn_requests import AuthnRequestOptions
from vestibule.directory.connections import IdpInitiated
from vestibule.storage import activity


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
    response = sign_ins.post(server.client(), accepting, sign_ins.answer(server, accepting, None), relay_state)
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
    assert sign_ins.post(client, accepting, data).status_code == 303
    server.house.clock.advance(minutes=10)
    assert client.get("/e/dev/").status_code == 303
