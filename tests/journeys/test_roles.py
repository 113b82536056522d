"""What an Auditor and a Support admin see and may do, from the invitation on."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.journeys.conftest import NewConsole
from tests.journeys.console import Console, starts
from tests.journeys.providers import Providers

PASSWORD = "seven lanterns on the quay"
# What everybody may press: looking for things, the theme, one's own session, copying.
HARMLESS = ("Search", "Find", "Copy", "Switch between", "Sign out", "Menu")
CHANGING_PLACES = (
    "/admin/access-control/invite",
    "/admin/environments/dev/groups/new",
    "/admin/environments/dev/authentication/new",
    "/admin/end-users/new",
    "/admin/settings/add-environment",
    "/admin/api-clients/new",
)


def invite(owner: Console, new_console: NewConsole, name: str, role: str) -> Console:
    """Invite an admin, open the link in their browser, and let them choose a password."""
    owner.go("Access control")
    owner.follow("Invite admin")
    owner.page.get_by_label("Full name").fill(name)
    owner.page.get_by_label("Email address").fill(f"{role.lower()}@example.com")
    owner.page.get_by_role("radio", name=starts(role)).check()
    owner.press("Invite")
    console = new_console()
    console.page.goto(owner.one_time_link())
    console.page.get_by_label("New password").fill(PASSWORD)
    console.press("Save and sign in")
    expect(console.heading("Access control")).to_be_visible()
    return console


def test_an_auditor_reads_everything_and_finds_nothing_to_press(
    console: Console, new_console: NewConsole, providers: Providers
) -> None:
    idp = providers("practice")
    console.create_group("DEV", "Designers")
    console.connect(idp, "Okta Dev", "practice.example")
    console.add_end_user(idp.people[0].name, idp.people[0].email, {"DEV": "Designers"})
    console.add_api_client("Help desk", "DEV")
    auditor = invite(console, new_console, "Noa Klein", "Auditor")
    for place in ("Access control", "Apps", "API clients", "Activity", "Settings", "End users"):
        auditor.go(place)
        sees_nothing_to_change(auditor)
        if place == "API clients":
            expect(auditor.page.get_by_role("row", name=starts("Help desk"))).to_be_visible()
    auditor.follow(idp.people[0].name)
    sees_nothing_to_change(auditor)
    auditor.open_environment("DEV")
    sees_nothing_to_change(auditor)
    auditor.follow("Designers")
    sees_nothing_to_change(auditor)
    auditor.open_environment("DEV", "Authentication")
    expect(auditor.page.get_by_role("switch")).to_have_count(0)
    sees_nothing_to_change(auditor)
    auditor.follow("Okta Dev")
    sees_nothing_to_change(auditor)
    for path in CHANGING_PLACES:
        auditor.page.goto(auditor.base_url + path)
        expect(auditor.heading("This is not open to you")).to_be_visible()
    cannot_post(auditor)


def test_support_manages_people_and_groups_only(
    console: Console, new_console: NewConsole, providers: Providers
) -> None:
    console.connect(providers("practice"), "Okta Dev", "practice.example")
    support = invite(console, new_console, "Sam Ortiz", "Support")
    support.create_group("DEV", "Designers")
    support.add_end_user("Jonas Berg", "jonas@partner.example", {"DEV": "Designers"})
    support.open_end_user("Jonas Berg")
    expect(support.page.get_by_role("button", name="Save profile")).to_be_visible()
    for place in ("Access control", "Settings"):
        support.go(place)
        sees_nothing_to_change(support)
    support.open_environment("DEV", "Authentication")
    sees_nothing_to_change(support)
    support.page.goto(f"{support.base_url}/admin/access-control/invite")
    expect(support.heading("This is not open to you")).to_be_visible()


def test_an_owner_removes_an_admin_who_is_out_at_the_next_click_and_not_the_last_owner(
    console: Console, new_console: NewConsole
) -> None:
    auditor = invite(console, new_console, "Noa Klein", "Auditor")
    console.go("Access control")
    console.follow("Manage Noa Klein")
    console.follow("Remove Noa Klein")
    expect(console.heading("Remove Noa Klein?")).to_be_visible()
    expect(console.page.get_by_text("is signed out everywhere at once")).to_be_visible()
    console.press("Remove Noa Klein")
    expect(console.said()).to_contain_text("Noa Klein was removed and signed out")
    auditor.follow("Activity", inside=auditor.page.get_by_role("navigation", name="Workspace admin"))
    expect(auditor.page.get_by_text("Your session has ended.")).to_be_visible()
    console.follow("Manage Ada Park")
    console.follow("Remove Ada Park")
    console.press("Remove Ada Park")
    expect(console.page.get_by_text("A workspace needs an Owner who can sign in.")).to_be_visible()


def sees_nothing_to_change(console: Console) -> None:
    main = console.page.get_by_role("main")
    for button in main.get_by_role("button").all():
        assert button.inner_text().startswith(HARMLESS) or button.is_disabled(), button.inner_text()
    # The activity's sentences are links, too, and begin with a name.
    changes = re.compile(
        r"^(Add|Create|Set up|Use|Edit|Delete|Invite|Manage|Rename|Replace|Revoke|Change|Deactivate|Finish)\b"
    )
    expect(main.get_by_role("link", name=changes)).to_have_count(0)


def cannot_post(console: Console) -> None:
    """Post a form that the pages don't offer, with the right token, as the browser itself would."""
    console.page.goto(f"{console.base_url}/admin/end-users")
    token = console.page.locator("input[name=csrf_token]").first.input_value()
    answer = console.page.request.post(
        f"{console.base_url}/admin/end-users/new",
        form={"csrf_token": token, "name": "Eve", "email": "eve@example.com"},
        headers={"Origin": console.base_url, "Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status == 403
    console.go("End users")
    expect(console.page.get_by_role("link", name="Eve")).to_have_count(0)
