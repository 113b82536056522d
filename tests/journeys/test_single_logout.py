"""Single Logout in the browser, with pysaml2 as the identity provider: from here, from there, and when it stays silent."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.idps import RunningIdp
from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers

NAME = "Okta Dev"
BINDINGS = pytest.mark.parametrize("kind", ["pysaml2, logout by redirect", "pysaml2, logout by post"])


def connected(console: Console, idp: RunningIdp) -> None:
    """Connect the identity provider with the SP metadata, which has our logout address and certificate, and add a person."""
    person = idp.people[0]
    carried = console.connect(idp, NAME, person.email.partition("@")[2])
    idp.trust_metadata_url(carried.entity_id)
    console.add_end_user(person.name, person.email, {"DEV": None})
    console.open_environment("DEV", "Authentication")
    console.follow(NAME)
    expect(console.page.get_by_role("region", name="Single logout")).to_contain_text("is signed out at Okta Dev, too")


@BINDINGS
def test_signing_out_here_signs_out_at_the_idp_and_comes_back(
    kind: str, console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers(kind)
    connected(console, idp)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.get_by_role("button", name="Sign out").click()
    expect(portal.page.get_by_role("heading", name="You are signed out", exact=True)).to_be_visible()
    expect(portal.page.get_by_text("Your session has ended here and at Okta Dev.")).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


@BINDINGS
def test_signing_out_at_the_idp_ends_the_session_here(
    kind: str, console: Console, portal: Portal, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers(kind)
    connected(console, idp)
    person = idp.people[0]
    portal.sign_in(idp, person)
    portal.expect_in(person.name)
    elsewhere = new_portal()
    elsewhere.page.goto(f"{idp.base_url}/sign-out/{person.email}")
    expect(elsewhere.page.get_by_text("The application answered True.")).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


def test_an_idp_that_never_answers_leaves_nobody_signed_in(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("pysaml2, logout by redirect")
    connected(console, idp)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.route(f"{idp.base_url}/slo**", lambda route: route.fulfill(body="<title>silence</title>"))
    portal.page.get_by_role("button", name="Sign out").click()
    portal.page.wait_for_url(f"{idp.base_url}/slo**")
    portal.open("")
    portal.expect_sign_in_page()


@pytest.mark.parametrize(
    ("answer", "heading"),
    [("Behave: a correct message", "You are signed out"), ("Status: PartialLogout", "You are signed out here")],
)
def test_the_practice_idp_answers_as_it_is_told(
    answer: str, heading: str, console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    console.connect(idp, NAME, "practice.example")
    console.add_end_user(idp.people[0].name, idp.people[0].email, {"DEV": None})
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.get_by_role("button", name="Sign out").click()
    portal.page.get_by_label("The answer").select_option(label=answer)
    portal.page.get_by_role("button", name="Sign out").click()
    expect(portal.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()
