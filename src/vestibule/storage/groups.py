"""End-user groups and memberships."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, delete, func, insert, literal, select, update

from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.tables import environment_access, group_members, groups

MOST_COUNTED: Final = 1000


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


def _with_members() -> Select[Any]:
    everyone = environment_access.c.environment_id == groups.c.environment_id
    count = case(
        (groups.c.built_in, _counted(environment_access.c.end_user_id, everyone)),
        else_=_counted(group_members.c.end_user_id, group_members.c.group_id == groups.c.id),
    )
    return select(groups, count.label("members"))


def _counted(column: ColumnElement[Any], which: ColumnElement[bool]) -> ScalarSelect[Any]:
    # Bounded: counting a million members takes as long as reading them.
    some = select(column).where(which).correlate(groups).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def list_groups(tx: Transaction, workspace_id: str, environment_id: str | None = None) -> tuple[Group, ...]:
    """Return the groups of one environment, or of all, Everyone first, with the number of members up to MOST_COUNTED + 1."""
    query = _with_members().where(groups.c.workspace_id == workspace_id)
    if environment_id is not None:
        query = query.where(groups.c.environment_id == environment_id)
    return tuple(_group(row) for row in tx.execute(query.order_by(groups.c.built_in.desc(), groups.c.name_key)))


def list_group_names(tx: Transaction, workspace_id: str) -> tuple[Group, ...]:
    """Return every group of the workspace without counting members: for lists to choose from."""
    query = select(groups, literal(0).label("members")).where(groups.c.workspace_id == workspace_id)
    return tuple(_group(row) for row in tx.execute(query.order_by(groups.c.built_in.desc(), groups.c.name_key)))


def find_group(tx: Transaction, workspace_id: str, group_id: str) -> Group | None:
    """Return one group of the workspace with the number of its members up to MOST_COUNTED + 1."""
    query = _with_members().where(groups.c.workspace_id == workspace_id, groups.c.id == group_id)
    row = tx.execute(query).one_or_none()
    return _group(row) if row else None


def page_groups(
    tx: Transaction,
    workspace_id: str,
    environment_id: str,
    *,
    words: str = "",
    after: str | None = None,
    before: str | None = None,
    size: int,
) -> tuple[Group, ...]:
    """Return up to `size` groups of one environment by name, Everyone left out, after or before a name's key.

    `words` is folded text that the name must contain. Members are counted up to MOST_COUNTED + 1.
    """
    query = _with_members().where(groups.c.workspace_id == workspace_id, groups.c.environment_id == environment_id)
    query = query.where(groups.c.built_in.is_(False))
    if words:
        query = query.where(groups.c.name_key.contains(words, autoescape=True))
    if before is not None:
        found = tx.execute(query.where(groups.c.name_key < before).order_by(groups.c.name_key.desc()).limit(size)).all()
        return tuple(_group(row) for row in reversed(found))
    if after is not None:
        query = query.where(groups.c.name_key > after)
    return tuple(_group(row) for row in tx.execute(query.order_by(groups.c.name_key).limit(size)))


def find_everyone(tx: Transaction, workspace_id: str, environment_id: str) -> Group | None:
    """Return the built-in group of an environment, with the number of people up to MOST_COUNTED + 1."""
    mine = (
        groups.c.workspace_id == workspace_id,
        groups.c.environment_id == environment_id,
        groups.c.built_in.is_(True),
    )
    row = tx.execute(_with_members().where(*mine)).one_or_none()
    return _group(row) if row else None


def count_groups(tx: Transaction, workspace_id: str, environment_id: str) -> int:
    """Return how many groups an environment has, Everyone included."""
    mine = (groups.c.workspace_id == workspace_id, groups.c.environment_id == environment_id)
    return tx.execute(select(func.count()).select_from(groups).where(*mine)).scalar_one()


def members_among(tx: Transaction, group: Group, end_user_ids: Iterable[str]) -> dict[str, tuple[Source, datetime]]:
    """Return those of these people who are in the group, with where that came from and since when; for Everyone it is the access."""
    table = environment_access if group.built_in else group_members
    which = table.c.environment_id == group.environment_id if group.built_in else table.c.group_id == group.id
    query = select(table.c.end_user_id, table.c.source, table.c.created_at)
    query = query.where(table.c.workspace_id == group.workspace_id, which, table.c.end_user_id.in_(tuple(end_user_ids)))
    return {row.end_user_id: (Source(row.source), row.created_at) for row in tx.execute(query)}


def rename_group(tx: Transaction, workspace_id: str, group_id: str, name: str) -> None:
    """Change a group's name. Raises IntegrityError when the environment has one of that name."""
    mine = (groups.c.workspace_id == workspace_id, groups.c.id == group_id)
    tx.execute(update(groups).where(*mine).values(name=name, name_key=fold(name)))


def delete_group(tx: Transaction, workspace_id: str, group_id: str) -> bool:
    """Delete a group with its memberships; return whether it was there."""
    mine = (groups.c.workspace_id == workspace_id, groups.c.id == group_id)
    return tx.execute(delete(groups).where(*mine)).rowcount == 1


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
