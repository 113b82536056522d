"""Just-in-time provisioning in a browser: a captured response is previewed, then people come in by themselves, with their groups."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Request, expect

from tests.idps import RunningIdp
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers, tell
from vestibule.practice.people import Person

NAME = "Okta Dev"
BY_HAND = "Fire wardens"


def connect_pending(console: Console, idp: RunningIdp) -> None:
    console.open_environment("DEV", "Authentication")
    console.switch_saml("DEV", on=True)
    console.begin_provider(NAME, idp.people[0].email.partition("@")[2])
    tell(idp, console.values_to_carry())
    console.fetch_metadata(idp.metadata_url)
    console.finish_provider(NAME)


def capture(console: Console, idp: RunningIdp, person: Person) -> str:
    """Run a test sign-in, and return the form body that the browser carried, as its developer tools would show it."""
    posted: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and "SAMLResponse" in (request.post_data or ""):
            posted.append(request.post_data or "")

    open_connection(console)
    console.page.on("request", note)
    console.press("Test sign-in", inside=console.page.get_by_role("main"))
    idp.sign_in(console.page, person)
    expect(console.page.get_by_text("every check passed")).to_be_visible()
    console.page.remove_listener("request", note)
    return posted[-1]


def open_connection(console: Console) -> None:
    console.open_environment("DEV", "Authentication")
    console.follow(NAME)


def open_mapping(console: Console) -> None:
    open_connection(console)
    console.follow("Edit Attribute mapping")


def map_group(console: Console, line: int, value: str, group: str) -> None:
    console.page.get_by_label(f"Value sent, line {line}").fill(value)
    console.page.get_by_label(f"Group, line {line}").select_option(label=group)


def preview(console: Console, captured: str) -> Locator:
    console.page.get_by_label("A captured response").fill(captured)
    console.press("Preview")
    shown = console.page.get_by_role("status").filter(has_text="Its signature holds")
    expect(shown).to_be_visible()
    return shown


def save_mapping(console: Console) -> None:
    console.page.get_by_role("main").get_by_role("button", name="Save", exact=True).last.click()
    expect(console.said()).to_contain_text("was saved")


def turn_on(console: Console) -> None:
    console.open_environment("DEV", "Authentication")
    console.follow(f"Set up {NAME}", inside=console.connection(NAME))
    dialog = console.page.get_by_role("dialog", name="Provisioning")
    dialog.get_by_role("radio", name=starts("SAML just-in-time")).check()
    console.press("Save", inside=dialog)
    expect(console.connection(NAME).get_by_text("Active", exact=True)).to_be_visible()


@pytest.mark.parametrize("kind", ["practice", "pysaml2"])
def test_people_arrive_just_in_time_as_the_preview_said_and_follow_the_provider_once_kept_in_sync(
    console: Console, portal: Portal, providers: Providers, kind: str
) -> None:
    idp = providers(kind)
    person = idp.people[0]
    mapped, unmapped = person.groups
    for group in ("Builders", "Designers", BY_HAND):
        console.create_group("DEV", group)
    connect_pending(console, idp)
    captured = capture(console, idp, person)

    open_mapping(console)
    page = console.page
    page.get_by_label("User group syncing").check()
    map_group(console, 1, mapped, "Builders")
    shown = preview(console, captured)
    expect(shown).to_contain_text(f"{person.name} would get an account")
    expect(shown).to_contain_text("Everyone, Builders")
    expect(shown).to_contain_text("Ignored values")
    expect(shown).to_contain_text(unmapped)
    page.get_by_label("Becomes a new group").check()
    shown = preview(console, captured)
    expect(shown).to_contain_text("New groups")
    expect(shown).to_contain_text(unmapped)
    save_mapping(console)
    console.go("End users")
    expect(page.get_by_text(person.email)).to_have_count(0)
    turn_on(console)

    portal.sign_in(idp, person)
    portal.expect_in(person.name, "Builders", unmapped)
    portal.sign_out()

    console.open_end_user(person.name)
    page.get_by_label("Full name").fill("Somebody Else")
    console.press("Save profile")
    page.get_by_role("checkbox", name=starts(BY_HAND)).check()
    console.press("Save access and groups")
    open_mapping(console)
    map_group(console, 1, mapped, "Designers")
    save_mapping(console)
    portal.sign_in(idp, person)
    portal.expect_in("Somebody Else", "Builders", BY_HAND, unmapped)
    portal.sign_out()

    open_mapping(console)
    page.get_by_label("Keep in sync at every sign-in").check()
    save_mapping(console)
    portal.sign_in(idp, person)
    portal.expect_in(person.name, "Designers", BY_HAND, unmapped)
    console.open_end_user(person.name)
    why = page.get_by_role("region", name="Why does this person have access?")
    expect(why.get_by_role("row").filter(has_text="Group Designers in DEV")).to_contain_text(NAME)
    expect(why.get_by_role("row").filter(has_text=f"Group {BY_HAND} in DEV")).to_contain_text("Manual")
