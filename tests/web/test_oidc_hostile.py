"""Hostile apps, browsers and strangers at the authorization endpoint: each gets nothing, and nobody is sent where they want."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support import apps
from tests.support.apps import CALLBACK, RelyingApp
from tests.support.house import Server, furnish
from tests.support.oidc_scene import Scene, scene_of
from tests.web.test_oidc import consent_fields
from vestibule.directory.activity import Outcome


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


@pytest.fixture
def signed_in(scene: Scene) -> Scene:
    """Give the scene with somebody signed in: whatever goes to the app now would carry a code."""
    scene.app.tokens(scene.client, scene.connection)
    return scene


REDIRECT_TRICKS = [
    "https://app.example/callback/",
    "https://app.example/callback/../evil",
    "https://app.example/callback/%2e%2e/evil",
    "https://app.example/Callback",
    "https://APP.example/callback",
    "https://app.example/callback?next=https://evil.example",
    "https://app.example/callback#fragment",
    "https://app.example/callback%00",
    "https://app.example/callback\\@evil.example",
    "https://app.example:443/callback",
    "https://app.example./callback",
    "https://app.example@evil.example/callback",
    "https://app.example.evil.example/callback",
    "https://evil.example/https://app.example/callback",
    "https://evilapp.example/callback",
    "https:app.example/callback",
    "//app.example/callback",
    "http://app.example/callback",
    "http://127.0.0.1:4711/callback",
    "javascript:alert(1)//https://app.example/callback",
    "data:text/html,https://app.example/callback",
    " https://app.example/callback",
    "https://app.example/callback\r\nSet-Cookie: a=b",
    "https://app.example/callbac\u212a",
    "",
]


def test_a_redirect_uri_that_is_not_the_registered_one_gets_nothing_sent_to_it(signed_in: Scene) -> None:
    for uri in REDIRECT_TRICKS:
        refused = signed_in.app.authorize(signed_in.client, redirect_uri=uri)
        assert refused.status_code == 400, uri
        assert "location" not in refused.headers
        assert "evil.example" not in refused.text
        assert "http-equiv" not in refused.text
    refusals = [one for one in signed_in.recorded("app.sign_in") if one.event.outcome is Outcome.REFUSED]
    assert {one.event.details["code"] for one in refusals} == {"unknown_client"}


@pytest.mark.parametrize(
    ("method", "name", "allowed"),
    [
        *(
            ("GET", f"/oauth2/{one}", "OPTIONS, POST")
            for one in ("token", "introspect", "revoke", "par", "device_authorization", "register")
        ),
        ("PUT", "/oauth2/userinfo", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/oauth2/register/app_1", "DELETE, GET, HEAD, PUT"),
        ("POST", "/jwks.json", "GET, HEAD, OPTIONS"),
        ("DELETE", "/.well-known/openid-configuration", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_program_that_uses_another_method_reads_which_there_are_in_its_own_words(
    scene: Scene, method: str, name: str, allowed: str
) -> None:
    refused = httpx.request(method, scene.app.issuer + name)
    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)
    assert refused.json()["error"] == "invalid_request"
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.headers["cache-control"] == "no-store"


def test_two_redirect_uris_are_none(signed_in: Scene) -> None:
    refused = signed_in.app.authorize(signed_in.client, redirect_uri=[CALLBACK, "https://evil.example/"])
    assert refused.status_code == 400
    assert "location" not in refused.headers


LOOPBACK = [
    ("http://127.0.0.1:49152/cb", True),
    ("http://127.0.0.1/cb", True),
    ("http://[::1]:49152/cb", False),
    ("http://localhost:49152/cb", False),
    ("http://127.0.0.1:49152/cb/", False),
    ("http://127.0.0.1:0/cb", False),
    ("http://127.0.0.1:65536/cb", False),
    ("http://127.0.0.1:80@evil.example/cb", False),
    ("http://127.0.0.1:80.evil.example/cb", False),
    ("http://127.0.0.1:٣٣/cb", False),
    ("https://127.0.0.1:49152/cb", False),
    ("http://127.0.0.2:49152/cb", False),
]


def test_a_native_app_may_choose_the_port_of_its_loopback_address_and_nothing_else(signed_in: Scene) -> None:
    apps.change_app(signed_in.server.house, signed_in.app.app, redirect_uris=("http://127.0.0.1/cb",))
    for uri, taken in LOOPBACK:
        answer = signed_in.app.authorize(signed_in.client, redirect_uri=uri)
        assert answer.status_code == (303 if taken else 400), uri
        if taken:
            assert answer.headers["location"].startswith(uri + "?code=")


DOWNGRADES: list[tuple[dict[str, Any], str]] = [
    ({"code_challenge": None, "code_challenge_method": None}, "PKCE is required"),
    ({"code_challenge_method": None}, "must be S256"),
    ({"code_challenge_method": "plain"}, "must be S256"),
    ({"code_challenge_method": "s256"}, "must be S256"),
    ({"code_challenge_method": ["S256", "plain"]}, "stands twice"),
    ({"code_challenge": "short"}, "malformed"),
    ({"code_challenge": "a" * 44}, "malformed"),
]


def test_pkce_can_not_be_left_out_or_weakened(signed_in: Scene) -> None:
    for changes, sentence in DOWNGRADES:
        told = apps.answer_in(signed_in.app.authorize(signed_in.client, **changes)).parameters
        assert told["error"] == "invalid_request", changes
        assert sentence in told["error_description"]
        assert "code" not in told


def test_there_is_no_implicit_and_no_hybrid_flow(signed_in: Scene) -> None:
    for kind in ("token", "id_token", "code id_token", "code token", "none", "Code", None):
        told = apps.answer_in(signed_in.app.authorize(signed_in.client, response_type=kind)).parameters
        assert told["error"] == ("unsupported_response_type" if kind else "invalid_request")


def test_an_answer_goes_by_query_or_form_and_in_no_other_way(signed_in: Scene) -> None:
    for mode in ("fragment", "web_message", "query.jwt", "QUERY"):
        told = apps.answer_in(signed_in.app.authorize(signed_in.client, response_mode=mode)).parameters
        assert told["error"] == "invalid_request"


def test_request_objects_are_refused_and_nothing_is_fetched(signed_in: Scene) -> None:
    value = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9."
    for name, error in (("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")):
        told = apps.answer_in(signed_in.app.authorize(signed_in.client, **{name: value}))
        assert told.address == CALLBACK
        assert told.parameters["error"] == error


def test_answers_and_errors_say_whose_they_are_against_mix_up(signed_in: Scene) -> None:
    done = apps.answer_in(signed_in.app.authorize(signed_in.client)).parameters
    refused = apps.answer_in(signed_in.app.authorize(signed_in.client, response_type="token")).parameters
    assert done["iss"] == refused["iss"] == signed_in.app.issuer
    assert refused["state"] == signed_in.app.state


TWICE = [
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "prompt",
    "max_age",
    "response_mode",
    "login_hint",
]


def test_a_parameter_that_stands_twice_is_refused(signed_in: Scene) -> None:
    for name in TWICE:
        value = str(signed_in.app.request().get(name, "1"))
        told = apps.answer_in(signed_in.app.authorize(signed_in.client, **{name: [value, value]})).parameters
        assert told["error"] == "invalid_request", name
        assert "code" not in told


def test_a_client_id_that_stands_twice_is_a_page_of_ours(signed_in: Scene) -> None:
    refused = signed_in.app.authorize(signed_in.client, client_id=[signed_in.app.app.id, signed_in.app.app.id])
    assert refused.status_code == 400


def test_oversized_and_unreadable_values_are_refused(signed_in: Scene) -> None:
    for name in ("state", "nonce", "scope", "max_age", "prompt", "resource"):
        for value in ("x" * 4_001, "a\u202eb", "a\x00b\x01", "\ud7ff"):
            told = apps.answer_in(signed_in.app.authorize(signed_in.client, **{name: value})).parameters
            assert told["error"] == "invalid_request", name
            assert "code" not in told


def test_a_sign_in_begun_in_one_browser_can_not_be_finished_in_another(scene: Scene) -> None:
    """Login CSRF: the one who attacks begins, and has the other person's browser finish."""
    begun = scene.app.authorize(scene.client)
    wanted = httpx.URL("http://h/?x=" + begun.headers["location"].partition("return_to=")[2]).params["x"]
    victim = scene.server.client()
    scene.other_app().tokens(victim, scene.connection)
    refused = victim.get(wanted)
    assert refused.status_code == 400
    assert "location" not in refused.headers


