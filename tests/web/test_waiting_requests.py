"""A request that waits for a sign-in, for consent or for its browser goes on only where it could begin now."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.support import apps
from tests.support.apps import CALLBACK
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from tests.web.test_oidc import consent_fields
from vestibule.directory.activity import Outcome

ELSEWHERE = "https://new.example/callback"


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


def move(scene: Scene) -> None:
    """Take the address that the request names off the app's list."""
    apps.change_app(scene.server.house, scene.app.app, redirect_uris=(ELSEWHERE,))


def turn_off(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, disabled=True)


CHANGES = pytest.mark.parametrize("change", [move, turn_off], ids=["its address is removed", "it is turned off"])


def expect_refused(scene: Scene, refused: httpx.Response) -> None:
    assert refused.status_code == 400
    assert "was changed while you signed in" in refused.text
    assert "location" not in refused.headers
    assert CALLBACK not in refused.text
    assert "http-equiv" not in refused.text
    newest = scene.recorded("app.sign_in")[0].event
    assert (newest.outcome, newest.details["code"]) == (Outcome.REFUSED, "app_changed")


@CHANGES
def test_an_app_that_changes_while_somebody_signs_in_gets_no_code_where_it_was(
    scene: Scene, change: Callable[[Scene], None]
) -> None:
    waiting = scene.app.authorize(scene.client)
    change(scene)
    expect_refused(scene, apps.signed_in_for(scene.app, scene.client, scene.connection, waiting))


@CHANGES
@pytest.mark.parametrize("yes", [{"agree": "1"}, {}], ids=["agrees", "does not agree"])
def test_an_app_that_changes_while_somebody_reads_the_consent_page_hears_neither_yes_nor_no(
    scene: Scene, change: Callable[[Scene], None], yes: dict[str, str]
) -> None:
    apps.change_app(scene.server.house, scene.app.app, third_party=True)
    asked = apps.signed_in_for(scene.app, scene.client, scene.connection, scene.app.authorize(scene.client))
    scene.client.last_page = asked.text
    change(scene)
    expect_refused(scene, scene.client.post(scene.app.path("consent"), {**consent_fields(asked.text), **yes}))


@CHANGES
def test_an_app_that_changes_after_it_pushed_a_request_gets_no_code_where_it_was(
    scene: Scene, change: Callable[[Scene], None]
) -> None:
    scene.app.tokens(scene.client, scene.connection)
    pushed = scene.app.post("par", **scene.app.request()).json()
    change(scene)
    query = {"client_id": scene.app.app.id, "request_uri": pushed["request_uri"]}
    expect_refused(scene, scene.client.get(scene.app.path("authorize"), params=query))


def test_an_app_that_gets_another_address_beside_its_own_goes_on_where_it_was(scene: Scene) -> None:
    waiting = scene.app.authorize(scene.client)
    apps.change_app(scene.server.house, scene.app.app, redirect_uris=(ELSEWHERE, CALLBACK))
    answered = apps.signed_in_for(scene.app, scene.client, scene.connection, waiting)
    assert apps.answer_in(answered).address == CALLBACK
    assert "code" in apps.answer_in(answered).parameters
