"""Strangers who begin sign-ins by the thousand: each is a row, so one address makes only so many, and those who are known go on."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select

from tests.support import apps
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from vestibule.directory.apps import ClientAuthentication
from vestibule.flows import authorization
from vestibule.flows.parts import going_on
from vestibule.flows.parts.throttling import Limit
from vestibule.storage.tables import oidc_requests

MOST = 3


@pytest.fixture
def scene(server: Server, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for module in (going_on, authorization):
        limit = Limit("authorization-address", MOST, timedelta(minutes=5))
        monkeypatch.setattr(module, "AUTHORIZATION_PER_ADDRESS", limit, raising=False)
    return scene_of(server)


def stored(scene: Scene) -> int:
    with scene.server.house.runtime.database.reading() as tx:
        return tx.execute(select(func.count()).select_from(oidc_requests)).scalar_one()


def test_one_address_begins_so_many_sign_ins_and_then_waits(scene: Scene) -> None:
    for _ in range(MOST):
        assert scene.app.authorize(scene.client).status_code == 303
    refused = scene.app.authorize(scene.client)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= 300
    assert stored(scene) == MOST
    scene.server.house.clock.advance(minutes=5)
    assert scene.app.authorize(scene.client).status_code == 303


def test_who_is_signed_in_goes_on_however_much_comes_from_the_address(scene: Scene) -> None:
    scene.app.tokens(scene.client, scene.connection)
    for _ in range(MOST):
        scene.app.authorize(scene.server.client())
    assert scene.app.authorize(scene.server.client()).status_code == 429
    assert "code" in apps.answer_in(scene.app.authorize(scene.client)).parameters


def test_a_client_that_proves_nothing_pushes_so_many_requests_and_one_that_does_as_many_as_it_likes(
    scene: Scene,
) -> None:
    def push() -> httpx.Response:
        request = scene.app.request()
        return scene.app.post("par", **{name: value for name, value in request.items() if name != "client_id"})

    assert [push().status_code for _ in range(MOST + 1)] == [201] * (MOST + 1)
    apps.change_app(scene.server.house, scene.app.app, authentication=ClientAuthentication.NONE)
    scene.app.secret = ""
    assert [push().status_code for _ in range(MOST + 1)] == [201] * MOST + [429]
    assert push().json()["error"] == "slow_down"
