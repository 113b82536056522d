"""Why a person has what they have: for each access, membership and profile field where it came from, and what would end it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.end_users import EndUser, EnvironmentAccess
from vestibule.directory.groups import Membership
from vestibule.directory.sources import Source


class EndedBy(StrEnum):
    """What would end an access or a membership, or change a profile field."""

    ADMIN = "admin"
    DIRECTORY = "directory"
    SIGN_IN = "sign_in"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is as it is. `directory` names the connection that it came through, as far as that is still there."""

    source: Source
    directory: str | None
    since: datetime
    ended_by: EndedBy


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a directory says of the person now."""

    connection_id: str
    user_name: str
    external_id: str | None
    active: bool
    last_modified_at: datetime


@dataclass(frozen=True, slots=True)
class Why:
    """Everything that a person has, with its reason: environments and groups by id, the profile's fields by name."""

    environments: Mapping[str, Reason]
    groups: Mapping[str, tuple[Membership, Reason]]
    profile: Mapping[str, Reason]
    pushed: tuple[tuple[str, Pushed], ...]


def explain(
    person: EndUser,
    access: tuple[EnvironmentAccess, ...],
    memberships: tuple[Membership, ...],
    pushed: tuple[Pushed, ...],
    linked: tuple[str, ...],
    connections: Mapping[str, Connection],
) -> Why:
    """Return why a person has what they have.

    `pushed` is what the directories say of them, the oldest word first; `linked` are the connections that they sign in through.
    """
    return Why(
        environments={one.environment_id: reason(one, connections) for one in access},
        groups={one.group_id: (one, reason(one, connections)) for one in memberships},
        profile=_profile(person, access, pushed, linked, connections),
        pushed=tuple(
            (connections[one.connection_id].idp.name, one) for one in pushed if one.connection_id in connections
        ),
    )


def reason(one: EnvironmentAccess | Membership, connections: Mapping[str, Connection]) -> Reason:
    """Return where an access or a membership came from, and what ends it besides an admin, who always can."""
    connection = connections.get(one.connection_id or "")
    name = connection.idp.name if connection else None
    return Reason(one.source, name, one.created_at, _ended_by(one, connection))


def _ended_by(one: EnvironmentAccess | Membership, connection: Connection | None) -> EndedBy:
    if one.source is Source.SCIM and connection and connection.provisioning is Provisioning.SCIM:
        return EndedBy.DIRECTORY
    if one.source in {Source.JIT, Source.SCIM} and isinstance(one, Membership) and connection and _syncs(connection):
        return EndedBy.SIGN_IN
    return EndedBy.CLIENT if one.source is Source.API else EndedBy.ADMIN


def _profile(
    person: EndUser,
    access: tuple[EnvironmentAccess, ...],
    pushed: tuple[Pushed, ...],
    linked: tuple[str, ...],
    connections: Mapping[str, Connection],
) -> dict[str, Reason]:
    def leads(connection: Connection) -> bool:
        """Say whether nothing but connections of the same IdP knows the person, as `storage.scim_users.known_elsewhere` does."""
        elsewhere = (one.connection_id for one in access if one.environment_id != connection.environment_id)
        others = (connections.get(one or "") for one in (*elsewhere, *(one.connection_id for one in pushed)))
        return all(other is not None and other.idp.id == connection.idp.id for other in others)

    field = Reason(person.source, None, person.created_at, EndedBy.ADMIN)
    for connection in (connections[one] for one in linked if one in connections):
        if _syncs(connection) and leads(connection):
            field = Reason(Source.JIT, connection.idp.name, person.updated_at, EndedBy.SIGN_IN)
    for one in reversed(pushed):
        directory = connections.get(one.connection_id)
        if directory is not None and directory.provisioning is Provisioning.SCIM and leads(directory):
            field = Reason(Source.SCIM, directory.idp.name, one.last_modified_at, EndedBy.DIRECTORY)
    return {"name": field, "email": field}


def _syncs(connection: Connection) -> bool:
    return connection.provisioning is Provisioning.JIT and connection.jit.keep_in_sync
