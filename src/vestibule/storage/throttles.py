"""Counters of attempts in fixed windows."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import case, delete, literal, or_

from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.tables import throttles
from vestibule.storage.types import Instant


def hit(tx: Transaction, key: str, now: datetime, window: timedelta) -> tuple[int, datetime]:
    """Count one attempt under `key` in one statement; return the count within the window, and when the window ends.

    A window that has yet to begin is of a clock that ran ahead: it begins now, with what was counted in it.
    """
    fresh = insert_into(tx, throttles).values(key=key, attempts=1, resets_at=now + window)
    over = throttles.c.resets_at <= now
    anew = or_(over, throttles.c.resets_at > now + window)
    counted = fresh.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "attempts": case((over, 1), else_=throttles.c.attempts + 1),
            "resets_at": case((anew, literal(now + window, Instant)), else_=throttles.c.resets_at),
        },
    ).returning(throttles.c.attempts, throttles.c.resets_at)
    attempts, resets_at = tx.execute(counted).one()
    return attempts, resets_at


def forget(tx: Transaction, key: str) -> None:
    """Start over for `key`: the right password was given."""
    tx.execute(delete(throttles).where(throttles.c.key == key))


def sweep(tx: Transaction, now: datetime) -> int:
    """Delete the counters whose window has ended; return how many."""
    return tx.execute(delete(throttles).where(throttles.c.resets_at <= now)).rowcount
