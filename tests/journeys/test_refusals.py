"""Every refusal: the person reads one plain sentence and a code, and has a way on; the admin finds what to change under the code."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.idps import RunningIdp
from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.support.house import Server

SETUP = "Your organisation’s sign-in service is not set up correctly for this page."
CONFUSED = "Your organisation’s sign-in service sent an answer that can’t be accepted."
STRANGER_ANSWER = "This answer belongs to another sign-in. Please start again."
TOO_LONG = "This sign-in took too long and has expired. Please try again."


@dataclass(frozen=True)
class Refusal:
    """What the person reads, and the check that the admin finds failed: its title, and words of expected and received."""

    sentence: str
    check: str
    expected: str = ""
    received: str = ""


REFUSALS = {
    "Wrong audience": Refusal(SETUP, "Audience", "/metadata", "https://another-app.example/saml/metadata"),
    "Wrong recipient": Refusal(SETUP, "Recipient", "/acs", "https://another-app.example/saml/acs"),
    "Wrong destination": Refusal(SETUP, "Destination", "/acs", "https://another-app.example/saml/acs"),
    "Wrong issuer": Refusal(SETUP, "Issuer", "http://127.0.0.1", "https://another-idp.example/metadata"),
    "Answer to another request": Refusal(
        "This answer belongs to another sign-in, or to one from long ago. Please start again.",
        "Response is for a sign-in we started",
        "a sign-in that we started",
        "unknown, or forgotten",
    ),
    "Answer to no request": Refusal(
        "This sign-in was not started here. Please start again.", "Response is for a sign-in we started"
    ),
    "Expired": Refusal(TOO_LONG, "Not on or after"),
    "Not yet valid": Refusal(
        "This sign-in is not valid yet: a clock is wrong. Please try again in some minutes.", "Not before"
    ),
    "Unsigned": Refusal(SETUP, "Signature"),
    "Tampered with after signing": Refusal(CONFUSED, "Signature"),
    "Signed with another certificate": Refusal(SETUP, "Signature"),
    "SHA-1 signature": Refusal(
        "Your organisation’s sign-in service signs with SHA-1, which is broken. It has to sign with SHA-256.",
        "Signature",
        received="sha1",
    ),
    "Two assertions": Refusal(CONFUSED, "One assertion"),
    "Status: AuthnFailed": Refusal(
        "Your organisation’s sign-in service did not complete the sign-in.",
        "The identity provider says the sign-in succeeded",
        received="AuthnFailed",
    ),
}


@pytest.fixture(scope="module")
def server(shared_server: Server) -> Server:
    """None of the refusals leaves anything behind but its record."""
    return shared_server


@pytest.fixture(scope="module")
def console(shared_console: Console) -> Console:
    return shared_console


@pytest.fixture(scope="module")
def idp(providers: Providers) -> RunningIdp:
    return providers("practice")


@pytest.mark.parametrize("misbehaviour", REFUSALS)
def test_a_wrong_answer_ends_on_a_plain_page_that_an_admin_can_look_up(
    misbehaviour: str, console: Console, portal: Portal, idp: RunningIdp
) -> None:
    refusal, person = REFUSALS[misbehaviour], idp.people[0]
    portal.sign_in_badly(idp, person, misbehaviour)
    reference = portal.expect_refused(refusal.sentence)
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)
    finds_the_refusal(console, reference, refusal)


def test_a_replayed_answer_says_that_it_was_used(console: Console, portal: Portal, idp: RunningIdp) -> None:
    portal.sign_in(idp, idp.people[1])
    portal.expect_in(idp.people[1].name)
    portal.sign_out()
    portal.sign_in_badly(idp, idp.people[1], "Replay: the previous response again")
    reference = portal.expect_refused(
        "This sign-in was used already. Each one works once.", heading="This was used already"
    )
    finds_the_refusal(console, reference, Refusal("", "Used once", "First use", "Used before"))
    portal.page.get_by_role("link", name="Continue").click()
    expect(portal.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_answer_carried_into_another_browser_is_refused(
    console: Console, new_portal: NewPortal, idp: RunningIdp
) -> None:
    mine, theirs = new_portal(), new_portal()
    mine.sign_in(idp, idp.people[1])
    mine.expect_in(idp.people[1].name)
    theirs.sign_in_badly(idp, idp.people[2], "Replay: the previous response again")
    reference = theirs.expect_refused(
        "This sign-in was not started in this browser, or the browser keeps no cookies. Please start again here."
    )
    started = "Response is for a sign-in we started"
    finds_the_refusal(console, reference, Refusal("", started, "the browser that started", "another browser"))


def finds_the_refusal(console: Console, reference: str, refusal: Refusal) -> None:
    """Type the code into Activity's search, open the refusal, and read what to change and the one failed check."""
    console.go("Activity")
    console.page.get_by_label("Reference code or e-\u2060mail address").fill(reference)
    console.press("Find")
    row = console.page.get_by_role("row").filter(has_text=reference)
    expect(row).to_contain_text("Refused")
    console.follow(re.compile("."), inside=row)
    expect(console.heading(starts("Refused sign-in"))).to_contain_text(reference)
    expect(console.heading(re.compile("^What (to change|to check|the person can do)"))).to_be_visible()
    failed = console.page.get_by_role("table").get_by_role("row").filter(has_text="Failed")
    expect(failed).to_have_count(1)
    expect(failed.get_by_role("rowheader")).to_contain_text(refusal.check)
    cells = failed.get_by_role("cell")
    expect(cells.nth(1)).to_contain_text(refusal.expected)
    expect(cells.nth(2)).to_contain_text(refusal.received)
