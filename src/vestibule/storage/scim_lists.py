"""Lists of pushed users and groups: filtered and ordered by SQL, by pages that are counted off or that go on after a position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, case, func, literal, or_, select

from vestibule.directory.pushed import PushedGroup, PushedUser
from vestibule.kernel.text import fold
from vestibule.scim.errors import InvalidCursor
from vestibule.scim.filters import Compare
from vestibule.scim.queries import Query
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.scim_filters import group_condition, user_condition
from vestibule.storage.scim_groups import WHOLE, to_pushed_group
from vestibule.storage.scim_json import element_text, elements_of, text_at
from vestibule.storage.scim_users import to_pushed_user
from vestibule.storage.tables import scim_groups, scim_members, scim_users
from vestibule.storage.types import Instant

_COLUMNS: Final = {
    "id": "id",
    "externalId": "external_id",
    "displayName": "display_key",
    "userName": "user_name_key",
    "active": "active",
}
# Of all groups of a page together: some 15 MB.
MOST_MEMBERS: Final = 100_000
_INSTANTS: Final = {"created": "created_at", "lastModified": "last_modified_at"}


T = TypeVar("T")
# What directories ask before they make somebody, where they say it in a way that is no lookup of `scim_visits`. Who was deleted has no
# key. To say so here would let PostgreSQL, as long as it has no statistics, take an index of those who were not, and read all of them.
_BY_USER_NAME: Final = Prepared(
    select(scim_users).where(
        scim_users.c.connection_id == bindparam("in_connection"), scim_users.c.user_name_key == bindparam("key")
    )
)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list: how many there are in all, and where the next page begins, if there is one."""

    resources: tuple[T, ...]
    total: int
    next: tuple[str, ...] | None


def list_users(tx: Transaction, connection_id: str, query: Query) -> Page[PushedUser]:
    """Return a page of the users of a connection."""
    user_name = _user_name_asked_for(query)
    if user_name is not None:
        rows = _BY_USER_NAME.rows(tx, {"in_connection": connection_id, "key": fold(user_name)})
        return Page(tuple(to_pushed_user(row) for row in rows), len(rows), None)
    mine = and_(scim_users.c.connection_id == connection_id, scim_users.c.deleted_at.is_(None))
    if query.filter is not None:
        mine = and_(mine, user_condition(tx, query.filter))
    return _page(tx, scim_users, select(scim_users), mine, query, to_pushed_user)


def list_groups(tx: Transaction, connection_id: str, query: Query) -> Page[PushedGroup]:
    """Return a page of the groups of a connection, without their members; a shorter one where it wants too many of those."""
    mine = scim_groups.c.connection_id == connection_id
    if query.filter is not None:
        mine = and_(mine, group_condition(tx, query.filter))
    return _page(tx, scim_groups, WHOLE, mine, query, to_pushed_group, _those_with_few_members)


def _user_name_asked_for(query: Query) -> str | None:
    """Return the userName that the first page of a list is asked for by, when that is all: there is one such user at most."""
    found = query.filter
    if not isinstance(found, Compare) or found.operator != "eq" or not isinstance(found.value, str) or not found.value:
        return None
    path = found.path
    if path is None or path.urn is not None or path.attribute is None or path.attribute.name != "userName":
        return None
    return found.value if query.cursor is None and query.start_index == 1 and query.count else None


def _those_with_few_members(tx: Transaction, rows: Sequence[Any], query: Query) -> int:
    """Return how many of these groups have no more than MOST_MEMBERS members between them, the first at any rate."""
    if len(rows) < 2 or not query.projection.wants("members"):
        return len(rows)
    group = scim_members.c.scim_group_id
    counted = select(group, func.count().label("number")).where(group.in_([row.id for row in rows])).group_by(group)
    numbers: dict[str, int] = {row.scim_group_id: row.number for row in tx.execute(counted)}
    sums = accumulate(numbers.get(row.id, 0) for row in rows)
    return max(1, sum(number <= MOST_MEMBERS for number in sums))


def _all(_: Transaction, rows: Sequence[Any], __: Query) -> int:
    return len(rows)


