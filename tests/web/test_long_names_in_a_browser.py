"""Names as long as they may be, without a space to break at: the console's pages still fit a narrow screen and a wide one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import sign_ins
from tests.support.browser import Pages
from tests.support.house import PASSWORD, Server, TestClock, serving
from tests.support.people import add_person, group_of, knock, link
from vestibule.flows import admins

LONG = "W" * 80
EMAIL = f"{'m' * 60}@{'w' * 60}.example"


@pytest.fixture
def served(sqlite_url: str, clock: TestClock) -> Iterator[Server]:
    """Give one server on SQLite: what is looked at here is pages."""
    with serving(sqlite_url, clock) as running:
        yield running


def named(served: Server) -> list[str]:
    """Give everything its longest name; return the pages that say it."""
    house = served.house
    group = group_of(house, name=LONG)
    person = add_person(house, LONG, EMAIL, "dev", group=group)
    connection = sign_ins.connect(house, name=LONG, domains=(f"{'w' * 60}.example",))
    link_id = link(house, person, connection, "x" * 200)
    knock(house, connection, LONG, f"other.{EMAIL}")
    admin, _ = admins.invite_admin(house.runtime, house.owner, LONG, EMAIL, "auditor")
    place = "/admin/environments/dev"
    one, user = f"/admin/connections/{connection.id}", f"/admin/end-users/{person.id}"
    return [
        *(f"/admin/access-control{rest}" for rest in ("", f"/{admin.id}", f"/{admin.id}/remove")),
        *(f"{place}/groups{rest}" for rest in ("", f"/{group.id}", f"/{group.id}/rename", f"/{group.id}/delete")),
        f"{place}/groups/{group.id}/add?q=www",
        *(f"{place}/authentication{rest}" for rest in ("", "/saml?to=off")),
        *(f"{one}{rest}" for rest in ("", "/edit", "/provisioning", "/set-up", "/mapping", "/disable", "/delete")),
        *(f"{user}{rest}" for rest in ("", "/deactivate", "/delete", f"/identities/{link_id}")),
        "/admin/end-users",
        "/admin/end-users/waiting",
        "/admin/activity",
    ]


def test_the_longest_names_break_and_no_page_scrolls_sideways(served: Server, new_page: Pages) -> None:
    paths = named(served)
    page = new_page(viewport={"width": 360, "height": 800})
    page.goto(f"{served.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/access-control")
    wide: dict[str, list[int]] = {}
    for path in paths:
        answer = page.goto(f"{served.base_url}{path}")
        assert answer is not None
        assert answer.status == 200, path
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                wide.setdefault(path, []).append(width)
    assert wide == {}
