"""Assertions that were used, kept for as long as they could be replayed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert
from vestibule.storage.tables import saml_assertions

_USE: Final = PreparedInsert(saml_assertions, lambda new: new.on_conflict_do_nothing())


def use_assertion(
    tx: Transaction, workspace_id: str, connection_id: str, issuer: str, assertion_id: str, expires_at: datetime
) -> bool:
    """Use an assertion: True the first time, and False ever after on every node. "Once" is a unique insert, never a look before.

    `expires_at` is until when it could be replayed, clock skew included (saml-profiles-2.0-os 4.1.4.5).
    """
    key = hashlib.sha256(f"{connection_id}\0{issuer}\0{assertion_id}".encode()).hexdigest()
    row = {"assertion_key": key, "workspace_id": workspace_id, "expires_at": expires_at}
    return _USE.write(tx, row) == 1
