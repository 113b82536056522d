"""The how-to pages' own snippets sign in a person who comes through SAML: FastAPI, Django, Next.js."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.idps import RunningIdp
from tests.journeys.conftest import NewConsole
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.relying_parties.snippets import Client, django_app, fastapi_app, nextjs_app
from tests.support import people
from tests.support.apps import change_app, make_app, make_secret
from tests.support.browser import PageFaults, Pages
from tests.support.house import Server
from tests.support.served import settled_port
from vestibule.web.pages import template_environment
from vestibule.web.recipes import filled_in, oidc_values


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Server:
    return shared_server


@pytest.fixture(scope="module")
def idp(server: Server, chromium: Browser, providers: Providers) -> RunningIdp:
    """Connect a real identity provider by hand of an admin, and let its first person in, who is in a group."""
    found, faults = providers("pysaml2"), PageFaults()
    pages = Pages(chromium, faults)
    console = Console(pages(permissions=["clipboard-read", "clipboard-write"]), server.base_url)
    console.sign_in()
    console.connect(found, "Okta Dev", found.people[0].email.partition("@")[2])
    pages.close()
    assert faults.remaining() == []
    group = people.group_of(server.house, name="Designers")
    people.add_person(server.house, found.people[0].name, found.people[0].email, "dev", group=group)
    return found


def client_at(server: Server, callback: str) -> Client:
    """Add an app whose redirect URI ends as the page says."""
    port = settled_port()
    app = make_app(server.house, callback.strip("/").partition("/")[0])
    app = change_app(server.house, app, redirect_uris=(f"http://127.0.0.1:{port}{callback}",))
    return Client(f"{server.base_url}/e/dev", app.id, make_secret(server.house, app), port)


@pytest.fixture(autouse=True)
def no_icon(page_faults: PageFaults) -> None:
    page_faults.allow(r"/favicon\.ico")  # the apps of the pages have none


def said_by(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator("body").inner_text())
    return found


def test_an_admin_copies_a_recipe_with_the_values_of_the_app(server: Server, new_console: NewConsole) -> None:
    redirect_uri = "https://app.example/callback?tenant=1&kind='a'"
    app = change_app(server.house, make_app(server.house, "Dashboards"), redirect_uris=(redirect_uri,))
    console = new_console()
    console.sign_in()
    console.page.goto(f"{server.base_url}/admin/apps/{app.id}")
    console.page.locator("summary", has_text="oauth2-proxy").click()
    console.page.get_by_role("button", name="Copy oauth2-proxy").click()
    values = oidc_values(f"{server.base_url}/e/dev", app.id, redirect_uri)
    recipe = filled_in(template_environment(), "oauth2-proxy.cfg", values)
    assert console.page.evaluate("navigator.clipboard.readText()") == recipe


def test_the_fastapi_page_signs_somebody_in(server: Server, page: Page, idp: RunningIdp) -> None:
    with fastapi_app(client_at(server, "/callback")) as base_url:
        page.goto(base_url)
        Portal(page, server.base_url).come_through(idp, idp.people[0])
        page.wait_for_url(f"{base_url}/")
        said = said_by(page)
        assert (said["email"], said["name"]) == (idp.people[0].email, idp.people[0].name)
        assert said["groups"] == ["Designers"]
        forged = httpx.get(f"{base_url}/callback?code=made-up&state=made-up")
        assert (forged.status_code, forged.cookies.get("session")) == (403, None)


def test_the_django_page_signs_somebody_in_and_takes_their_groups(server: Server, page: Page, idp: RunningIdp) -> None:
    callback = "/accounts/oidc/vestibule/login/callback/"
    with django_app(client_at(server, callback)) as base_url:
        page.goto(base_url)
        Portal(page, server.base_url).come_through(idp, idp.people[0])
        page.wait_for_url(f"{base_url}/")
        said = said_by(page)
        assert (said["email"], said["groups"]) == (idp.people[0].email, ["Designers"])
        assert said["sub"]
        with httpx.Client() as stranger:
            forged = stranger.get(f"{base_url}{callback}?code=made-up&state=made-up")
            assert "Third-Party Login Failure" in forged.text
            assert stranger.get(base_url).headers["location"].startswith("/accounts/oidc/vestibule/login/")


# Next.js takes a minute to build its pages, and asks for no more than the two above.
@pytest.mark.parametrize("shared_server", ["sqlite"], indirect=True)
def test_the_nextjs_page_signs_somebody_in(server: Server, page: Page, idp: RunningIdp) -> None:
    callback = "/api/auth/callback/vestibule"
    with nextjs_app(client_at(server, callback)) as base_url:
        page.goto(base_url)
        page.get_by_role("link", name="Sign in").click()
        page.get_by_role("button", name="Sign in with Vestibule").click()
        Portal(page, server.base_url).come_through(idp, idp.people[0])
        page.wait_for_url(f"{base_url}/")
        page.goto(f"{base_url}/api/auth/session")
        said = said_by(page)
        assert (said["user"]["email"], said["groups"]) == (idp.people[0].email, ["Designers"])
        assert said["sub"]
        with httpx.Client() as stranger:
            forged = stranger.get(f"{base_url}{callback}?code=made-up&state=made-up")
            assert "error=OAuthCallback" in forged.headers["location"]
            assert stranger.get(f"{base_url}/api/auth/session").json() in ({}, None)
