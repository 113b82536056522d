"""Back-channel logout: how long after an admin's click, and after a directory's PATCH, the app has its logout token; two servers run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from bench import token_requests as asking
from bench.ground import Ground
from tests.support import apps, people
from tests.support.directories import pushed_user, pushing
from tests.support.hearing import Hearing, hearing
from tests.support.house import Client, House, TestClock, furnish, make_runtime
from tests.support.served import Served
from vestibule.directory.apps import App, OidcSettings
from vestibule.directory.end_users import EndUser
from vestibule.directory.grants import Authentication, Grant
from vestibule.flows import scim_directories
from vestibule.kernel.ids import new_id
from vestibule.storage import authorization, end_users, grants

ROUNDS: Final = 10
_MOST_SECONDS: Final = 30.0
_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# The app of the measurement is on loopback, without https.
_REACHED: Final = {"VESTIBULE_APPS_ALLOW_PRIVATE": "true", "VESTIBULE_APPS_ALLOW_HTTP": "true"}
End = Callable[[EndUser, str], httpx.Response]


def measure(ground: Ground, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the seconds from before each way to deactivate somebody until their app has the token, round by round."""
    with ground.database("PostgreSQL", "memory") as url, hearing() as app_server:
        first = Served(url, ground.folder, settings=_REACHED)
        second = Served(url, ground.memory_folder, settings=_REACHED)
        clock = TestClock()
        runtime = make_runtime(url, clock, first.base_url)
        try:
            house = furnish(runtime, clock)
            settings = OidcSettings(redirect_uris=(asking.CALLBACK,), backchannel_logout_uri=app_server.url)
            app = apps.make_app(house, oidc=settings)
            connection = pushing(house)
            token = scim_directories.make_token(runtime, house.owner, connection.id, "Bench", "never").secret
            scim_directories.change_stop_line(runtime, house.owner, connection.id, "100000", "100")
            first.start()
            second.start()
            with _ways(first, f"/scim/{connection.id}/v2", token) as ways:
                found: dict[str, list[float]] = {}
                for name, end in ways.items():
                    for number in range(rounds):
                        email = f"{name.split()[0]}{number}@example.com"
                        resource_id = pushed_user(house, connection, email).id
                        found.setdefault(name, []).append(_told(house, app, app_server, email, resource_id, end))
                return found
        finally:
            first.stop()
            second.stop()
            runtime.database.close()


@contextmanager
def _ways(server: Served, path: str, token: str) -> Iterator[dict[str, End]]:
    with httpx.Client(base_url=server.base_url, trust_env=False, timeout=30) as http:
        console = Client(http, server.base_url)
        console.sign_in()
        body: dict[str, Any] = {
            "schemas": [_PATCH],
            "Operations": [{"op": "replace", "path": "active", "value": False}],
        }
        yield {
            "admin's click": lambda person, _: console.post(f"/admin/end-users/{person.id}/deactivate"),
            "directory's PATCH": lambda _, resource_id: http.patch(
                f"{path}/Users/{resource_id}", json=body, headers={"Authorization": f"Bearer {token}"}
            ),
        }


def _told(house: House, app: App, heard: Hearing, email: str, resource_id: str, end: End) -> float:
    with house.runtime.database.reading() as tx:
        person = end_users.find_by_email(tx, house.workspace.id, email)
    assert person is not None
    _use(house, app, person)
    heard.heard.clear()
    began = time.monotonic()
    response = end(person, resource_id)
    assert response.status_code in {200, 204, 303}, response.text
    assert heard.heard.wait(_MOST_SECONDS), "the app was not told"
    return time.monotonic() - began


def _use(house: House, app: App, person: EndUser) -> None:
    """Sign the person in, and to the app."""
    session_id, now = people.sign_in(house, person), house.clock()
    grant = Grant(
        id=new_id("grant", now),
        workspace_id=app.workspace_id,
        environment_id=app.environment_id,
        app_id=app.id,
        end_user_id=person.id,
        session_id=session_id,
        sid=new_id("session", now),
        scope=("openid",),
        resources=(),
        nonce=None,
        authentication=Authentication(now, ("pwd",)),
        created_at=now,
        expires_at=now + app.oidc.refresh_token_ttl if app.oidc else now,
    )
    with house.runtime.database.transaction() as tx:
        grants.insert_grant(tx, grant)
        authorization.note_app_session(tx, grant, session_id, person.id)
