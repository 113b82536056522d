"""The End users list: search, filters and keyset pages that cost the same for a thousand people and for a million.

Each page is read along one index that is in the page's order already, and stops when it is full, or when it has looked
through a fixed number of that index's entries. Which index leads is decided by the rarest of the conditions; all others
are looked up person by person. Decision record 0015 says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal, select, true, tuple_

from vestibule.directory.end_users import EndUser, EndUserFilter, EndUserPage, EndUserRow, Position
from vestibule.directory.groups import GroupName
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.tables import end_user_terms, end_users, environment_access, environments, group_members, groups

PAGE_SIZE: Final = 25
# Counting further would cost more the more people there are.
MOST_COUNTED: Final = 1000
# For one page. A search that one condition leaves this many people, or fewer, is answered in one go.
MOST_LOOKED_THROUGH: Final = 500
_LAST_CHARACTER: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class _Condition:
    """One condition of the list: as the index that leads (`rows` in `order`), and as a question about one person (`holds`)."""

    name: str
    rows: FromClause
    where: ColumnElement[bool]
    order: tuple[ColumnElement[Any], ...]
    holds: Callable[[ColumnElement[str]], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class _Beginning(_Condition):
    """The condition that a text begins with a prefix; the order begins with that text."""

    prefix: str


@dataclass(frozen=True, slots=True)
class _Word(_Beginning):
    """The condition that a word is the beginning of one of a person's terms.

    Somebody found under several terms is listed under the first of them alone (`once`).
    """

    once: ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The entries of the leading condition beyond an edge, in reading direction. A page looks through the beginning of it."""

    leading: _Condition
    edge: Position | None
    backwards: bool

    def select(
        self, *columns: ColumnElement[Any], source: FromClause | None = None, stop: Position | None = None
    ) -> Select[Any]:
        """Select entries in reading direction, no further than a place if one is given."""
        leading = self.leading
        here = tuple_(*leading.order)
        query = select(*columns).select_from(leading.rows if source is None else source).where(leading.where)
        first, last = (stop, self.edge) if self.backwards else (self.edge, stop)
        # One bound at each side: of two, SQLite begins at the one that it sees first, however far the other is.
        if first is not None:
            query = query.where(here >= tuple_(*first) if self.backwards else here > tuple_(*first))
        elif isinstance(leading, _Beginning):
            query = query.where(leading.order[0] >= leading.prefix)
        if last is not None:
            query = query.where(here < tuple_(*last) if self.backwards else here <= tuple_(*last))
        elif isinstance(leading, _Beginning):
            query = query.where(leading.order[0] < leading.prefix + _LAST_CHARACTER)
        return query.order_by(*(column.desc() if self.backwards else column for column in leading.order))


def page(
    tx: Transaction,
    workspace_id: str,
    wanted: EndUserFilter,
    *,
    after: Position | None = None,
    before: Position | None = None,
) -> EndUserPage:
    """Return the page after or before a position, or the first one, in three statements.

    One more chooses the leading index where there are several conditions, and one finds how far to look where there are many
    and not everybody may fit. A position that does not fit the filter leads to the first page.
    """
    conditions = _conditions(workspace_id, wanted)
    edge = after or before
    leading = next((one for one in conditions if edge and _fits(one, edge)), None)
    few = False
    if leading is None:
        edge = before = None
        leading, few = _rarest(tx, conditions[:-1] or conditions)
    stretch = _Stretch(leading, edge[1:] if edge else None, before is not None)
    all_fit = not isinstance(leading, _Word) and all(one is leading for one in conditions[:-1])
    stop = None if all_fit or few else _stop(tx, stretch)
    found = list(tx.execute(_people(workspace_id, stretch, conditions, stop).limit(PAGE_SIZE + 1)))
    return _page(tx, stretch, found, stop)


def count_end_users(tx: Transaction, workspace_id: str) -> int:
    """Return how many people the workspace has, counting no further than MOST_COUNTED + 1."""
    some = select(end_users.c.id).where(end_users.c.workspace_id == workspace_id).limit(MOST_COUNTED + 1).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar_one()


def _fits(condition: _Condition, edge: Position) -> bool:
    """Return whether an edge (untrusted) is a place along a condition."""
    name, *place = edge
    if isinstance(condition, _Beginning) and not (place and place[0].startswith(condition.prefix)):
        return False
    return name == condition.name and len(place) == len(condition.order)


def _rarest(tx: Transaction, choice: Sequence[_Condition]) -> tuple[_Condition, bool]:
    """Return the condition that the fewest people meet, the first among equals, and whether all of them may be looked at."""
    if len(choice) == 1:
        return choice[0], False
    stretches = [_Stretch(one, None, backwards=False).select(one.order[-1]) for one in choice]
    some = [one.order_by(None).limit(MOST_LOOKED_THROUGH + 1).subquery() for one in stretches]
    counted = list(tx.execute(select(*(select(func.count()).select_from(one).scalar_subquery() for one in some))).one())
    return choice[counted.index(min(counted))], min(counted) <= MOST_LOOKED_THROUGH


def _stop(tx: Transaction, stretch: _Stretch) -> Position | None:
    """Return the last entry that this page looks at, or None when all that are left may be looked at."""
    query = stretch.select(*stretch.leading.order).offset(MOST_LOOKED_THROUGH - 1).limit(2)
    found = tx.execute(query).all()
    return tuple(found[0]) if len(found) == 2 else None


