"""The practice app against a real server: whom it lets in, and what it does not believe."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from starlette.testclient import TestClient

from tests.support import apps
from tests.support.apps import RelyingApp
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from vestibule.directory.apps import SigningAlgorithm
from vestibule.flows.parts.jwt_keys import key_to_sign, usable_jwt_keys
from vestibule.flows.parts.places import find_place
from vestibule.oidc.jwt import sign
from vestibule.oidc.logout_tokens import LOGOUT_TOKEN, logout_claims
from vestibule.practice.app import PracticeApp
from vestibule.practice.errors import NotLoopback

BASE_URL = "http://127.0.0.1:9"


class Practised:
    """The practice app, registered at a server, and somebody's browser at it."""

    def __init__(self, scene: Scene) -> None:
        self.scene, house = scene, scene.server.house
        self.app = PracticeApp(BASE_URL, scene.app.issuer, house.clock)
        registered = apps.make_app(house, "Practice app")
        registered = apps.change_app(house, registered, redirect_uris=(self.app.redirect_uri,))
        self.relying = RelyingApp(scene.server, registered, apps.make_secret(house, registered))
        self.app.party.know(registered.id, self.relying.secret)
        self.browser = self.new_browser()

    def new_browser(self) -> TestClient:
        return TestClient(self.app.app, base_url=BASE_URL, follow_redirects=False)

    def answered(self) -> dict[str, str]:
        """Go from the app to the server, sign in there, and return what comes back."""
        sent = self.scene.client.get(self.browser.get("/sign-in").headers["location"])
        if not sent.headers["location"].startswith(BASE_URL):
            sent = apps.signed_in_for(self.relying, self.scene.client, self.scene.connection, sent)
        return apps.answer_in(sent).parameters

    def come_in(self) -> str:
        done = self.browser.get("/callback", params=self.answered())
        assert done.status_code == 303, done.text
        return self.home()

    def home(self) -> str:
        page = self.browser.get("/")
        assert page.status_code == 200
        return page.text

    def post(self, path: str, **form: str) -> Any:
        return self.browser.post(path, data=form, headers={"Origin": BASE_URL})

    def logout_token(self, typ: str = LOGOUT_TOKEN, **changes: Any) -> str:
        """Return a logout token that the server could have signed, but for the changes; None takes a claim out."""
        runtime = self.scene.server.house.runtime
        place = find_place(runtime, "dev")
        key = key_to_sign(runtime, usable_jwt_keys(runtime, place.environment), SigningAlgorithm.RS256)
        claims = logout_claims(
            self.scene.app.issuer,
            self.relying.app.id,
            subject=self.claims()["sub"],
            sid=self.claims()["sid"],
            jti="once",
            now=runtime.clock(),
        )
        return sign({name: one for name, one in (claims | changes).items() if one is not None}, key, typ)

    def claims(self) -> dict[str, Any]:
        (browser,) = [one for one in self.app._browsers.values() if one.signed_in]
        assert browser.signed_in is not None
        return dict(browser.signed_in.claims)


@pytest.fixture
def practised(server: Server) -> Practised:
    return Practised(scene_of(server))


def test_somebody_comes_in_refreshes_and_leaves(practised: Practised) -> None:
    assert "Hello, " in practised.come_in()
    assert practised.browser.get("/state").json() == {"signed_in": True}
    practised.post("/refresh")
    assert "you may still use it" in practised.home()
    out = practised.post("/sign-out").headers["location"]
    assert parse_qs(urlsplit(out).query)["client_id"] == [practised.relying.app.id]
    assert "You are signed out" in practised.home()


def test_pkce_state_and_nonce_are_new_each_time(practised: Practised) -> None:
    first, second = (
        dict(parse_qsl(urlsplit(practised.browser.get("/sign-in").headers["location"]).query)) for _ in range(2)
    )
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
    assert first["code_challenge_method"] == "S256"


def test_an_answer_counts_once_in_the_browser_that_asked_and_from_its_issuer(practised: Practised) -> None:
    answered = practised.answered()
    stranger = practised.new_browser()
    assert stranger.get("/callback", params=answered).status_code == 400
    assert practised.browser.get("/callback", params={**answered, "state": "another"}).status_code == 400
    assert practised.browser.get("/callback", params={**answered, "iss": "http://127.0.0.1:1/e/dev"}).status_code == 400
    assert practised.browser.get("/callback", params=answered).status_code == 400, "its state is used up by the mix-up"
    assert "Hello, " in practised.come_in()