def test_a_handle_that_nobody_was_given_leads_nowhere(signed_in: Scene) -> None:
    for handle in ("", "x", "a" * 43, "../../authorize", "a" * 5000):
        assert signed_in.client.get(signed_in.app.path("continue"), params={"request": handle}).status_code == 400


def test_consent_can_not_be_given_by_another_site_or_another_person(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, third_party=True)
    asked = apps.signed_in_for(scene.app, scene.client, scene.connection, scene.app.authorize(scene.client))
    fields = {**consent_fields(asked.text), "agree": "1"}
    scene.client.last_page = asked.text
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert scene.client.post(scene.app.path("consent"), fields, headers=foreign).status_code == 403
    scene.client.last_page = asked.text
    assert scene.client.post(scene.app.path("consent"), fields, token="0" * 64).status_code == 403
    scene.client.last_page = asked.text
    other = scene.client.post(scene.app.path("consent"), {**fields, "person": "usr_someone_else"})
    assert "Allow Grafana?" in other.text, "whoever was shown the page has to be who agrees"


def test_consent_and_errors_can_not_be_framed(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, third_party=True)
    asked = apps.signed_in_for(scene.app, scene.client, scene.connection, scene.app.authorize(scene.client))
    refused = scene.app.authorize(scene.client, redirect_uri="https://evil.example/")
    confirm = scene.client.get(scene.app.path("logout"))
    for page in (asked, refused, confirm):
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"


