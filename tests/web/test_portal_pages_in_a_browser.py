"""The front door's pages and the activity's in Chromium: they obey their own CSP, and axe finds nothing, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.saml import forge
from tests.support import sign_ins
from tests.support.axe import axe_violations
from tests.support.house import PASSWORD, Server, TestClock, serving
from vestibule.directory.connections import Connection

Scheme = Literal["light", "dark"]
NewPage = Callable[..., Page]


@pytest.fixture
def sqlite_server(sqlite_url: str, clock: TestClock) -> Iterator[Server]:
    """Give a server on SQLite: what a page looks like does not depend on the engine."""
    with serving(sqlite_url, clock) as running:
        yield running


def idp_answers(page: Page, answer: Callable[[Request], str]) -> None:
    """Stand in for the IdP's pages: the browser goes there, and gets `answer`."""

    def fulfil(route: Route, request: Request) -> None:
        route.fulfill(content_type="text/html", body=f"<!doctype html><title>IdP</title>{answer(request)}")

    page.route("https://idp.example/**", fulfil)


def posting_form(server: Server, connection: Connection, data: bytes) -> str:
    """Return an IdP's page that posts a response by itself."""
    return (
        f'<form method="post" action="{server.base_url}/saml/{connection.id}/acs">'
        f'<input type="hidden" name="SAMLResponse" value="{forge.post_field(data)}"></form>'
        "<script>document.forms[0].submit()</script>"
    )


def type_email(page: Page, server: Server, email: str = "grace@example.com", environment: str = "dev") -> None:
    page.goto(f"{server.base_url}/e/{environment}/sign-in")
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Continue").click()


@pytest.mark.parametrize("post_only", [False, True], ids=["redirect", "post"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_the_browser_reaches_the_identity_provider_under_our_policy_with_and_without_script(
    sqlite_server: Server, new_page: NewPage, post_only: bool, script: bool
) -> None:
    sign_ins.connect(sqlite_server.house, post_only=post_only)
    page = new_page(java_script_enabled=script)
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "<h1>The IdP</h1>"

    idp_answers(page, answer)
    type_email(page, sqlite_server)
    if post_only and not script:
        page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="The IdP").wait_for()
    assert seen[0].method == ("POST" if post_only else "GET")
    assert "SAMLRequest" in (seen[0].post_data or seen[0].url)
    assert seen[0].headers.get("referer") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_front_door(sqlite_server: Server, new_page: NewPage, scheme: Scheme) -> None:
    server = sqlite_server
    connection = sign_ins.connect(server.house)
    for name in ("One", "Two"):
        sign_ins.connect(server.house, "test", name=name, domains=None, entity_id=f"https://{name}.example")
    sign_ins.add_person(server.house)
    page = new_page(color_scheme=scheme)

    def check() -> None:
        assert axe_violations(page) == [], page.title()

    page.goto(f"{server.base_url}/e/dev/sign-in")
    check()
    type_email(page, server, "nobody")
    check()
    type_email(page, server, "a@else.example", "test")
    check()
    type_email(page, server, "a@else.example", "prod")
    check()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    check()
    page.goto(f"{server.base_url}/e/prod/forgot")
    check()
    data = sign_ins.answer(server, connection, "_" + "0" * 40)
    idp_answers(page, lambda _: posting_form(server, connection, data))
    type_email(page, server)
    page.get_by_role("heading", name="We could not sign you in").wait_for()
    check()
    client = server.client()
    sign_ins.sign_in(server, client, connection)
    page.context.add_cookies(
        [{"name": name, "value": value, "url": server.base_url} for name, value in client.http.cookies.items()]
    )
    page.goto(f"{server.base_url}/e/dev/")
    check()
    page.goto(f"{server.base_url}/e/dev/sign-out")
    check()


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-GB", r"\d\d:\d\d:\d\d"),
        ("en-US", r"\d\d:\d\d:\d\d [ap]m"),
        ("de-DE", r"\d\d:\d\d:\d\d"),
    ],
)
def test_a_day_has_one_form_for_everybody_and_the_time_is_said_by_the_viewers_clock(
    sqlite_server: Server, new_page: NewPage, locale: str, said: str
) -> None:
    page = new_page(locale=locale)
    page.goto(f"{sqlite_server.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill(sqlite_server.house.owner_email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{sqlite_server.base_url}/admin/activity")
    page.locator(".v-act").first.click()
    expect(page.locator("time[data-moment=exact]")).to_have_text(
        re.compile(rf"^\d+ [A-Z][a-z]{{2,3}} \d{{4}}, {said}$")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_activity(sqlite_server: Server, new_page: NewPage, scheme: Scheme) -> None:
    server = sqlite_server
    connection = sign_ins.connect(server.house)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id, audiences=(("https://else.example",),))
    reference = sign_ins.reference_in(sign_ins.post(client, connection, data).text)
    page = new_page(color_scheme=scheme)
    page.goto(f"{server.base_url}/admin/sign-in")
    page.get_by_label("Email address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Activity").click()
    assert axe_violations(page) == []
    page.get_by_role("link", name="Ada Park signed in to the console").first.click()
    assert axe_violations(page) == []
    page.goto(f"{server.base_url}/admin/activity")
    page.get_by_label("Reference code or e-\u2060mail address").fill(reference)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="grace@example.com was not let in").click()
    page.get_by_role("heading", name="What to change in Okta").wait_for()
    assert axe_violations(page) == []
