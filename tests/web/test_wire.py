"""Clients that never come to the point: heads without an end, bodies in drops. And those that want another protocol."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.house import free_socket
from vestibule.web import middleware, wire
from vestibule.web.middleware import Surroundings
from vestibule.web.wire import MAX_HEAD_BYTES, CarefulProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def count(request: Request) -> Response:
    return Response(f"{len(await request.body())} bytes")


@contextmanager
def serving(**changes: Any) -> Iterator[int]:
    listening = free_socket()
    app = Surroundings(Starlette(routes=[Route("/", count, methods=["POST"])]), https=False, trusted_proxies=())
    options: dict[str, Any] = {"log_level": "warning", "lifespan": "off", "proxy_headers": False, **changes}
    config = uvicorn.Config(app, http=CarefulProtocol, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.5)


def answer(connection: socket.socket) -> bytes:
    received = b""
    try:
        while some := connection.recv(65536):
            received += some
    except ConnectionResetError:
        pass
    return received


def test_a_head_that_grows_without_an_end_is_cut_off() -> None:
    line = b"X-Header: " + b"y" * 10_000 + b"\r\n"
    lines = 100 * MAX_HEAD_BYTES // len(line)
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(HEAD)
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            connection.sendall(line * lines)


def test_an_address_that_grows_without_an_end_is_cut_off() -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET /")
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            connection.sendall(b"y" * 100 * MAX_HEAD_BYTES)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("begun", [b"", b"\r\n", b"PO", HEAD, HEAD + b"X: "], ids=repr)
def test_a_head_that_never_ends_is_given_up(begun: bytes) -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(begun)
        assert answer(connection) == b""


@pytest.mark.usefixtures("hurried")
def test_a_second_head_that_never_ends_is_given_up() -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")
        received = connection.recv(65536)
        connection.sendall(HEAD)
        received += answer(connection)
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.endswith(b"2 bytes")


@pytest.mark.usefixtures("hurried")
def test_a_body_that_never_ends_is_a_408() -> None:
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nx")
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_large_bodies_and_many_requests_on_one_connection_are_served() -> None:
    body = b"x" * (4 * MAX_HEAD_BYTES)
    with serving() as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for last in (False, False, True):
            close = b"Connection: close\r\n" if last else b""
            connection.sendall(HEAD + close + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            received = answer(connection) if last else connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 ")
            assert received.endswith(b"%d bytes" % len(body))


def test_what_asks_for_a_websocket_is_answered_like_any_other_request(caplog: pytest.LogCaptureFixture) -> None:
    """A proxy asks whether somebody may open one, and may pass on its headers; on the same connection it asks again."""
    wanted = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    with serving(ws=asyncio.Protocol) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for _ in range(2):
            connection.sendall(HEAD + wanted + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok")
        assert answer(connection).endswith(b"2 bytes")
    assert [one.message for one in caplog.records if one.name == "uvicorn.error"] == []
