"""The practice side listens on this machine only."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime

import httpx
import pytest

from tests.support.loops import run
from vestibule.practice.errors import NotLoopback
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.people import PEOPLE
from vestibule.practice.server import base_url_of, listen_on_loopback, practice_config, practice_server

EVERYWHERE = "0.0.0.0"  # noqa: S104 - that binding to it is refused is what is tested here


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1", "example.com", ""])
def test_it_refuses_to_listen_where_others_could_come_in(host: str) -> None:
    with pytest.raises(NotLoopback):
        listen_on_loopback(0, host)


def test_it_refuses_a_socket_that_somebody_else_bound_to_every_address() -> None:
    with socket.socket() as everywhere:
        everywhere.bind((EVERYWHERE, 0))
        with pytest.raises(NotLoopback):
            practice_config(PracticeIdp("http://127.0.0.1:1", PEOPLE, lambda: datetime.now(UTC)).app, everywhere)
        with pytest.raises(NotLoopback):
            base_url_of(everywhere)


def test_a_taken_port_is_said_so() -> None:
    with listen_on_loopback() as first:
        first.listen()
        with pytest.raises(OSError, match="in use"):
            listen_on_loopback(first.getsockname()[1])


def test_it_serves_on_a_free_port_beside_other_things_in_one_loop() -> None:
    async def fetched() -> httpx.Response:
        with listen_on_loopback() as listener:
            idp = PracticeIdp(base_url_of(listener), PEOPLE, lambda: datetime.now(UTC))
            server = practice_server(idp.app, listener)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            async with httpx.AsyncClient(trust_env=False) as client:
                answered = await client.get(idp.entity_id)
            server.should_exit = True
            await serving
            return answered

    answered = run(fetched())
    assert answered.status_code == 200
    assert "server" not in answered.headers
