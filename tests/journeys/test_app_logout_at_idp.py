"""Somebody signs out in an app: openid-client sends them here, Vestibule to pysaml2 by Single Logout, and that way back to the app."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.idps import RunningIdp
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.journeys.test_single_logout import BINDINGS, connected
from tests.relying_parties.processes import RelyingParty, openid_client
from tests.support.apps import change_app, make_app, make_secret
from tests.support.house import Server


@dataclass
class Scene:
    idp: RunningIdp
    rp: RelyingParty
    page: Page
    portal: Portal

    def sign_in(self) -> None:
        """Sign in to the app through the identity provider."""
        self.page.goto(f"{self.rp.base_url}/sign-in")
        self.portal.come_through(self.idp, self.idp.people[0])
        self.page.wait_for_url(f"{self.rp.base_url}/")
        expect(self.page.locator("#name")).to_have_text(self.idp.people[0].name)

    def expect_out_everywhere(self) -> None:
        """See that the app knows nobody, that nobody is in here, and that the app has to ask for a person anew."""
        expect(self.page.get_by_role("heading", name="Not signed in")).to_be_visible()
        self.portal.open("")
        self.portal.expect_sign_in_page()
        self.page.goto(f"{self.rp.base_url}/sign-in")
        self.portal.expect_sign_in_page()


@pytest.fixture
def scene(
    request: pytest.FixtureRequest, server: Server, console: Console, portal: Portal, providers: Providers
) -> Iterator[Scene]:
    """Connect the identity provider with Single Logout, and an app that signs out with its ID token as a hint."""
    idp = providers(request.getfixturevalue("kind"))
    connected(console, idp)
    with openid_client(f"{server.base_url}/e/dev") as rp:
        app = change_app(
            server.house,
            make_app(server.house, "Grafana"),
            redirect_uris=(f"{rp.base_url}/callback",),
            post_logout_redirect_uris=(f"{rp.base_url}/",),
        )
        rp.know(app.id, make_secret(server.house, app))
        yield Scene(idp, rp, portal.page, portal)


@BINDINGS
def test_signing_out_in_an_app_signs_out_at_the_idp_and_comes_back_to_the_app(kind: str, scene: Scene) -> None:
    del kind
    scene.sign_in()
    asked: list[Request] = []
    scene.page.on("request", lambda one: asked.append(one) if one.is_navigation_request() else None)
    scene.page.goto(f"{scene.rp.base_url}/sign-out")
    scene.page.wait_for_url(f"{scene.rp.base_url}/")
    way = [urlsplit(one.url) for one in asked]
    ours = urlsplit(scene.portal.base_url).netloc
    at = [(one.netloc, one.path.rpartition("/")[2]) for one in way]
    theirs = urlsplit(scene.idp.base_url).netloc
    assert at.index((ours, "logout")) < at.index((theirs, "slo")) < at.index((ours, "slo"))
    assert at[-1] == (urlsplit(scene.rp.base_url).netloc, "")
    to_idp = next(one for one in asked if urlsplit(one.url).netloc == theirs)
    said = f"{to_idp.url} {to_idp.post_data or ''}"
    assert urlsplit(scene.rp.base_url).netloc not in said, "the identity provider learns nothing of the app"
    scene.expect_out_everywhere()


@pytest.mark.parametrize("kind", ["pysaml2, logout by redirect"])
def test_an_idp_that_stays_silent_holds_nobody_signed_in_who_left_by_an_app(kind: str, scene: Scene) -> None:
    del kind
    scene.sign_in()
    scene.page.route(f"{scene.idp.base_url}/slo**", lambda route: route.fulfill(body="<title>silence</title>"))
    scene.page.goto(f"{scene.rp.base_url}/sign-out")
    scene.page.wait_for_url(f"{scene.idp.base_url}/slo**")
    scene.page.goto(scene.rp.base_url)
    scene.expect_out_everywhere()
