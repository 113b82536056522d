"""No identity provider locks an admin out: the console has a door of its own, and a link that recovers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import NewConsole, NewPortal
from tests.journeys.console import OWNER, Console
from tests.journeys.providers import Providers
from tests.support.house import Server
from vestibule.flows import admins
from vestibule.flows.parts.callers import operator
from vestibule.practice.keys import make_key_pair


def test_a_broken_idp_keeps_end_users_out_and_no_admin(
    console: Console, new_console: NewConsole, new_portal: NewPortal, providers: Providers, server: Server
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", None)
    console.add_end_user(person.name, person.email, {"DEV": None})
    console.add_end_user("Ada Park", OWNER, {"DEV": None})
    trusts_the_wrong_certificate(console, make_key_pair("somebody else", server.house.clock()).certificate_pem)
    portal = new_portal()
    portal.sign_in(idp, person)
    portal.expect_refused("Your organisation’s sign-in service is not set up correctly for this page.")
    new_console().sign_in()
    disables(console)
    waiting = new_portal()
    waiting.open()
    waiting.type_email(person.email)
    expect(waiting.page.get_by_role("heading", name="Enter your password")).to_be_visible()
    new_console().sign_in()


def test_a_recover_link_opens_the_console_once(new_console: NewConsole, server: Server) -> None:
    link = admins.recover_admin(server.house.runtime, operator(), OWNER)
    first = new_console()
    first.page.goto(link)
    first.press("Sign in without a new password")
    expect(first.heading("Access control")).to_be_visible()
    second = new_console()
    second.page.goto(link)
    expect(second.page.get_by_role("heading", level=1)).not_to_have_text("Access control")
    expect(second.page.get_by_label("New password")).not_to_be_visible()


def trusts_the_wrong_certificate(console: Console, certificate_pem: str) -> None:
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    console.follow("Replace the values")
    console.page.get_by_role("radio", name="No, I have a file or single values").check()
    console.page.get_by_role("radio", name="Single values, by hand").check()
    console.page.get_by_label("Certificate", exact=True).fill("not a certificate")
    console.press("Save")
    expect(console.page.get_by_label("Certificate", exact=True)).to_have_attribute("aria-invalid", "true")
    console.page.get_by_label("Certificate", exact=True).fill(certificate_pem)
    console.press("Save")
    expect(console.said()).to_contain_text("The values of Okta Dev were replaced")


def disables(console: Console) -> None:
    console.follow("Disable Okta Dev")
    expect(console.heading("Disable Okta Dev in DEV?")).to_be_visible()
    console.press("Disable")
    expect(console.page.get_by_text("Disabled", exact=True)).to_be_visible()
