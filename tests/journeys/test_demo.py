"""The demo in Chromium, as a newcomer sees it: a tile, an app without another password, and out within a moment of the admin's click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.support.axe import axe_violations
from tests.support.browser import PageFaults, Pages
from tests.support.demos import Demo, running_demo
from tests.support.tabbing import lost_on_the_way


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with running_demo(tmp_path, 18180) as running:
        yield running


@pytest.fixture
def ada(demo: Demo, page: Page) -> Page:
    """Give a window in which Ada is on the launch page of DEV."""
    page.goto(demo.sign_in)
    Portal(page, origin(demo)).type_email("ada@practice.example")
    at_the_idp(page, demo, "Ada Park")
    Portal(page, origin(demo)).expect_in("Ada Park", "Engineering")
    return page


def origin(demo: Demo) -> str:
    return demo.sign_in.partition("/e/")[0]


def at_the_idp(page: Page, demo: Demo, name: str) -> None:
    page.wait_for_url(f"{demo.practice_idp}/**")
    page.get_by_label(name).check()
    page.get_by_role("button", name="Sign in").click()


def expect_in_the_app(page: Page, demo: Demo, name: str = "Ada Park") -> None:
    expect(page.get_by_role("heading", name=f"Hello, {name}")).to_be_visible()
    expect(page).to_have_url(f"{demo.practice_app}/")


def test_a_tile_opens_the_app_and_taking_access_away_ends_its_session(
    demo: Demo, ada: Page, new_page: Pages, page_faults: PageFaults
) -> None:
    ada.get_by_role("link", name="Practice app").click()
    expect_in_the_app(ada, demo)
    expect(ada.get_by_text("ada@practice.example", exact=True)).to_be_visible()
    expect(ada.get_by_text("Engineering", exact=True)).to_be_visible()
    expect(ada.get_by_text("through an identity provider")).to_be_visible()
    ada.get_by_role("button", name="Refresh the tokens").click()
    expect(ada.get_by_role("status")).to_contain_text("you may still use it")

    console = Console(new_page(), origin(demo))
    console.page.goto(demo.console)
    console.press("Sign in without a new password")
    console.open_end_user("Ada Park")
    console.follow("Deactivate")
    console.press("Deactivate Ada Park")

    # Nobody touches Ada's window: the app was told, and says so by itself.
    expect(ada.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(ada.get_by_text("Vestibule told this app")).to_be_visible()
    ada.get_by_role("link", name="Sign in with Vestibule").click()
    expect(ada.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page_faults.allow("net::ERR_ABORTED")


def test_signing_out_of_the_app_signs_out_of_vestibule_and_at_the_idp_and_comes_back(demo: Demo, ada: Page) -> None:
    ada.goto(demo.practice_app)
    ada.get_by_role("link", name="Sign in with Vestibule").click()
    expect_in_the_app(ada, demo)
    ada.get_by_role("button", name="Sign out").click()
    ada.wait_for_url(f"{demo.practice_idp}/**")
    ada.get_by_role("button", name="Sign out").click()
    expect(ada.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(ada).to_have_url(f"{demo.practice_app}/")
    ada.goto(f"{origin(demo)}/e/dev/")
    expect(ada.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_signing_out_of_vestibule_signs_out_of_the_app(demo: Demo, ada: Page) -> None:
    ada.get_by_role("link", name="Practice app").click()
    expect_in_the_app(ada, demo)
    other = ada.context.new_page()
    other.goto(f"{origin(demo)}/e/dev/sign-out")
    other.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(ada.get_by_role("heading", name="You are signed out")).to_be_visible()


def test_the_tutorial_connects_test_and_signs_somebody_new_in(demo: Demo, page: Page, new_page: Pages) -> None:
    console = Console(page, origin(demo))
    page.goto(demo.console)
    console.press("Sign in without a new password")
    console.switch_saml("TEST", on=True)
    console.begin_provider("Practice Test", "practice.example")
    console.fetch_metadata(f"{demo.practice_idp}/metadata")
    console.press("Set up")
    expect(page.get_by_role("button", name="Use Practice IdP here")).to_be_visible()
    page.get_by_role("checkbox", name="It is another app there, with a certificate of its own: keep it apart").check()
    console.finish_provider("Practice Test")
    console.choose_manual_provisioning("Practice Test")
    console.add_end_user("Noor Haddad", "noor@practice.example", {"TEST": None})

    noor = new_page()
    noor.goto(f"{origin(demo)}/e/test/sign-in")
    Portal(noor, origin(demo)).type_email("noor@practice.example")
    at_the_idp(noor, demo, "Noor Haddad")
    Portal(noor, origin(demo), "test").expect_in("Noor Haddad")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_app_is_accessible_and_fits_a_telephone(
    demo: Demo, new_page: Pages, color_scheme: str, tmp_path: Path
) -> None:
    page = new_page(color_scheme=color_scheme, viewport={"width": 390, "height": 900})

    def judge(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert axe_violations(page) == []
        assert lost_on_the_way(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.goto(demo.practice_app)
    judge("signed out")
    page.get_by_role("link", name="Sign in with Vestibule").click()
    Portal(page, origin(demo)).type_email("bruno@practice.example")
    at_the_idp(page, demo, "Bruno Sousa")
    expect_in_the_app(page, demo, "Bruno Sousa")
    page.get_by_text("Every claim of the ID token").click()
    judge("signed in")
    page.goto(f"{demo.practice_app}/callback?code=x&state=y")
    judge("refused")
