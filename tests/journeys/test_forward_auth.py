"""An app behind a real nginx, in Chromium: in through the identity provider, back at the page, and out again at the admin's click."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.relying_parties.proxies import Guarded, guarded
from tests.support import sign_ins
from tests.support.browser import Pages
from tests.support.forward_auth import grace, wiki
from tests.support.house import Server


@pytest.fixture
def behind(server: Server) -> Iterator[Guarded]:
    """Give an app behind nginx, registered in DEV for everyone."""
    with guarded("nginx", server.base_url) as running:
        wiki(server.house, running.host)
        yield running


def expect_in_the_app(page: Page, behind: Guarded, path: str, email: str) -> None:
    expect(page.get_by_role("heading", name=path)).to_be_visible()
    expect(page).to_have_url(f"{behind.origin}{path}")
    expect(page.get_by_text(email).first).to_be_visible()


def test_somebody_comes_through_the_idp_back_to_the_page_and_is_shut_out_when_deactivated(
    console: Console, server: Server, behind: Guarded, providers: Providers, new_page: Pages
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    page = new_page()
    page.goto(f"{behind.origin}/pages/7?tab=history")
    Portal(page, server.base_url).type_email(person.email)
    page.wait_for_url(f"{idp.base_url}/**")
    idp.sign_in(page, person)
    expect_in_the_app(page, behind, "/pages/7?tab=history", person.email)

    console.open_end_user(person.name)
    console.follow("Deactivate")
    console.press(f"Deactivate {person.name}")
    # A page that is opened within the half second may still come; the next one is refused.
    expect(console.heading(starts(person.name))).to_contain_text("Deactivated")
    page.wait_for_timeout(500)
    page.goto(f"{behind.origin}/pages/8")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert [one for one in behind.upstream.seen if ("Remote-User", person.email) in one]


def test_a_password_on_our_own_page_leads_back_to_the_app_in_spite_of_the_policy_for_forms(
    server: Server, behind: Guarded, page: Page
) -> None:
    grace(server.house)
    page.goto(f"{behind.origin}/start")
    portal = Portal(page, server.base_url)
    portal.type_email("grace@example.com")
    portal.type_password(sign_ins.PASSWORD)
    expect_in_the_app(page, behind, "/start", "grace@example.com")


def test_without_script_the_way_is_the_same(server: Server, behind: Guarded, new_page: Pages) -> None:
    grace(server.house)
    page = new_page(java_script_enabled=False)
    page.goto(f"{behind.origin}/start")
    portal = Portal(page, server.base_url)
    portal.type_email("grace@example.com")
    portal.type_password(sign_ins.PASSWORD)
    expect_in_the_app(page, behind, "/start", "grace@example.com")
