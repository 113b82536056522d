"""End-user groups and memberships."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, delete, func, insert, literal, select, update

from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.tables import environment_access, group_members, groups


def insert_group(tx: Transaction, group: Group) -> None:
    """Save a new group. Raises IntegrityError when the environment has one of that name."""
    tx.execute(
        insert(groups).values(
            id=group.id,
            workspace_id=group.workspace_id,
            environment_id=group.environment_id,
            name=group.name,
            name_key=fold(group.name),
            built_in=group.built_in,
            source=group.source.value,
            created_at=group.created_at,
        )
    )


def _with_members() -> Any:
    everyone = select(func.count()).select_from(environment_access).where(environment_access.c.environment_id == groups.c.environment_id)
    rows = select(func.count()).select_from(group_members).where(group_members.c.group_id == groups.c.id)
    count = case((groups.c.built_in, everyone.scalar_subquery()), else_=rows.scalar_subquery())
    return select(groups, count.label("members"))


def list_groups(tx: Transaction, workspace_id: str, environment_id: str | None = None) -> tuple[Group, ...]:
    """Return the groups of one environment, or of all, Everyone first, with the number of members."""
    query = _with_members().where(groups.c.workspace_id == workspace_id)
    if environment_id is not None:
        query = query.where(groups.c.environment_id == environment_id)
    return tuple(_group(row) for row in tx.execute(query.order_by(groups.c.built_in.desc(), groups.c.name_key)))


def list_group_names(tx: Transaction, workspace_id: str) -> tuple[Group, ...]:
    """Return every group of the workspace without counting members: for lists to choose from."""
    query = select(groups, literal(0).label("members")).where(groups.c.workspace_id == workspace_id)
    return tuple(_group(row) for row in tx.execute(query.order_by(groups.c.built_in.desc(), groups.c.name_key)))


def find_group(tx: Transaction, workspace_id: str, group_id: str) -> Group | None:
    """Return one group of the workspace with the number of its members."""
    query = _with_members().where(groups.c.workspace_id == workspace_id, groups.c.id == group_id)
    row = tx.execute(query).one_or_none()
    return _group(row) if row else None


def rename_group(tx: Transaction, workspace_id: str, group_id: str, name: str) -> None:
    """Change a group's name. Raises IntegrityError when the environment has one of that name."""
    mine = (groups.c.workspace_id == workspace_id, groups.c.id == group_id)
    tx.execute(update(groups).where(*mine).values(name=name, name_key=fold(name)))


def delete_group(tx: Transaction, workspace_id: str, group_id: str) -> None:
    """Delete a group with its memberships."""
    tx.execute(delete(groups).where(groups.c.workspace_id == workspace_id, groups.c.id == group_id))


def _group(row: Any) -> Group:
    return Group(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        name=row.name,
        built_in=row.built_in,
        source=Source(row.source),
        created_at=row.created_at,
        members=row.members,
    )
