"""A directory that asks for one of its users, or for users or groups of a name: who calls, and what is found, by one statement.

What directories ask before each push. One statement is half of what three cost, on either engine, also where they go out together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FunctionElement, and_, bindparam, select
from sqlalchemy.ext.compiler import compiles

from vestibule.directory.pushed import PushedGroup, PushedMember, PushedUser
from vestibule.directory.scim import Caller
from vestibule.scim.queries import Lookup
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.scim_directories import LOOKER, to_looker
from vestibule.storage.scim_groups import to_pushed_group
from vestibule.storage.scim_users import to_pushed_user
from vestibule.storage.tables import groups, scim_groups, scim_members, scim_user_emails
from vestibule.storage.tables import scim_users as users
from vestibule.storage.types import Json

# One lookup means a person, or a few who share an address. More are listed like any others.
_FEW: Final = 20
_COLUMNS: Final = (
    "id",
    "end_user_id",
    "external_id",
    "user_name",
    "active",
    "attributes",
    "version",
    "created_at",
    "last_modified_at",
    "deleted_at",
)
_GROUP_COLUMNS: Final = (
    "id",
    "group_id",
    "clashes_with",
    "external_id",
    "display_name",
    "version",
    "created_at",
    "last_modified_at",
)


class _Pairs(FunctionElement[Any]):
    """The rows of two columns as a JSON array of pairs, in any order. Empty or NULL where there are none."""

    name = "pairs"
    type = Json
    inherit_cache = True


@compiles(_Pairs, "sqlite")
def _pairs_on_sqlite(element: _Pairs, compiler: Any, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(_Pairs, "postgresql")
def _pairs_on_postgresql(element: _Pairs, compiler: Any, **options: Any) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **options)}))"


_groups = (
    select(_Pairs(scim_groups.c.id, scim_groups.c.display_name))
    .select_from(scim_members.join(scim_groups, scim_groups.c.id == scim_members.c.scim_group_id))
    .where(scim_members.c.scim_user_id == users.c.id)
    .correlate(users)
    .scalar_subquery()
    .label("groups")
)


def _looking(which: ColumnElement[bool], *, by_id: bool = False) -> Prepared:
    """Return what finds who calls, once for each user found, and once where there is none.

    Who was deleted is sorted out afterwards: with a word about that here, PostgreSQL, as long as it has no statistics, takes the
    index of those who were not, and reads all of them. Of ids, SQLite would read all of the connection, had it an index for that.
    """
    mine = users.c.connection_id.concat("") if by_id else users.c.connection_id
    found = and_(mine == bindparam("connection_id"), which)
    wanted = (*(users.c[name] for name in _COLUMNS), _groups)
    return Prepared(LOOKER.add_columns(*wanted).outerjoin(users, found).limit(_FEW + 1))


_BY_ID: Final = _looking(users.c.id == bindparam("value"), by_id=True)
_addressed = select(scim_user_emails.c.scim_user_id).where(
    scim_user_emails.c.connection_id == bindparam("connection_id"), scim_user_emails.c.value_key == bindparam("value")
)
_BY: Final[Mapping[str, Prepared]] = {
    "userName": _looking(users.c.user_name_key == bindparam("value")),
    "externalId": _looking(users.c.external_id == bindparam("value")),
    "emails.value": _looking(users.c.id.in_(_addressed), by_id=True),
}


def _looking_for_groups(which: ColumnElement[bool]) -> Prepared:
    """Return what finds who calls, once for each group found, and once where there is none."""
    found = and_(scim_groups.c.connection_id == bindparam("connection_id"), which)
    wanted = (*(scim_groups.c[name] for name in _GROUP_COLUMNS), groups.c.name)
    looking = LOOKER.add_columns(*wanted).outerjoin(scim_groups, found)
    return Prepared(looking.outerjoin(groups, groups.c.id == scim_groups.c.group_id).limit(_FEW + 1))


_GROUPS_BY: Final[Mapping[str, Prepared]] = {
    "displayName": _looking_for_groups(scim_groups.c.display_key == bindparam("value")),
    "externalId": _looking_for_groups(scim_groups.c.external_id == bindparam("value")),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A user, and the groups that they are in."""

    user: PushedUser
    groups: Sequence[PushedMember]


def find_caller_and_user(
    tx: Transaction, connection_id: str, token_hash: str, scim_user_id: str
) -> tuple[Caller | None, Found | None]:
    """Return who calls with a token of a connection, expired or not, and a user of that connection.

    All three values are untrusted; what is found of the user is for that caller only.
    """
    rows = _rows(tx, _BY_ID, connection_id, token_hash, scim_user_id)
    found = _found(rows)
    return (to_looker(rows[0]) if rows else None), (found[0] if found else None)


def find_caller_and_users(
    tx: Transaction, connection_id: str, token_hash: str, lookup: Lookup
) -> tuple[Caller | None, Sequence[Found] | None]:
    """Return who calls with a token of a connection, expired or not, and the users of that connection whom a lookup means.

    All values are untrusted; what is found of the users is for that caller only. None for more than a page, or than a lookup finds.
    """
    rows = _rows(tx, _BY[lookup.by], connection_id, token_hash, lookup.key)
    found = _found(rows)
    if lookup.by == "emails.value":
        # The index has them in a form in which more are alike than are the same.
        found = [one for one in found if _has_address(one.user, lookup.value)]
    few = len(rows) <= _FEW and len(found) <= lookup.count
    return (to_looker(rows[0]) if rows else None), (found if few else None)


def find_caller_and_groups(
    tx: Transaction, connection_id: str, token_hash: str, lookup: Lookup
) -> tuple[Caller | None, Sequence[PushedGroup] | None]:
    """Return who calls with a token of a connection, expired or not, and the groups of that connection that a lookup means.

    All values are untrusted; what is found of the groups is for that caller only. None for more than a page, or than a lookup finds.
    """
    rows = _rows(tx, _GROUPS_BY[lookup.by], connection_id, token_hash, lookup.key)
    found = sorted((to_pushed_group(row) for row in rows if row.id is not None), key=lambda one: one.id)
    few = len(rows) <= _FEW and len(found) <= lookup.count
    return (to_looker(rows[0]) if rows else None), (found if few else None)


def _rows(tx: Transaction, looking: Prepared, connection_id: str, token_hash: str, value: str) -> list[Any]:
    return looking.rows(tx, {"connection_id": connection_id, "token_hash": token_hash, "value": value})


def _found(rows: Sequence[Any]) -> list[Found]:
    there = [row for row in rows if row.id is not None and row.deleted_at is None]
    if len(there) > 1:
        there.sort(key=lambda row: str(row.id))
    return [Found(to_pushed_user(row), [PushedMember(*pair) for pair in sorted(row.groups or ())]) for row in there]


def _has_address(user: PushedUser, address: str) -> bool:
    sent = user.attributes.get("emails") or ()
    return any(isinstance(one, Mapping) and str(one.get("value", "")).lower() == address.lower() for one in sent)
