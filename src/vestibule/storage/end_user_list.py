"""The End users list: search, filters and keyset pages that cost the same for a thousand people and for a million.

Each page is read along one index that is in the page's order already, and stops when it is full. Which index leads is
decided by the rarest of the conditions; all others are looked up person by person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, select, true, tuple_

from vestibule.directory.end_users import EndUser, EndUserFilter, EndUserPage, EndUserRow, Position
from vestibule.directory.groups import GroupName
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.tables import end_user_terms, end_users, environment_access, environments, group_members, groups

PAGE_SIZE: Final = 25
# Counting further would cost more the more people there are.
MOST_COUNTED: Final = 1000
# To choose what leads: enough to know few from many; and where all are many, enough to know many from most.
_FEW: Final = 1_000
_MANY: Final = 20_000
# How many of the first condition's people are tried before it is worth counting many.
_TRIED: Final = 150
_LAST_CHARACTER: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class _Condition:
    """One condition of the list: as the index that leads (`rows` in `order`), and as a question about one person (`holds`)."""

    name: str
    rows: FromClause
    where: tuple[ColumnElement[bool], ...]
    order: tuple[ColumnElement[Any], ...]
    holds: ColumnElement[bool]
    once: ColumnElement[bool] = field(default_factory=true)


def page(
    tx: Transaction,
    workspace_id: str,
    wanted: EndUserFilter,
    *,
    after: Position | None = None,
    before: Position | None = None,
) -> EndUserPage:
    """Return the page after or before a position, or the first one, in three statements.

    Two more, seldom three, choose the leading index where there are several conditions.
    A position that does not fit the filter leads to the first page.
    """
    conditions = _conditions(workspace_id, wanted)
    edge = after or before
    leading = next(
        (one for one in conditions if edge and one.name == edge[0] and len(one.order) == len(edge) - 1), None
    )
    if leading is None:
        edge = before = None
        leading, found = _first_page(tx, conditions)
    else:
        query = _people(leading, conditions, edge[1:] if edge else None, backwards=before is not None)
        found = list(tx.execute(query.limit(PAGE_SIZE + 1)))
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if before is not None:
        found.reverse()
    if not found:
        return EndUserPage(())
    keys: list[Position] = [(leading.name, *row[-len(leading.order) :]) for row in found]
    return EndUserPage(
        rows=_rows(tx, [to_end_user(row) for row in found]),
        previous=keys[0] if (more if before is not None else edge is not None) else None,
        next=keys[-1] if (True if before is not None else more) else None,
    )


def count_end_users(tx: Transaction, workspace_id: str) -> int:
    """Return how many people the workspace has, counting no further than MOST_COUNTED + 1."""
    some = select(end_users.c.id).where(end_users.c.workspace_id == workspace_id).limit(MOST_COUNTED + 1).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar_one()


def _first_page(tx: Transaction, conditions: Sequence[_Condition]) -> tuple[_Condition, list[Any]]:
    """Return the condition to lead through the list, and the people of the first page with one more.

    It is the rarest, as far as is worth counting. Where all are met by many, mostly many meet them all: the page fills
    from the first few tried. If it does not, a little more counting spares much reading, as the few that two large sets
    share are found only by going through the smaller one.
    """
    choice = conditions[:-1] or conditions
    leading = choice[0]
    if len(choice) > 1:
        leading, count = _rarest(tx, choice, _FEW)
        if count == _FEW:
            found = list(tx.execute(_people(leading, conditions, tried=_TRIED).limit(PAGE_SIZE + 1)))
            if len(found) > PAGE_SIZE:
                return leading, found
            leading, _ = _rarest(tx, choice, _MANY)
    return leading, list(tx.execute(_people(leading, conditions).limit(PAGE_SIZE + 1)))


def _rarest(tx: Transaction, choice: Sequence[_Condition], limit: int) -> tuple[_Condition, int]:
    """Return the condition that the fewest people meet, the first among equals, and how many, counting to the limit only."""
    some = [select(one.order[-1]).where(*one.where).limit(limit).subquery() for one in choice]
    counted = list(tx.execute(select(*(select(func.count()).select_from(one).scalar_subquery() for one in some))).one())
    return choice[counted.index(min(counted))], min(counted)


def _people(
    leading: _Condition,
    conditions: Sequence[_Condition],
    edge: Position | None = None,
    *,
    backwards: bool = False,
    tried: int | None = None,
) -> Select[Any]:
    """Select the people beyond an edge along the leading condition; or those among the first few `tried` of it."""
    rows, order = leading.rows, leading.order
    where = (*leading.where, leading.once)
    if tried is not None:
        columns = [column.label(f"tried_{number}") for number, column in enumerate(order)]
        rows = select(*columns).where(*where).order_by(*order).limit(tried).subquery("tried")
        order, where = tuple(rows.c), ()
    source = rows if rows is end_users else rows.join(end_users, end_users.c.id == order[-1])
    keys = [column.label(f"key_{number}") for number, column in enumerate(order)]
    query = select(*COLUMNS, *keys).select_from(source)
    query = query.where(*where, *(one.holds for one in conditions if one is not leading))
    if edge is not None:
        here, there = tuple_(*order), tuple_(*edge)
        query = query.where(here < there if backwards else here > there)
    return query.order_by(*(column.desc() if backwards else column for column in order))


def _conditions(workspace_id: str, wanted: EndUserFilter) -> list[_Condition]:
    """Return the conditions, those that usually say most first, and the name's order, which is always there, last."""
    conditions = [_word(workspace_id, number, word) for number, word in enumerate(wanted.words)]
    if wanted.group_id:
        rows = group_members.alias("in_group")
        mine = (rows.c.workspace_id == workspace_id, rows.c.group_id == wanted.group_id)
        conditions.append(_listed("group", rows, mine))
    for number, environment_id in enumerate(wanted.environment_ids):
        rows = environment_access.alias(f"in_environment_{number}")
        mine = (rows.c.workspace_id == workspace_id, rows.c.environment_id == environment_id)
        conditions.append(_listed(f"environment-{number}", rows, mine))
    plain = {"status": wanted.status, "source": wanted.source}
    of_workspace = end_users.c.workspace_id == workspace_id
    by_name = (end_users.c.name_key, end_users.c.id)
    for name, value in plain.items():
        if value is not None:
            holds = end_users.c[name] == value.value
            conditions.append(_Condition(name, end_users, (of_workspace, holds), by_name, holds))
    return [*conditions, _Condition("name", end_users, (of_workspace,), by_name, of_workspace)]


