"""The activity table: append and read. There is no change and no delete, here or in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, literal_column, or_, select, true, union_all

from vestibule.directory.activity import ActivityFilter, Actor, ActorKind, Entry, Event, Outcome, Subject
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import activity as table

# For one page of several conditions. What one of them leaves so many entries of, or fewer, is answered in one go.
MOST_LOOKED_THROUGH: Final = 500
_APPEND = Prepared(insert(table))
# Sorts after every continuation of a prefix, whatever the prefix (untrusted) ends with.
_LAST_CHARACTER: Final = "\U0010ffff"
# What conditions are about.
_JUDGED: Final = tuple(
    table.c[name]
    for name in (
        "at",
        "action",
        "outcome",
        "actor_id",
        "subject_id",
        "subject_name",
        "environment_id",
        "connection_id",
        "reference",
    )
)
_Where = Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Found:
    """Entries that were found. `stop` is the id where looking stopped before there were enough: beyond it there may be more."""

    entries: tuple[Entry, ...]
    stop: str | None = None


@dataclass(frozen=True, slots=True)
class _Condition:
    """One condition: as ranges of indexes that are in the order of ids (`legs`), and as a question about one entry."""

    legs: tuple[_Where, ...]
    holds: _Where


def append(tx: Transaction, workspace_id: str, entry: Entry) -> None:
    """Append one entry."""
    actor, event = entry.actor, entry.event
    _APPEND.write_later(
        tx,
        {
            "id": entry.id,
            "workspace_id": workspace_id,
            "at": entry.at,
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
            "actor_name": actor.name,
            "address": actor.address,
            "request_id": actor.request_id,
            "action": event.action,
            "outcome": event.outcome.value,
            "subject_kind": event.subject.kind,
            "subject_id": event.subject.id,
            "subject_name": event.subject.name,
            "environment_id": event.environment_id,
            "connection_id": event.connection_id,
            "reference": event.reference,
            "details": dict(event.details),
        },
    )


def page(
    tx: Transaction, workspace_id: str, wanted: ActivityFilter, *, before: str | None, after: str | None, size: int
) -> tuple[Entry, ...]:
    """Return up to `size` entries, newest first: those that `look` finds."""
    return look(tx, workspace_id, wanted, before=before, after=after, size=size).entries


def look(
    tx: Transaction, workspace_id: str, wanted: ActivityFilter, *, before: str | None, after: str | None, size: int
) -> Found:
    """Return up to `size` entries, newest first, older than the id `before` or (the nearest ones) newer than `after`.

    Of several conditions the rarest leads, and MOST_LOOKED_THROUGH of its entries are looked through for the others.
    """
    conditions = _conditions(tx, workspace_id, wanted)
    leading = _rarest(tx, workspace_id, conditions)
    others = [one for one in conditions if one is not leading]
    if not leading.legs:
        return Found(())
    way = _Way(workspace_id, after if after is not None else before, newer=after is not None)
    most = _share(leading) + 1 if others else size
    legs = [way.entries(leg, table.c.id, *_JUDGED).limit(most).subquery() for leg in leading.legs]
    near = union_all(*(select(leg) for leg in legs)).subquery()
    ids = select(near.c.id).distinct().where(*(one.holds(near.c) for one in others))
    stop = _stop(tx, way, leading) if others else None
    if stop is not None:
        ids = ids.where(near.c.id <= stop if way.newer else near.c.id >= stop)
    chosen = ids.order_by(way.order(near.c.id)).limit(size)
    rows = tx.execute(select(table).where(table.c.id.in_(chosen.scalar_subquery())).order_by(table.c.id.desc())).all()
    return Found(tuple(_entry(row) for row in rows), stop if len(rows) < size else None)


@dataclass(frozen=True, slots=True)
class _Way:
    """From where on entries are read, and in which direction."""

    workspace_id: str
    edge: str | None
    newer: bool

    def entries(self, leg: _Where, *columns: ColumnElement[Any]) -> Select[Any]:
        """Select the entries of one leg in reading direction: one range of one index."""
        query = select(*columns).where(table.c.workspace_id == self.workspace_id, leg(table.c))
        if self.edge is not None:
            query = query.where(table.c.id > self.edge if self.newer else table.c.id < self.edge)
        return query.order_by(self.order(table.c.id))

    def order(self, ids: ColumnElement[str]) -> ColumnElement[Any]:
        """Return the order of reading."""
        return ids if self.newer else ids.desc()


def _conditions(tx: Transaction, workspace_id: str, wanted: ActivityFilter) -> list[_Condition]:
    """Return the conditions, those that usually say most first; of none, that something happened."""
    conditions = [
        _same(name, value)
        for name, value in (
            ("reference", wanted.reference),
            ("subject_id", wanted.subject_id),
            ("actor_id", wanted.actor_id),
            ("connection_id", wanted.connection_id),
        )
        if value is not None
    ]
    if wanted.person_id is not None:
        # Two legs, each in the order of its index: with OR, one of them would read the table.
        legs = (*_same("actor_id", wanted.person_id).legs, *_same("subject_id", wanted.person_id).legs)
        conditions.append(_Condition(legs, lambda c: or_(*(leg(c) for leg in legs))))
    if wanted.subject_name is not None:
        conditions.append(_named(wanted.subject_name))
    if wanted.action_prefix:
        conditions.append(_actions(tx, workspace_id, wanted.action_prefix))
    if wanted.environment_id is not None:
        conditions.append(_same("environment_id", wanted.environment_id))
    if wanted.outcome is not None:
        conditions.append(_same("outcome", wanted.outcome.value))
    since, until = wanted.since, wanted.until
    if since or until:
        conditions.append(
            _always(lambda c: and_(true(), *((c.at >= since,) if since else ()), *((c.at < until,) if until else ())))
        )
    return conditions or [_always(lambda _: true())]


def _same(name: str, value: str) -> _Condition:
    return _always(lambda c: c[name] == value)


def _always(where: _Where) -> _Condition:
    """Return a condition that is one range of an index."""
    return _Condition((where,), where)


def _named(name: str) -> _Condition:
    """Return the condition that this was refused to somebody without an account, by the name they gave.

    The word stands in the statement itself: the index covers refusals alone, and a parameter would hide that.
    """
    return _always(lambda c: and_(c.outcome == literal_column("'refused'"), c.subject_name == name))


def _actions(tx: Transaction, workspace_id: str, prefix: str) -> _Condition:
    """Return the condition that an action begins with a prefix (untrusted): a leg for each that ever happened.

    The index jumps from one to the next, so that they cost what they are, not how often they were done.
    """
    span = (table.c.workspace_id == workspace_id, table.c.action < prefix + _LAST_CHARACTER)
    first = select(func.min(table.c.action).label("action")).where(*span, table.c.action >= prefix).cte(recursive=True)
    further = select(func.min(table.c.action)).where(*span, table.c.action > first.c.action).scalar_subquery()
    every = first.union_all(select(further).where(first.c.action.is_not(None)))
    actions = tx.execute(select(every.c.action).where(every.c.action.is_not(None))).scalars().all()
    legs = tuple(leg for action in actions for leg in _same("action", action).legs)
    return _Condition(legs, lambda c: and_(c.action >= prefix, c.action < prefix + _LAST_CHARACTER))


def _rarest(tx: Transaction, workspace_id: str, conditions: Sequence[_Condition]) -> _Condition:
    """Return the condition that the fewest entries meet, as far as is worth counting; the first among equals."""
    if len(conditions) == 1:
        return conditions[0]
    counts = []
    for one in conditions:
        some = [
            select(table.c.id)
            .where(table.c.workspace_id == workspace_id, leg(table.c))
            .limit(_share(one) + 1)
            .subquery()
            for leg in one.legs
        ]
        counts.append(sum((select(func.count()).select_from(leg).scalar_subquery() for leg in some), literal(0)))
    counted = list(tx.execute(select(*counts)).one())
    return conditions[counted.index(min(counted))]


def _share(condition: _Condition) -> int:
    """Return how many entries of each leg may be looked at."""
    return max(1, MOST_LOOKED_THROUGH // max(1, len(condition.legs)))


def _stop(tx: Transaction, way: _Way, leading: _Condition) -> str | None:
    """Return the id of the last entry that is looked at, or None where all that are left may be: no leg may go on alone."""
    ends = [way.entries(leg, table.c.id).offset(_share(leading)).limit(1).scalar_subquery() for leg in leading.legs]
    stops = [one for one in tx.execute(select(*ends)).one() if one is not None]
    return (min(stops) if way.newer else max(stops)) if stops else None


def find(tx: Transaction, workspace_id: str, entry_id: str) -> Entry | None:
    """Return one entry of the workspace."""
    row = tx.execute(select(table).where(table.c.workspace_id == workspace_id, table.c.id == entry_id)).one_or_none()
    return _entry(row) if row else None


def find_all(tx: Transaction, workspace_id: str, entry_ids: Collection[str]) -> dict[str, Entry]:
    """Return those of these entries that the workspace has, by id."""
    query = select(table).where(table.c.workspace_id == workspace_id, table.c.id.in_(tuple(entry_ids)))
    return {row.id: _entry(row) for row in tx.execute(query)}


def find_reference(tx: Transaction, workspace_id: str, reference: str) -> Entry | None:
    """Return the newest entry with a reference code."""
    query = select(table).where(table.c.workspace_id == workspace_id, table.c.reference == reference)
    row = tx.execute(query.order_by(table.c.id.desc()).limit(1)).one_or_none()
    return _entry(row) if row else None


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        actor=Actor(ActorKind(row.actor_kind), row.actor_id, row.actor_name, row.address, row.request_id),
        event=Event(
            action=row.action,
            subject=Subject(row.subject_kind, row.subject_id, row.subject_name),
            outcome=Outcome(row.outcome),
            environment_id=row.environment_id,
            connection_id=row.connection_id,
            reference=row.reference,
            details=row.details,
        ),
    )
