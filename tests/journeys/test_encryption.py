"""Encrypted assertions of npm's samlp, the exception for AES-CBC, and sign-ins that start there, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import expect

from tests.idps import RunningIdp, ServiceProvider, misbehave
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from vestibule.practice.people import Person

NAME = "Okta Dev"


def connected(console: Console, providers: Providers, kind: str) -> ServiceProvider:
    """Connect the provider, give it our metadata with our keys, and add its first person."""
    idp = providers(kind)
    person = idp.people[0]
    carried = console.connect(idp, NAME, person.email.partition("@")[2])
    idp.trust_metadata_url(carried.entity_id)
    console.add_end_user(person.name, person.email, {"DEV": None})
    return carried


def start_there(portal: Portal, idp: RunningIdp, carried: ServiceProvider, person: Person) -> None:
    """Choose the tile of the application at the provider, and sign in there."""
    portal.page.goto(f"{idp.base_url}/start?{urlencode({'to': carried.entity_id})}")
    idp.sign_in(portal.page, person)


def open_connection(console: Console) -> None:
    console.open_environment("DEV", "Authentication")
    console.follow(NAME)


def test_a_person_signs_in_with_an_assertion_that_samlp_encrypted(
    console: Console, portal: Portal, providers: Providers
) -> None:
    connected(console, providers, "samlp, AES-256-GCM")
    idp = providers("samlp, AES-256-GCM")
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    console.go("Activity")
    console.follow(starts(f"{idp.people[0].name} signed in"))
    expect(console.page.get_by_text("AES-256-GCM")).to_be_visible()


def test_the_practice_provider_encrypts_when_asked_and_what_is_damaged_then_is_refused(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    ada = idp.people[0]
    console.connect(idp, NAME, ada.email.partition("@")[2])
    console.add_end_user(ada.name, ada.email, {"DEV": None})
    portal.go_to_idp(idp, ada.email)
    portal.page.get_by_label("Encrypt the assertion").check()
    portal.page.get_by_label("Show me the response").check()
    idp.sign_in(portal.page, ada)
    shown = portal.page.get_by_label("The response")
    expect(shown).to_contain_text("EncryptedAssertion")
    expect(shown).not_to_contain_text(ada.email)
    portal.page.get_by_role("button", name="Continue").click()
    portal.expect_in(ada.name)
    console.go("Activity")
    console.follow(re.compile(f"^{ada.name} signed in$"))
    expect(console.page.get_by_text("AES-256-GCM")).to_be_visible()
    portal.sign_out()
    portal.go_to_idp(idp, ada.email)
    portal.page.get_by_label("Encrypt the assertion").check()
    misbehave(portal.page, "Tampered with after signing", signed="Assertion only")
    idp.sign_in(portal.page, ada)
    expect(portal.page.get_by_role("heading", name="We could not sign you in")).to_be_visible()


def test_aes_cbc_is_refused_until_an_admin_allows_it_and_is_warned(
    console: Console, portal: Portal, providers: Providers
) -> None:
    connected(console, providers, "samlp, AES-256-CBC")
    idp = providers("samlp, AES-256-CBC")
    portal.sign_in(idp, idp.people[0])
    portal.expect_refused(
        "Your organisation’s sign-in service encrypted its answer in a way that can’t be opened here."
    )
    open_connection(console)
    warning = console.page.get_by_text("can be altered without anybody noticing")
    expect(warning).to_have_count(0)
    console.page.get_by_role("switch", name="Allow AES-CBC").click()
    expect(warning).to_be_visible()
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)


def test_a_sign_in_that_starts_at_the_provider_is_accepted_once_an_admin_says_so(
    console: Console, portal: Portal, providers: Providers
) -> None:
    carried = connected(console, providers, "samlp, both signed")
    idp = providers("samlp, both signed")
    open_connection(console)
    console.page.get_by_role("radio", name=starts("Accept")).check()
    console.press("Save Sign-ins that start at the identity provider")
    expect(console.said()).to_contain_text(NAME)
    first, second = idp.people[:2]
    start_there(portal, idp, carried, first)
    portal.expect_in(first.name)
    console.add_end_user(second.name, second.email, {"DEV": None})
    for answer, goes_on_as in (("Stay", first), ("Continue as", second)):
        start_there(portal, idp, carried, second)
        expect(portal.page.get_by_role("heading", name=f"Continue as {second.name}?")).to_be_visible()
        portal.page.get_by_role("button", name=f"{answer} {goes_on_as.name}", exact=True).click()
        portal.expect_in(goes_on_as.name)
