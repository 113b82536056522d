"""Refusals that lie in no message: what an admin switched off meanwhile, and people whom the connection may not bring."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers


def test_what_an_admin_switches_off_refuses_those_who_are_on_their_way(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    portal.go_to_idp(idp, person.email)
    console.switch_saml("DEV", on=False)
    idp.sign_in(portal.page, person)
    portal.expect_refused("This page does not use your organisation’s sign-in service at the moment.")
    console.switch_saml("DEV", on=True)
    portal.go_to_idp(idp, person.email)
    console.follow("Okta Dev")
    console.follow("Disable Okta Dev")
    console.press("Disable")
    idp.sign_in(portal.page, person)
    reference = portal.expect_refused("This way of signing in is switched off at the moment.")
    finds(console, reference, "Connection")
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    console.follow("Enable Okta Dev")
    console.press("Enable")
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)


def test_a_connection_signs_in_nobody_beyond_its_domains(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "elsewhere.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    portal.go_to_idp(idp, "somebody@elsewhere.example")
    idp.sign_in(portal.page, person)
    reference = portal.expect_refused("Your e-\u2060mail address does not belong to this way of signing in.")
    finds(console, reference, "E-\u2060mail domain")
    console.go("End users")
    console.follow(starts("Waiting"))
    expect(console.heading("Nobody is waiting")).to_be_visible()


def finds(console: Console, reference: str, check: str) -> None:
    """Look the code up in the activity, and see which check failed and what to do about it."""
    console.go("Activity")
    console.page.get_by_label("Reference code or e-\u2060mail address").fill(reference)
    console.press("Find")
    console.follow(re.compile("was not let in$"))
    expect(console.heading(starts("Refused sign-in"))).to_contain_text(reference)
    expect(console.heading(starts("What"))).to_be_visible()
    failed = console.page.get_by_role("table").get_by_role("row").filter(has_text="Failed")
    expect(failed.get_by_role("rowheader")).to_contain_text(check)
