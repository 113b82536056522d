"""Programs at the door at the very instant at which an admin takes away what they rest on: they ask again, and are strangers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import apps
from tests.support.apps import RelyingApp
from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Server
from vestibule.directory.apps import GrantType
from vestibule.flows import apps as app_flows
from vestibule.flows import authorization, connections, device, scim


def afterwards(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, act: Callable[[], object]) -> None:
    """Let `act` happen right behind a step, once."""
    step = getattr(room, name)

    def stepped(*arguments: Any, **named: Any) -> Any:
        found = step(*arguments, **named)
        monkeypatch.setattr(room, name, step)
        act()
        return found

    monkeypatch.setattr(room, name, stepped)


@pytest.fixture
def app(server: Server) -> RelyingApp:
    grants = frozenset({*GrantType})
    made = apps.change_app(server.house, apps.make_app(server.house), grant_types=grants)
    return RelyingApp(server, made, apps.make_secret(server.house, made))


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


@pytest.mark.parametrize(
    ("endpoint", "room"), [("par", authorization), ("device_authorization", device)], ids=["par", "device"]
)
def test_an_app_that_is_deleted_while_it_asks_is_to_ask_again_and_then_unknown(
    server: Server, app: RelyingApp, monkeypatch: pytest.MonkeyPatch, endpoint: str, room: Any
) -> None:
    house = server.house
    afterwards(
        monkeypatch,
        room,
        "authenticate_client",
        lambda: app_flows.delete_app(house.runtime, house.owner, app.app.id),
    )
    answer = app.post(endpoint, **app.request())
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert app.post(endpoint, **app.request()).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/Users", user("maya@example.com")),
        ("POST", "/Groups", {"displayName": "Designers"}),
        ("PATCH", "/Users/x", {}),
        ("GET", "/Groups", None),
        ("GET", "/Groups?filter=nonsense", None),
        ("POST", "/Bulk", {"Operations": [{"method": "POST", "path": "/Users", "data": user("maya@example.com")}]}),
    ],
)
def test_a_directory_whose_connection_is_deleted_while_it_calls_is_to_call_again_and_then_a_stranger(
    server: Server, okta: Directory, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: Any
) -> None:
    house = server.house
    afterwards(
        monkeypatch,
        scim,
        "authenticate",
        lambda: connections.delete_connection(house.runtime, house.owner, okta.connection.id),
    )
    answer = okta.send(method, path, body)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/scim+json"), answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert okta.send(method, path, body).status_code == 401
