"""Who is in a pushed group by the directory's word. Who of them is in the end-user group that it is here follows by `scim_joining`.

Each call touches the rows of the members that are named, whatever the size of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, select, update

from vestibule.directory.pushed import PushedGroup, PushedMember
from vestibule.directory.scim import Place
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert, insert_into
from vestibule.storage.prepared import OneOrMany, Prepared
from vestibule.storage.scim_joining import join_people, leave_group
from vestibule.storage.tables import (
    end_users,
    scim_groups,
    scim_users,
)
from vestibule.storage.tables import scim_members as members

# Parameters of one statement: SQLite takes 32,766 of them.
_AT_ONCE: Final = 2000


# Built once: these run with nearly every request, and building a statement costs more than running it.
_MEMBERS: Final = (
    select(members.c.scim_group_id, scim_users.c.id, scim_users.c.user_name, end_users.c.full_name)
    .join(scim_users, scim_users.c.id == members.c.scim_user_id)
    .outerjoin(end_users, end_users.c.id == scim_users.c.end_user_id)
    .where(members.c.scim_group_id.in_(bindparam("scim_group_ids", expanding=True)))
    .order_by(members.c.scim_group_id, members.c.value)
)
_MEMBERS_OF_ONE: Final = Prepared(
    select(scim_users.c.id, scim_users.c.user_name, end_users.c.full_name)
    .select_from(members.join(scim_users, scim_users.c.id == members.c.scim_user_id))
    .outerjoin(end_users, end_users.c.id == scim_users.c.end_user_id)
    .where(members.c.scim_group_id == bindparam("which"))
    .order_by(members.c.value)
)
_GROUPS: Final = (
    select(members.c.scim_user_id, scim_groups.c.id, scim_groups.c.display_name)
    .join(scim_groups, scim_groups.c.id == members.c.scim_group_id)
    .where(members.c.scim_user_id.in_(bindparam("scim_user_ids", expanding=True)))
    .order_by(members.c.scim_user_id, scim_groups.c.id)
)
_waiting = (
    members.c.connection_id == bindparam("in_connection"),
    members.c.scim_user_id.is_(None),
    members.c.value == bindparam("known_as"),
)
_AWAITING: Final = Prepared(
    select(scim_groups.c.id)
    .where(scim_groups.c.id.in_(select(members.c.scim_group_id).where(*_waiting)))
    .order_by(scim_groups.c.id)
    .with_for_update()
)
_GROUPS_OF_ONE: Final = Prepared(
    select(scim_groups.c.id, scim_groups.c.display_name)
    .join(members, members.c.scim_group_id == scim_groups.c.id)
    .where(members.c.scim_user_id == bindparam("whose"))
    .order_by(scim_groups.c.id)
)
_INSERT: Final = PreparedInsert(members, lambda new: new.on_conflict_do_nothing())
_GO: Final = OneOrMany(delete(members).where(members.c.scim_group_id == bindparam("out_of")), members.c.value)
_known_users = select(scim_users.c.id, scim_users.c.external_id, scim_users.c.end_user_id, scim_users.c.active).where(
    scim_users.c.connection_id == bindparam("in_connection"), scim_users.c.deleted_at.is_(None)
)


def _locked(query: Select[Any]) -> Select[Any]:
    return query.order_by(scim_users.c.id).with_for_update(read=True)


_LOOKED_AT: Final = tuple(OneOrMany(_known_users, column) for column in (scim_users.c.id, scim_users.c.external_id))
_LOCKED: Final = tuple(
    OneOrMany(_locked(_known_users), column) for column in (scim_users.c.id, scim_users.c.external_id)
)
_already = members.alias("already")
# Who is in a group by its id and waits there by its externalId, too, is in it once.
_WELCOME_TWICE: Final = delete(members).where(
    *_waiting,
    members.c.scim_group_id.in_(select(_already.c.scim_group_id).where(_already.c.scim_user_id == bindparam("who"))),
)
_WELCOME: Final = update(members).where(*_waiting).values(scim_user_id=bindparam("who"), value=bindparam("who"))


def list_members(tx: Transaction, scim_group_ids: Sequence[str]) -> dict[str, tuple[PushedMember, ...]]:
    """Return who is in pushed groups, those whom the directory has not pushed yet left out."""
    if not scim_group_ids:
        return {}
    if len(scim_group_ids) == 1:
        rows = _MEMBERS_OF_ONE.rows(tx, {"which": scim_group_ids[0]})
        return {scim_group_ids[0]: tuple(PushedMember(row.id, row.full_name or row.user_name) for row in rows)}
    found: dict[str, list[PushedMember]] = {}
    for group_id, user_id, user_name, full_name in tx.execute(_MEMBERS, {"scim_group_ids": scim_group_ids}):
        found.setdefault(group_id, []).append(PushedMember(user_id, full_name or user_name))
    return {group_id: tuple(those) for group_id, those in found.items()}


def list_groups_of(tx: Transaction, scim_user_ids: Sequence[str]) -> dict[str, tuple[PushedMember, ...]]:
    """Return in which pushed groups users are."""
    if not scim_user_ids:
        return {}
    if len(scim_user_ids) == 1:
        mine = _GROUPS_OF_ONE.rows(tx, {"whose": scim_user_ids[0]})
        return {scim_user_ids[0]: tuple(_to_group_reference(row) for row in mine)}
    found: dict[str, list[PushedMember]] = {}
    for user_id, group_id, name in tx.execute(_GROUPS, {"scim_user_ids": scim_user_ids}):
        found.setdefault(user_id, []).append(PushedMember(group_id, name))
    return {user_id: tuple(those) for user_id, those in found.items()}


def _to_group_reference(row: Any) -> PushedMember:
    """Make the reference to a group of a row of _GROUPS_OF_ONE."""
    return PushedMember(row.id, row.display_name)


@dataclass(frozen=True, slots=True)
class _Known:
    """A user whom a pushed value means. `joining` is the account that joins with them: nobody's who is not active there."""

    scim_user_id: str
    end_user_id: str | None
    joining: str | None


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding members: how many are new, which of those nobody of the connection has yet, and whom an externalId named."""

    number: int = 0
    unknown: tuple[str, ...] = ()
    by_external_id: tuple[str, ...] = ()


def missing_and_surplus(
    tx: Transaction, connection_id: str, scim_group_id: str, wanted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return which of the values that a group shall have (untrusted) it has not, and which it has that it shall not have.

    Those that wait for their user are missing, too: who came at the very instant at which they were named did not see it.
    """
    query = select(members.c.value, members.c.scim_user_id).where(members.c.scim_group_id == scim_group_id)
    found = tx.execute(query).all()
    there, waiting = {row.value for row in found}, {row.value for row in found if row.scim_user_id is None}
    missing = dict.fromkeys(value for value in wanted if value not in there or value in waiting)
    staying = there.intersection(wanted)
    for chunk in _chunks(list(missing)):
        for value, known in _known(tx, connection_id, chunk).items():
            if known.scim_user_id in there:
                del missing[value]
                staying.add(known.scim_user_id)
    return list(missing), sorted(there - staying)


