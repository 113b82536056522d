"""The practice directory in a browser: an admin clicks as in each product, and watches the person come, change, leave and return."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.idps import RunningIdp
from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.journeys.test_scim import NO_ACCESS, set_up
from tests.support.axe import axe_violations
from tests.support.browser import Pages
from tests.support.tabbing import lost_on_the_way
from vestibule.practice.directories import VENDORS
from vestibule.practice.directories.talk import Vendor


class Directory:
    """The hands of somebody on the practice directory's page."""

    def __init__(self, page: Page, idp: RunningIdp) -> None:
        self.page = page
        page.goto(idp.base_url)
        page.get_by_role("link", name="Open the practice directory").click()

    def aim(self, base_url: str, token: str) -> None:
        if not self.page.get_by_label("SCIM base URL").is_visible():
            self.page.get_by_text("Push somewhere else").click()
        self.page.get_by_label("SCIM base URL").fill(base_url)
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Push there").click()
        expect(self.page.get_by_text("with the token that was entered")).to_be_visible()
        assert token not in self.page.content()

    def take(self, vendor: Vendor, step: str, outcome: str = "Done") -> None:
        desk = self.page.get_by_role("region", name=vendor.name, exact=True)
        desk.get_by_role("button", name=starts(step)).click()
        expect(desk.get_by_role("status")).to_contain_text(outcome)

    def shows(self, vendor: Vendor, request: str) -> None:
        desk = self.page.get_by_role("region", name=vendor.name, exact=True)
        expect(desk.get_by_role("listitem").filter(has_text=request).first).to_be_visible()


def test_each_products_directory_is_played_through_a_persons_whole_life(
    console: Console, new_portal: NewPortal, providers: Providers, new_page: Pages
) -> None:
    idp = providers("practice")
    console.connect(idp, "Okta Dev", "practice.example")
    base_url, token = set_up(console)
    directory = Directory(new_page(), idp)
    directory.aim(base_url, token)
    for vendor in VENDORS:
        portal = new_portal()
        come_and_change(directory, vendor, portal, idp)
        if vendor is VENDORS[-1]:
            let_through(console, directory, vendor)
        leave_and_return(directory, vendor, portal, idp)
    assert axe_violations(directory.page) == []
    assert lost_on_the_way(directory.page) == []
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    console.follow("Live list")
    expect(console.page.get_by_role("row").filter(has_text="503").first).to_contain_text("PATCH")
    console.open_end_user(VENDORS[0].renamed)
    why = console.page.get_by_role("region", name="Why does this person have access?")
    expect(why).to_contain_text(f"Group {VENDORS[0].groups[1]} in DEV")


def come_and_change(directory: Directory, vendor: Vendor, portal: Portal, idp: RunningIdp) -> None:
    """Create, rename, move; each shows in the person's open browser."""
    first, second = vendor.groups
    directory.take(vendor, "Create")
    directory.shows(vendor, "/Users?filter=")
    portal.sign_in(idp, vendor.person)
    portal.expect_in(vendor.person.name, first)
    directory.take(vendor, "Rename")
    portal.page.reload()
    portal.expect_in(vendor.renamed, first)
    directory.take(vendor, "Move to the other group")
    portal.page.reload()
    portal.expect_in(vendor.renamed, second)


def let_through(console: Console, directory: Directory, vendor: Vendor) -> None:
    """So many have left within the hour that the stop line holds the next departure, until an admin opens it."""
    directory.take(vendor, "Deactivate", "Held: more people would lose access")
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    console.press("Let them leave for four hours")
    expect(console.said()).to_contain_text("let through")


def leave_and_return(directory: Directory, vendor: Vendor, portal: Portal, idp: RunningIdp) -> None:
    """Deactivate: the open session is dead, and the person stays outside; rehire: they are back in their group."""
    directory.take(vendor, "Deactivate")
    portal.page.reload()
    portal.expect_sign_in_page()
    portal.sign_in(idp, vendor.person)
    portal.expect_refused(NO_ACCESS, heading="You have no access yet")
    directory.take(vendor, "Rehire")
    portal.sign_in(idp, vendor.person)
    portal.expect_in(vendor.renamed, vendor.groups[1])
