"""When the metadata of IdPs is read again, the one claim to read it at once, and changes that wait for an admin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update

from vestibule.directory.connections import IdpValues
from vestibule.directory.rollover import ASK_AGAIN_AFTER, READ_EVERY, FoundChange, Reading, dump_values, load_values
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.tables import identity_providers as idps
from vestibule.storage.tables import metadata_changes as changes
from vestibule.storage.tables import metadata_readings as readings


def list_due(tx: Transaction, now: datetime, most: int) -> tuple[tuple[str, str], ...]:
    """Return (workspace, IdP) of every workspace whose metadata is to be read now: those never read, then those that wait longest.

    Last come those that are to be read later than any is put off to: a clock that ran ahead said so.
    """
    due = or_(readings.c.due_at.is_(None), readings.c.due_at <= now, readings.c.due_at > now + 2 * READ_EVERY)
    query = (
        select(idps.c.workspace_id, idps.c.id)
        .outerjoin(readings, readings.c.idp_id == idps.c.id)
        .where(idps.c.metadata_url.is_not(None), due)
        .order_by(readings.c.due_at.asc().nulls_first(), idps.c.id)
        .limit(most)
    )
    return tuple((row.workspace_id, row.id) for row in tx.execute(query))


def find_reading(tx: Transaction, workspace_id: str, idp_id: str) -> Reading:
    """Return how the metadata of an IdP is read; what holds for a new one where it never was."""
    query = select(readings).where(readings.c.workspace_id == workspace_id, readings.c.idp_id == idp_id)
    row = tx.execute(query).one_or_none()
    if row is None:
        return Reading()
    return Reading(
        row.applies_changes, row.due_at, row.failures, row.failure, row.failing_since, row.asked_at, row.answered_at
    )


def save_reading(tx: Transaction, workspace_id: str, idp_id: str, now: datetime, **values: Any) -> None:
    """Change how or when the metadata of an IdP is read. The claim of a sign-in is not touched but by its name."""
    first = {"idp_id": idp_id, "workspace_id": workspace_id, "applies_changes": True, "due_at": now, "failures": 0}
    new = insert_into(tx, readings).values({**first, **values})
    tx.execute(new.on_conflict_do_update(index_elements=["idp_id"], set_=values))


def claim_reading(tx: Transaction, workspace_id: str, idp_id: str, now: datetime) -> bool:
    """Claim to read the metadata of an IdP at once; False when somebody did so within ASK_AGAIN_AFTER. One of all nodes gets it.

    A claim that is farther ahead than that is of a clock that was wrong, and holds nobody up.
    """
    first = {"idp_id": idp_id, "workspace_id": workspace_id, "applies_changes": True, "due_at": now, "failures": 0}
    tx.execute(insert_into(tx, readings).values(first).on_conflict_do_nothing(index_elements=["idp_id"]))
    mine = (readings.c.workspace_id == workspace_id, readings.c.idp_id == idp_id)
    asked_at = readings.c.asked_at
    free = or_(asked_at.is_(None), asked_at <= now - ASK_AGAIN_AFTER, asked_at > now + ASK_AGAIN_AFTER)
    return tx.execute(update(readings).where(*mine, free).values(asked_at=now, answered_at=None)).rowcount == 1


def find_change(tx: Transaction, workspace_id: str, idp_id: str) -> FoundChange | None:
    """Return what the metadata of an IdP says by now, where nobody agreed to it; dismissed ones, too."""
    query = select(changes).where(changes.c.workspace_id == workspace_id, changes.c.idp_id == idp_id)
    row = tx.execute(query).one_or_none()
    return FoundChange(row.digest, load_values(row.found), row.dismissed, row.found_at) if row else None


def list_waiting(tx: Transaction, workspace_id: str) -> frozenset[str]:
    """Return the IdPs of a workspace whose metadata says something that an admin has to look at."""
    query = select(changes.c.idp_id).where(changes.c.workspace_id == workspace_id, changes.c.dismissed.is_(False))
    return frozenset(tx.execute(query).scalars())


def save_change(
    tx: Transaction,
    workspace_id: str,
    idp_id: str,
    digest: str,
    values: IdpValues,
    now: datetime,
    *,
    dismissed: bool = False,
) -> None:
    """Save what an admin is to look at, in place of what was found before; or, `dismissed`, has looked at already."""
    columns = {"digest": digest, "found": dump_values(values), "dismissed": dismissed, "found_at": now}
    new = insert_into(tx, changes).values({"idp_id": idp_id, "workspace_id": workspace_id, **columns})
    tx.execute(new.on_conflict_do_update(index_elements=["idp_id"], set_=columns))


def dismiss_change(tx: Transaction, workspace_id: str, idp_id: str, digest: str) -> bool:
    """Keep values as they are; return whether exactly this change was waiting."""
    mine = (changes.c.workspace_id == workspace_id, changes.c.idp_id == idp_id, changes.c.digest == digest)
    return tx.execute(update(changes).where(*mine, changes.c.dismissed.is_(False)).values(dismissed=True)).rowcount == 1


def forget_change(tx: Transaction, workspace_id: str, idp_id: str) -> None:
    """Forget what was found: it is in use, or no longer what the metadata says."""
    tx.execute(delete(changes).where(changes.c.workspace_id == workspace_id, changes.c.idp_id == idp_id))
