"""A double click on a form's button in Chromium sends the form once: what is shown only once is not lost to the second answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.house import PASSWORD, Server, TestClock, serving


@pytest.fixture
def served(sqlite_url: str, clock: TestClock) -> Iterator[Server]:
    """Give one server on SQLite: what is looked at here is pages."""
    with serving(sqlite_url, clock) as running:
        yield running


def test_a_double_click_adds_a_person_once_and_shows_their_link(served: Server, page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(f"{served.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).dblclick(delay=40)
    expect(page.get_by_role("heading", name="Access control")).to_be_visible()
    page.goto(f"{served.base_url}/admin/end-users/new")
    page.get_by_label("Full name").fill("Maya Lindqvist")
    page.get_by_label("Email address").fill("maya@example.com")
    page.get_by_label("DEV", exact=False).first.check()
    page.get_by_role("button", name="Add", exact=True).dblclick(delay=40)
    expect(page.locator("#link")).to_contain_text("/link/")
    assert [url.removeprefix(served.base_url) for url in sent] == ["/admin/sign-in", "/admin/end-users/new"]


def test_a_form_whose_sending_failed_can_be_sent_again(served: Server, page: Page) -> None:
    page.goto(f"{served.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)

    def nothing_there(route: Route) -> None:
        route.fulfill(status=204)

    page.route("**/admin/sign-in", nothing_there)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.unroute("**/admin/sign-in", nothing_there)
    page.wait_for_timeout(1100)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Access control")).to_be_visible()
