"""People who were in an environment before its directory, grouped by what decides their fate when it pushes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import exists, func, select

from vestibule.directory.connections import Provisioning
from vestibule.directory.end_users import EndUserStatus
from vestibule.storage.connection_people import domain_of
from vestibule.storage.database import Transaction
from vestibule.storage.tables import connection_domains, connections, end_users, environment_access, scim_users

FIRST_BY_NAME: Final = 300


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many people with access share a domain, a standing, and whether another directory pushed them."""

    domain: str
    active: bool
    pushed: bool
    people: int


@dataclass(frozen=True, slots=True)
class Face:
    """One of the first of them by name."""

    end_user_id: str
    full_name: str
    email: str
    active: bool
    pushed: bool


def crowds(tx: Transaction, workspace_id: str, environment_id: str, connection_id: str) -> tuple[Crowd, ...]:
    """Return everybody with access whom this connection's directory has not pushed, counted. For a page that asks, not for lists."""
    domain, active, pushed = domain_of(tx, end_users.c.email_key), _active(), _pushed(environment_id, connection_id)
    query = _without_mine(
        select(domain.label("domain"), active, pushed, func.count().label("people")),
        workspace_id,
        environment_id,
        connection_id,
    ).group_by(domain, "active", "pushed")
    return tuple(Crowd(row.domain, bool(row.active), bool(row.pushed), row.people) for row in tx.execute(query))


def faces(tx: Transaction, workspace_id: str, environment_id: str, connection_id: str) -> tuple[Face, ...]:
    """Return the first FIRST_BY_NAME of them."""
    pushed = _pushed(environment_id, connection_id)
    query = _without_mine(
        select(end_users.c.id, end_users.c.full_name, end_users.c.email, _active(), pushed),
        workspace_id,
        environment_id,
        connection_id,
    )
    order = (environment_access.c.name_key, environment_access.c.end_user_id)
    rows = tx.execute(query.order_by(*order).limit(FIRST_BY_NAME))
    return tuple(Face(row.id, row.full_name, row.email, bool(row.active), bool(row.pushed)) for row in rows)


def rival_entries(tx: Transaction, workspace_id: str, environment_id: str, connection_id: str) -> tuple[str, ...]:
    """Return the domains that the environment's other active connections are enforced for."""
    query = (
        select(connection_domains.c.domain)
        .join(connections, connections.c.id == connection_domains.c.connection_id)
        .where(
            connection_domains.c.workspace_id == workspace_id,
            connection_domains.c.environment_id == environment_id,
            connections.c.id != connection_id,
            connections.c.disabled.is_(False),
            connections.c.provisioning.is_not(None),
        )
    )
    return tuple(tx.execute(query).scalars())


def _without_mine(query: Any, workspace_id: str, environment_id: str, connection_id: str) -> Any:
    mine = exists().where(
        scim_users.c.connection_id == connection_id,
        scim_users.c.end_user_id == environment_access.c.end_user_id,
        scim_users.c.deleted_at.is_(None),
    )
    return (
        query.select_from(environment_access)
        .join(end_users, end_users.c.id == environment_access.c.end_user_id)
        .where(
            environment_access.c.workspace_id == workspace_id,
            environment_access.c.environment_id == environment_id,
            ~mine,
        )
    )


def _active() -> Any:
    return (end_users.c.status != EndUserStatus.DEACTIVATED.value).label("active")


def _pushed(environment_id: str, connection_id: str) -> Any:
    others = connections.alias("others")
    return (
        exists()
        .where(
            scim_users.c.end_user_id == environment_access.c.end_user_id,
            scim_users.c.deleted_at.is_(None),
            others.c.id == scim_users.c.connection_id,
            others.c.environment_id == environment_id,
            others.c.id != connection_id,
            others.c.provisioning == Provisioning.SCIM.value,
        )
        .label("pushed")
    )