def _people(
    workspace_id: str, stretch: _Stretch, conditions: Sequence[_Condition], stop: Position | None
) -> Select[Any]:
    """Select the people of a stretch who meet every condition, each with their place."""
    leading = stretch.leading
    rows, person = leading.rows, leading.order[-1]
    source = rows if rows is end_users else rows.join(end_users, end_users.c.id == person)
    keys = [column.label(f"key_{number}") for number, column in enumerate(leading.order)]
    query = stretch.select(*COLUMNS, *keys, source=source, stop=stop)
    query = query.where(*(one.holds(person) for one in conditions if one is not leading))
    if isinstance(leading, _Word):
        query = query.where(leading.once)
    return query.where(end_users.c.workspace_id == workspace_id)


def _page(tx: Transaction, stretch: _Stretch, found: Sequence[Any], stop: Position | None) -> EndUserPage:
    """Return the page of the people found (one more than fit, if there are more), with the places of its neighbours."""
    name, width = stretch.leading.name, len(stretch.leading.order)
    more, shown = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    keys: list[Position] = [tuple(row[-width:]) for row in shown]
    near = far = None
    if stretch.edge is not None:
        near = (name, *(keys[0] if keys else _beside(stretch.edge, stretch.backwards)))
    if more or stop is not None:
        far = (name, *(keys[-1] if more or stop is None else stop))
    people = [to_end_user(row) for row in (reversed(shown) if stretch.backwards else shown)]
    return EndUserPage(
        rows=_rows(tx, people) if people else (),
        previous=far if stretch.backwards else near,
        next=near if stretch.backwards else far,
        looked_through=MOST_LOOKED_THROUGH if stop is not None and len(shown) < PAGE_SIZE else None,
    )


def _beside(edge: Position, backwards: bool) -> Position:
    """Return a place on this page's side of an edge, so that the way back, from a page with nobody on it, includes the edge."""
    return (*edge[:-1], edge[-1][:-1] if backwards else edge[-1] + _LAST_CHARACTER)


def _conditions(workspace_id: str, wanted: EndUserFilter) -> list[_Condition]:
    """Return the conditions, those that usually say most first, and the name's order, which is always there, last."""
    conditions: list[_Condition] = [_word(workspace_id, number, word) for number, word in enumerate(wanted.words)]
    if wanted.beginning:
        conditions.insert(0, _named(workspace_id, wanted.beginning))
    if wanted.group_id:
        members = group_members.alias("in_group")
        conditions.append(_listed("group", members, members.c.group_id == wanted.group_id))
    for number, environment_id in enumerate(wanted.environment_ids):
        rows = environment_access.alias(f"in_environment_{number}")
        conditions.append(_listed(f"environment-{number}", rows, rows.c.environment_id == environment_id))
    plain = {"status": wanted.status, "source": wanted.source}
    by_name, of_workspace = (end_users.c.name_key, end_users.c.id), end_users.c.workspace_id == workspace_id
    for name, value in plain.items():
        if value is not None:
            conditions.append(_plain(name, value.value, of_workspace))
    return [*conditions, _Condition("name", end_users, of_workspace, by_name, lambda _: true())]


def _plain(name: str, value: str, of_workspace: ColumnElement[bool]) -> _Condition:
    """Return a condition on what a person's own row says."""
    themselves = end_users.alias(f"their_{name}")
    return _Condition(
        name,
        end_users,
        and_(of_workspace, end_users.c[name] == value),
        (end_users.c.name_key, end_users.c.id),
        lambda person: _some(themselves, themselves.c.id == person, themselves.c[name] == value),
    )


def _named(workspace_id: str, beginning: str) -> _Beginning:
    """Return the condition that a person's name begins like this."""
    themselves = end_users.alias("their_name")
    span = (themselves.c.name_key >= beginning, themselves.c.name_key < beginning + _LAST_CHARACTER)
    return _Beginning(
        name="beginning",
        rows=end_users,
        where=end_users.c.workspace_id == workspace_id,
        order=(end_users.c.name_key, end_users.c.id),
        holds=lambda person: _some(themselves, themselves.c.id == person, *span),
        prefix=beginning,
    )


def _listed(name: str, rows: Any, mine: ColumnElement[bool]) -> _Condition:
    """Return a condition that is a table of people, kept in the list's order.

    The workspace is asked of the person: it is not in these indexes, which answer everything else.
    """
    order = (rows.c.name_key, rows.c.end_user_id)
    return _Condition(name, rows, mine, order, lambda person: _some(rows, mine, rows.c.end_user_id == person))


def _word(workspace_id: str, number: int, word: str) -> _Word:
    """Return the condition that a word is the beginning of one of a person's terms."""
    terms, smaller = end_user_terms.alias(f"word_{number}"), end_user_terms.alias(f"smaller_{number}")
    span = (terms.c.term >= word, terms.c.term < word + _LAST_CHARACTER)
    return _Word(
        name=f"word-{number}",
        rows=terms,
        where=terms.c.workspace_id == workspace_id,
        order=(terms.c.term, terms.c.name_key, terms.c.end_user_id),
        holds=lambda person: _some(terms, *span, terms.c.end_user_id == person),
        prefix=word,
        once=~_some(
            smaller,
            smaller.c.end_user_id == terms.c.end_user_id,
            smaller.c.term >= word,
            smaller.c.term < terms.c.term,
        ),
    )


def _some(rows: FromClause, *where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether there is such a row, asked for each person in turn.

    Not EXISTS: PostgreSQL makes a join of that, and sometimes begins at its other side, with everybody who has the status.
    """
    return select(literal(1)).select_from(rows).where(*where).limit(1).scalar_subquery().is_not(None)


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
