"""An app that registered itself manages its registration, as RFC 7592 has it: and nobody else does. On both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.support import apps
from tests.support.apps import CALLBACK
from tests.support.pictures import png
from tests.web.test_registration import Scene
from tests.web.test_registration import scene as scene  # noqa: PLC0414 - a fixture of that module
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.app_drafts import draft_of
from vestibule.directory.apps import App
from vestibule.flows import app_icons
from vestibule.flows import apps as admin_side
from vestibule.storage import activity, authorization
from vestibule.storage import apps as storage
from vestibule.storage.tables import app_registrations, end_users

OTHER = "https://app.example/other"


def send(given: dict[str, Any], method: str = "GET", token: str | None = None, **options: Any) -> httpx.Response:
    bearer = given["registration_access_token"] if token is None else token
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return httpx.request(method, given["registration_client_uri"], headers=headers, **options)


def wanted(given: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a change as RFC 7592, 2.2 wants it: everything, but for what the server alone says."""
    ours = {"registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret"}
    body = {name: value for name, value in given.items() if name not in ours | {"client_secret_expires_at"}}
    return {**body, **changes}


def app_of(scene: Scene, given: dict[str, Any]) -> App | None:
    with scene.server.house.runtime.database.reading() as tx:
        return storage.find_app(tx, scene.server.house.workspace.id, given["client_id"])


def acts(scene: Scene) -> list[str]:
    with scene.server.house.runtime.database.reading() as tx:
        found = activity.page(
            tx, scene.server.house.workspace.id, ActivityFilter(action_prefix="app."), before=None, after=None, size=20
        )
    return [one.event.action for one in found]


def test_an_app_reads_its_registration_and_gets_no_secret_a_second_time(scene: Scene) -> None:
    given = scene.register(token_endpoint_auth_method="client_secret_basic").json()
    read = send(given)
    assert (read.status_code, read.headers["cache-control"]) == (200, "no-store")
    assert read.json() == {
        name: value for name, value in given.items() if name not in {"client_secret", "client_secret_expires_at"}
    }


def test_an_app_changes_its_addresses_and_its_name_and_people_are_asked_for_consent_again(scene: Scene) -> None:
    house, given = scene.server.house, scene.register().json()
    place = house.environments["dev"]
    with house.runtime.database.transaction() as tx:
        (grace,) = tx.execute(select(end_users.c.id)).scalars()
        authorization.save_consent(tx, place, given["client_id"], grace, frozenset({"openid"}), house.clock())
    same = send(given, "PUT", json=wanted(given))
    assert same.status_code == 200
    assert "app.registration_changed" not in acts(scene), "nothing changed"
    changed = send(given, "PUT", json=wanted(given, client_name="Notes 2", redirect_uris=[OTHER]))
    assert (changed.status_code, changed.json()["redirect_uris"]) == (200, [OTHER])
    app = app_of(scene, given)
    assert app is not None
    assert app.oidc is not None
    assert (app.name, app.oidc.redirect_uris, app.third_party, app.registered) == ("Notes 2", (OTHER,), True, True)
    with house.runtime.database.reading() as tx:
        assert authorization.consented_scope(tx, app.id, grace) is None
    assert "app.registration_changed" in acts(scene)


def test_an_app_withdraws_and_everything_of_it_is_gone(scene: Scene) -> None:
    given = scene.register().json()
    assert send(given, "DELETE").status_code == 204
    assert app_of(scene, given) is None
    assert "app.registration_withdrawn" in acts(scene)
    for method in ("GET", "PUT", "DELETE"):
        gone = send(given, method, json=wanted(given))
        assert (gone.status_code, gone.json()["error"]) == (401, "invalid_token")
        assert gone.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nobody_without_the_token_of_that_very_app_manages_it(scene: Scene, method: str) -> None:
    given, other = scene.register().json(), scene.register(client_name="Other").json()
    tokens = ("", "x", "x" * 5000, scene.token, other["registration_access_token"], given["client_id"])
    for token in tokens:
        assert send(given, method, token, json=wanted(given, client_name="Taken")).status_code == 401, token
    elsewhere = {**given, "registration_client_uri": given["registration_client_uri"].replace("/e/dev/", "/e/prod/")}
    assert send(elsewhere, method, json=wanted(given)).status_code == 401
    by_query = httpx.request(
        method, f"{given['registration_client_uri']}?access_token={given['registration_access_token']}"
    )
    assert by_query.status_code in {400, 401}
    app = app_of(scene, given)
    assert app is not None
    assert app.name == "Notes"