def _page(
    tx: Transaction,
    table: Any,
    whole: Any,
    mine: ColumnElement[bool],
    query: Query,
    make: Any,
    bounded: Callable[[Transaction, Sequence[Any], Query], int] = _all,
) -> Page[Any]:
    key = _sort_key(tx, table, query)
    order = [table.c.id] if key is None else [key, table.c.id]
    selected = whole.where(mine) if key is None else whole.add_columns(key.label("sort_key")).where(mine)
    selected = selected.order_by(*(one.desc() if query.descending else one for one in order))
    if query.cursor is None:
        selected = selected.offset(query.start_index - 1).limit(query.count)
        rows = tx.execute(selected).all() if query.count else []
    else:
        if query.cursor:
            selected = selected.where(_after(table, key, query))
        rows = tx.execute(selected.limit(query.count + 1)).all()
    more = query.cursor is not None and len(rows) > query.count
    rows = rows[: query.count]
    total, kept = _total(tx, table, mine, query, len(rows)), bounded(tx, rows, query)
    more = more or (query.cursor is not None and kept < len(rows))
    rows = rows[:kept]
    following = _position(rows[-1], key) if more and rows else None
    return Page(tuple(make(row) for row in rows), total, following)


def _total(tx: Transaction, table: Any, mine: ColumnElement[bool], query: Query, found: int) -> int:
    if query.cursor is None and 0 < found < query.count:
        # The last page: what is before it, and it.
        return query.start_index - 1 + found
    if query.cursor is None and query.start_index == 1 and found == 0 and query.count:
        return 0
    return tx.execute(select(func.count()).select_from(table).where(mine)).scalar_one()


def _sort_key(tx: Transaction, table: Any, query: Query) -> Any:
    """Return what a list is ordered by before the id, or None where that is all. Who has nothing comes last, or first of all descending."""
    path = query.sort_by
    if path is None or path.attribute is None:
        return None
    name, sub = path.attribute.name, path.sub.name if path.sub else None
    if path.urn is None and name == "meta" and sub in _INSTANTS:
        return table.c[_INSTANTS[sub]]
    if path.urn is None and _COLUMNS.get(name, "") in table.c:
        column = table.c[_COLUMNS[name]]
        return None if name == "id" else column if name == "active" else _those_with_a_value_first(column)
    if "attributes" not in table.c or name in {"groups", "meta", "schemas"}:
        return None
    if path.attribute.kind == "complex":
        sub = sub or ("value" if path.attribute.sub("value") else "formatted")
    steps = (path.urn, name) if path.urn else (name,)
    return _those_with_a_value_first(func.lower(_text(tx, steps, sub, multi=path.attribute.multi)))


def _text(tx: Transaction, steps: Sequence[str], sub: str | None, *, multi: bool) -> Any:
    """Return the text of an attribute of a user; of several values the primary one's, or the first one's (RFC 7644, 3.4.2.3)."""
    document, inner = scim_users.c.attributes, (sub,) if sub else ()
    if not multi:
        return text_at(tx, document, *steps, *inner)
    elements = elements_of(tx, document, *steps)
    primary = select(element_text(tx, elements, sub)).select_from(elements)
    primary = primary.where(element_text(tx, elements, "primary") == "true").limit(1)
    return func.coalesce(primary.scalar_subquery(), text_at(tx, document, *steps, 0, *inner))


def _those_with_a_value_first(text: Any) -> Any:
    return case((func.coalesce(text, "") == "", literal("1")), else_=literal("0").concat(text))


def _position(row: Any, key: Any) -> tuple[str, ...]:
    if key is None:
        return (row.id,)
    value = row.sort_key
    return (value.isoformat() if isinstance(value, datetime) else str(value), row.id)


def _after(table: Any, key: Any, query: Query) -> ColumnElement[bool]:
    position = query.cursor or ()
    if len(position) != (1 if key is None else 2):
        raise InvalidCursor("The cursor belongs to another question.")
    last: Any = position[-1]
    further: ColumnElement[bool] = table.c.id < last if query.descending else table.c.id > last
    if key is None:
        return further
    value = _value(key, position[0])
    beyond = key < value if query.descending else key > value
    return or_(beyond, and_(key == value, further))


def _value(key: Any, text: str) -> Any:
    if isinstance(key.type, Instant):
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise InvalidCursor("The cursor belongs to another question.") from error
        if instant.tzinfo is None:
            raise InvalidCursor("The cursor belongs to another question.")
        return literal(instant, Instant)
    if key.type.python_type is bool:
        if text not in {"True", "False"}:
            raise InvalidCursor("The cursor belongs to another question.")
        return literal(text == "True")
    return literal(text)
