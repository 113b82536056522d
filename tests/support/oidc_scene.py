"""The scene of tests of OpenID Connect: a person who comes through SAML, a browser, an app; and how an app reads an ID token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import jwt as pyjwt

from tests.support import apps, sign_ins
from tests.support.apps import RelyingApp
from tests.support.hearing import Hearing
from tests.support.house import Client, Server
from vestibule.directory.activity import ActivityFilter, Entry
from vestibule.directory.app_sessions import AppSession
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser
from vestibule.flows import app_sessions
from vestibule.outside.telling import Teller
from vestibule.storage import activity
from vestibule.storage import app_sessions as stored_app_sessions


@dataclass
class Scene:
    server: Server
    client: Client
    connection: Connection
    grace: EndUser
    app: RelyingApp

    def recorded(self, action: str) -> tuple[Entry, ...]:
        """Return what is in the activity of an action, the newest first."""
        house = self.server.house
        with house.runtime.database.reading() as tx:
            wanted = ActivityFilter(action_prefix=action)
            return activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=20)

    def other_app(self, name: str = "GitLab", key: str = "dev") -> RelyingApp:
        """Make a second app, in another environment if need be."""
        made = apps.make_app(self.server.house, name, key)
        return RelyingApp(self.server, made, apps.make_secret(self.server.house, made), environment=key)


TELL = Teller(allow_http=True, allow_private=True)


@dataclass
class Told(Scene):
    """A scene whose app wants to be told when a session ends."""

    heard: Hearing

    def tell(self) -> int:
        """Tell the apps that are due; return how many were tried."""
        return app_sessions.tell_due(self.server.house.runtime, TELL)

    def receipt(self) -> tuple[AppSession, ...]:
        """Return the app sessions of the person, the newest first."""
        with self.server.house.runtime.database.reading() as tx:
            return stored_app_sessions.list_app_sessions(tx, self.grace.workspace_id, self.grace.id, 50)


def told_scene(server: Server, heard: Hearing) -> Told:
    """Set the scene with an app that hears of logouts."""
    found = scene_of(server)
    found.app.app = apps.change_app(server.house, found.app.app, backchannel_logout_uri=heard.url)
    return Told(found.server, found.client, found.connection, found.grace, found.app, heard)


def scene_of(server: Server) -> Scene:
    """Set the scene in the house of a server, whose clock stops."""
    house = server.house
    house.clock.freeze()
    connection, grace = sign_ins.connect(house), sign_ins.add_person(house)
    app = apps.make_app(house)
    return Scene(server, server.client(), connection, grace, RelyingApp(server, app, apps.make_secret(house, app)))


def id_token_of(scene: Scene, token: str, alg: str = "RS256") -> dict[str, Any]:
    """Verify an ID token as an app does: by discovery, the JWK Set, and another library than ours."""
    metadata = httpx.get(f"{scene.app.issuer}/.well-known/openid-configuration").json()
    keys = pyjwt.PyJWKSet.from_dict(httpx.get(metadata["jwks_uri"]).json())
    key = keys[pyjwt.get_unverified_header(token)["kid"]]
    # The clock of the server is the test's; ours only has to agree that time passes.
    claims: dict[str, Any] = pyjwt.decode(
        token,
        key,
        algorithms=[alg],
        audience=scene.app.app.id,
        issuer=metadata["issuer"],
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims
