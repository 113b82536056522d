"""What a directory sent and what was done: appended, read from the newest, swept out after a while. Bounded by its caller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, select

from vestibule.directory.scim import ScimEvent
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import scim_events as events

KEPT_FOR: Final = timedelta(days=14)
# Of one connection; a first push of 100,000 people must not fill the disk with what it said.
MOST_KEPT: Final = 5000
_INSERT: Final = Prepared(insert(events))


def append(tx: Transaction, workspace_id: str, connection_id: str, event: ScimEvent) -> None:
    """Save one event."""
    _INSERT.write_later(
        tx,
        {
            "id": event.id,
            "workspace_id": workspace_id,
            "connection_id": connection_id,
            "at": event.at,
            "expires_at": event.at + KEPT_FOR,
            "method": event.method,
            "path": event.path,
            "status": event.status,
            "scim_type": event.scim_type,
            "resource_id": event.resource_id,
            "resource_name": event.resource_name,
            "address": event.address,
            "sent": event.sent,
            "notes": list(event.notes),
        },
    )


def page(
    tx: Transaction, workspace_id: str, connection_id: str, *, before: str | None, size: int, refused: bool = False
) -> tuple[ScimEvent, ...]:
    """Return up to `size` events, newest first, older than the id `before`; with `refused` only those that failed."""
    query = select(events).where(events.c.workspace_id == workspace_id, events.c.connection_id == connection_id)
    if before is not None:
        query = query.where(events.c.id < before)
    if refused:
        query = query.where(events.c.status >= 400)
    return tuple(_event(row) for row in tx.execute(query.order_by(events.c.id.desc()).limit(size)))


def find(tx: Transaction, workspace_id: str, connection_id: str, event_id: str) -> ScimEvent | None:
    """Return one event of a connection."""
    mine = (events.c.workspace_id == workspace_id, events.c.connection_id == connection_id, events.c.id == event_id)
    row = tx.execute(select(events).where(*mine)).one_or_none()
    return _event(row) if row else None


def sweep_surplus(tx: Transaction, most: int) -> int:
    """Delete up to `most` events that are older than the newest MOST_KEPT of their connection; return how many."""
    gone = 0
    for connection_id in tx.execute(select(events.c.connection_id).distinct()).scalars().all():
        mine = events.c.connection_id == connection_id
        last = select(events.c.id).where(mine).order_by(events.c.id.desc()).offset(MOST_KEPT - 1).limit(1)
        oldest_kept = tx.execute(last).scalar_one_or_none()
        if oldest_kept is not None and gone < most:
            surplus = select(events.c.id).where(mine, events.c.id < oldest_kept).limit(most - gone)
            gone += tx.execute(delete(events).where(events.c.id.in_(surplus))).rowcount
    return gone


def _event(row: Any) -> ScimEvent:
    return ScimEvent(
        id=row.id,
        at=row.at,
        method=row.method,
        path=row.path,
        status=row.status,
        scim_type=row.scim_type,
        resource_id=row.resource_id,
        resource_name=row.resource_name,
        address=row.address,
        sent=row.sent,
        notes=row.notes,
    )
