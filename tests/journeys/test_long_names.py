"""Names that are as long as names may be and have no space, and sixty groups: every page still fits its window."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.journeys.console import Console
from tests.support import apps, directories, people
from tests.support.fitting import sticks_out
from tests.support.house import House, TestClock, serving
from vestibule.directory.sessions import KnockReason
from vestibule.flows import admins, environments, group_members, workspaces

WORD = "Wolfeschlegelsteinhausenbergerdorff"
NAME = (WORD * 6)[:100]
DOMAIN = f"{'b' * 60}.{'c' * 60}.example"
EMAIL = f"{'a' * 64}@{DOMAIN}"


def furnished(house: House) -> list[str]:
    """Give everything the longest name that it may have, and return the pages that show it."""
    workspaces.change_workspace(house.runtime, house.owner, NAME, EMAIL)
    for number, name in enumerate((NAME, "QA", "STAGING")):
        added = environments.add_environment(house.runtime, house.owner, name, f"more-{number}")
        house.environments[added.key] = added
    people.connect(house, "more-0", f"0 {NAME}"[:100])
    groups = [people.group_of(house, "dev", f"{number} {NAME}"[:100]) for number in range(60)]
    connection = people.connect(house, "dev", NAME, (DOMAIN,))
    person = people.add_person(house, (WORD * 6)[:200], EMAIL, "dev", "test", "more-0", group=groups[0])
    for group in groups[1:]:
        group_members.add_member(house.runtime, house.owner, "dev", group.id, person.id)
    link = people.link(house, person, connection, "n" * 250)
    people.sign_in(house, person, "dev", connection, link, user_agent="x" * 200)
    people.knock(house, connection, NAME, EMAIL, "m" * 250, KnockReason.ADDRESS_REUSED, person.id)
    app = apps.make_app(house, NAME[:60], everyone=False, group_ids=frozenset(group.id for group in groups))
    admin, _ = admins.invite_admin(house.runtime, house.owner, NAME, EMAIL, "auditor")
    pushing = directories.pushing(house, "test", NAME[:90], ("pushed.example",))
    tab, of_person = "/admin/environments/dev", f"/admin/end-users/{person.id}"
    own, of_app, of_group = (
        f"/admin/connections/{connection.id}",
        f"/admin/apps/{app.id}",
        f"{tab}/groups/{groups[0].id}",
    )
    return [
        *("/admin/end-users", "/admin/end-users/waiting", of_person, f"{of_person}/deactivate"),
        *(f"{of_person}/identities/{link}", f"{tab}/groups", of_group, f"{of_group}/delete", f"{of_group}/add?q=w"),
        *(f"{tab}/authentication", f"{tab}/authentication/saml?to=off", own, f"{own}/delete", f"{own}/provisioning"),
        *(f"{own}/set-up", f"/admin/connections/{pushing.id}", f"/admin/connections/{pushing.id}/scim/log"),
        *(
            "/admin/apps?environment=dev",
            of_app,
            f"{of_app}/edit",
            f"{of_app}/delete",
            f"{of_app}/explain?email={EMAIL}",
        ),
        *("/admin/access-control", f"/admin/access-control/{admin.id}", "/admin/activity", "/admin/settings"),
        *("/e/dev/sign-in", "/e/dev/forgot", "/e/more-0/sign-in", "/admin/environments/more-0/groups"),
    ]


def test_pages_with_the_longest_names_fit_wide_and_narrow_windows(
    sqlite_url: str, clock: TestClock, new_page: Callable[..., Page]
) -> None:
    with serving(sqlite_url, clock) as server:
        page, lost = new_page(), {}
        Console(page, server.base_url).sign_in()
        for path in furnished(server.house):
            page.goto(server.base_url + path)
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                lost[f"{path} {width}"] = sticks_out(page)
    assert {where: what for where, what in lost.items() if what} == {}
