"""Memberships that a connection gives and takes, many in one statement. Those of any other source are never touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, literal, select

from vestibule.directory.groups import Group, GroupName
from vestibule.directory.sources import Source
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.tables import environment_access, group_members, groups
from vestibule.storage.types import Instant, Key


def join_groups(
    tx: Transaction,
    workspace_id: str,
    environment_id: str,
    end_user_id: str,
    group_ids: Sequence[str],
    *,
    source: Source,
    connection_id: str,
    now: datetime,
) -> tuple[str, ...]:
    """Put a person into groups of one environment; return the ids of those that are new. What is there keeps its source.

    Nothing is written for a group of another environment, for Everyone, or for somebody without access.
    """
    if not group_ids:
        return ()
    access = environment_access
    joined = (
        select(groups.c.id, groups.c.environment_id, access.c.end_user_id, access.c.workspace_id, access.c.name_key)
        .add_columns(literal(source.value), literal(connection_id, Key), literal(now, Instant))
        .select_from(groups.join(access, access.c.environment_id == groups.c.environment_id))
        .where(groups.c.workspace_id == workspace_id, groups.c.environment_id == environment_id)
        .where(groups.c.id.in_(group_ids), groups.c.built_in.is_(False))
        .where(access.c.workspace_id == workspace_id, access.c.end_user_id == end_user_id)
    )
    names = ["group_id", "environment_id", "end_user_id", "workspace_id", "name_key"]
    names += ["source", "source_connection_id", "created_at"]
    new = insert_into(tx, group_members).from_select(names, joined).on_conflict_do_nothing()
    return tuple(row.group_id for row in tx.execute(new.returning(group_members.c.group_id)))


def leave_groups(
    tx: Transaction,
    workspace_id: str,
    environment_id: str,
    end_user_id: str,
    *,
    but: Sequence[str],
    connection_id: str,
) -> tuple[str, ...]:
    """Take a person out of every group that a connection put them into, by sign-ins or a directory, `but` these; return the ids."""
    gone = delete(group_members).where(
        group_members.c.workspace_id == workspace_id,
        group_members.c.environment_id == environment_id,
        group_members.c.end_user_id == end_user_id,
        group_members.c.source_connection_id == connection_id,
        group_members.c.group_id.not_in(but),
    )
    return tuple(row.group_id for row in tx.execute(gone.returning(group_members.c.group_id)))


def make_groups(tx: Transaction, made: Iterable[Group], connection_id: str) -> tuple[str, ...]:
    """Save groups that a connection names; return the ids of those that were new. A name that is taken meanwhile stays as it is."""
    rows = [
        {
            "id": group.id,
            "workspace_id": group.workspace_id,
            "environment_id": group.environment_id,
            "name": group.name,
            "name_key": fold(group.name),
            "built_in": False,
            "source": group.source.value,
            "source_connection_id": connection_id,
            "created_at": group.created_at,
        }
        # In one order for all: two sign-ins that make the same groups would otherwise wait for each other for ever.
        for group in sorted(made, key=lambda group: fold(group.name))
    ]
    if not rows:
        return ()
    new = insert_into(tx, groups).values(rows).on_conflict_do_nothing(index_elements=["environment_id", "name_key"])
    return tuple(row.id for row in tx.execute(new.returning(groups.c.id)))


def names_of(tx: Transaction, workspace_id: str, group_ids: Iterable[str]) -> tuple[GroupName, ...]:
    """Return groups of the workspace by their names, for telling what happened."""
    query = select(groups.c.id, groups.c.environment_id, groups.c.name).where(
        groups.c.workspace_id == workspace_id, groups.c.id.in_(tuple(group_ids))
    )
    return tuple(
        GroupName(row.id, row.environment_id, row.name) for row in tx.execute(query.order_by(groups.c.name_key))
    )
