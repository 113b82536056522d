"""Groups as a connection's directory pushed them, and the end-user groups that they are here. Members: `scim_members`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, insert, literal, select, update

from vestibule.directory.groups import Group
from vestibule.directory.pushed import PushedGroup
from vestibule.directory.sources import Source
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.prepared import OneOrMany, Prepared
from vestibule.storage.tables import app_groups, group_map, group_members, groups, scim_members, scim_users
from vestibule.storage.tables import scim_groups as pushed
from vestibule.storage.types import Key

WHOLE: Final = select(pushed, groups.c.name).join(groups, groups.c.id == pushed.c.group_id)
_find = WHOLE.where(pushed.c.connection_id == bindparam("connection_id"), pushed.c.id == bindparam("scim_group_id"))
_FIND: Final = Prepared(_find)
_LOCK: Final = Prepared(_find.with_for_update(of=pushed))
_TOUCH: Final = OneOrMany(
    update(pushed)
    .where(pushed.c.workspace_id == bindparam("in_workspace"))
    .values(version=pushed.c.version + 1, last_modified_at=bindparam("now")),
    pushed.c.id,
)


def find_group(tx: Transaction, connection_id: str, scim_group_id: str, *, lock: bool = False) -> PushedGroup | None:
    """Return a group of a connection by an untrusted id; with `lock` nobody else changes it until this transaction ends."""
    values = {"connection_id": connection_id, "scim_group_id": scim_group_id}
    found = (_LOCK if lock else _FIND).rows(tx, values)
    return to_pushed_group(found[0]) if found else None


def find_namesakes(tx: Transaction, connection_id: str, display_name: str) -> tuple[PushedGroup, ...]:
    """Return the groups of a connection that have a displayName."""
    mine = (pushed.c.connection_id == connection_id, pushed.c.display_key == fold(display_name))
    return tuple(to_pushed_group(row) for row in tx.execute(WHOLE.where(*mine)))


def names_taken(
    tx: Transaction, environment_id: str, names: Iterable[str], but: str | None = None
) -> dict[str, tuple[str, bool]]:
    """Return which of these names groups of an environment have: by their key, the group's id and whether a directory might adopt it.

    That is a group which no directory pushes: made by hand, by sign-ins, or left behind by a directory that is gone.
    """
    free = and_(groups.c.built_in.is_(False), ~exists().where(pushed.c.group_id == groups.c.id)).label("free")
    query = select(groups.c.id, groups.c.name_key, free).where(
        groups.c.environment_id == environment_id, groups.c.name_key.in_({fold(name) for name in names})
    )
    return {row.name_key: (row.id, bool(row.free)) for row in tx.execute(query) if row.id != but}


def insert_group(tx: Transaction, group: Group, made: PushedGroup, connection_id: str) -> None:
    """Save a pushed group and the end-user group that it is. Raises IntegrityError when the name is taken."""
    tx.execute(
        insert(groups).values(
            id=group.id,
            workspace_id=group.workspace_id,
            environment_id=group.environment_id,
            name=group.name,
            name_key=fold(group.name),
            built_in=False,
            source=group.source.value,
            source_connection_id=connection_id,
            created_at=group.created_at,
        )
    )
    tx.execute(
        insert(pushed).values(
            id=made.id,
            workspace_id=group.workspace_id,
            connection_id=connection_id,
            group_id=made.group_id,
            clashes_with=made.clashes_with,
            external_id=made.external_id,
            display_name=made.display_name,
            display_key=fold(made.display_name),
            version=made.version,
            created_at=made.created_at,
            last_modified_at=made.last_modified_at,
        )
    )


def update_group(tx: Transaction, workspace_id: str, group: PushedGroup) -> None:
    """Save a changed group."""
    mine = (pushed.c.workspace_id == workspace_id, pushed.c.id == group.id)
    tx.execute(
        update(pushed)
        .where(*mine)
        .values(
            group_id=group.group_id,
            clashes_with=group.clashes_with,
            external_id=group.external_id,
            display_name=group.display_name,
            display_key=fold(group.display_name),
            version=group.version,
            last_modified_at=group.last_modified_at,
        )
    )


def touch_groups(tx: Transaction, workspace_id: str, scim_group_ids: Sequence[str], now: datetime) -> None:
    """Give groups whose members change a new version."""
    _TOUCH.write_later(tx, scim_group_ids, {"in_workspace": workspace_id, "now": now})


def lock_groups_of(tx: Transaction, workspace_id: str, scim_user_id: str) -> tuple[str, ...]:
    """Return the pushed groups that a user (an untrusted id) is in, locked: before the user is, as everybody locks them."""
    return _locked(tx, workspace_id, scim_members.c.scim_user_id == scim_user_id)


def lock_groups_of_person(tx: Transaction, workspace_id: str, end_user_id: str) -> tuple[str, ...]:
    """Return the pushed groups that somebody is in, locked, whichever directories they came from."""
    theirs = select(scim_users.c.id).where(scim_users.c.end_user_id == end_user_id)
    return _locked(tx, workspace_id, scim_members.c.scim_user_id.in_(theirs))


def _locked(tx: Transaction, workspace_id: str, whose: ColumnElement[bool]) -> tuple[str, ...]:
    theirs = select(scim_members.c.scim_group_id).where(whose)
    query = select(pushed.c.id).where(pushed.c.workspace_id == workspace_id, pushed.c.id.in_(theirs))
    return tuple(tx.execute(query.order_by(pushed.c.id).with_for_update()).scalars())


def delete_pushed_group(tx: Transaction, workspace_id: str, scim_group_id: str) -> None:
    """Forget a pushed group; the end-user group stays."""
    tx.execute(delete(pushed).where(pushed.c.workspace_id == workspace_id, pushed.c.id == scim_group_id))


def has_members_by_hand(tx: Transaction, group_id: str) -> bool:
    """Say whether anybody is in an end-user group by another word than a directory's."""
    query = select(exists().where(group_members.c.group_id == group_id, group_members.c.source != Source.SCIM.value))
    return bool(tx.execute(query).scalar_one())


