"""The pages about connections in Chromium: accessible and fitting everywhere, with and without script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.support import metadata, sign_ins
from tests.support.axe import axe_violations
from tests.support.browser import Pages
from tests.support.house import PASSWORD, Server, TestClock, serving
from vestibule.flows.parts.rereading import reread_due
from vestibule.storage.tables import identity_providers

TAB = "/admin/environments/dev/authentication"


@pytest.fixture
def served(sqlite_url: str, clock: TestClock) -> Iterator[Server]:
    """Give one server on SQLite: what is looked at here is pages."""
    with serving(sqlite_url, clock) as running:
        yield running


def enter(page: Page, served: Server) -> None:
    page.goto(f"{served.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Access control")).to_be_visible()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(served: Server, new_page: Pages, color_scheme: str, width: int) -> None:
    house = served.house
    active = sign_ins.connect(house)
    pending = sign_ins.connect(
        house, name="Entra", domains=("a-rather-long-domain-name.contractors.example",), provisioning=None
    )
    elsewhere = sign_ins.connect(house, "test", name="Google Workspace", entity_id="urn:google")
    sign_ins.add_person(house)
    sign_ins.add_person(house, "max@example.org")
    page = new_page(color_scheme=color_scheme, viewport={"width": width, "height": 900})
    enter(page, served)

    def judge(where: str) -> None:
        assert axe_violations(page) == [], where
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), where

    here = f"/admin/connections/{active.id}"
    for path in (
        TAB,
        "/admin/environments/prod/authentication",
        f"{TAB}/saml?to=off",
        f"{TAB}/new",
        f"{TAB}/use/{elsewhere.idp.id}",
        here,
        *(f"{here}/{page}" for page in ("edit", "set-up", "disable", "delete")),
        f"/admin/connections/{pending.id}/provisioning",
    ):
        page.goto(served.base_url + path)
        judge(path)
    page.goto(f"{served.base_url}{here}/set-up")
    page.get_by_label("Certificate", exact=True).fill("nonsense")
    page.get_by_label("Sign-on URL", exact=True).fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    judge("errors of step 2")
    page.goto(served.base_url + TAB)
    page.get_by_role("link", name="Set up Entra", exact=True).click()
    expect(page.get_by_role("dialog", name="Provisioning")).to_be_visible()
    judge("dialog")


def test_the_dialog_opens_on_the_chosen_mode_and_escape_and_cancel_leave_everything(served: Server, page: Page) -> None:
    sign_ins.connect(served.house, provisioning=None)
    enter(page, served)
    page.goto(served.base_url + TAB)
    opener = page.get_by_role("link", name="Set up Okta Dev", exact=True)
    dialog = page.get_by_role("dialog", name="Provisioning")
    opener.click()
    expect(dialog.get_by_role("radio", name="Manual provisioning")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    opener.click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("Waiting for set-up")).to_be_visible()
    opener.click()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Active", exact=True)).to_be_visible()


def test_the_whole_way_works_without_script(served: Server, new_page: Pages) -> None:
    page = new_page(java_script_enabled=False)
    enter(page, served)
    with metadata.serving_documents() as documents:
        page.goto(served.base_url + TAB)
        page.get_by_role("switch", name="SAML-based SSO authentication").click()
        page.get_by_role("link", name="Set up new provider").click()
        page.get_by_label("Identity provider (IdP) name").fill("Okta Dev")
        page.get_by_label("Domains", exact=True).fill("example.com")
        page.get_by_role("button", name="Next").click()
        page.get_by_role("combobox", name="Show the steps for").select_option(label="Keycloak")
        page.get_by_label("Metadata URL", exact=True).fill(documents.url)
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.get_by_role("heading", name="Where to find this in Keycloak")).to_be_visible()
        expect(page.get_by_label("Metadata URL", exact=True)).to_have_value(documents.url)
        page.get_by_role("button", name="Fetch").click()
        expect(page.get_by_role("group", name="This is what we understood")).to_contain_text(metadata.ENTITY_ID)
        page.get_by_role("button", name="Set up", exact=True).click()
    page.get_by_role("link", name="Set up Okta Dev", exact=True).click()
    expect(page.get_by_role("heading", name="Provisioning", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Active", exact=True)).to_be_visible()


def test_enter_in_a_field_of_step_two_sets_up_instead_of_showing_steps(served: Server, page: Page) -> None:
    enter(page, served)
    page.goto(f"{served.base_url}{TAB}/new")
    page.get_by_label("Identity provider (IdP) name").fill("Okta Dev")
    page.get_by_label("Domains", exact=True).fill("example.com")
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Yes", exact=True).check()
    with metadata.serving_documents() as documents:
        page.get_by_label("Metadata URL", exact=True).fill(documents.url)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Authentication & Groups")).to_be_visible()


def test_only_the_fields_of_the_chosen_way_are_shown(served: Server, page: Page) -> None:
    made = sign_ins.connect(served.house)
    enter(page, served)
    page.goto(f"{served.base_url}/admin/connections/{made.id}/set-up")
    url, xml, sso = (
        page.get_by_label(label, exact=True) for label in ("Metadata URL", "Or paste the XML", "Sign-on URL")
    )
    expect(sso).to_be_visible()
    expect(url).to_be_hidden()
    page.get_by_role("radio", name="Metadata XML").check()
    expect(xml).to_be_visible()
    expect(sso).to_be_hidden()
    page.get_by_role("radio", name="Yes", exact=True).check()
    expect(url).to_be_visible()
    expect(xml).to_be_hidden()


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_change_that_waits_is_found_from_the_tab_and_approved(
    served: Server, new_page: Pages, color_scheme: str, width: int
) -> None:
    connection = sign_ins.connect(served.house)
    page = new_page(color_scheme=color_scheme, viewport={"width": width, "height": 900})
    enter(page, served)
    with metadata.serving_documents() as documents:
        documents.document = metadata.idp_metadata(sign_ins.IDP_ENTITY_ID, sso_url="https://other.example/sso")
        with served.house.runtime.database.transaction() as tx:
            mine = identity_providers.c.id == connection.idp.id
            tx.execute(update(identity_providers).where(mine).values(metadata_url=documents.url))
        assert reread_due(served.house.runtime) == 1
    page.goto(served.base_url + TAB)
    expect(page.get_by_text("The metadata says something new")).to_be_visible()
    for look in (page.get_by_role("link", name="Have a look"), None):
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if look:
            look.click()
    expect(page.get_by_text("https://other.example/sso")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("The new values of Okta Dev are in use")).to_be_visible()
    expect(page.get_by_text("The metadata says something new")).to_have_count(0)


def test_what_is_chosen_can_be_seen_in_the_colours_that_people_choose_for_themselves(
    served: Server, new_page: Pages
) -> None:
    connection = sign_ins.connect(served.house)
    page = new_page(forced_colors="active")
    enter(page, served)
    page.goto(f"{served.base_url}/admin/connections/{connection.id}/provisioning")
    chosen = page.get_by_role("radio", checked=True)
    assert chosen.evaluate("one => [getComputedStyle(one).appearance, getComputedStyle(one).backgroundImage]") == [
        "auto",
        "none",
    ]
    page.goto(f"{served.base_url}{TAB}")
    track = page.locator(".v-switch-track").first
    ground, knob = track.evaluate(
        "one => [getComputedStyle(one), getComputedStyle(one, '::before')].map(style => style.backgroundColor)"
    )
    assert ground != knob
