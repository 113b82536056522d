"""The practice identity provider in a real browser: what the eye, the keyboard and a strict browser make of it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.practice.conversation import ACS, SP, Served, authn_request, deflated, hidden_fields
from tests.support.axe import axe_violations
from tests.support.browser import Pages
from tests.support.tabbing import lost_on_the_way

LOGOUT_REQUEST = (
    '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_l1" Version="2.0">'
    f'<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{SP}</saml:Issuer>'
    '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">ada@practice.example</saml:NameID>'
    "</samlp:LogoutRequest>"
).encode()


def _sign_in_url(served: Served) -> str:
    return f"{served.idp.sso_url}?{urlencode({'SAMLRequest': deflated(authn_request()), 'RelayState': 'tab-1'})}"


def _catch_answer(page: Page) -> list[Request]:
    """Stand in for the service provider's address, and keep what is posted there."""
    caught: list[Request] = []

    def arrive(route: Route) -> None:
        caught.append(route.request)
        route.fulfill(content_type="text/html", body="<title>arrived</title><link rel=icon href=data:,>")

    page.route(ACS, arrive)
    return caught


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(served: Served, new_page: Pages, color_scheme: str, width: int) -> None:
    page = new_page(color_scheme=color_scheme, viewport={"width": width, "height": 900})

    def judge() -> None:
        name = re.sub(r"\W+", "-", page.title().lower())
        if folder := os.environ.get("VESTIBULE_TEST_PICTURES"):
            page.screenshot(path=Path(folder) / f"practice-{name}-{width}-{color_scheme}.png", full_page=True)
        assert axe_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert lost_on_the_way(page) == [], name

    page.goto(served.idp.base_url)
    page.get_by_text("Signing certificate").first.click()
    judge()
    page.goto(f"{served.idp.base_url}/sso")
    judge()
    page.goto(_sign_in_url(served))
    judge()
    page.get_by_label("Show me the response").check()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Ready to send")).to_be_visible()
    judge()
    page.goto(f"{served.idp.base_url}/directory")
    judge()
    page.goto(f"{served.idp.slo_url}?{urlencode({'SAMLRequest': deflated(LOGOUT_REQUEST)})}")
    judge()
    page.get_by_label("The answer").select_option(label="Silent: nothing is sent")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    judge()


def test_an_answer_sends_itself_once(served: Served, page: Page) -> None:
    caught = _catch_answer(page)
    page.goto(_sign_in_url(served))
    page.get_by_label("Chen Li").check()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(ACS)
    assert len(caught) == 1
    assert "RelayState=tab-1" in (caught[0].post_data or "")


def test_an_answer_that_was_to_be_read_first_waits_for_continue(served: Served, page: Page) -> None:
    caught = _catch_answer(page)
    page.goto(_sign_in_url(served))
    page.get_by_label("Show me the response").check()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("The response")).to_contain_text("ada@practice.example")
    assert caught == []
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(ACS)
    assert len(caught) == 1


def test_without_script_the_person_goes_on_with_continue(served: Served, new_page: Pages) -> None:
    page = new_page(java_script_enabled=False)
    caught = _catch_answer(page)
    page.goto(_sign_in_url(served))
    page.get_by_role("button", name="Sign in").click()
    assert hidden_fields(page.content())["RelayState"] == "tab-1"
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(ACS)
    assert len(caught) == 1


def test_the_keyboard_alone_is_enough(served: Served, page: Page) -> None:
    caught = _catch_answer(page)
    page.goto(_sign_in_url(served))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Ada Park")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Bruno Sousa")).to_be_checked()
    page.keyboard.press("Enter")
    page.wait_for_url(ACS)
    assert len(caught) == 1


def test_a_sign_in_can_start_here(served: Served, page: Page) -> None:
    caught = _catch_answer(page)
    page.goto(served.idp.base_url)
    page.get_by_label("Single sign-on URL").fill(ACS)
    page.get_by_label("Service provider (SP) entity ID").fill("http://127.0.0.1:7780/saml/con_1/metadata")
    page.get_by_role("button", name="Choose who signs in").click()
    expect(page.get_by_text("None: started here")).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(ACS)
    assert "RelayState" not in (caught[0].post_data or "")