def give_group_to(tx: Transaction, workspace_id: str, group_id: str, source: Source, connection_id: str | None) -> None:
    """Let an end-user group follow a directory, or nobody."""
    mine = (groups.c.workspace_id == workspace_id, groups.c.id == group_id)
    tx.execute(update(groups).where(*mine).values(source=source.value, source_connection_id=connection_id))


def move_uses(tx: Transaction, from_group_id: str, to_group_id: str) -> None:
    """Let another group of the environment stand where one did: at the apps that it may use, and in the maps of sign-ins."""
    place = (app_groups.c.environment_id, app_groups.c.workspace_id)
    used = select(app_groups.c.app_id, literal(to_group_id, Key), *place).where(app_groups.c.group_id == from_group_id)
    names = ["app_id", "group_id", "environment_id", "workspace_id"]
    tx.execute(insert_into(tx, app_groups).from_select(names, used).on_conflict_do_nothing())
    tx.execute(update(group_map).where(group_map.c.group_id == from_group_id).values(group_id=to_group_id))


def settle_clashes(tx: Transaction, workspace_id: str, group_id: str) -> None:
    """Ask no more whether an end-user group is a pushed one: a directory has adopted it."""
    mine = (pushed.c.workspace_id == workspace_id, pushed.c.clashes_with == group_id)
    tx.execute(update(pushed).where(*mine).values(clashes_with=None))


def list_clashes(tx: Transaction, workspace_id: str, connection_id: str) -> tuple[tuple[PushedGroup, str], ...]:
    """Return the pushed groups that are kept apart from one that was here until an admin decides, with that one's name."""
    other = groups.alias("other")
    query = (
        WHOLE.add_columns(other.c.name.label("other_name"))
        .join(other, other.c.id == pushed.c.clashes_with)
        .where(pushed.c.workspace_id == workspace_id, pushed.c.connection_id == connection_id)
        .order_by(pushed.c.display_key)
    )
    return tuple((to_pushed_group(row), row.other_name) for row in tx.execute(query))


def to_pushed_group(row: Any) -> PushedGroup:
    """Make a PushedGroup of a row of WHOLE."""
    return PushedGroup(
        id=row.id,
        group_id=row.group_id,
        name=row.name,
        clashes_with=row.clashes_with,
        external_id=row.external_id,
        display_name=row.display_name,
        version=row.version,
        created_at=row.created_at,
        last_modified_at=row.last_modified_at,
    )
