"""What browsers do beside the straight way: Back, two tabs, bookmarks, a long pause, deep links, and another site's POST over https."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tests.idps import ServiceProvider
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.journeys.secure import serving_https
from tests.support.browser import Pages
from tests.support.databases import ENGINES, Databases
from tests.support.house import Server, TestClock


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Server:
    return shared_server


@pytest.fixture(scope="module")
def console(shared_console: Console) -> Console:
    return shared_console


def values_of_dev(console: Console) -> ServiceProvider:
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    return console.values_to_carry()


@pytest.mark.usefixtures("console")
def test_going_back_to_the_idp_and_answering_again_is_no_disaster(portal: Portal, providers: Providers) -> None:
    idp = providers("practice")
    person = idp.people[0]
    portal.go_to_idp(idp, person.email)
    at_idp = portal.page.url
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)
    # Under load Chromium shows an error page of its own for Back; a person then loads the address that it names.
    with suppress(PlaywrightError):
        portal.page.go_back()
    if portal.page.url != at_idp:
        portal.page.goto(at_idp)
    idp.sign_in(portal.page, person)
    portal.expect_refused("This sign-in was used already. Each one works once.", heading="This was used already")
    portal.page.get_by_role("link", name="Continue").click()
    portal.expect_in(person.name)


@pytest.mark.usefixtures("console")
def test_two_tabs_sign_in_at_once(portal: Portal, providers: Providers) -> None:
    idp = providers("practice")
    person = idp.people[0]
    other = Portal(portal.page.context.new_page(), portal.base_url)
    portal.go_to_idp(idp, person.email)
    other.go_to_idp(idp, person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)
    idp.sign_in(other.page, person)
    other.expect_in(person.name)
    portal.page.reload()
    portal.expect_in(person.name)


def test_a_bookmark_of_the_sign_on_url_explains_itself_and_leads_on(console: Console, portal: Portal) -> None:
    portal.page.goto(values_of_dev(console).acs_url)
    expect(portal.page.get_by_text("This address is for identity providers to send their answers to.")).to_be_visible()
    portal.page.get_by_role("link", name="Go to the start").click()
    portal.expect_sign_in_page()
    expect(portal.page).to_have_url(f"{portal.base_url}/e/dev/sign-in")


@pytest.mark.usefixtures("console")
def test_somebody_who_comes_back_too_late_is_asked_to_try_again(
    portal: Portal, providers: Providers, server: Server
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    portal.go_to_idp(idp, person.email)
    server.house.clock.advance(minutes=11)
    idp.sign_in(portal.page, person)
    portal.expect_refused("This sign-in took too long and has expired. Please try again.")
    server.house.clock.advance(minutes=-11)
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)


@pytest.mark.usefixtures("console")
def test_a_deep_link_is_kept_through_the_sign_in_and_another_site_is_not(portal: Portal, providers: Providers) -> None:
    idp = providers("practice")
    person = idp.people[0]
    portal.open("sign-in?return_to=https://elsewhere.example/")
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)
    portal.sign_out()
    portal.open("account")
    portal.expect_sign_in_page()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    expect(portal.page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(portal.page).to_have_url(f"{portal.base_url}/e/dev/account")


def test_a_tile_in_the_idps_own_portal_starts_a_fresh_sign_in(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    carried = values_of_dev(console)
    portal.page.goto(idp.base_url)
    portal.page.get_by_label("Single sign-on URL").fill(carried.acs_url)
    portal.page.get_by_label("Service provider (SP) entity ID").fill(carried.entity_id)
    portal.page.get_by_role("button", name="Choose who signs in").click()
    idp.sign_in(portal.page, person)
    # The answer that nobody asked for was dropped; this is the identity provider's page again, for a request of ours.
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)


@pytest.fixture(params=ENGINES)
def https_server(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("https")
    with databases.migrated(request.param, folder) as url, serving_https(url, TestClock(), folder) as running:
        yield running


def test_over_https_an_answer_from_another_site_finds_its_browser_again(
    https_server: Server, new_page: Pages, providers: Providers
) -> None:
    """On loopback all is one site; here localhost and 127.0.0.1 are two, so the cookies are what they are in the open."""
    idp = providers("practice")
    person = idp.people[0]
    admin = new_page(ignore_https_errors=True, permissions=["clipboard-read", "clipboard-write"])
    console = Console(admin, https_server.base_url)
    console.sign_in()
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    portal = Portal(new_page(ignore_https_errors=True), https_server.base_url)
    portal.sign_in(idp, person)
    portal.expect_in(person.name)
    cookies = {cookie["name"]: cookie for cookie in portal.page.context.cookies(https_server.base_url)}
    assert all(name.startswith("__Host-") and cookies[name]["secure"] for name in cookies)
    assert {cookie["sameSite"] for name, cookie in cookies.items() if "browser" not in name} == {"Lax"}
