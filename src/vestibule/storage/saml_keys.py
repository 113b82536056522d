"""Our own SAML keys, one workspace's apart from the other's. The private half arrives sealed and leaves sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, insert, select

from vestibule.storage.database import Transaction
from vestibule.storage.tables import saml_keys

SIGNING: Final = "signing"
_CURRENT: Final = (
    select(saml_keys)
    .where(
        saml_keys.c.workspace_id == bindparam("workspace_id"),
        saml_keys.c.use == SIGNING,
        saml_keys.c.retired_at.is_(None),
    )
    .order_by(saml_keys.c.created_at.desc(), saml_keys.c.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key pair as it lies in the database: `sealed_private_key` opens for the row `saml_keys/<id>` only."""

    id: str
    workspace_id: str
    sealed_private_key: bytes = field(repr=False)
    certificate: bytes
    created_at: datetime


def insert_key(tx: Transaction, key: SealedKey) -> None:
    """Save a signing key."""
    tx.execute(
        insert(saml_keys).values(
            id=key.id,
            workspace_id=key.workspace_id,
            use=SIGNING,
            sealed_private_key=key.sealed_private_key,
            certificate=key.certificate,
            created_at=key.created_at,
        )
    )


def current_signing_key(tx: Transaction, workspace_id: str) -> SealedKey | None:
    """Return the newest signing key of a workspace that is not retired."""
    row = tx.execute(_CURRENT, {"workspace_id": workspace_id}).one_or_none()
    return SealedKey(row.id, row.workspace_id, row.sealed_private_key, row.certificate, row.created_at) if row else None
