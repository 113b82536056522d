"""OpenID Connect over HTTP: a person who comes through SAML gets into an app, and the app gets tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import httpx
import pytest

from tests.support import apps
from tests.support.apps import CALLBACK, RelyingApp
from tests.support.house import Client, Server
from tests.support.oidc_scene import Scene, id_token_of, scene_of
from tests.support.people import group_of
from vestibule.directory.apps import ClientAuthentication, GroupsClaim, SigningAlgorithm
from vestibule.directory.sources import Source
from vestibule.storage import access


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


def test_a_person_comes_through_saml_into_an_app_and_the_app_knows_them(scene: Scene) -> None:
    answered = apps.through_saml(scene.app, scene.client, scene.connection)
    assert answered.address == CALLBACK
    assert answered.parameters["state"] == scene.app.state
    assert answered.parameters["iss"] == scene.app.issuer
    response = scene.app.exchange(answered.code)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    tokens = response.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    claims = id_token_of(scene, tokens["id_token"])
    now = int(scene.server.house.clock().timestamp())
    assert claims["nonce"] == scene.app.nonce
    assert claims["email"] == "grace@example.com"
    assert claims["email_verified"] is True
    assert claims["name"] == "Grace Okafor"
    assert claims["environment"] == "dev"
    assert claims["groups"] == []
    assert claims["amr"] == ["fed"]
    assert claims["auth_time"] == now
    assert (claims["iat"], claims["exp"]) == (now, now + 600)
    assert claims["sub"] != scene.grace.id
    info = scene.app.user_info(tokens["access_token"])
    assert info.status_code == 200, info.text
    assert info.json() == {
        name: claims[name] for name in ("sub", "environment", "email", "email_verified", "name", "groups")
    }


def test_an_access_token_lasts_no_longer_than_the_session_that_it_hangs_on(scene: Scene) -> None:
    house = scene.server.house
    house.clock.freeze()
    scene.app.tokens(scene.client, scene.connection)
    house.clock.advance(hours=7, minutes=58)
    tokens = scene.app.exchange(apps.answer_in(scene.app.authorize(scene.client)).code).json()
    assert tokens["expires_in"] == 120
    asked = scene.app.post("introspect", token=tokens["access_token"]).json()
    assert asked["exp"] == int(house.clock().timestamp()) + 120
    house.clock.advance(minutes=2)
    assert scene.app.user_info(tokens["access_token"]).status_code == 401


def test_an_idp_whose_clock_is_ahead_puts_off_no_sign_in_that_an_app_asks_for(scene: Scene) -> None:
    clock = scene.server.house.clock
    begun, ahead = scene.app.authorize(scene.client), timedelta(seconds=90)
    page = apps.signed_in_for(scene.app, scene.client, scene.connection, begun, idp_is_ahead=ahead)
    tokens = scene.app.exchange(apps.answer_in(page).code).json()
    assert id_token_of(scene, tokens["id_token"])["auth_time"] == int(clock().timestamp())
    clock.advance(seconds=31)
    again = scene.app.authorize(scene.client, max_age="30")
    assert "/e/dev/sign-in?again=1" in again.headers["location"]


def test_a_persons_page_says_in_words_that_they_signed_in_to_an_app(scene: Scene, admin_client: Client) -> None:
    scene.app.tokens(scene.client, scene.connection)
    page = admin_client.get(f"/admin/end-users/{scene.grace.id}").text
    assert "Grace Okafor signed in to the app Grafana" in page
    assert "app.sign_in" not in page


def test_whoever_is_signed_in_already_goes_straight_through(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    again = scene.app.authorize(scene.client)
    assert again.status_code == 303
    assert "code" in apps.answer_in(again).parameters


def test_an_answer_can_come_as_a_form(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    page = scene.app.authorize(scene.client, response_mode="form_post")
    answered = apps.answer_in(page)
    assert (answered.address, answered.parameters["state"]) == (CALLBACK, scene.app.state)
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    assert scene.app.exchange(answered.code).status_code == 200


def test_a_request_by_post_is_turned_into_one_by_get(scene: Scene) -> None:
    sent = scene.client.http.post(scene.app.path("authorize"), data=scene.app.request())
    assert sent.status_code == 303
    assert scene.client.get(sent.headers["location"]).status_code == 303


def test_the_token_can_be_signed_with_ed25519(scene: Scene) -> None:
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, id_token_alg=SigningAlgorithm.EDDSA)
    tokens = scene.app.tokens(scene.client, scene.connection)
    assert id_token_of(scene, tokens["id_token"], "EdDSA")["email"] == "grace@example.com"


def test_groups_are_those_that_the_app_is_narrowed_to_by_name_or_by_id(scene: Scene) -> None:
    house = scene.server.house
    ops, hr = group_of(house, name="Ops"), group_of(house, name="HR, Lisbon")
    with house.runtime.database.transaction() as tx:
        for group in (ops, hr):
            access.add_member(tx, house.workspace.id, group.id, scene.grace.id, source=Source.MANUAL, now=house.clock())
    assert id_token_of(scene, scene.app.tokens(scene.client, scene.connection)["id_token"])["groups"] == [
        "HR, Lisbon",
        "Ops",
    ]
    narrowed = apps.change_app(house, scene.app.app, everyone=False, group_ids=frozenset({ops.id}))

    def groups_now() -> object:
        answered = apps.answer_in(scene.app.authorize(scene.client))
        return id_token_of(scene, scene.app.exchange(answered.code).json()["id_token"]).get("groups")

    assert groups_now() == ["Ops"]
    apps.change_app(house, narrowed, groups_claim=GroupsClaim.IDS, all_groups=True)
    assert groups_now() == sorted([ops.id, hr.id])
    apps.change_app(house, narrowed, groups_claim=GroupsClaim.NONE)
    assert groups_now() is None


def test_two_apps_know_a_person_by_two_names_unless_they_share_a_sector(scene: Scene) -> None:
    house = scene.server.house
    second = apps.make_app(house, "GitLab")
    other = RelyingApp(scene.server, second, apps.make_secret(house, second))

    def subject(app: RelyingApp) -> str:
        answered = apps.answer_in(app.authorize(scene.client))
        return str(scene.app.user_info(app.exchange(answered.code).json()["access_token"]).json()["sub"])

    scene.app.tokens(scene.client, scene.connection)
    assert subject(scene.app) != subject(other)
    assert subject(scene.app) == subject(scene.app)
    for app in (scene.app, other):
        app.app = apps.change_app(house, app.app, sector="tools.example")
    assert subject(scene.app) == subject(other)


def test_a_public_app_needs_no_secret_and_is_given_none(scene: Scene) -> None:
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, authentication=ClientAuthentication.NONE)
    scene.app.secret = ""
    assert "id_token" in scene.app.tokens(scene.client, scene.connection)


def test_refresh_tokens_rotate_and_what_is_asked_for_can_be_less(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    first = scene.app.refresh(tokens["refresh_token"])
    assert first.status_code == 200, first.text
    second = scene.app.refresh(first.json()["refresh_token"], scope="openid email")
    assert second.status_code == 200, second.text
    assert second.json()["scope"] == "openid email"
    assert "name" not in id_token_of(scene, second.json()["id_token"])
    assert len({tokens["refresh_token"], first.json()["refresh_token"], second.json()["refresh_token"]}) == 3
    wider = scene.app.refresh(second.json()["refresh_token"], scope="openid offline_access")
    assert wider.json()["error"] == "invalid_scope"
    assert scene.app.refresh(second.json()["refresh_token"]).status_code == 200, "a mistake does not use it up"


def test_a_refresh_token_ends_with_the_session_unless_it_is_for_offline_access(scene: Scene) -> None:
    bound = scene.app.tokens(scene.client, scene.connection)
    offline = scene.app.exchange(
        apps.answer_in(scene.app.authorize(scene.client, scope="openid offline_access")).code
    ).json()
    scene.client.get("/e/dev/sign-out")
    assert scene.client.post("/e/dev/sign-out").status_code in {200, 303}
    assert scene.app.refresh(bound["refresh_token"]).json()["error"] == "invalid_grant"
    assert scene.app.refresh(offline["refresh_token"]).status_code == 200


def test_an_app_may_ask_without_showing_a_page(scene: Scene) -> None:
    sent = scene.app.authorize(scene.client, prompt="none")
    assert apps.answer_in(sent).parameters["error"] == "login_required"
    scene.app.tokens(scene.client, scene.connection)
    assert "code" in apps.answer_in(scene.app.authorize(scene.client, prompt="none")).parameters


@pytest.mark.parametrize(
    "asked", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "60"}, {"max_age": "0"}]
)
def test_an_app_may_want_a_fresh_sign_in(scene: Scene, asked: dict[str, str]) -> None:
    scene.app.tokens(scene.client, scene.connection)
    scene.server.house.clock.advance(seconds=61)
    sent = scene.app.authorize(scene.client, **asked)
    assert "/sign-in?again=1" in sent.headers["location"]
    handle = sent.headers["location"].partition("return_to=")[2]
    skipped = scene.client.get(httpx.URL(f"/?x={handle}").params["x"])
    assert "/sign-in?again=1" in skipped.headers["location"], "going on without signing in is no way round it"
    tokens = scene.app.exchange(
        apps.answer_in(apps.signed_in_for(scene.app, scene.client, scene.connection, sent)).code
    )
    claims = id_token_of(scene, tokens.json()["id_token"])
    assert claims["auth_time"] == int(scene.server.house.clock().timestamp())


def test_a_session_is_fresh_enough_at_the_age_that_is_allowed(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    scene.server.house.clock.advance(seconds=60)
    assert "code" in apps.answer_in(scene.app.authorize(scene.client, max_age="60")).parameters


def test_a_pushed_request_is_taken_once_and_only_for_its_client(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    pushed = scene.app.post("par", **scene.app.request(client_id=None))
    assert pushed.status_code == 201, pushed.text
    uri, query = pushed.json()["request_uri"], {"client_id": scene.app.app.id}
    other = apps.make_app(scene.server.house, "Other")
    stolen = scene.client.get(scene.app.path("authorize"), params={"client_id": other.id, "request_uri": uri})
    assert stolen.status_code == 400
    done = scene.client.get(scene.app.path("authorize"), params={**query, "request_uri": uri})
    assert scene.app.exchange(apps.answer_in(done).code).status_code == 200
    again = scene.client.get(scene.app.path("authorize"), params={**query, "request_uri": uri})
    assert again.status_code == 400


def test_an_app_that_has_to_push_is_refused_otherwise(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, require_pushed_requests=True)
    assert apps.answer_in(scene.app.authorize(scene.client)).parameters["error"] == "invalid_request"
    pushed = scene.app.post("par", **scene.app.request(client_id=None)).json()
    query = {"client_id": scene.app.app.id, "request_uri": pushed["request_uri"]}
    assert scene.client.get(scene.app.path("authorize"), params=query).status_code == 303


def test_a_third_party_app_gets_what_the_person_agrees_to_and_is_asked_once(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, third_party=True)
    asked = apps.signed_in_for(scene.app, scene.client, scene.connection, scene.app.authorize(scene.client))
    assert "Allow Grafana?" in asked.text
    fields = consent_fields(asked.text)
    scene.client.last_page = asked.text
    agreed = scene.client.post(scene.app.path("consent"), {**fields, "agree": "1"})
    assert scene.app.exchange(apps.answer_in(agreed).code).status_code == 200
    assert "code" in apps.answer_in(scene.app.authorize(scene.client)).parameters
    more = scene.app.authorize(scene.client, scope="openid profile email groups offline_access")
    assert "Allow Grafana?" in more.text, "more than was agreed to is asked for again"
    silent = scene.app.authorize(scene.client, scope="openid offline_access", prompt="none")
    assert apps.answer_in(silent).parameters["error"] == "consent_required"


def test_whoever_does_not_agree_is_sent_back_with_that(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, third_party=True)
    asked = apps.signed_in_for(scene.app, scene.client, scene.connection, scene.app.authorize(scene.client))
    refused = scene.client.post(scene.app.path("consent"), consent_fields(asked.text))
    assert apps.answer_in(refused).parameters["error"] == "access_denied"


def consent_fields(page: str) -> dict[str, str]:
    return {
        name: value
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
        if name != "csrf_token"
    }


def test_introspection_says_what_a_token_is_worth_now(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        told = scene.app.post("introspect", token=token).json()
        assert told["active"] is True
        assert told["username"] == "grace@example.com"
        assert told["client_id"] == scene.app.app.id
    assert scene.app.post("revoke", token=tokens["refresh_token"]).status_code == 200
    for token in (tokens["access_token"], tokens["refresh_token"], "anything"):
        assert scene.app.post("introspect", token=token).json() == {"active": False}
    assert scene.app.user_info(tokens["access_token"]).status_code == 401
    assert scene.app.post("revoke", token="anything").status_code == 200


def test_introspection_names_a_person_only_where_the_scope_for_it_was_granted(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection, scope="openid profile")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        asked = scene.app.post("introspect", token=token)
        assert asked.json()["active"] is True
        assert "grace@example.com" not in asked.text


def test_metadata_names_what_there_is_at_every_well_known_address(scene: Scene) -> None:
    found = [
        httpx.get(f"{scene.server.base_url}{path}")
        for path in (
            "/e/dev/.well-known/openid-configuration",
            "/e/dev/.well-known/oauth-authorization-server",
            "/.well-known/oauth-authorization-server/e/dev",
            "/.well-known/openid-configuration/e/dev",
        )
    ]
    assert len({one.text for one in found}) == 1
    metadata = found[0].json()
    assert metadata["issuer"] == scene.app.issuer
    for name, url in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert httpx.get(url).status_code != 404, name
    assert httpx.get(f"{scene.server.base_url}/e/nowhere/.well-known/openid-configuration").status_code == 404


def test_scripts_of_any_site_may_ask_where_no_cookie_counts_and_nowhere_else(scene: Scene) -> None:
    origin = {"Origin": "https://spa.example", "Access-Control-Request-Method": "POST"}
    for name in ("token", "userinfo", "revoke", "par"):
        preflight = httpx.options(scene.server.base_url + scene.app.path(name), headers=origin)
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in preflight.headers
    page = scene.app.authorize(scene.client)
    assert "access-control-allow-origin" not in page.headers


def test_signing_out_from_an_app_ends_the_session_and_comes_back(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    query = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": "https://app.example/bye",
        "state": "a b",
    }
    left = scene.client.get(scene.app.path("logout"), params=query)
    assert left.status_code == 303
    assert left.headers["location"] == "https://app.example/bye?state=a+b"
    assert scene.app.user_info(tokens["access_token"]).status_code == 401
    assert "/sign-in" in scene.app.authorize(scene.client).headers["location"]


@pytest.mark.parametrize(("uri", "joint"), [("https://app.example/cb?", ""), ("https://app.example/cb?a=b", "&")])
def test_what_goes_back_to_an_address_with_a_question_mark_has_only_that(scene: Scene, uri: str, joint: str) -> None:
    scene.app.tokens(scene.client, scene.connection)
    house, app = scene.server.house, scene.app.app
    scene.app.app = apps.change_app(house, app, redirect_uris=(uri,), post_logout_redirect_uris=(uri,))
    assert scene.app.authorize(scene.client, redirect_uri=uri).headers["location"].startswith(f"{uri}{joint}code=")
    query = {"client_id": app.id, "post_logout_redirect_uri": uri, "state": "s"}
    scene.client.last_page = scene.client.get(scene.app.path("logout"), params=query).text
    done = scene.client.post(f"{scene.app.path('logout')}/confirmed?{urlencode(query)}")
    assert f"url={uri}{joint}state=s" in unescape(done.text)


def test_signing_out_without_a_proof_is_asked_first(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    asked = scene.client.get(scene.app.path("logout"), params={"client_id": scene.app.app.id})
    assert "Sign out?" in asked.text
    assert "code" in apps.answer_in(scene.app.authorize(scene.client)).parameters, "nothing has happened yet"
    scene.client.last_page = asked.text
    done = scene.client.post(f"{scene.app.path('logout')}/confirmed?client_id={scene.app.app.id}")
    assert done.status_code == 303
    assert "/sign-in" in scene.app.authorize(scene.client).headers["location"]
