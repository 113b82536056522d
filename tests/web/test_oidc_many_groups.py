"""Tokens as long as the groups that they name: whoever is in a few hundred groups signs in, is known, and signs out like everybody."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import apps
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from tests.support.people import group_of
from vestibule.directory.apps import GroupsClaim
from vestibule.directory.sources import Source
from vestibule.storage import access

BYE = "https://app.example/bye"


@pytest.fixture
def scene(server: Server) -> Scene:
    found = scene_of(server)
    found.app.app = apps.change_app(server.house, found.app.app, groups_claim=GroupsClaim.NAMES)
    return found


def tokens_of_a_member(scene: Scene, groups: int) -> dict[str, Any]:
    house = scene.server.house
    for number in range(groups):
        group = group_of(house, name=f"Department of research and development {number:03}")
        with house.runtime.database.transaction() as tx:
            access.add_member(tx, house.workspace.id, group.id, scene.grace.id, source=Source.MANUAL, now=house.clock())
    given = scene.app.tokens(scene.client, scene.connection)
    assert len(given["access_token"]) > 60 * groups
    return given


@pytest.mark.parametrize("groups", [60, 400])
def test_a_token_with_many_groups_is_worth_what_a_short_one_is_until_it_is_revoked(scene: Scene, groups: int) -> None:
    token = tokens_of_a_member(scene, groups)["access_token"]
    assert len(scene.app.user_info(token).json()["groups"]) == groups
    assert scene.app.post("introspect", token=token).json()["active"] is True
    assert scene.app.post("revoke", token=token).status_code == 200
    assert scene.app.post("introspect", token=token).json() == {"active": False}
    assert scene.app.user_info(token).status_code == 401


def test_an_id_token_with_many_groups_is_a_hint_like_any_other(scene: Scene) -> None:
    hint = tokens_of_a_member(scene, 60)["id_token"]
    assert "code" in apps.answer_in(scene.app.authorize(scene.client, id_token_hint=hint, prompt="none")).parameters
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    left = scene.client.http.get(scene.app.path("logout"), params=asked)
    assert left.headers["location"] == BYE


def test_a_posted_sign_out_whose_id_token_fits_into_no_address_is_asked_first(scene: Scene) -> None:
    hint = tokens_of_a_member(scene, 150)["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s"}
    sent = scene.client.http.post(scene.app.path("logout"), data=asked)
    assert sent.status_code == 303, sent.text
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    assert query == {"client_id": [scene.app.app.id], "post_logout_redirect_uri": [BYE], "state": ["s"]}
    page = scene.client.get(sent.headers["location"])
    assert "Grafana" in page.text
    forged = {**asked, "id_token_hint": f"{hint[:-20]}{'A' * 20}"}
    assert scene.client.http.post(scene.app.path("logout"), data=forged).status_code == 400
