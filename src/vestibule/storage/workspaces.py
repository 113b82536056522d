"""Workspaces and environments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, true, update

from vestibule.directory.workspaces import Environment, Workspace
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import (
    api_clients,
    apps,
    connections,
    environment_access,
    environments,
    groups,
    resource_apis,
    workspaces,
)

# An environment and its workspace: what everybody needs who comes by a public address.
PLACE: Final = select(
    environments,
    workspaces.c.name.label("workspace_name"),
    workspaces.c.help_contact,
    workspaces.c.created_at.label("workspace_created_at"),
).join(workspaces, workspaces.c.id == environments.c.workspace_id)
_FIND_PUBLIC: Final = Prepared(PLACE.where(environments.c.key == bindparam("environment_key")))


def insert_workspace(tx: Transaction, workspace: Workspace) -> None:
    """Save a new workspace."""
    tx.execute(
        insert(workspaces).values(
            id=workspace.id, name=workspace.name, help_contact=workspace.help_contact, created_at=workspace.created_at
        )
    )


def find_workspace(tx: Transaction, workspace_id: str) -> Workspace | None:
    """Return a workspace by its id."""
    row = tx.execute(select(workspaces).where(workspaces.c.id == workspace_id)).one_or_none()
    return to_workspace(row) if row else None


def list_workspaces(tx: Transaction) -> tuple[Workspace, ...]:
    """Return every workspace of the install, oldest first. For the operator only."""
    return tuple(to_workspace(row) for row in tx.execute(select(workspaces).order_by(workspaces.c.id)))


def lock_workspace(tx: Transaction, workspace_id: str) -> None:
    """Let one transaction at a time decide something about the whole workspace, such as who is its last Owner.

    SQLite has one writer anyway; there the clause is left out.
    """
    tx.execute(select(workspaces.c.id).where(workspaces.c.id == workspace_id).with_for_update())


def update_workspace(tx: Transaction, workspace_id: str, name: str, help_contact: str | None) -> None:
    """Change a workspace's name and whom its people ask for help."""
    tx.execute(update(workspaces).where(workspaces.c.id == workspace_id).values(name=name, help_contact=help_contact))


def insert_environment(tx: Transaction, environment: Environment) -> None:
    """Save a new environment. The caller adds its group Everyone in the same transaction. Raises IntegrityError."""
    tx.execute(
        insert(environments).values(
            id=environment.id,
            workspace_id=environment.workspace_id,
            key=environment.key,
            name=environment.name,
            name_key=fold(environment.name),
            position=environment.position,
            saml_enabled=environment.saml_enabled,
            session_ttl_seconds=int(environment.session_ttl.total_seconds()),
            created_at=environment.created_at,
        )
    )


def list_environments(tx: Transaction, workspace_id: str) -> tuple[Environment, ...]:
    """Return a workspace's environments in the order of the picker."""
    query = select(environments).where(environments.c.workspace_id == workspace_id)
    return tuple(to_environment(row) for row in tx.execute(query.order_by(environments.c.position, environments.c.id)))


def find_environment(tx: Transaction, workspace_id: str, key: str) -> Environment | None:
    """Return an environment of the workspace by its key."""
    query = select(environments).where(environments.c.workspace_id == workspace_id, environments.c.key == key)
    row = tx.execute(query).one_or_none()
    return to_environment(row) if row else None


def find_environment_by_id(tx: Transaction, workspace_id: str, environment_id: str) -> Environment | None:
    """Return an environment of the workspace by its id."""
    query = select(environments).where(environments.c.workspace_id == workspace_id, environments.c.id == environment_id)
    row = tx.execute(query).one_or_none()
    return to_environment(row) if row else None


def find_public_environment(tx: Transaction, key: str) -> tuple[Environment, Workspace] | None:
    """Return an environment and its workspace by the key in a public address; keys are unique in the install."""
    rows = _FIND_PUBLIC.rows(tx, {"environment_key": key})
    return to_place(rows[0]) if rows else None


def lock_environment(tx: Transaction, workspace_id: str, environment_id: str) -> None:
    """Keep everybody from putting something into an environment until this transaction ends: a foreign key waits for the lock."""
    mine = (environments.c.workspace_id == workspace_id, environments.c.id == environment_id)
    tx.execute(select(environments.c.id).where(*mine).with_for_update())


def update_environment(tx: Transaction, environment: Environment) -> None:
    """Save an environment's name, position and session length. Its key never changes; the SAML switch has a call of its own."""
    tx.execute(
        update(environments)
        .where(environments.c.workspace_id == environment.workspace_id, environments.c.id == environment.id)
        .values(
            name=environment.name,
            name_key=fold(environment.name),
            position=environment.position,
            session_ttl_seconds=int(environment.session_ttl.total_seconds()),
        )
    )


def set_saml_enabled(tx: Transaction, workspace_id: str, environment_id: str, *, enabled: bool) -> bool:
    """Turn an environment's SAML switch; return whether it stood the other way. The only place that changes it."""
    mine = (environments.c.workspace_id == workspace_id, environments.c.id == environment_id)
    turned = update(environments).where(*mine, environments.c.saml_enabled.is_not(enabled)).values(saml_enabled=enabled)
    return tx.execute(turned).rowcount == 1


def delete_environment(tx: Transaction, workspace_id: str, environment_id: str) -> None:
    """Delete an environment; the caller has made sure that it is empty."""
    tx.execute(
        delete(environments).where(environments.c.workspace_id == workspace_id, environments.c.id == environment_id)
    )


def environment_contents(tx: Transaction, workspace_id: str, environment_id: str) -> tuple[int, ...]:
    """Return an environment's numbers: people with access, hand-made groups, connections, apps, APIs, API clients not revoked."""
    only = {groups: groups.c.built_in.is_(False), api_clients: api_clients.c.revoked_at.is_(None)}
    counts = (
        select(func.count())
        .select_from(table)
        .where(table.c.workspace_id == workspace_id, table.c.environment_id == environment_id, only.get(table, true()))
        for table in (environment_access, groups, connections, apps, resource_apis, api_clients)
    )
    return tuple(tx.execute(select(*(one.scalar_subquery() for one in counts))).one())


def to_environment(row: Any) -> Environment:
    """Make an Environment of a row that has the environments table's columns under their own names."""
    return Environment(
        id=row.id,
        workspace_id=row.workspace_id,
        key=row.key,
        name=row.name,
        position=row.position,
        saml_enabled=row.saml_enabled,
        session_ttl=timedelta(seconds=row.session_ttl_seconds),
        created_at=row.created_at,
    )


def to_place(row: Any) -> tuple[Environment, Workspace]:
    """Make an environment and its workspace of a row of `PLACE`."""
    workspace = Workspace(row.workspace_id, row.workspace_name, row.help_contact, row.workspace_created_at)
    return to_environment(row), workspace


def to_workspace(row: Any) -> Workspace:
    """Make a Workspace of a row that has the workspaces table's columns under their own names."""
    return Workspace(id=row.id, name=row.name, help_contact=row.help_contact, created_at=row.created_at)
