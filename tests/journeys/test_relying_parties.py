"""Real relying parties sign in a person who comes through SAML: openid-client, mod_auth_openidc, and the MCP SDK’s client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.idps import RunningIdp
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.relying_parties.processes import RelyingParty, apache, mcp_client, mcp_server, openid_client
from tests.support import people
from tests.support.apps import change_app, make_app, make_secret
from tests.support.browser import Pages
from tests.support.house import Server, free_socket
from vestibule.directory.apps import App
from vestibule.flows import end_user, resource_apis
from vestibule.flows.resource_apis import TypedApi
from vestibule.practice.people import Person
from vestibule.storage.end_users import find_by_email


def issuer(server: Server) -> str:
    return f"{server.base_url}/e/dev"


@pytest.fixture
def idp(server: Server, new_page: Pages, providers: Providers) -> RunningIdp:
    """Connect a real identity provider by hand of an admin, and let its first person in."""
    found = providers("pysaml2")
    console = Console(new_page(permissions=["clipboard-read", "clipboard-write"]), server.base_url)
    console.sign_in()
    console.connect(found, "Okta Dev", found.people[0].email.partition("@")[2])
    people.add_person(server.house, found.people[0].name, found.people[0].email, "dev")
    return found


@pytest.fixture
def rp(server: Server) -> Iterator[RelyingParty]:
    with openid_client(issuer(server)) as running:
        yield running


def app_at(server: Server, base_url: str, **changes: Any) -> App:
    made = make_app(server.house, "Grafana")
    return change_app(
        server.house,
        made,
        redirect_uris=(f"{base_url}/callback",),
        post_logout_redirect_uris=(f"{base_url}/",),
        backchannel_logout_uri=f"{base_url}/back-channel",
        **changes,
    )


def through(page: Page, server: Server, idp: RunningIdp, person: Person) -> None:
    """Go the whole way from our sign-in page through the identity provider."""
    Portal(page, server.base_url).come_through(idp, person)


def claims_on(page: Page) -> dict[str, Any]:
    text = page.locator("#claims").inner_text()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("pushed", [False, True], ids=["by the browser", "pushed"])
def test_openid_client_signs_somebody_in_refreshes_and_signs_out(
    server: Server, page: Page, idp: RunningIdp, rp: RelyingParty, pushed: bool
) -> None:
    app = app_at(server, rp.base_url)
    rp.know(app.id, make_secret(server.house, app), pushed=pushed)
    page.goto(rp.base_url)
    page.get_by_role("link", name="Sign in").click()
    through(page, server, idp, idp.people[0])
    page.wait_for_url(f"{rp.base_url}/")
    expect(page.locator("#name")).to_have_text(idp.people[0].name)
    claims = claims_on(page)
    assert claims["email"] == idp.people[0].email
    page.get_by_role("link", name="User info").click()
    assert claims_on(page)["sub"] == claims["sub"]
    page.goto(f"{rp.base_url}/refresh")
    expect(page.locator("#rotation")).to_have_text("rotated")
    page.goto(f"{rp.base_url}/sign-out")
    page.wait_for_url(f"{rp.base_url}/")
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url(f"{server.base_url}/e/dev/sign-in**")


def test_openid_client_learns_at_once_that_somebody_was_deactivated(
    server: Server, page: Page, idp: RunningIdp, rp: RelyingParty
) -> None:
    app = app_at(server, rp.base_url)
    rp.know(app.id, make_secret(server.house, app))
    page.goto(f"{rp.base_url}/sign-in")
    through(page, server, idp, idp.people[0])
    page.wait_for_url(f"{rp.base_url}/")
    expect(page.locator("#name")).to_have_text(idp.people[0].name)
    house = server.house
    with house.runtime.database.reading() as tx:
        person = find_by_email(tx, house.workspace.id, idp.people[0].email)
    assert person is not None
    end_user.deactivate(house.runtime, house.owner, person.id)
    page.goto(f"{rp.base_url}/refresh")
    expect(page.locator("main")).to_contain_text(re.compile("invalid_grant|Not signed in"))


def test_mod_auth_openidc_guards_a_page(server: Server, page: Page, idp: RunningIdp) -> None:
    listening = free_socket()
    port = listening.getsockname()[1]
    listening.close()
    base_url = f"http://127.0.0.1:{port}"
    app = make_app(server.house, "Intranet")
    app = change_app(
        server.house,
        app,
        redirect_uris=(f"{base_url}/guarded/callback",),
        post_logout_redirect_uris=(f"{base_url}/",),
    )
    with apache(issuer(server), port, app.id, make_secret(server.house, app)):
        page.goto(f"{base_url}/guarded/")
        through(page, server, idp, idp.people[0])
        page.wait_for_url(f"{base_url}/guarded/")
        expect(page.locator("#user")).to_have_text(re.compile(re.escape(idp.people[0].email)))
        expect(page.locator("#name")).to_have_text(idp.people[0].name)
        page.get_by_role("link", name="Sign out").click()
        page.wait_for_url(f"{base_url}/")
        expect(page.get_by_role("heading", name="Open to everybody")).to_be_visible()
        page.goto(f"{base_url}/guarded/")
        page.wait_for_url(f"{server.base_url}/e/dev/sign-in**")


def test_an_mcp_client_of_the_sdk_finds_everything_out_and_calls_a_tool_for_the_person(
    server: Server, page: Page, idp: RunningIdp
) -> None:
    house = server.house
    _, token = resource_apis.allow_registration(house.runtime, house.owner, "dev")
    with mcp_server(issuer(server)) as tools, mcp_client(token) as agent:
        typed = TypedApi(name="Notes", identifier=tools.resource, scopes="notes.read", open=True)
        resource_apis.add_api(house.runtime, house.owner, "dev", typed)
        page.goto(f"{agent.base_url}/connect?{urlencode({'to': tools.resource})}")
        through(page, server, idp, idp.people[0])
        expect(page.get_by_role("heading", name="Allow Notes for agents?")).to_be_visible()
        page.get_by_role("button", name="Allow", exact=True).click()
        page.wait_for_url(f"{agent.base_url}/")
        said = json.loads(page.locator("#said").inner_text())
        assert said["scope"] == "notes.read"
        assert said["client"].startswith("app_")
