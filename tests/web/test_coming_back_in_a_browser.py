"""The Back button in Chromium: a form shows what is so now, and no tick of before gives back what somebody took away meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support import sign_ins
from tests.support.house import PASSWORD, Server, TestClock, serving
from tests.support.people import add_person, group_of
from vestibule.directory.connections import Provisioning
from vestibule.directory.end_users import AccessChange
from vestibule.flows import admins, connections, end_user, mapping
from vestibule.flows.mapping import TypedMapping

NONE: frozenset[str] = frozenset()


@pytest.fixture
def served(sqlite_url: str, clock: TestClock) -> Iterator[Server]:
    """Give one server on SQLite: what is looked at here is pages."""
    with serving(sqlite_url, clock) as running:
        yield running


@pytest.fixture
def console(served: Server, page: Page) -> Page:
    page.goto(f"{served.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Access control")).to_be_visible()
    return page


def leave(served: Server, page: Page) -> None:
    page.goto(f"{served.base_url}/admin/settings")


def test_a_group_and_an_access_that_were_taken_away_meanwhile_are_not_ticked_again(
    served: Server, console: Page
) -> None:
    house = served.house
    group = group_of(house)
    maya = add_person(house, "Maya Lindqvist", "maya@example.com", "dev", "prod", group=group)
    console.goto(f"{served.base_url}/admin/end-users/{maya.id}")
    expect(console.get_by_label("Designers")).to_be_checked()
    leave(served, console)
    prod = house.environments["prod"].id
    taken = AccessChange(frozenset({prod}), NONE, frozenset({group.id}), NONE)
    end_user.change_access(house.runtime, house.owner, maya.id, taken)
    console.go_back()
    expect(console.get_by_label("Designers")).not_to_be_checked()
    console.get_by_role("button", name="Save access and groups").click()
    expect(console.get_by_text("Access and groups saved")).to_be_visible()
    places = end_user.look_at_end_user(house.runtime, house.owner, maya.id).places
    assert [place.environment.key for place in places if place.access] == ["dev"]
    assert not any(place.memberships for place in places)


def test_a_role_a_mode_and_a_mapping_are_those_of_now(served: Server, console: Page) -> None:
    house = served.house
    max_, _ = admins.create_admin(
        house.runtime, house.owner.actor, house.workspace.id, "Max", "max@example.com", "admin", None
    )
    made = sign_ins.connect(house, provisioning=Provisioning.JIT)
    typed = TypedMapping({}, True, "map", "create", True, ())
    mapping.save_mapping(house.runtime, house.owner, made.id, typed)
    here = f"{served.base_url}/admin/connections/{made.id}"

    console.goto(f"{served.base_url}/admin/access-control/{max_.id}")
    leave(served, console)
    admins.change_role(house.runtime, house.owner, max_.id, "auditor")
    console.go_back()
    expect(console.locator('input[name="role"]:checked')).to_have_value("auditor")

    console.goto(f"{here}/provisioning")
    leave(served, console)
    connections.choose_provisioning(house.runtime, house.owner, made.id, "manual")
    console.go_back()
    expect(console.locator('input[name="mode"]:checked')).to_have_value("manual")

    console.goto(f"{here}/mapping")
    leave(served, console)
    mapping.save_mapping(house.runtime, house.owner, made.id, TypedMapping({}, False, "name", "ignore", False, ()))
    console.go_back()
    for name in ("keep_in_sync", "group_syncing"):
        expect(console.locator(f"#{name}")).not_to_be_checked()
    expect(console.locator('input[name="groups_by"]:checked')).to_have_value("name")


def test_the_group_of_an_environment_that_is_still_ticked_can_be_chosen(served: Server, console: Page) -> None:
    group_of(served.house)
    console.goto(f"{served.base_url}/admin/end-users/new")
    console.get_by_label("DEV", exact=False).first.check()
    leave(served, console)
    console.go_back()
    expect(console.get_by_label("DEV", exact=False).first).to_be_checked()
    expect(console.get_by_label("Select a group in DEV")).to_be_enabled()