def add_members(tx: Transaction, place: Place, group: PushedGroup, values: Iterable[str], now: datetime) -> Added:
    """Put values (untrusted) into a pushed group. Those that nobody of the connection has wait for their user.

    Nothing is written for who is in already, nor where there is no access.
    """
    number, unknown, by_external_id = 0, [], []
    for chunk in _chunks(dict.fromkeys(values)):
        known = _known(tx, place.connection_id, chunk, lock=True)
        whose = {known[value].scim_user_id if value in known else value: known.get(value) for value in chunk}
        rows = [
            {
                "scim_group_id": group.id,
                "value": value,
                "workspace_id": place.workspace_id,
                "connection_id": place.connection_id,
                "scim_user_id": one.scim_user_id if one else None,
                "created_at": now,
            }
            for value, one in whose.items()
        ]
        fresh = _inserted(tx, rows)
        number += len(fresh)
        unknown += [value for value in fresh if whose[value] is None]
        by_external_id += [value for value, one in known.items() if value != one.scim_user_id]
        people = [one.joining for value in fresh if (one := whose[value]) and one.joining]
        join_people(tx, place, group, people, now)
    return Added(number, tuple(unknown), tuple(by_external_id))


@dataclass(frozen=True, slots=True)
class Removed:
    """What came of removing members: how many went from the pushed group, and who out of the group here, if an app is narrowed to it."""

    number: int
    people_of_apps: tuple[str, ...]


