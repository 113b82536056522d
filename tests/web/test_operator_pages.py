"""Groups and settings in a real browser: no axe violation, nothing sideways at 390 pixels, in light and dark."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.support.axe import axe_violations
from tests.support.browser import Pages
from tests.support.house import PASSWORD, House, TestClock, serving
from tests.support.people import add_person, connect, group_of

TAB = "/admin/environments/dev/groups"


def paths(house: House) -> list[str]:
    """Fill the house, and return the address of every page with something on it, and of every empty one."""
    group, empty = group_of(house), group_of(house, name="Reviewers with a name as long as names get, " * 2)
    long_name = "Wolfeschlegelsteinhausenbergerdorff " * 3
    for number in range(30):
        add_person(house, f"{long_name}{number}", f"{'long' * 12}{number}@example.com", "dev", group=group)
    connect(house)
    one = f"{TAB}/{group.id}"
    return [
        *(TAB, f"{TAB}?q=nothing", f"{TAB}/new", one, f"{one}?q=wolf", f"{one}?q=nobody", f"{one}/add?q=wolf"),
        *(f"{one}/rename", f"{one}/delete", f"{TAB}/{empty.id}", f"{TAB}/{empty.id}/add?q=zzz", "/admin/settings"),
        *("/admin/settings/add-environment", "/admin/settings/environments/dev", "/admin/apps", "/admin/api-clients"),
        *("/admin/settings/environments/dev/delete", "/admin/settings/environments/test/delete"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_readable_for_everybody(
    scheme: Literal["light", "dark"], sqlite_url: str, clock: TestClock, new_page: Pages
) -> None:
    environments = ("DEV", "TEST", "PROD") if scheme == "light" else (*tuple(f"E{n}" for n in range(6)), "DEV", "TEST")
    with serving(sqlite_url, clock, environments) as server:
        page = new_page(color_scheme=scheme)
        page.goto(f"{server.base_url}/admin/sign-in")
        page.get_by_label("Email address").fill("ada@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/access-control")
        wrong = []
        for path in paths(server.house):
            page.goto(server.base_url + path)
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                wrong += [f"{path} at {width}: {violation}" for violation in axe_violations(page)]
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    wrong.append(f"{path} scrolls sideways at {width}")
        assert wrong == []


def test_a_group_is_made_and_filled_by_keyboard_and_visible_labels(
    sqlite_url: str, clock: TestClock, new_page: Pages
) -> None:
    with serving(sqlite_url, clock) as server:
        add_person(server.house, "Maya Lindqvist", "maya@example.com", "dev")
        page = new_page()
        page.goto(f"{server.base_url}/admin/environments")
        page.get_by_label("Email address").fill("ada@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Create group").click()
        page.get_by_label("Name").fill("Designers")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Add member").click()
        expect(page.get_by_label("Search name or e-\u2060mail")).to_be_focused()
        page.keyboard.type("maya")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Add Maya Lindqvist").click()
        page.get_by_role("status").get_by_text("Maya Lindqvist is in Designers now").wait_for()
        page.get_by_role("link", name="Back to the group").click()
        assert page.get_by_role("link", name="Maya Lindqvist").is_visible()
