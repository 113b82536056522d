"""User-Agents are shown in words of ours, with what was sent beside them: bounded, escaped, and never instead of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.house import Client, Server
from tests.support.people import add_person, sign_in
from vestibule.storage import end_users
from vestibule.web.user_agents import BrowserNames, names_of

BROWSERS = {"", "Edge", "Opera", "Samsung Internet", "Firefox", "Chrome", "Safari"}
SYSTEMS = {"", "Windows", "iPhone", "iPad", "Android", "ChromeOS", "macOS", "Linux"}
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
SENT = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": ("Firefox", "Linux"),
    f"Mozilla/5.0 (X11; Linux x86_64) {BLINK} HeadlessChrome/136.0.0.0 Safari/537.36": ("Chrome", "Linux"),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/136.0.0.0 Safari/537.36": ("Chrome", "Windows"),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/136.0 Safari/537.36 Edg/136.0": ("Edge", "Windows"),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/136.0 Safari/537.36 OPR/119.0": ("Opera", "Windows"),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.4 Safari/605.1.15": ("Safari", "macOS"),
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) {WEBKIT} Version/18.4 Mobile/15E148 Safari/604.1": (
        "Safari",
        "iPhone",
    ),
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) {WEBKIT} CriOS/136.0 Mobile/15E148 Safari/604.1": (
        "Chrome",
        "iPhone",
    ),
    f"Mozilla/5.0 (iPad; CPU OS 18_4 like Mac OS X) {WEBKIT} FxiOS/138.0 Mobile/15E148 Safari/605.1.15": (
        "Firefox",
        "iPad",
    ),
    f"Mozilla/5.0 (Linux; Android 15; K) {BLINK} SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36": (
        "Samsung Internet",
        "Android",
    ),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} Chrome/136.0.0.0 Safari/537.36": ("Chrome", "ChromeOS"),
    "curl/8.13.0": ("", ""),
    "": ("", ""),
}


@pytest.mark.parametrize("sent", SENT)
def test_the_browsers_that_people_use_are_named(sent: str) -> None:
    assert names_of(sent) == BrowserNames(*SENT[sent])


@given(st.text(max_size=400) | st.lists(st.sampled_from([*SENT, "<b>", "Firefox/", "Windows"])).map(" ".join))
def test_whatever_is_sent_is_named_in_our_words_alone(sent: str) -> None:
    found = names_of(sent)
    assert found.browser in BROWSERS
    assert found.system in SYSTEMS


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (next(iter(SENT)), ">Firefox on Linux</span>"),
        ("Thing/1 (Windows NT 10.0)", ">Unknown browser on Windows</span>"),
        ("Firefox/140.0", ">Firefox</span>"),
        ("curl/8.13.0", ">curl/8.13.0</span>"),
        ("", ">Unknown browser</span>"),
        ('"><script>alert(1)</script>', "&lt;script&gt;alert(1)&lt;/script&gt;</span>"),
    ],
)
def test_a_session_says_which_browser_it_is_with_what_was_sent_on_hover(
    sent: str, shown: str, server: Server, admin_client: Client
) -> None:
    house, person = server.house, add_person(server.house, "Jo Park", "jo@example.com", "dev")
    with house.runtime.database.transaction() as tx:
        assert end_users.note_sign_in(tx, house.workspace.id, person.id, house.clock())
    sign_in(house, person, user_agent=sent)
    page = admin_client.get(f"/admin/end-users/{person.id}").text
    assert shown in page
    assert "<script>alert" not in page
    if sent == next(iter(SENT)):
        assert f'title="{sent}"' in page