def test_an_admin_who_changes_the_app_takes_it_over(scene: Scene) -> None:
    house, given = scene.server.house, scene.register().json()
    app = app_of(scene, given)
    assert app is not None
    admin_side.change_app(house.runtime, house.owner, app.id, replace(draft_of(app), third_party=False))
    refused = send(given, "PUT", json=wanted(given, redirect_uris=["https://evil.example/"]))
    assert refused.status_code == 401
    again = app_of(scene, given)
    assert again is not None
    assert again.oidc is not None
    assert again.oidc.redirect_uris == (CALLBACK,)


def close(scene: Scene, app: App) -> None:
    admin_side.set_disabled(scene.server.house.runtime, scene.server.house.owner, app.id, disabled=True)


def adorn(scene: Scene, app: App) -> None:
    app_icons.upload_icon(scene.server.house.runtime, scene.server.house.owner, app.id, png())


def give_a_secret(scene: Scene, app: App) -> None:
    admin_side.rotate_secret(scene.server.house.runtime, scene.server.house.owner, app.id)


@pytest.mark.parametrize("touch", [close, adorn, give_a_secret])
def test_whatever_an_admin_does_to_the_app_makes_it_the_admins(
    scene: Scene, touch: Callable[[Scene, App], None]
) -> None:
    given = scene.register(token_endpoint_auth_method="client_secret_basic").json()
    app = app_of(scene, given)
    assert app is not None
    touch(scene, app)
    for method, body in (("PUT", wanted(given, client_name="Payroll")), ("DELETE", None)):
        assert send(given, method, json=body).status_code == 401
    again = app_of(scene, given)
    assert again is not None
    assert again.name == app.name


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "app_other"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_secret": "x"}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"client_id_issued_at": 1}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"redirect_uris": ["http://app.example/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"client_name": "gRAFANA"}, "invalid_client_metadata"),
        ({"client_name": "Other"}, "invalid_client_metadata"),
        ({"client_name": "Notes\u202e"}, "invalid_client_metadata"),
    ],
)
def test_a_change_gives_nothing_that_registering_does_not(scene: Scene, changes: dict[str, Any], error: str) -> None:
    apps.make_app(scene.server.house, "Grafana")
    given = scene.register().json()
    assert scene.register(client_name="Other").status_code == 201
    before = app_of(scene, given)
    refused = send(given, "PUT", json=wanted(given, **changes))
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert app_of(scene, given) == before


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 30_000, b"\xff", b" " * 40_000])
def test_a_change_that_is_no_metadata_is_refused(scene: Scene, body: bytes) -> None:
    refused = send(scene.register().json(), "PUT", content=body)
    assert refused.status_code in {400, 413}
    assert refused.json()["error"] == "invalid_client_metadata"


def test_the_tokens_are_kept_as_hashes_and_reach_no_activity(scene: Scene) -> None:
    given = scene.register().json()
    send(given, "PUT", json=wanted(given, client_name="Notes 2"))
    house = scene.server.house
    with house.runtime.database.reading() as tx:
        found = activity.page(
            tx, house.workspace.id, ActivityFilter(action_prefix="app."), before=None, after=None, size=20
        )
        kept = tx.execute(app_registrations.select()).all()
    assert given["registration_access_token"] not in repr(found) + repr(kept)
