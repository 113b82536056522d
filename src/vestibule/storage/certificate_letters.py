"""Which letters about the end of a certificate were written: one for each number of days before, whichever node writes it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from vestibule.storage.database import Transaction
from vestibule.storage.tables import certificate_letters as letters


def mark(tx: Transaction, workspace_id: str, idp_id: str, fingerprint: str, days: int, now: datetime) -> bool:
    """Mark that the end of a certificate is announced so many days before; False when it was already."""
    insert = sqlite_insert if tx.dialect.name == "sqlite" else postgresql_insert
    values = {
        "idp_id": idp_id,
        "fingerprint": fingerprint,
        "days": days,
        "workspace_id": workspace_id,
        "written_at": now,
    }
    new = insert(letters).values(values).on_conflict_do_nothing().returning(letters.c.days)
    return tx.execute(new).one_or_none() is not None
