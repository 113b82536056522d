"""Which letters about the end of a certificate were written: one for each number of days before, whichever node writes it."""

from __future__ import annotations

from datetime import datetime

from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.tables import certificate_letters as letters
from vestibule.storage.tables import saml_key_letters as own_letters


def mark(tx: Transaction, workspace_id: str, idp_id: str, fingerprint: str, days: int, now: datetime) -> bool:
    """Mark that the end of a certificate is announced so many days before; False when it was already."""
    values = {
        "idp_id": idp_id,
        "fingerprint": fingerprint,
        "days": days,
        "workspace_id": workspace_id,
        "written_at": now,
    }
    new = insert_into(tx, letters).values(values).on_conflict_do_nothing().returning(letters.c.days)
    return tx.execute(new).one_or_none() is not None


def mark_own(tx: Transaction, workspace_id: str, key_id: str, days: int, now: datetime) -> bool:
    """Mark that the end of a key of ours is announced so many days before; False when it was already."""
    values = {"key_id": key_id, "days": days, "workspace_id": workspace_id, "written_at": now}
    new = insert_into(tx, own_letters).values(values).on_conflict_do_nothing().returning(own_letters.c.days)
    return tx.execute(new).one_or_none() is not None
