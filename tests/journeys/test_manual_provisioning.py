"""Mode Manual, row by row: unknown people wait, known people stay as they are, only an admin changes and ends anything."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers

NO_ACCESS = "You don’t have access here yet. Your admin can see that you tried."


def test_somebody_unknown_waits_is_added_with_one_click_and_signs_in(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    stranger = idp.people[-1]
    console.connect(idp, "Okta Dev", "practice.example")
    portal.sign_in(idp, stranger)
    portal.expect_refused(NO_ACCESS, heading="You have no access yet")
    row = console.waiting_row(stranger.name)
    expect(row).to_contain_text("Okta Dev")
    console.follow(f"Add {stranger.name}", inside=row)
    expect(console.page.get_by_label("Full name")).to_have_value(stranger.name)
    expect(console.page.get_by_label("Email address")).to_have_value(stranger.email)
    expect(console.page.get_by_role("checkbox", name=starts("DEV"))).to_be_checked()
    console.press("Add")
    expect(console.said()).to_contain_text(stranger.name)
    console.go("End users")
    console.follow(starts("Waiting"))
    expect(console.heading("Nobody is waiting")).to_be_visible()
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(stranger.email)
    idp.sign_in(portal.page, stranger)
    portal.expect_in(stranger.name)


def test_somebody_known_without_access_waits_and_is_given_it(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"TEST": None})
    portal.sign_in(idp, person)
    portal.expect_refused(NO_ACCESS, heading="You have no access yet")
    row = console.waiting_row(person.name)
    expect(row).to_contain_text("Known here, without access to DEV")
    console.press(f"Give access {person.name}", inside=row)
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)


def test_a_sign_in_leaves_profile_access_and_groups_untouched_and_an_admin_changes_them(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("pysaml2")
    person = idp.people[0]  # whose groups there are Engineering and Release
    console.create_group("DEV", "Designers")
    console.create_group("DEV", "Engineering")
    console.connect(idp, "Okta Dev", "northwind.example")
    console.add_end_user("D. Whitfield-Moore", person.email, {"DEV": "Designers"})
    portal.sign_in(idp, person)
    portal.expect_in("D. Whitfield-Moore", "Designers")
    console.open_end_user("D. Whitfield-Moore")
    expect(console.page.get_by_role("checkbox", name="Engineering", exact=True)).not_to_be_checked()
    expect(console.page.get_by_role("checkbox", name=starts("TEST"))).not_to_be_checked()
    console.page.get_by_role("checkbox", name="Engineering", exact=True).check()
    console.press("Save access and groups")
    expect(console.said()).to_be_visible()
    portal.page.reload()
    portal.expect_in("D. Whitfield-Moore", "Designers", "Engineering")


def test_access_that_is_taken_away_ends_the_open_session_at_once(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None, "TEST": None})
    portal.sign_in(idp, person)
    portal.expect_in(person.name)
    console.open_end_user(person.name)
    console.page.get_by_role("checkbox", name=starts("DEV")).uncheck()
    console.press("Save access and groups")
    expect(console.said()).to_be_visible()
    portal.page.reload()
    portal.expect_sign_in_page()
    expect(portal.page.get_by_text("Your session has ended. Sign in again to go on.")).to_be_visible()


def test_leaving_ends_the_open_page_at_its_next_click_and_coming_back_works(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    portal = new_portal()
    portal.sign_in(idp, person)
    portal.expect_in(person.name)
    deactivates(console, person.name)
    portal.page.get_by_role("button", name="Sign out").click()
    portal.expect_sign_in_page()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_refused("Your account here is switched off. Ask your admin if you should have access.")
    console.press("Reactivate")
    expect(console.heading(starts(person.name))).to_contain_text("Active")
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)
    portal.expect_in(person.name)
    deletes(console, person.name)
    portal.page.reload()
    portal.expect_sign_in_page()
    portal.sign_in(idp, person)
    portal.expect_refused(NO_ACCESS, heading="You have no access yet")


def deactivates(console: Console, name: str) -> None:
    console.open_end_user(name)
    console.follow("Deactivate")
    expect(console.heading(f"Deactivate {name}?")).to_be_visible()
    expect(console.page.get_by_text("1 session ends at once.")).to_be_visible()
    console.press(f"Deactivate {name}")
    expect(console.heading(starts(name))).to_contain_text("Deactivated")


def deletes(console: Console, name: str) -> None:
    console.open_end_user(name)
    console.follow("Delete")
    expect(console.heading(f"Delete {name}?")).to_be_visible()
    expect(console.page.get_by_text("This can’t be undone.")).to_be_visible()
    console.press(f"Delete {name}")
    expect(console.heading("End users")).to_be_visible()
    expect(console.page.get_by_role("main").get_by_role("link", name=name, exact=True)).not_to_be_visible()
