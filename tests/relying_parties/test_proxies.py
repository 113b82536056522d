"""An app behind real proxies, set up by our recipes: what gets through to it, and what does not."""

from __future__ import annotations

import http.client as http_client
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from itertools import cycle, product
from pathlib import Path

import httpx
import pytest

from tests.relying_parties.proxies import PROXIES, Guarded, guarded
from tests.support.databases import ENGINES, Databases
from tests.support.forward_auth import PAGE, change, grace, sign_in_here, wiki
from tests.support.house import Client, Server, TestClock, serving
from vestibule.directory.apps import App

TOLD = {"remote-user", "remote-email", "remote-name", "remote-groups", "x-vestibule-identity"}


@dataclass
class Place:
    """A server with an app behind a proxy, and a person who may use it, signed in at our host."""

    server: Server
    guarded: Guarded
    app: App
    client: Client


# What a proxy lets through is no matter of the engine: each proxy has one of them, and on both somebody comes in.
IN_TURN = list(zip(sorted(PROXIES), cycle(ENGINES), strict=False))
ON_BOTH = pytest.mark.parametrize("place", list(product(sorted(PROXIES), ENGINES)), indirect=True, ids="-".join)


@pytest.fixture(params=IN_TURN, ids="-".join)
def place(request: pytest.FixtureRequest, databases: Databases, database_folder: Path) -> Iterator[Place]:
    proxy, engine = request.param
    with (
        databases.migrated(engine, database_folder) as url,
        serving(url, TestClock()) as server,
        guarded(proxy, server.base_url) as behind,
    ):
        app = wiki(server.house, behind.host)
        grace(server.house)
        client = server.client()
        sign_in_here(client)
        yield Place(server, behind, app, client)


def enter(place: Place, http: httpx.Client, uri: str = "/") -> httpx.Response:
    """Go the whole way round as a browser does, and return the page that was wanted."""
    started = http.get(uri, headers=PAGE)
    assert started.status_code == 302, started.text
    handed = place.client.get(started.headers["location"].removeprefix(place.server.base_url))
    back = handed.headers["location"].removeprefix(place.guarded.origin)
    arrived = http.get(back, headers=PAGE)
    assert arrived.headers["location"] == f"{place.guarded.origin}{uri}"
    return http.get(uri, headers=PAGE)


def said_to_the_app(place: Place) -> dict[str, list[str]]:
    """Return what the app was told last, by the name that a WSGI server would make of each header."""
    found: dict[str, list[str]] = {}
    for name, value in place.guarded.upstream.seen[-1]:
        found.setdefault(name.lower().replace("_", "-"), []).append(value)
    return found


@ON_BOTH
def test_somebody_comes_in_and_the_app_is_told_who(place: Place) -> None:
    with place.guarded.client() as http:
        page = enter(place, http, "/pages/7?tab=a%20b")
        assert (page.status_code, "/pages/7?tab=a%20b" in page.text) == (200, True)
    told = said_to_the_app(place)
    assert told["remote-user"] == ["grace@example.com"]
    assert told["remote-name"] == ["Grace Okafor"]
    assert told["x-vestibule-identity"][0].count(".") == 2


def test_the_app_has_a_sign_out(place: Place) -> None:
    with place.guarded.client() as http:
        enter(place, http)
        foreign = http.get("/.vestibule/sign-out", headers={**PAGE, "Sec-Fetch-Site": "cross-site"})
        assert foreign.headers["location"] == f"{place.server.base_url}/e/dev/sign-out"
        assert "set-cookie" not in foreign.headers
        left = http.get("/.vestibule/sign-out", headers={**PAGE, "Sec-Fetch-Site": "same-origin"})
        assert (left.status_code, left.headers["location"]) == (303, f"{place.server.base_url}/e/dev/sign-out")
        assert http.get("/", headers=PAGE).status_code == 302
    assert len(place.guarded.upstream.seen) == 1, "the app itself is not asked to sign anybody out"


@pytest.mark.parametrize(
    "uri", ["//.vestibule/callback", "/a/../.vestibule/sign-out", "/%2evestibule/callback", "/./.vestibule/callback"]
)
def test_no_spelling_of_our_addresses_tells_a_page_in_the_browser_what_the_app_is_told(place: Place, uri: str) -> None:
    """A script of the app's pages could read the identity token in an answer, and take it elsewhere."""
    with place.guarded.client() as http:
        enter(place, http)
        connection = http_client.HTTPConnection("127.0.0.1", place.guarded.port, timeout=30)
        cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
        connection.request("GET", uri, headers={"Host": place.guarded.host, "Cookie": cookies, **PAGE})
        answer = connection.getresponse()
        connection.close()
    assert TOLD.isdisjoint(name.lower() for name in answer.headers), (answer.status, dict(answer.headers))


def test_nothing_reaches_the_app_from_somebody_who_is_not_signed_in(place: Place) -> None:
    with place.guarded.client() as http:
        assert http.get("/", headers={"Sec-Fetch-Mode": "cors"}).status_code == 401
        assert http.post("/", headers=PAGE, data={"a": "b"}).status_code == 401
        http.cookies.set("vestibule_app_dev", "A" * 43)
        assert http.get("/", headers=PAGE).status_code == 302
    assert place.guarded.upstream.seen == []


