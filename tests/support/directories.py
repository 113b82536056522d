"""Directories that push over SCIM: a connection with SCIM provisioning, and what its directory pushed, put there by the flows' parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.house import House, Server
from tests.support.people import connect
from vestibule.directory.activity import Actor, ActorKind
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.pushed import PushedGroup, PushedUser
from vestibule.directory.scim import Caller, ScimToken, StopLine
from vestibule.flows import connections, scim_directories
from vestibule.flows.parts import pushed_groups, pushed_users
from vestibule.flows.parts.pushing import Push
from vestibule.storage import scim_predecessors


def pushing(house: House, key: str = "dev", name: str = "Okta Dev", domains: tuple[str, ...] = ()) -> Connection:
    """Make a connection with SCIM provisioning."""
    made = connect(house, key, name, domains)
    return connections.choose_provisioning(house.runtime, house.owner, made.id, "scim")


def push_of(house: House, connection: Connection) -> Push:
    """Return a request of a connection's directory, about to be carried out."""
    now = house.clock()
    with house.runtime.database.reading() as tx:
        rivals = scim_predecessors.rival_entries(tx, house.workspace.id, connection.environment_id, connection.id)
    caller = Caller(
        token=ScimToken("sct_test", "Token", now, None, None),
        workspace_id=house.workspace.id,
        connection_id=connection.id,
        environment_id=connection.environment_id,
        idp_id=connection.idp.id,
        name=connection.idp.name,
        all_domains=connection.all_domains,
        domains=connection.domains,
        rival_entries=rivals,
        provisioning=Provisioning.SCIM,
        disabled=False,
        stop_line=StopLine(),
    )
    actor = Actor(ActorKind.DIRECTORY, connection.id, connection.idp.name)
    return Push(house.runtime, caller, actor, now)


def pushed_group(house: House, connection: Connection, name: str, *members: str) -> PushedGroup:
    """Let the directory push a group."""
    with house.runtime.database.transaction() as tx:
        return pushed_groups.create_group(tx, push_of(house, connection), name, None, members)


def pushed_user(house: House, connection: Connection, email: str, **attributes: Any) -> PushedUser:
    """Let the directory push a user."""
    resource = {
        "userName": email,
        "displayName": email.partition("@")[0].title(),
        "emails": [{"value": email, "type": "work", "primary": True}],
        "active": True,
        **attributes,
    }
    with house.runtime.database.transaction() as tx:
        return pushed_users.create_user(tx, push_of(house, connection), resource)[0]


@dataclass
class Directory:
    """A SCIM client of one connection: sends what it is told, and gives back what comes."""

    http: httpx.Client
    connection: Connection

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Send a request below the base URL."""
        if body is not None:
            options["json"] = body
        return self.http.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Look something up."""
        return self.send("GET", path, **options)

    def create(self, email: str, **more: Any) -> dict[str, Any]:
        """Create a user; return the resource."""
        made = self.send("POST", "/Users", user(email, **more))
        assert made.status_code == 201, made.text
        return dict(made.json())

    def create_group(self, name: str, *members: str, **more: Any) -> dict[str, Any]:
        """Create a group; return the resource."""
        made = self.send(
            "POST", "/Groups", {"displayName": name, "members": [{"value": one} for one in members], **more}
        )
        assert made.status_code == 201, made.text
        return dict(made.json())

    def patch(self, path: str, *operations: dict[str, Any], **options: Any) -> httpx.Response:
        """Send a PATCH."""
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self.send("PATCH", path, body, **options)

    def found(self, path: str, text: str) -> list[str]:
        """Return the ids that a filter finds."""
        answer = self.get(path, params={"filter": text})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["Resources"]]


def user(email: str, **more: Any) -> dict[str, Any]:
    """Return a user as most directories send it."""
    first, _, last = email.partition("@")[0].title().partition(".")
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "name": {"givenName": first, "familyName": last or "Park"},
        "displayName": f"{first} {last or 'Park'}",
        "emails": [{"value": email, "type": "work", "primary": True}],
        "active": True,
        **more,
    }


def directory(server: Server, connection: Connection, life: str = "never") -> Directory:
    """Make a token for a connection, and a client that uses it."""
    made = scim_directories.make_token(server.house.runtime, server.house.owner, connection.id, "Test", life)
    http = server.client().http
    http.base_url = httpx.URL(made.base_url)
    http.headers["Authorization"] = f"Bearer {made.secret}"
    return Directory(http, connection)
