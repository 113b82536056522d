"""The main job, steps 1 to 8 in one continuous journey, with each real identity provider, in the product's own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, expect

from tests.idps import RunningIdp
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers, tell

PLACES = ["Access control", "Authentication & Groups", "End users", "Apps", "API clients", "Activity", "Settings"]
NAME = "Okta Dev"


def by_metadata_url(console: Console, idp: RunningIdp) -> Locator:
    """Carry the two values over by the Copy buttons, and bring the metadata URL back."""
    tell(idp, console.values_to_carry())
    return console.fetch_metadata(idp.metadata_url)


def by_hand(console: Console, idp: RunningIdp) -> Locator:
    """Carry the SP metadata over as a file, as the IdP verifies our requests, and bring single values back."""
    idp.trust_metadata(console.sp_metadata())
    return console.type_values(idp)


def by_pasted_metadata(console: Console, idp: RunningIdp) -> Locator:
    """Carry the two values over, and paste the metadata XML."""
    tell(idp, console.values_to_carry())
    console.page.get_by_role("radio", name=starts("No, I have")).check()
    console.page.get_by_role("radio", name="Metadata XML").check()
    console.page.get_by_label("Or paste the XML").fill(idp.metadata_xml)
    console.press("Show what is understood")
    return console.page.get_by_role("group", name="This is what we understood")


@dataclass(frozen=True)
class Way:
    """How one identity provider is set up, and whether it wants our requests signed without saying so."""

    kind: str
    bring_values: Callable[[Console, RunningIdp], Locator]
    signs_requests: bool = False


WAYS = {
    "pysaml2 by metadata URL": Way("pysaml2", by_metadata_url),
    "pysaml2 by hand, signed requests required": Way("pysaml2, signed requests", by_hand, signs_requests=True),
    "samlp, assertion signed": Way("samlp, assertion signed", by_metadata_url),
    "samlp, both signed": Way("samlp, both signed", by_pasted_metadata),
    "the practice IdP": Way("practice", by_metadata_url),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_an_admin_connects_an_idp_adds_a_person_and_the_person_signs_in(
    way: Way, console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers(way.kind)
    person = idp.people[0]
    domain = person.email.partition("@")[2]
    lands_on_workspace_admin(console)
    finds_the_groups_of_dev_first(console)
    turns_saml_on(console)
    console.begin_provider(NAME, domain)
    understood = way.bring_values(console, idp)
    expect(understood).to_contain_text(idp.entity_id)
    expect(understood).to_contain_text(idp.sso_url)
    expect(understood).to_contain_text("SHA-256")
    console.finish_provider(NAME)
    expect(console.connection(NAME).get_by_text("Waiting for set-up")).to_be_visible()
    console.choose_manual_provisioning(NAME)
    expect(console.connection(NAME)).to_contain_text(domain)
    if way.signs_requests:
        signs_requests(console)
    adds_the_person(console, person.name, person.email)
    portal.sign_in(idp, person)
    portal.expect_in(person.name, "Designers")
    expect(portal.page.get_by_text(NAME)).to_be_visible()
    sees_the_sign_in(console, person.name)


def lands_on_workspace_admin(console: Console) -> None:
    sidebar = console.page.get_by_role("navigation", name="Workspace admin")
    expect(console.heading("Access control")).to_be_visible()
    expect(sidebar.get_by_role("list").get_by_role("link")).to_have_text(PLACES)


def finds_the_groups_of_dev_first(console: Console) -> None:
    console.go("Authentication & Groups")
    environments = console.page.get_by_role("navigation", name="Environment", exact=True)
    expect(environments.get_by_role("link")).to_have_text(["DEV", "TEST", "PROD"])
    console.follow("DEV", inside=environments)
    tabs = console.page.get_by_role("navigation", name="DEV", exact=True).get_by_role("link")
    expect(tabs).to_have_text([starts("End-user groups"), "Authentication"])
    expect(tabs.first).to_have_attribute("aria-current", "page")
    expect(console.page.get_by_role("row", name=starts("Everyone"))).to_contain_text("Built in")
    console.create_group("DEV", "Designers")


def turns_saml_on(console: Console) -> None:
    console.open_environment("DEV", "Authentication")
    expect(console.saml_switch).not_to_be_checked()
    expect(console.page.get_by_text("People sign in to DEV with e-\u2060mail and password.")).to_be_visible()
    console.saml_switch.click()
    expect(console.saml_switch).to_be_checked()
    expect(console.heading("Select an identity provider (IdP)")).to_be_visible()


def signs_requests(console: Console) -> None:
    console.follow(NAME)
    switch = console.page.get_by_role("switch", name="Sign requests")
    switch.click()
    expect(switch).to_be_checked()


def adds_the_person(console: Console, name: str, email: str) -> None:
    console.go("End users")
    console.follow("Add end user")
    console.page.get_by_label("Full name").fill(name)
    console.page.get_by_label("Email address").fill(email)
    groups = console.page.get_by_label("Select a group in DEV")
    expect(groups).to_be_disabled()
    console.page.get_by_role("checkbox", name=starts("DEV")).check()
    expect(groups).to_be_enabled()
    expect(console.page.get_by_label("Select a group in PROD")).to_be_disabled()
    groups.select_option(label="Designers")
    console.press("Add")
    expect(console.said()).to_contain_text(name)
    refuses_a_duplicate(console, name, email)


def refuses_a_duplicate(console: Console, name: str, email: str) -> None:
    console.go("End users")
    console.follow("Add end user")
    console.page.get_by_label("Full name").fill("Somebody Else")
    field = console.page.get_by_label("Email address")
    field.fill(email.upper())
    console.press("Add")
    expect(field).to_have_value(email.upper())
    expect(field).to_have_accessible_description(starts(f"{name} already has this e-\u2060mail address."))
    expect(console.page.get_by_label("Full name")).to_have_value("Somebody Else")


def sees_the_sign_in(console: Console, name: str) -> None:
    console.open_end_user(name)
    expect(console.heading(starts(name))).to_contain_text("Active")
    expect(console.page.get_by_role("region", name="Sessions")).to_contain_text(NAME)
    expect(console.page.get_by_role("region", name="Identities")).to_contain_text(NAME)
