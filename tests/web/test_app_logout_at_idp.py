"""Signing out from an app goes on to the identity provider that the session came from, and back to the app. On both engines."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.saml import forge
from tests.support import sign_ins
from tests.support.apps import RelyingApp, change_app, make_app, make_secret
from tests.support.house import Client, Server
from tests.support.logging_out import BOTH, POST, SLO, message, read, send
from tests.support.oidc_scene import Scene
from vestibule.directory.activity import Outcome
from vestibule.directory.connections import LogoutEndpoints
from vestibule.storage import apps

BYE = "https://app.example/bye"
PARTIAL = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"


def scene_with(server: Server, logout: LogoutEndpoints) -> tuple[Scene, str]:
    """Return a scene whose connection may end sessions at its IdP, and the ID token of somebody who is signed in to the app."""
    connection, grace = sign_ins.connect(server.house, logout=logout), sign_ins.add_person(server.house)
    made = make_app(server.house)
    app = RelyingApp(server, made, make_secret(server.house, made))
    scene = Scene(server, server.client(), connection, grace, app)
    return scene, app.tokens(scene.client, connection)["id_token"]


def leave(scene: Scene, id_token: str, **changes: str) -> httpx.Response:
    query = {"id_token_hint": id_token, "post_logout_redirect_uri": BYE, "state": "s t", **changes}
    return scene.client.get(scene.app.path("logout"), params={name: value for name, value in query.items() if value})


def is_in(client: Client) -> bool:
    return client.http.get("/e/dev/").status_code == 200


def going_to(page: httpx.Response) -> str:
    found = re.search(r'<meta http-equiv="refresh" content="0;url=([^"]+)">', page.text)
    return unescape(found.group(1)) if found else ""


@pytest.mark.parametrize("logout", [BOTH, POST])
def test_the_browser_goes_to_the_idp_and_then_back_to_the_app_with_its_state(
    server: Server, logout: LogoutEndpoints
) -> None:
    scene, id_token = scene_with(server, logout)
    page = leave(scene, id_token)
    assert (page.status_code, is_in(scene.client)) == (200, False)
    ours = read(page)
    assert ours.url == SLO
    assert ours.root.findtext("{*}NameID") == "grace@example.com"
    assert "app.example" not in page.text, "the IdP learns nothing of the app"
    answer = message(server, scene.connection, "LogoutResponse", in_response_to=ours.id)
    back = send(scene.client, scene.connection, answer, "post", relay_state="https://evil.example/")
    parts = urlsplit(going_to(back))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BYE
    assert parse_qs(parts.query) == {"state": ["s t"]}
    assert "ended here and at Okta Dev" in back.text
    (entry,) = scene.recorded("end_user.signed_out_at_idp")
    assert entry.event.outcome is Outcome.DONE
    (signed_out,) = [one for one in scene.recorded("end_user.signed_out") if one.event.action == "end_user.signed_out"]
    assert signed_out.event.details == {"by": "app", "app": "Grafana"}


def test_somebody_who_has_to_confirm_goes_on_in_the_same_way(server: Server) -> None:
    scene, _ = scene_with(server, BOTH)
    query = f"client_id={scene.app.app.id}&post_logout_redirect_uri={BYE}"
    asked = scene.client.get(f"{scene.app.path('logout')}?{query}")
    assert "Sign out?" in asked.text
    assert is_in(scene.client)
    page = scene.client.post(f"{scene.app.path('logout')}/confirmed?{query}")
    answer = message(server, scene.connection, "LogoutResponse", in_response_to=read(page).id)
    assert going_to(send(scene.client, scene.connection, answer)) == BYE


def test_an_idp_that_did_not_end_everything_is_said_before_the_way_back(server: Server) -> None:
    scene, id_token = scene_with(server, BOTH)
    ours = read(leave(scene, id_token))
    answer = message(
        server, scene.connection, "LogoutResponse", in_response_to=ours.id, statuses=(forge.SUCCESS, PARTIAL)
    )
    page = send(scene.client, scene.connection, answer)
    assert "At Okta Dev perhaps not" in page.text
    assert going_to(page) == "", "it is read before the browser goes on"
    assert f'href="{BYE}?state=s+t"' in page.text


def test_without_an_address_to_go_back_to_the_way_ends_here(server: Server) -> None:
    scene, id_token = scene_with(server, BOTH)
    ours = read(leave(scene, id_token, post_logout_redirect_uri="", state=""))
    answer = message(server, scene.connection, "LogoutResponse", in_response_to=ours.id)
    page = send(scene.client, scene.connection, answer)
    assert "You are signed out" in page.text
    assert 'href="/e/dev/sign-in"' in page.text


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"post_logout_redirect_uris": ()},
        {"post_logout_redirect_uris": (f"{BYE}?state=s+t", "https://app.example/other")},
        {"disabled": True},
    ],
)
@pytest.mark.parametrize("statuses", [(forge.SUCCESS,), (forge.SUCCESS, PARTIAL)])
def test_an_address_that_an_admin_takes_away_while_the_browser_is_at_the_idp_is_not_gone_back_to(
    server: Server, meanwhile: dict[str, Any], statuses: tuple[str, ...]
) -> None:
    scene, id_token = scene_with(server, BOTH)
    ours = read(leave(scene, id_token))
    change_app(server.house, scene.app.app, **meanwhile)
    answer = message(server, scene.connection, "LogoutResponse", in_response_to=ours.id, statuses=statuses)
    page = send(scene.client, scene.connection, answer)
    assert (page.status_code, going_to(page)) == (200, "")
    assert "app.example" not in page.text
    assert "You are signed out" in page.text
    assert 'href="/e/dev/sign-in"' in page.text
    assert len(scene.recorded("end_user.signed_out_at_idp")) == 1, "the answer is on the record all the same"


def test_an_app_that_is_deleted_while_the_browser_is_at_the_idp_is_not_gone_back_to(server: Server) -> None:
    scene, id_token = scene_with(server, BOTH)
    ours = read(leave(scene, id_token))
    with server.house.runtime.database.transaction() as tx:
        apps.delete_app(tx, server.house.workspace.id, scene.app.app.id)
    page = send(
        scene.client,
        scene.connection,
        message(server, scene.connection, "LogoutResponse", in_response_to=ours.id),
    )
    assert (page.status_code, going_to(page)) == (200, "")
    assert "app.example" not in page.text


def test_an_app_that_is_changed_otherwise_meanwhile_has_the_browser_back(server: Server) -> None:
    scene, id_token = scene_with(server, BOTH)
    ours = read(leave(scene, id_token))
    change_app(server.house, scene.app.app, post_logout_redirect_uris=("https://app.example/other", BYE))
    answer = message(server, scene.connection, "LogoutResponse", in_response_to=ours.id)
    assert going_to(send(scene.client, scene.connection, answer)) == f"{BYE}?state=s+t"


def test_another_browser_with_the_answer_is_led_nowhere(server: Server) -> None:
    scene, id_token = scene_with(server, BOTH)
    ours = read(leave(scene, id_token))
    answer = message(server, scene.connection, "LogoutResponse", in_response_to=ours.id)
    stranger = server.client()
    stranger.get("/e/dev/sign-in")
    page = send(stranger, scene.connection, answer)
    assert page.status_code == 403
    assert "app.example" not in page.text


def test_an_address_that_is_not_registered_goes_nowhere_not_even_by_the_idp(server: Server) -> None:
    scene, id_token = scene_with(server, BOTH)
    assert leave(scene, id_token, post_logout_redirect_uri="https://evil.example/").status_code == 400
    assert is_in(scene.client)


def test_where_the_connection_does_not_sign_out_at_its_idp_the_app_has_the_browser_back_at_once(server: Server) -> None:
    scene, id_token = scene_with(server, LogoutEndpoints())
    page = leave(scene, id_token)
    assert (page.status_code, page.headers["location"]) == (303, f"{BYE}?state=s+t")
    assert not is_in(scene.client)
