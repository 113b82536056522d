"""Environment access and group memberships of a person: who may enter where, in which groups, and where that came from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, bindparam, delete, literal, select

from vestibule.directory.end_users import EnvironmentAccess
from vestibule.directory.groups import Membership
from vestibule.directory.sources import Source
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert, insert_into
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import end_users, environment_access, environments, group_members, groups
from vestibule.storage.types import Instant, Key, Text

_SINCE: Final = ("source", "source_connection_id", "created_at")
_GRANT: Final = PreparedInsert(
    environment_access,
    lambda new: new.from_select(
        ["environment_id", "end_user_id", "workspace_id", "name_key", *_SINCE],
        select(environments.c.id, end_users.c.id, end_users.c.workspace_id, end_users.c.name_key)
        .add_columns(
            bindparam("from_source", type_=Text), bindparam("by", type_=Key), bindparam("since", type_=Instant)
        )
        .select_from(end_users.join(environments, environments.c.workspace_id == end_users.c.workspace_id))
        .where(
            end_users.c.workspace_id == bindparam("in_workspace"),
            end_users.c.id == bindparam("whose"),
            environments.c.id == bindparam("in_environment"),
        ),
    ).on_conflict_do_nothing(),
)

GROUP_NAMES: Final = Prepared(
    select(groups.c.id, groups.c.name)
    .join(group_members, group_members.c.group_id == groups.c.id)
    .where(
        group_members.c.environment_id == bindparam("environment_id"),
        group_members.c.end_user_id == bindparam("end_user_id"),
    )
    .order_by(groups.c.name_key, groups.c.id)
)


def grant_access(
    tx: Transaction,
    workspace_id: str,
    environment_id: str,
    end_user_id: str,
    *,
    source: Source,
    now: datetime,
    connection_id: str | None = None,
    fresh: bool = False,
) -> bool:
    """Let a person enter an environment; return whether that is new. What is there already keeps its source.

    Environment and person must both be of the workspace, or nothing is written. A `fresh` person was made in this very
    transaction: there is nothing yet, so nobody waits for the answer.
    """
    whose = {"in_workspace": workspace_id, "whose": end_user_id, "in_environment": environment_id}
    values = {**whose, "from_source": source.value, "by": connection_id, "since": now}
    if fresh:
        _GRANT.write_later(tx, values)
        return True
    return _GRANT.write(tx, values) == 1


def revoke_access(tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str) -> bool:
    """Take away environment access; memberships and sessions in that environment end with it. Return whether there was any."""
    mine = (environment_access.c.workspace_id == workspace_id, environment_access.c.environment_id == environment_id)
    return (
        tx.execute(delete(environment_access).where(*mine, environment_access.c.end_user_id == end_user_id)).rowcount
        == 1
    )


def add_member(
    tx: Transaction,
    workspace_id: str,
    group_id: str,
    end_user_id: str,
    *,
    source: Source,
    now: datetime,
    connection_id: str | None = None,
) -> bool:
    """Put a person into a group; return whether that is new. What is there already keeps its source.

    Nothing is written for somebody without access to the group's environment, nor for Everyone, which is the access itself.
    """
    access = environment_access
    joined = (
        select(groups.c.id, groups.c.environment_id, access.c.end_user_id, access.c.workspace_id, access.c.name_key)
        .add_columns(*_since(source, connection_id, now))
        .select_from(groups.join(access, access.c.environment_id == groups.c.environment_id))
        .where(groups.c.workspace_id == workspace_id, groups.c.id == group_id, groups.c.built_in.is_(False))
        .where(access.c.workspace_id == workspace_id, access.c.end_user_id == end_user_id)
    )
    names = [
        "group_id",
        "environment_id",
        "end_user_id",
        "workspace_id",
        "name_key",
        *_SINCE,
    ]
    return _insert_unless_there(tx, group_members, names, joined)


def remove_member(tx: Transaction, workspace_id: str, group_id: str, end_user_id: str) -> bool:
    """Take a person out of a group; return whether they were in it."""
    mine = (group_members.c.workspace_id == workspace_id, group_members.c.group_id == group_id)
    return tx.execute(delete(group_members).where(*mine, group_members.c.end_user_id == end_user_id)).rowcount == 1


def access_of(tx: Transaction, workspace_id: str, end_user_id: str) -> tuple[EnvironmentAccess, ...]:
    """Return the environments that a person may enter, in the order of the picker."""
    query = (
        select(environment_access)
        .join(environments, environments.c.id == environment_access.c.environment_id)
        .where(environment_access.c.workspace_id == workspace_id, environment_access.c.end_user_id == end_user_id)
        .order_by(environments.c.position, environments.c.id)
    )
    return tuple(
        EnvironmentAccess(
            row.environment_id, row.end_user_id, Source(row.source), row.source_connection_id, row.created_at
        )
        for row in tx.execute(query)
    )


def memberships_of(
    tx: Transaction, workspace_id: str, end_user_id: str, environment_id: str | None = None
) -> tuple[Membership, ...]:
    """Return the groups that a person is in, by name, Everyone left out; of one environment or of all."""
    query = (
        select(group_members, groups.c.name)
        .join(groups, groups.c.id == group_members.c.group_id)
        .where(group_members.c.workspace_id == workspace_id, group_members.c.end_user_id == end_user_id)
    )
    if environment_id is None:
        # By way of the access, whose rows lead to the memberships through their own index.
        theirs = select(environment_access.c.environment_id).where(environment_access.c.end_user_id == end_user_id)
        query = query.where(group_members.c.environment_id.in_(theirs))
    else:
        query = query.where(group_members.c.environment_id == environment_id)
    return tuple(
        Membership(
            row.group_id, row.environment_id, row.name, Source(row.source), row.source_connection_id, row.created_at
        )
        for row in tx.execute(query.order_by(groups.c.name_key, groups.c.id))
    )


def names_by_id(rows: Iterable[Any]) -> dict[str, str]:
    """Return what rows of GROUP_NAMES say: the groups that somebody is in, Everyone left out, by id in the order of the names."""
    return {row.id: row.name for row in rows}


def _since(source: Source, connection_id: str | None, now: datetime) -> tuple[Any, ...]:
    return literal(source.value), literal(connection_id, Key), literal(now, Instant)


def _insert_unless_there(tx: Transaction, table: Table, names: list[str], rows: Select[Any]) -> bool:
    new = insert_into(tx, table).from_select(names, rows).on_conflict_do_nothing().returning(table.c.end_user_id)
    return tx.execute(new).one_or_none() is not None