def _listed(name: str, rows: Any, mine: tuple[ColumnElement[bool], ...]) -> _Condition:
    """Return a condition that is a table of people, kept in the list's order."""
    holds = exists().where(*mine, rows.c.end_user_id == end_users.c.id)
    return _Condition(name, rows, mine, (rows.c.name_key, rows.c.end_user_id), holds)


def _word(workspace_id: str, number: int, word: str) -> _Condition:
    """Return the condition that a word is the beginning of one of a person's terms."""
    terms, smaller = end_user_terms.alias(f"word_{number}"), end_user_terms.alias(f"smaller_{number}")
    span = (terms.c.term >= word, terms.c.term < word + _LAST_CHARACTER)
    # Somebody found under several terms is listed under the first of them alone.
    once = ~exists().where(
        smaller.c.end_user_id == terms.c.end_user_id, smaller.c.term >= word, smaller.c.term < terms.c.term
    )
    return _Condition(
        name=f"word-{number}",
        rows=terms,
        where=(terms.c.workspace_id == workspace_id, *span),
        order=(terms.c.term, terms.c.name_key, terms.c.end_user_id),
        holds=exists().where(*span, terms.c.end_user_id == end_users.c.id),
        once=once,
    )


def _rows(tx: Transaction, people: Sequence[EndUser]) -> tuple[EndUserRow, ...]:
    ids = [person.id for person in people]
    entered: dict[str, list[str]] = {}
    access = (
        select(environment_access.c.end_user_id, environment_access.c.environment_id)
        .join(environments, environments.c.id == environment_access.c.environment_id)
        .where(environment_access.c.end_user_id.in_(ids))
        .order_by(environments.c.position, environments.c.id)
    )
    for end_user_id, environment_id in tx.execute(access):
        entered.setdefault(end_user_id, []).append(environment_id)
    joined: dict[str, list[GroupName]] = {}
    # By way of the access: memberships are indexed by environment and person.
    through = (
        environment_access.c.environment_id == group_members.c.environment_id,
        environment_access.c.end_user_id == group_members.c.end_user_id,
    )
    memberships = (
        select(group_members.c.end_user_id, groups.c.id, groups.c.environment_id, groups.c.name)
        .select_from(environment_access)
        .join(group_members, through[0] & through[1])
        .join(groups, groups.c.id == group_members.c.group_id)
        .where(environment_access.c.end_user_id.in_(ids))
        .order_by(groups.c.name_key, groups.c.id)
    )
    for end_user_id, group_id, environment_id, name in tx.execute(memberships):
        joined.setdefault(end_user_id, []).append(GroupName(group_id, environment_id, name))
    return tuple(
        EndUserRow(person, tuple(entered.get(person.id, ())), tuple(joined.get(person.id, ()))) for person in people
    )
