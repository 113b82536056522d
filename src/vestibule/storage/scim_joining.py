"""Who of a pushed group is in the end-user group that it is here: those whom the directory has in it, and who may enter.

Memberships by hand are never touched, and taken along where an admin has a directory's group adopt another one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, exists, literal, select

from vestibule.directory.connections import Provisioning
from vestibule.directory.pushed import PushedGroup
from vestibule.directory.scim import Place
from vestibule.directory.sources import Source
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert, insert_into
from vestibule.storage.prepared import OneOrMany
from vestibule.storage.tables import app_groups, connections, environment_access, group_members, scim_groups, scim_users
from vestibule.storage.tables import scim_members as members
from vestibule.storage.types import Instant, Key

_NAMES: Final = ("group_id", "environment_id", "end_user_id", "workspace_id", "name_key")
_SINCE: Final = ("source", "source_connection_id", "created_at")


def _taking_over(new: Any) -> dict[str, Any]:
    """Say what becomes of a membership that is there: it is the directory's where a sign-in through its connection gave it."""
    theirs = and_(
        group_members.c.source == Source.JIT.value,
        group_members.c.source_connection_id == new.excluded.source_connection_id,
    )
    return {"index_elements": ["group_id", "end_user_id"], "set_": {"source": Source.SCIM.value}, "where": theirs}


# Whoever has access is in the group with their name, as a row of `group_members`. Built once, as these run with nearly every request.
_here = environment_access.c.environment_id == bindparam("in_environment")
_rows = (
    select(scim_groups.c.group_id, environment_access.c.environment_id, environment_access.c.end_user_id)
    .add_columns(environment_access.c.workspace_id, environment_access.c.name_key, literal(Source.SCIM.value))
    .add_columns(bindparam("by", type_=Key), bindparam("since", type_=Instant))
    .where(scim_groups.c.connection_id == bindparam("by"))
)
_joining = _rows.select_from(scim_groups.join(environment_access, _here)).where(scim_groups.c.id == bindparam("into"))
_JOIN_PUSHED: Final = PreparedInsert(
    group_members,
    lambda new: new.from_select(
        [*_NAMES, *_SINCE],
        _rows.select_from(
            members.join(scim_groups, scim_groups.c.id == members.c.scim_group_id).join(environment_access, _here)
        ).where(members.c.scim_user_id == bindparam("who_is"), environment_access.c.end_user_id == bindparam("whose")),
    ).on_conflict_do_update(**_taking_over(new)),
)
_JOIN_ONE: Final = PreparedInsert(
    group_members,
    lambda new: new.from_select(
        [*_NAMES, *_SINCE], _joining.where(environment_access.c.end_user_id == bindparam("whose"))
    ).on_conflict_do_update(**_taking_over(new)),
)
_leave = (
    delete(group_members)
    .where(
        group_members.c.group_id == bindparam("out_of"),
        group_members.c.source == Source.SCIM.value,
        group_members.c.source_connection_id == bindparam("by"),
    )
    # Said by the same statement: most groups have nothing to do with an app.
    .returning(
        group_members.c.end_user_id, exists().where(app_groups.c.group_id == bindparam("out_of")).label("narrows")
    )
)
_LEAVE: Final = OneOrMany(_leave, group_members.c.end_user_id)


def join_pushed_groups(tx: Transaction, place: Place, scim_user_id: str, end_user_id: str, now: datetime) -> None:
    """Put somebody who may enter (again) into every group that the directory has them in."""
    whose = {"who_is": scim_user_id, "whose": end_user_id, "in_environment": place.environment_id}
    _JOIN_PUSHED.write_later(tx, {**whose, "by": place.connection_id, "since": now})


def join_group(tx: Transaction, place: Place, scim_group_id: str, end_user_id: str, now: datetime) -> None:
    """Put somebody who may enter into the end-user group that a pushed one is."""
    where = {"by": place.connection_id, "in_environment": place.environment_id, "into": scim_group_id, "since": now}
    _JOIN_ONE.write_later(tx, {**where, "whose": end_user_id})


def join_groups_of_directories(
    tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, now: datetime
) -> None:
    """Put somebody who was let in by hand into the groups of the environment in which directories have them, as active."""
    pushing = (
        select(scim_users.c.id, scim_users.c.connection_id)
        .join(connections, connections.c.id == scim_users.c.connection_id)
        .where(connections.c.environment_id == environment_id, connections.c.provisioning == Provisioning.SCIM.value)
        .where(scim_users.c.workspace_id == workspace_id, scim_users.c.end_user_id == end_user_id, scim_users.c.active)
        .order_by(scim_users.c.id)
        .with_for_update(read=True, of=scim_users)
    )
    for row in tx.execute(pushing).all():
        place = Place(workspace_id, row.connection_id, environment_id)
        join_pushed_groups(tx, place, row.id, end_user_id, now)


def fill_group(tx: Transaction, place: Place, group: PushedGroup, now: datetime) -> None:
    """Put everybody whom the directory has in a pushed group, as active, into the end-user group that it is now."""
    people = select(scim_users.c.end_user_id).where(
        scim_users.c.active,
        scim_users.c.id.in_(select(members.c.scim_user_id).where(members.c.scim_group_id == group.id)),
    )
    _join_many(tx, place, group, people, now)


def join_people(
    tx: Transaction, place: Place, group: PushedGroup, end_user_ids: Collection[str], now: datetime
) -> None:
    """Put those of some people who may enter into the end-user group that a pushed one is."""
    if len(end_user_ids) > 1:
        _join_many(tx, place, group, end_user_ids, now)
        return
    for end_user_id in end_user_ids:
        join_group(tx, place, group.id, end_user_id, now)


def leave_group(
    tx: Transaction, place: Place, group: PushedGroup, end_user_ids: Collection[str] | None
) -> tuple[str, ...]:
    """Take people, or everybody (None), out of the end-user group that a pushed one is; return who left, if an app is narrowed to it."""
    whose = {"out_of": group.group_id, "by": place.connection_id}
    rows = tx.execute(_leave, whose).all() if end_user_ids is None else _LEAVE.rows(tx, end_user_ids, whose)
    return tuple(row.end_user_id for row in rows if row.narrows)


def _join_many(tx: Transaction, place: Place, group: PushedGroup, people: Any, now: datetime) -> None:
    where = {"by": place.connection_id, "in_environment": place.environment_id, "into": group.id, "since": now}
    joined = _joining.where(environment_access.c.end_user_id.in_(people))
    new = insert_into(tx, group_members).from_select([*_NAMES, *_SINCE], joined)
    tx.execute(new.on_conflict_do_update(**_taking_over(new)), where)


def move_members_by_hand(tx: Transaction, workspace_id: str, from_group_id: str, to_group_id: str) -> None:
    """Put everybody who is in one end-user group, but not by a directory, into another one of the environment, in the same way."""
    table = group_members
    theirs = [column if column.name != "group_id" else literal(to_group_id, Key) for column in table.c]
    by_hand = (table.c.workspace_id == workspace_id, table.c.source != Source.SCIM.value)
    moved = select(*theirs).where(table.c.group_id == from_group_id, *by_hand)
    names = [column.name for column in table.c]
    tx.execute(insert_into(tx, table).from_select(names, moved).on_conflict_do_nothing())