def test_signing_in_gives_the_browser_another_name(practised: Practised) -> None:
    practised.browser.get("/sign-in")
    before = practised.browser.cookies["practice_app"]
    practised.come_in()
    assert practised.browser.cookies["practice_app"] != before
    thief = practised.new_browser()
    thief.cookies.set("practice_app", before)
    assert thief.get("/state").json() == {"signed_in": False}


def test_a_refusal_is_shown_with_its_code(practised: Practised) -> None:
    location = practised.browser.get("/sign-in").headers["location"]
    state = dict(parse_qsl(urlsplit(location).query))["state"]
    refused = {"error": "access_denied", "state": state, "iss": practised.scene.app.issuer}
    page = practised.browser.get("/callback", params=refused)
    assert page.status_code == 400
    assert "access_denied" in page.text


def test_a_refresh_that_is_refused_ends_the_session(practised: Practised) -> None:
    practised.come_in()
    apps.change_app(practised.scene.server.house, practised.relying.app, everyone=False)
    practised.post("/refresh")
    assert "invalid_grant" in practised.home()


@pytest.mark.parametrize("path", ["/refresh", "/sign-out"])
def test_a_form_of_another_page_does_nothing(practised: Practised, path: str) -> None:
    practised.come_in()
    for origin in ({}, {"Origin": practised.scene.server.base_url}, {"Origin": "null"}):
        assert practised.browser.post(path, headers=origin).status_code == 400
    assert practised.browser.get("/state").json() == {"signed_in": True}


def test_a_logout_token_ends_the_session_once(practised: Practised) -> None:
    practised.come_in()
    token = practised.logout_token()
    assert practised.new_browser().post("/backchannel-logout", data={"logout_token": token}).status_code == 200
    assert "Vestibule told this app" in practised.home()
    assert practised.new_browser().post("/backchannel-logout", data={"logout_token": token}).status_code == 400


HOSTILE: dict[str, Callable[[Practised], str]] = {
    "no token": lambda _: "",
    "not ours": lambda one: _tampered(one.logout_token()),
    "an ID token": lambda one: one.logout_token(typ="JWT"),
    "another issuer": lambda one: one.logout_token(iss="http://127.0.0.1:1/e/dev"),
    "another app": lambda one: one.logout_token(aud="app_other"),
    "ended": lambda one: one.logout_token(exp=1),
    "with a nonce": lambda one: one.logout_token(nonce="x"),
    "without the event": lambda one: one.logout_token(events={}),
    "without jti": lambda one: one.logout_token(jti=None),
}


def _tampered(token: str) -> str:
    head, body, signature = token.split(".")
    other = urlsafe_b64encode(hashlib.sha256(signature.encode()).digest()).decode().rstrip("=")
    return f"{head}.{body}.{other}"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_logout_token_that_does_not_verify_ends_nothing(practised: Practised, name: str) -> None:
    practised.come_in()
    token = HOSTILE[name](practised)
    assert practised.new_browser().post("/backchannel-logout", data={"logout_token": token}).status_code == 400
    assert practised.browser.get("/state").json() == {"signed_in": True}


def test_a_logout_token_of_another_session_ends_nothing(practised: Practised) -> None:
    practised.come_in()
    token = practised.logout_token(sid="another")
    assert practised.new_browser().post("/backchannel-logout", data={"logout_token": token}).status_code == 200
    assert practised.browser.get("/state").json() == {"signed_in": True}


def test_it_knows_this_machine_only(practised: Practised) -> None:
    clock = practised.scene.server.house.clock
    for base_url, issuer in (("http://app.example", "http://127.0.0.1:1"), (BASE_URL, "https://sso.example/e/dev")):
        with pytest.raises(NotLoopback):
            PracticeApp(base_url, issuer, clock)
    assert practised.browser.get("/", headers={"Host": "rebound.example"}).status_code == 400


def test_no_page_has_a_token_in_it(practised: Practised) -> None:
    page = practised.come_in()
    assert not re.search(r"eyJ[\w-]{10,}\.", page)
