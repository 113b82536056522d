"""Directories that push over SCIM: a connection with SCIM provisioning, and what its directory pushed, put there by the flows' parts."""

from __future__ import annotations

from typing import Any

from tests.support.house import House
from tests.support.people import connect
from vestibule.directory.activity import Actor, ActorKind
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.pushed import PushedGroup, PushedUser
from vestibule.directory.scim import Caller, ScimToken, StopLine
from vestibule.flows import connections
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
        return pushed_users.create_user(tx, push_of(house, connection), resource)
