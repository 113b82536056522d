"""Test sign-in in a browser: through the practice IdP and pysaml2's, while pending, and with a draft that is wrong, then right."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.idps import RunningIdp, misbehave
from tests.journeys.console import Console
from tests.journeys.providers import Providers, tell


def connect_pending(console: Console, idp: RunningIdp, name: str) -> None:
    console.open_environment("DEV", "Authentication")
    console.switch_saml("DEV", on=True)
    console.begin_provider(name, "practice.example")
    tell(idp, console.values_to_carry())
    console.fetch_metadata(idp.metadata_url)
    console.finish_provider(name)
    console.follow(name)


def run(page: Page, idp: RunningIdp, misbehaviour: str | None = None, button: str = "Test sign-in") -> None:
    page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
    page.wait_for_url(f"{idp.base_url}/**")
    if misbehaviour:
        misbehave(page, misbehaviour)
    idp.sign_in(page, idp.people[0])
    expect(page.get_by_role("heading", name="Checks", exact=True)).to_be_visible()


def test_a_pending_connection_is_tested_good_and_bad_and_the_page_can_be_reloaded(
    console: Console, providers: Providers
) -> None:
    idp, page = providers("practice"), console.page
    connect_pending(console, idp, "Okta Dev")
    run(page, idp)
    expect(page.get_by_text("every check passed")).to_be_visible()
    expect(page.get_by_text("now it signs nobody in")).to_be_visible()
    page.reload()
    expect(page.get_by_text("every check passed")).to_be_visible()
    for misbehaviour, check in (
        ("Wrong audience", "Audience"),
        ("Expired", "Not on or after"),
        ("Tampered with after signing", "Signature"),
    ):
        run(page, idp, misbehaviour, "Test again")
        expect(page.get_by_text("would be refused")).to_be_visible()
        expect(page.get_by_role("row", name=check).get_by_text("Failed")).to_be_visible()


@pytest.mark.parametrize("kind", ["pysaml2"])
def test_a_third_party_idp_is_tested_while_pending(console: Console, providers: Providers, kind: str) -> None:
    idp = providers(kind)
    connect_pending(console, idp, "Third Party")
    run(console.page, idp)
    expect(console.page.get_by_text("every check passed")).to_be_visible()
    expect(console.page.get_by_role("heading", name="Attributes as received")).to_be_visible()


def test_draft_values_are_tested_wrong_then_right_before_they_are_used(console: Console, providers: Providers) -> None:
    idp, page = providers("practice"), console.page
    connect_pending(console, idp, "Okta Dev")
    console.follow("Replace the values")
    page.get_by_role("radio", name="No, I have a file or single values").check()
    page.get_by_role("radio", name="Single values, by hand").check()
    right = page.get_by_label("Entity ID", exact=True).input_value()
    page.get_by_label("Entity ID", exact=True).fill("https://wrong.example/entity")
    run(page, idp, button="Test these values first")
    expect(page.get_by_role("row", name="Issuer").get_by_text("Failed")).to_be_visible()
    expect(page.get_by_role("button", name="Use these values")).to_have_count(0)
    page.get_by_role("link", name="Try other values").click()
    expect(page.get_by_text("wrong.example")).to_have_count(0)
    page.get_by_role("radio", name="No, I have a file or single values").check()
    page.get_by_role("radio", name="Single values, by hand").check()
    expect(page.get_by_label("Entity ID", exact=True)).to_have_value(right)
    run(page, idp, button="Test these values first")
    page.get_by_role("button", name="Use these values").click()
    expect(page.get_by_text("The values of Okta Dev were replaced")).to_be_visible()
