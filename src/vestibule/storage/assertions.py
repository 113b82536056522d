"""Assertions that were used, kept for as long as they could be replayed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import saml_assertions

_SQLITE: Final = Prepared(sqlite_insert(saml_assertions).on_conflict_do_nothing())
_POSTGRESQL: Final = Prepared(postgresql_insert(saml_assertions).on_conflict_do_nothing())


def use_assertion(
    tx: Transaction, workspace_id: str, connection_id: str, issuer: str, assertion_id: str, expires_at: datetime
) -> bool:
    """Use an assertion: True the first time, and False ever after on every node. "Once" is a unique insert, never a look before.

    `expires_at` is until when it could be replayed, clock skew included (saml-profiles-2.0-os 4.1.4.5).
    """
    key = hashlib.sha256(f"{connection_id}\0{issuer}\0{assertion_id}".encode()).hexdigest()
    statement = _SQLITE if tx.dialect.name == "sqlite" else _POSTGRESQL
    row = {"assertion_key": key, "workspace_id": workspace_id, "expires_at": expires_at}
    return statement.write(tx, row) == 1
