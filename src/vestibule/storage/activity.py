"""The activity table: append and read. There is no change and no delete, here or in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, insert, select

from vestibule.directory.activity import ActivityFilter, Actor, ActorKind, Entry, Event, Outcome, Subject
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import activity as table

_APPEND = Prepared(insert(table))
# Sorts after every continuation of a prefix, whatever the prefix (untrusted) ends with.
_LAST_CHARACTER = "\U0010ffff"


def append(tx: Transaction, workspace_id: str, entry: Entry) -> None:
    """Append one entry."""
    actor, event = entry.actor, entry.event
    _APPEND.write(
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
    """Return up to `size` entries, newest first, older than the id `before` or (the nearest ones) newer than `after`."""
    query = _narrowed(select(table).where(table.c.workspace_id == workspace_id), wanted)
    if after is not None:
        query = query.where(table.c.id > after).order_by(table.c.id).limit(size)
    elif before is not None:
        query = query.where(table.c.id < before).order_by(table.c.id.desc()).limit(size)
    else:
        query = query.order_by(table.c.id.desc()).limit(size)
    if wanted.person_id is None:
        rows = tx.execute(query).all()
    else:
        # One query for each of the two columns, in the order of its index: with OR, one of them would read the table.
        rows = [
            *tx.execute(query.where(table.c.actor_id == wanted.person_id)),
            *tx.execute(query.where(table.c.subject_id == wanted.person_id)),
        ]
    found = sorted({row.id: row for row in rows}.items(), reverse=after is None)[:size]
    return tuple(_entry(row) for _, row in (reversed(found) if after is not None else found))


def _narrowed(query: Select[Any], wanted: ActivityFilter) -> Select[Any]:
    exact = {
        table.c.environment_id: wanted.environment_id,
        table.c.outcome: wanted.outcome.value if wanted.outcome else None,
        table.c.actor_id: wanted.actor_id,
        table.c.subject_id: wanted.subject_id,
        table.c.subject_name: wanted.subject_name,
        table.c.connection_id: wanted.connection_id,
        table.c.reference: wanted.reference,
    }
    for column, value in exact.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.action_prefix:
        query = query.where(
            table.c.action >= wanted.action_prefix, table.c.action < wanted.action_prefix + _LAST_CHARACTER
        )
    if wanted.since:
        query = query.where(table.c.at >= wanted.since)
    if wanted.until:
        query = query.where(table.c.at < wanted.until)
    return query


def find(tx: Transaction, workspace_id: str, entry_id: str) -> Entry | None:
    """Return one entry of the workspace."""
    row = tx.execute(select(table).where(table.c.workspace_id == workspace_id, table.c.id == entry_id)).one_or_none()
    return _entry(row) if row else None


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
