"""Who the client is, how much may be sent, and what every answer carries whatever happens behind it."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from tests.support.loops import run
from vestibule.web.middleware import MAX_BODY_BYTES, MAX_HEADER_BYTES, REQUESTS, Surroundings, client_address

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:1::/48"))
ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("peer", "header", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "6.6.6.6,, ,192.0.2.1 ,", "192.0.2.1"),
        ("10.0.0.1", "192.0.2.1:51234", "192.0.2.1"),
        ("10.0.0.1", "[2001:db8::7]:51234", "2001:db8::7"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("10.0.0.1", "2001:DB8::7", "2001:db8::7"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1::5", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "6.6.6.6, unknown", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, _hidden, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "192.0.2.1\x00", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.999", "10.0.0.1"),
        ("10.0.0.1", f"192.0.2.1%{'z' * 70}", "192.0.2.1"),
        ("10.0.0.1", f"192.0.2.1%{'z' * 71}", "10.0.0.1"),
        ("", "192.0.2.1", ""),
        ("/run/vestibule.sock", "192.0.2.1", "/run/vestibule.sock"),
    ],
)
def test_forwarded_addresses_are_read_from_the_right_as_far_as_they_are_trusted(
    peer: str, header: str, client: str
) -> None:
    assert client_address(peer, header, PROXIES) == client


@given(st.text(max_size=100), ADDRESSES.filter(lambda text: not text.startswith(("10.", "2001:db8:1:"))))
def test_nothing_that_a_client_writes_to_the_left_changes_the_address(written: str, client: str) -> None:
    assert client_address("10.0.0.1", f"{written}, {client}", PROXIES) == client_address("10.0.0.1", client, PROXIES)


@given(st.text(max_size=100), ADDRESSES)
def test_without_trusted_proxies_the_header_means_nothing(header: str, peer: str) -> None:
    assert client_address(peer, header, ()) == client_address(peer, "", ())


@given(st.text(max_size=100), st.text(max_size=20))
def test_any_header_gives_an_address_or_the_peer(header: str, peer: str) -> None:
    found = client_address(peer, header, PROXIES)
    if found != peer:
        ipaddress.ip_address(found)


def scope_of(*headers: tuple[bytes, bytes], peer: str = "203.0.113.9", method: str = "GET", path: str = "/x") -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": list(headers),
        "client": (peer, 40000),
    }


def answer_of(app: Any, scope: Scope, *bodies: bytes) -> list[Message]:
    """Return what the middleware sends for one request whose body arrives in pieces."""
    sent: list[Message] = []
    pieces = iter([*bodies, b""])

    async def receive() -> Message:
        body = next(pieces)
        return {"type": "http.request", "body": body, "more_body": bool(body)}

    async def send(message: Message) -> None:
        sent.append(message)

    run(Surroundings(app, https=True, trusted_proxies=PROXIES)(scope, receive, send))
    return sent


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    state = scope["state"]
    await Response(f"{len(body)} {state['client_address']} {state['request_id']}")(scope, receive, send)


async def broken(*_: object) -> None:
    raise KeyError("hunter2")


async def broken_halfway(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise KeyError("hunter2")


def headers_of(sent: list[Message]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_a_second_line_of_forwarded_addresses_belongs_to_the_first() -> None:
    # HAProxy adds a line of its own: the client's must not be read in its place.
    scope = scope_of((b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"192.0.2.1"), peer="10.0.0.1")
    assert b" 192.0.2.1 " in answer_of(echo, scope)[1]["body"]


@pytest.mark.parametrize("app", [echo, broken])
def test_every_answer_has_the_headers_that_keep_browsers_strict(app: Any) -> None:
    headers = headers_of(answer_of(app, scope_of()))
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["strict-transport-security"].startswith("max-age=")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"]


def test_a_defect_behind_every_wall_is_a_500_with_a_code_and_without_its_insides() -> None:
    sent = answer_of(broken, scope_of())
    assert sent[0]["status"] == 500
    page = sent[1]["body"].decode()
    assert "hunter2" not in page
    assert "KeyError" not in page
    assert "-" in page.partition("<p>")[2]


def test_a_defect_after_the_answer_began_breaks_the_connection_and_not_the_answer() -> None:
    with pytest.raises(KeyError):
        answer_of(broken_halfway, scope_of())


def test_a_request_id_is_taken_from_trusted_proxies_alone() -> None:
    given_id = (b"x-request-id", b"from-the-proxy-1")
    assert b"from-the-proxy-1" in answer_of(echo, scope_of(given_id, peer="10.0.0.1"))[1]["body"]
    assert b"from-the-proxy-1" not in answer_of(echo, scope_of(given_id))[1]["body"]
    for hostile in (b"short", b"x" * 65, b"abc\ndefgh", b"<script>abc"):
        assert hostile not in answer_of(echo, scope_of((b"x-request-id", hostile), peer="10.0.0.1"))[1]["body"]


def test_a_body_of_exactly_the_limit_is_read() -> None:
    sent = answer_of(echo, scope_of(), b"x" * (MAX_BODY_BYTES - 1), b"x")
    assert sent[1]["body"].startswith(str(MAX_BODY_BYTES).encode())


def test_headers_of_exactly_the_limit_are_read_and_one_byte_more_is_not() -> None:
    name = b"cookie"
    fitting = b"x" * (MAX_HEADER_BYTES - len(name))
    assert answer_of(echo, scope_of((name, fitting)))[0]["status"] == 200
    sent = answer_of(echo, scope_of((name, fitting + b"x")))
    assert sent[0]["status"] == 431
    assert headers_of(sent)["x-frame-options"] == "DENY"


def test_made_up_methods_are_one_series_of_the_metrics() -> None:
    for number in range(5):
        answer_of(echo, scope_of(method=f"BREW{number}"))
    labels = {sample.labels["method"] for metric in REQUESTS.collect() for sample in metric.samples}
    assert "OTHER" in labels
    assert not {label for label in labels if label.startswith("BREW")}


def test_a_path_never_becomes_a_series_of_the_metrics() -> None:
    answer_of(echo, scope_of(path="/admin/link/secret-token"))
    answer_of(echo, scope_of(path="/static/secret-token"))
    routes = {sample.labels["route"] for metric in REQUESTS.collect() for sample in metric.samples}
    assert {"unmatched", "/static"} <= routes
    assert not {route for route in routes if "secret-token" in route}