@pytest.mark.parametrize(
    "smuggled",
    [
        [("Remote-User", "ada@example.com"), ("Remote-Groups", "Owners"), ("X-Vestibule-Identity", "e30.e30.")],
        [("Remote_User", "ada@example.com"), ("REMOTE_GROUPS", "Owners"), ("X_Vestibule_Identity", "e30.e30.")],
        [("X-Vestibule_Identity", "e30.e30."), ("x_vestibule-identity", "e30.e30.")],
        [("remote-user", "ada@example.com"), ("Remote-User", "eve@example.com")],
        [("Remote-User", ""), ("Remote-Anything", "x"), ("X-Vestibule-Anything", "y")],
    ],
    ids=["as they are", "with underscores", "half and half", "twice", "others"],
)
def test_what_a_visitor_says_about_themselves_does_not_reach_the_app(
    place: Place, smuggled: list[tuple[str, str]]
) -> None:
    with place.guarded.client() as http:
        enter(place, http)
        page = http.get("/", headers=[*PAGE.items(), *smuggled])
    assert page.status_code == 200
    told = said_to_the_app(place)
    assert told["remote-user"] == ["grace@example.com"]
    assert told.get("remote-groups", [""]) == [""]
    assert told["x-vestibule-identity"][0].startswith("ey")
    assert all(len(told[name]) == 1 for name in TOLD & told.keys())


@pytest.mark.parametrize(
    "header", ["X-Original-URL", "X-Original-Method", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-Proto"]
)
def test_a_visitor_can_not_say_which_app_it_is(place: Place, header: str) -> None:
    """Somebody who may use the Wiki asks at Payroll, and says in headers of their own that it is the Wiki."""
    payroll_only = wiki(place.server.house, "payroll.example.com", name="Payroll", groups=())
    assert payroll_only.hosts
    values = {
        "X-Original-URL": "http://payroll.example.com/",
        "X-Forwarded-Host": "payroll.example.com",
        "X-Forwarded-Uri": "/.vestibule/callback?code=x",
        "X-Forwarded-Proto": "https",
    }
    with place.guarded.client() as http:
        enter(place, http)
        page = http.get("/", headers={**PAGE, header: values.get(header, "GET")})
    assert page.status_code == 200
    assert said_to_the_app(place)["remote-user"] == ["grace@example.com"]


def test_the_connection_header_takes_nothing_away_that_opens_a_door(place: Place) -> None:
    with place.guarded.client() as http:
        enter(place, http)
        before = len(place.guarded.upstream.seen)
        page = http.get("/", headers={**PAGE, "Connection": "close, Remote-User, X-Vestibule-Identity, Cookie"})
    told = said_to_the_app(place) if len(place.guarded.upstream.seen) > before else {}
    assert page.status_code in {200, 302, 401}
    assert told.get("remote-user", ["grace@example.com"]) == ["grace@example.com"]


def switch_to(place: Place, protocol: str, cookies: str) -> bytes:
    """Ask for another protocol, and say hello in it; return all that comes back."""
    asked = (
        f"GET /live HTTP/1.1\r\nHost: {place.guarded.host}\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookies}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", place.guarded.port), timeout=10) as connection:
        connection.sendall(asked.encode())
        answer = connection.recv(65536)
        if b" 101 " in answer:
            connection.sendall(b"hello")
            while not answer.endswith(b"hello"):
                answer += connection.recv(65536)
    return answer


def test_a_websocket_of_somebody_who_may_use_the_app_gets_through_and_nobody_elses(place: Place) -> None:
    with place.guarded.client() as http:
        assert b" 101 " not in switch_to(place, "websocket", "")
        assert place.guarded.upstream.seen == []
        enter(place, http)
        answer = switch_to(place, "websocket", "; ".join(f"{one.name}={one.value}" for one in http.cookies.jar))
    assert (b" 101 " in answer, answer.endswith(b"hello")) == (True, True)
    assert said_to_the_app(place)["remote-user"] == ["grace@example.com"]


@pytest.mark.parametrize("protocol", ["h2c", "h2c, websocket", "websocket, h2c", "h2c\r\nUpgrade: websocket"])
def test_nothing_but_a_websocket_gets_past_the_questions(place: Place, protocol: str) -> None:
    """With `Upgrade: h2c` a proxy would tunnel whatever comes next, and ask about none of it."""
    with place.guarded.client() as http:
        enter(place, http)
        answer = switch_to(place, protocol, "; ".join(f"{one.name}={one.value}" for one in http.cookies.jar))
    assert b" 101 " not in answer, answer


def test_a_request_within_a_request_gets_no_further_than_the_outer_one(place: Place) -> None:
    inner = f"GET /inner HTTP/1.1\r\nHost: {place.guarded.host}\r\nRemote-User: ada@example.com\r\n\r\n"
    outer = (
        f"POST / HTTP/1.1\r\nHost: {place.guarded.host}\r\nContent-Length: {len(inner)}\r\n"
        f"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n{inner}"
    )
    with socket.create_connection(("127.0.0.1", place.guarded.port), timeout=10) as connection:
        connection.sendall(outer.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert place.guarded.upstream.seen == []
    assert b"200 OK" not in answer


def test_a_person_who_may_not_use_the_app_reads_why_at_its_host(place: Place) -> None:
    with place.guarded.client() as http:
        enter(place, http)
        change(place.server.house, place.app, everyone=False)
        while (page := http.get("/", headers=PAGE)).status_code == 200:
            pass
    assert (page.status_code, "You can’t use Wiki" in unescape(page.text)) == (403, True)
    assert re.search("style-src 'sha256-", page.headers["content-security-policy"])
