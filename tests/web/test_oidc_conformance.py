"""What modules of the OpenID Foundation's plans ask for and no other test shows; and that the table of them names tests that there are."""

from __future__ import annotations

import ast
import re
from html import unescape

import httpx
import pytest

from tests.support import apps, sign_ins
from tests.support.apps import CALLBACK
from tests.support.hearing import hearing
from tests.support.house import Server
from tests.support.oidc_scene import Scene, id_token_of, scene_of
from tests.support.tools import ROOT
from tests.web.test_machine_access import claims_in
from vestibule.flows import app_sessions
from vestibule.outside.telling import Teller

PERSONAL = {"name", "email", "email_verified", "groups"}
TABLE = ROOT / "docs" / "reference" / "openid-conformance.md"


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


def test_a_request_without_nonce_or_state_succeeds(scene: Scene) -> None:
    answered = apps.through_saml(scene.app, scene.client, scene.connection, nonce=None, state=None)
    assert "state" not in answered.parameters
    assert "nonce" not in id_token_of(scene, scene.app.exchange(answered.code).json()["id_token"])


def test_each_scope_opens_its_claims_and_no_others(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    always = {"sub", "environment"}
    opened = {
        "openid": set[str](),
        "openid profile": {"name"},
        "openid email": {"email", "email_verified"},
        "openid groups": {"groups"},
        "openid address phone": set[str](),
    }
    for scope, claims in opened.items():
        tokens = scene.app.exchange(apps.answer_in(scene.app.authorize(scene.client, scope=scope)).code).json()
        assert set(scene.app.user_info(tokens["access_token"]).json()) == always | claims, scope
        for token in (tokens["access_token"], tokens["id_token"]):
            assert set(claims_in(token)) & PERSONAL == claims, scope
    answered = apps.answer_in(scene.app.authorize(scene.client, scope="openid address phone"))
    given = scene.app.exchange(answered.code).json()["scope"]
    assert given == "openid", "what is not offered is not said to be given"


def test_without_openid_there_is_no_id_token_and_no_userinfo(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection, scope="email")
    assert "id_token" not in tokens
    refused = scene.app.user_info(tokens["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")


def test_the_order_of_scopes_does_not_matter(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection, scope="groups email profile openid")
    assert {"name", "email", "groups"} <= set(id_token_of(scene, tokens["id_token"]))


def test_parameters_that_mean_nothing_here_change_nothing(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    passed_over = {
        "display": "popup",
        "ui_locales": "de fr",
        "claims_locales": "de",
        "acr_values": "urn:mace:incommon:iap:silver",
        "claims": '{"userinfo": {"name": {"essential": true}}}',
        "extra": "foobar",
    }
    for name, value in {**passed_over, "display": "page"}.items():
        assert "code" in apps.answer_in(scene.app.authorize(scene.client, **{name: value})).parameters, name
    assert "code" in apps.answer_in(scene.app.authorize(scene.client, **passed_over, prompt="none")).parameters


def test_an_app_that_means_somebody_is_answered_for_nobody_else(scene: Scene) -> None:
    house = scene.server.house
    sign_ins.add_person(house, "noor@example.com", name="Noor Haddad")
    hint = scene.app.tokens(scene.client, scene.connection)["id_token"]
    for prompt in ({}, {"prompt": "none"}):
        assert "code" in apps.answer_in(scene.app.authorize(scene.client, id_token_hint=hint, **prompt)).parameters
    house.clock.advance(days=1)
    other = scene.server.client()
    scene.app.tokens(other, scene.connection, "noor@example.com")
    house.clock.advance(seconds=1)
    silent = apps.answer_in(scene.app.authorize(other, id_token_hint=hint, prompt="none"))
    assert silent.parameters["error"] == "login_required"
    sent = scene.app.authorize(other, id_token_hint=hint)
    assert "/sign-in?again=1" in sent.headers["location"]
    still = apps.answer_in(apps.signed_in_for(scene.app, other, scene.connection, sent, "noor@example.com"))
    assert still.parameters["error"] == "login_required", "the same person once more is not the one who is meant"
    house.clock.advance(seconds=1)
    sent = scene.app.authorize(other, id_token_hint=hint)
    meant = apps.answer_in(apps.signed_in_for(scene.app, other, scene.connection, sent))
    claims = id_token_of(scene, scene.app.exchange(meant.code).json()["id_token"])
    assert claims["name"] == "Grace Okafor"


def test_a_hint_that_is_no_id_token_of_this_app_is_refused(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    another = scene.other_app()
    theirs = another.exchange(apps.answer_in(another.authorize(scene.client)).code).json()
    head, payload, signature = tokens["id_token"].split(".")
    bent = f"{head}.{payload}.{signature[::-1]}"
    for hint in (theirs["id_token"], tokens["access_token"], bent, "x"):
        answer = apps.answer_in(scene.app.authorize(scene.client, id_token_hint=hint))
        assert answer.parameters["error"] == "invalid_request", hint
    pushed = scene.app.post("par", **scene.app.request(client_id=None, id_token_hint=bent))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ('grace"><b>@example.com', 'grace"><b>@example.com'),
        ("jörg.straße@example.com", "jörg.straße@example.com"),
        ("grace\u202e@example.com", ""),
        ("g" * 4_001, ""),
    ],
)
def test_a_login_hint_stands_in_the_sign_in_form_and_refuses_nobody(scene: Scene, hint: str, shown: str) -> None:
    sent = scene.app.authorize(scene.client, login_hint=hint)
    page = scene.client.get(sent.headers["location"]).text
    typed = re.search(r'name="email"[^>]*value="([^"]*)"|value="([^"]*)"[^>]*name="email"', page)
    assert typed is not None
    assert unescape(typed.group(1) or typed.group(2) or "") == shown
    assert "<b>" not in page


def test_signing_out_by_hint_alone_ends_on_a_page_of_ours(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    left = scene.client.get(scene.app.path("logout"), params={"id_token_hint": tokens["id_token"]})
    assert left.headers["location"].startswith("/e/dev/sign-in?")
    assert scene.app.user_info(tokens["access_token"]).status_code == 401


def test_signing_out_without_state_comes_back_without_it(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://app.example/bye"}
    left = scene.client.get(scene.app.path("logout"), params=query)
    assert left.headers["location"] == "https://app.example/bye"


def test_signing_out_with_nothing_but_a_state_is_asked_first(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    asked = scene.client.get(scene.app.path("logout"), params={"state": "s"})
    assert "Sign out?" in asked.text
    assert "code" in apps.answer_in(scene.app.authorize(scene.client)).parameters


def test_without_hint_and_client_id_no_address_is_gone_back_to(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    query = {"post_logout_redirect_uri": "https://app.example/bye", "state": "s"}
    left = scene.client.get(scene.app.path("logout"), params=query)
    assert left.status_code == 400
    assert "code" in apps.answer_in(scene.app.authorize(scene.client)).parameters


def test_an_id_token_that_has_ended_still_signs_its_session_out(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    scene.server.house.clock.advance(minutes=20)
    query = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://app.example/bye"}
    assert scene.client.get(scene.app.path("logout"), params=query).status_code == 303
    assert "/sign-in" in scene.app.authorize(scene.client).headers["location"]


def test_an_app_that_signs_somebody_out_is_told_by_the_back_channel_too(scene: Scene) -> None:
    with hearing() as heard:
        scene.app.app = apps.change_app(scene.server.house, scene.app.app, backchannel_logout_uri=heard.url)
        tokens = scene.app.tokens(scene.client, scene.connection)
        scene.client.get(scene.app.path("logout"), params={"id_token_hint": tokens["id_token"]})
        runtime = scene.server.house.runtime
        assert app_sessions.tell_due(runtime, Teller(allow_http=True, allow_private=True)) == 1
        assert len(heard.tokens) == 1


def test_the_metadata_offers_back_channel_logout(scene: Scene) -> None:
    metadata = httpx.get(f"{scene.app.issuer}/.well-known/openid-configuration").json()
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True


def test_what_the_metadata_says_is_supported_is(scene: Scene) -> None:
    metadata = httpx.get(f"{scene.app.issuer}/.well-known/openid-configuration").json()
    scene.app.tokens(scene.client, scene.connection)
    for mode in metadata["response_modes_supported"]:
        assert apps.answer_in(scene.app.authorize(scene.client, response_mode=mode)).address == CALLBACK
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256", "EdDSA"]
    for scope in metadata["scopes_supported"]:
        answered = apps.answer_in(scene.app.authorize(scene.client, scope=scope))
        assert scene.app.exchange(answered.code).json()["scope"] == scope


def test_the_table_names_tests_that_there_are() -> None:
    named = set(re.findall(r"`(test_\w+)`", TABLE.read_text(encoding="utf-8")))
    there = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert len(named) > 25
    assert named - there == set()