def test_another_site_can_not_sign_anybody_out(signed_in: Scene) -> None:
    confirmed = f"{signed_in.app.path('logout')}/confirmed"
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    signed_in.client.get(signed_in.app.path("logout"))
    assert signed_in.client.post(confirmed, headers=foreign).status_code == 403
    assert signed_in.client.post(confirmed, token="0" * 64).status_code == 403
    assert "code" in apps.answer_in(signed_in.app.authorize(signed_in.client)).parameters


POST_LOGOUT_TRICKS = [
    "https://evil.example/",
    "https://app.example/bye/",
    "https://app.example/bye?x=1",
    "https://app.example/bye#x",
    "https://app.example@evil.example/bye",
    "//app.example/bye",
    "javascript:alert(1)",
    CALLBACK,
]


def test_signing_out_is_no_open_redirect(signed_in: Scene) -> None:
    for uri in POST_LOGOUT_TRICKS:
        for client_id in ({}, {"client_id": signed_in.app.app.id}):
            left = signed_in.client.get(
                signed_in.app.path("logout"), params={"post_logout_redirect_uri": uri, **client_id}
            )
            assert left.status_code == 400, uri
            assert "location" not in left.headers


def test_an_id_token_of_somebody_else_does_not_sign_this_browser_out(signed_in: Scene) -> None:
    other = signed_in.server.client()
    hint = signed_in.app.tokens(other, signed_in.connection)["id_token"]
    asked = signed_in.client.get(signed_in.app.path("logout"), params={"id_token_hint": hint})
    assert "Sign out?" in asked.text
    assert "code" in apps.answer_in(signed_in.app.authorize(signed_in.client)).parameters


def test_an_app_of_another_environment_or_workspace_is_unknown_here(signed_in: Scene) -> None:
    elsewhere = signed_in.other_app(key="test")
    assert signed_in.app.authorize(signed_in.client, client_id=elsewhere.app.id).status_code == 400
    southwind = furnish(signed_in.server.house.runtime, signed_in.server.house.clock, ("SOUTH",), "Southwind")
    foreign = apps.make_app(southwind, "Theirs", "south")
    assert signed_in.app.authorize(signed_in.client, client_id=foreign.id).status_code == 400
    theirs = RelyingApp(signed_in.server, foreign, environment="south")
    asked = theirs.authorize(signed_in.client)
    assert "/e/south/sign-in" in asked.headers["location"], "a session here is none there"


def test_a_client_id_that_nobody_has_is_a_page_with_a_reference(signed_in: Scene) -> None:
    for client_id in ("", "x", "app_", "usr_01", "app_" + "0" * 26, "a" * 5000, "app_01\u0000"):
        refused = signed_in.app.authorize(signed_in.client, client_id=client_id)
        assert refused.status_code == 400, client_id
        assert 'id="ref"' in refused.text


def test_an_app_that_is_disabled_is_unknown(signed_in: Scene) -> None:
    apps.change_app(signed_in.server.house, signed_in.app.app, disabled=True)
    assert signed_in.app.authorize(signed_in.client).status_code == 400


def test_whoever_may_not_use_the_app_is_told_here_and_the_app_gets_no_code(signed_in: Scene) -> None:
    apps.change_app(signed_in.server.house, signed_in.app.app, everyone=False)
    refused = signed_in.app.authorize(signed_in.client)
    assert refused.status_code == 403
    assert "code=" not in refused.text
    silent = apps.answer_in(signed_in.app.authorize(signed_in.client, prompt="none")).parameters
    assert silent["error"] == "access_denied"
