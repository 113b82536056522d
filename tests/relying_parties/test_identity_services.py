"""Services that verify the identity token themselves, made of what the how-to page shows: FastAPI's dependency, Django's middleware.

On SQLite alone: the token is the same in each.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from tests.relying_parties.snippets import Client, django_service, fastapi_service
from tests.support.forward_auth import grace, signed_in, wiki
from tests.support.house import TestClock, serving
from tests.support.served import settled_port


@pytest.mark.parametrize("runs", [fastapi_service, django_service])
def test_a_service_lets_in_whom_the_token_names_and_nobody_else(
    sqlite_url: str, runs: Callable[[Client], AbstractContextManager[str]]
) -> None:
    with serving(sqlite_url, TestClock()) as server:
        app, other = wiki(server.house), wiki(server.house, "graphs.example.com", name="Graphs")
        grace(server.house)
        token, others = (signed_in(server, one.hosts[0]).ask().headers["x-vestibule-identity"] for one in (app, other))
        client = Client(f"{server.base_url}/e/dev", app.id, "", settled_port())
        with runs(client) as base_url:
            let_in = httpx.get(f"{base_url}/me", headers={"X-Vestibule-Identity": token})
            assert let_in.json()["email"] == "grace@example.com"
            refused = [
                {},
                {"Remote-User": "grace@example.com"},
                {"X-Vestibule-Identity": ""},
                {"X-Vestibule-Identity": others},
                {"X-Vestibule-Identity": f"{token[:-6]}AAAAAA"},
            ]
            assert [httpx.get(f"{base_url}/me", headers=one).status_code for one in refused] == [401] * 5
