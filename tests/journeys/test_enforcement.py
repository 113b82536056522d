"""Who must use SAML: All domains and Selected domains, the password's fate, wildcards, and the choice between two providers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console, starts
from tests.journeys.providers import Providers

PASSWORD = "four small boats at noon"
SAML_REQUIRED = "People of practice.example sign in here through their organisation, without a password."


def choose_password(console: Console, new_portal: NewPortal) -> None:
    """Open the invitation link that the console shows, and choose a password with it."""
    portal = new_portal()
    portal.page.goto(console.one_time_link())
    portal.page.get_by_label("New password").fill(PASSWORD)
    portal.page.get_by_role("button", name="Save and sign in").click()


def test_people_of_selected_domains_go_to_the_idp_and_everybody_else_uses_a_password(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    console.add_end_user("Jonas Berg", "jonas@partner.example", {"DEV": None})
    invited = new_portal()
    invited.page.goto(console.one_time_link())
    expect(invited.page.get_by_role("heading", name="Welcome, Jonas Berg")).to_be_visible()
    invited.page.get_by_label("New password").fill(PASSWORD)
    invited.page.get_by_role("button", name="Save and sign in").click()
    invited.expect_in("Jonas Berg")
    invited.sign_out()
    invited.type_email("JONAS@partner.example")
    invited.type_password(PASSWORD)
    invited.expect_in("Jonas Berg")
    employee = new_portal()
    employee.sign_in(idp, person)
    employee.expect_in(person.name)
    below = new_portal()
    below.open()
    below.type_email("somebody@eu.practice.example")
    expect(below.page.get_by_role("heading", name="Enter your password")).to_be_visible()


def test_a_password_is_refused_while_saml_is_required_and_works_again_when_enforcement_ends(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.add_end_user(person.name, person.email, {"DEV": None})
    choose_password(console, new_portal)
    late = new_portal()
    late.open()
    late.type_email(person.email)
    console.connect(idp, "Okta Dev", None)
    # The page with the password field was open when enforcement began.
    late.type_password(PASSWORD)
    expect(late.page.get_by_label("Email address")).to_have_accessible_description(SAML_REQUIRED)
    late.sign_in(idp, person)
    late.expect_in(person.name)
    console.open_environment("DEV", "Authentication")
    console.saml_switch.click()
    expect(console.heading("Turn off SAML for DEV?")).to_be_visible()
    console.press("Turn off")
    expect(console.saml_switch).not_to_be_checked()
    again = new_portal()
    again.open()
    again.type_email(person.email)
    again.type_password(PASSWORD)
    again.expect_in(person.name)


def test_turning_enforcement_on_shows_first_who_is_affected(console: Console, providers: Providers) -> None:
    idp = providers("practice")
    console.connect(idp, "Okta Dev", None)
    console.add_end_user("Jonas Berg", "jonas@partner.example", {"DEV": None})
    console.switch_saml("DEV", on=False)
    console.saml_switch.click()
    expect(console.heading("Turn on SAML for DEV?")).to_be_visible()
    who = console.page.get_by_role("region", name="Who is concerned")
    expect(who).to_contain_text("1 person signs in through Okta Dev from then on.")
    console.follow("Cancel")
    expect(console.saml_switch).not_to_be_checked()


def test_a_wildcard_covers_what_is_below_a_domain_and_not_the_domain(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("practice")
    console.connect(idp, "Okta Dev", "*.practice.example")
    below, itself = new_portal(), new_portal()
    below.go_to_idp(idp, "ada@eu.practice.example")
    itself.open()
    itself.type_email("ada@practice.example")
    expect(itself.page.get_by_role("heading", name="Enter your password")).to_be_visible()


def test_with_two_providers_for_all_domains_the_person_chooses_and_is_remembered(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    first, second = providers("practice"), providers("pysaml2")
    person = second.people[0]
    console.connect(first, "Okta Dev", None)
    console.connect(second, "Entra Dev", None)
    console.add_end_user(person.name, person.email, {"DEV": None})
    portal = new_portal()
    portal.open()
    portal.type_email(person.email)
    expect(portal.page.get_by_role("heading", name="Choose how to sign in")).to_be_visible()
    expect(portal.page.get_by_role("button", name=starts("Continue with"))).to_have_count(2)
    portal.page.get_by_role("button", name="Continue with Entra Dev").click()
    second.sign_in(portal.page, person)
    portal.expect_in(person.name)
    portal.sign_out()
    portal.go_to_idp(second, person.email)
    portal.open()
    portal.page.get_by_role("link", name="Choose another way to sign in").click()
    portal.type_email(person.email)
    portal.page.get_by_role("button", name="Continue with Okta Dev").click()
    portal.page.wait_for_url(f"{first.base_url}/**")


def test_public_mail_domains_and_domains_of_another_connection_are_refused_in_place(
    console: Console, providers: Providers
) -> None:
    console.connect(providers("practice"), "Okta Dev", "practice.example")
    console.follow("Set up new provider")
    console.page.get_by_label("Identity provider (IdP) name").fill("Entra Dev")
    domains = console.page.get_by_label("Domains", exact=True)
    for typed, named in (("gmail.com", "gmail.com"), ("other.example, practice.example", "Okta Dev")):
        domains.fill(typed)
        console.press("Next")
        expect(domains).to_have_value(typed)
        expect(domains).to_have_attribute("aria-invalid", "true")
        expect(console.page.get_by_role("alert")).to_contain_text(named)