def remove_members(tx: Transaction, place: Place, group: PushedGroup, values: Iterable[str] | None) -> Removed:
    """Take values (untrusted) out of a pushed group, or everybody (None), and those people out of the group here."""
    if values is None:
        there = select(members.c.scim_user_id).where(members.c.scim_group_id == group.id)
        tx.execute(_locked(select(scim_users.c.id).where(scim_users.c.id.in_(there))))
        removed = tx.execute(delete(members).where(members.c.scim_group_id == group.id)).rowcount
        return Removed(removed, leave_group(tx, place, group, None))
    removed, left = 0, list[str]()
    for chunk in _chunks(dict.fromkeys(values)):
        known = _known(tx, place.connection_id, chunk, lock=True).values()
        removed += _GO.write(tx, {*chunk, *(one.scim_user_id for one in known)}, {"out_of": group.id})
        people = [one.end_user_id for one in known if one.end_user_id]
        if people:
            left += leave_group(tx, place, group, people)
    return Removed(removed, tuple(left))


def _known(tx: Transaction, connection_id: str, values: Sequence[str], *, lock: bool = False) -> dict[str, _Known]:
    """Return whom values mean: the user of that id, or the only one of that externalId (JumpCloud, and scripts that know no other).

    With `lock` nobody comes, goes or leaves until this transaction ends: who is let in at this instant joins the groups that the
    directory has them in, and must not see half of a change. Users are always locked after the group, in the order of their ids.
    """
    by_id, by_external_id = _LOCKED if lock else _LOOKED_AT
    mine = {"in_connection": connection_id}
    known = {row.id: _to_known(row) for row in by_id.rows(tx, values, mine)}
    rest = [value for value in values if value not in known]
    if not rest:
        return known
    several: set[str] = set()
    for row in by_external_id.rows(tx, rest, mine):
        if row.external_id in known:
            several.add(row.external_id)
        known[row.external_id] = _to_known(row)
    return {value: one for value, one in known.items() if value not in several}


def _to_known(row: Any) -> _Known:
    return _Known(row.id, row.end_user_id, row.end_user_id if row.active else None)


def welcome(tx: Transaction, place: Place, scim_user_id: str, known_as: str) -> tuple[str, ...]:
    """Let a user who has just arrived, or has its externalId since just now, join the groups where that waits; return which, locked."""
    values = {"in_connection": place.connection_id, "known_as": known_as}
    awaiting = tuple(row.id for row in _AWAITING.rows(tx, values))
    if awaiting:
        tx.execute(_WELCOME_TWICE, {**values, "who": scim_user_id})
        tx.execute(_WELCOME, {**values, "who": scim_user_id})
    return awaiting


def forget_memberships(tx: Transaction, workspace_id: str, scim_user_id: str) -> None:
    """Take a user out of every pushed group, by the directory's word."""
    tx.execute(delete(members).where(members.c.workspace_id == workspace_id, members.c.scim_user_id == scim_user_id))


def _inserted(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Save members, and return the values of those who were not there."""
    if len(rows) == 1:
        return [rows[0]["value"]] if _INSERT.write(tx, rows[0]) else []
    new = insert_into(tx, members).on_conflict_do_nothing().returning(members.c.value)
    return tx.execute(new, rows).scalars().all()


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    left = iter(values)
    while chunk := list(islice(left, _AT_ONCE)):
        yield chunk
