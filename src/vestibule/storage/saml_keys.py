"""Our own SAML keys, one workspace's apart from the other's. The private half arrives sealed and leaves sealed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, or_, select, update

from vestibule.directory.saml_keys import KeyUse, SealedKey
from vestibule.storage.database import Transaction
from vestibule.storage.tables import saml_keys

_LIVING: Final = select(saml_keys).where(or_(saml_keys.c.ends_at.is_(None), saml_keys.c.ends_at > bindparam("now")))
_OF_WORKSPACE: Final = _LIVING.where(saml_keys.c.workspace_id == bindparam("workspace_id"))
_IN_ORDER: Final = _OF_WORKSPACE.order_by(saml_keys.c.active_at.desc(), saml_keys.c.id.desc())
_CURRENT: Final = _IN_ORDER.where(saml_keys.c.use == bindparam("use"), saml_keys.c.active_at <= bindparam("now")).limit(
    1
)


def insert_key(tx: Transaction, key: SealedKey) -> None:
    """Save a key."""
    tx.execute(
        insert(saml_keys).values(
            id=key.id,
            workspace_id=key.workspace_id,
            use=key.use.value,
            sealed_private_key=key.sealed_private_key,
            certificate=key.certificate,
            created_at=key.created_at,
            active_at=key.active_at,
            ends_at=key.ends_at,
        )
    )


def current_key(tx: Transaction, workspace_id: str, use: KeyUse, now: datetime) -> SealedKey | None:
    """Return the key of a workspace that is in use for something."""
    row = tx.execute(_CURRENT, {"workspace_id": workspace_id, "use": use.value, "now": now}).one_or_none()
    return _key(row) if row else None


def list_keys(tx: Transaction, workspace_id: str, now: datetime) -> tuple[SealedKey, ...]:
    """Return every key of a workspace that has not ended, the last to become active first."""
    return tuple(_key(row) for row in tx.execute(_IN_ORDER, {"workspace_id": workspace_id, "now": now}))


def list_keys_of_all(tx: Transaction, now: datetime) -> tuple[SealedKey, ...]:
    """Return every key of every workspace that has not ended: for the operator's check-up."""
    return tuple(_key(row) for row in tx.execute(_LIVING.order_by(saml_keys.c.id), {"now": now}))


def end_keys(tx: Transaction, workspace_id: str, uses: Iterable[KeyUse], now: datetime, ends_at: datetime) -> None:
    """Let the keys of a workspace end at an instant, but for those that end before it anyway."""
    mine = (saml_keys.c.workspace_id == workspace_id, saml_keys.c.use.in_([use.value for use in uses]))
    later = or_(saml_keys.c.ends_at.is_(None), saml_keys.c.ends_at > ends_at)
    tx.execute(update(saml_keys).where(*mine, later, saml_keys.c.created_at <= now).values(ends_at=ends_at))


def take_ended(tx: Transaction, now: datetime) -> tuple[SealedKey, ...]:
    """Delete the keys of every workspace that have ended, and return them: once, whoever else does the same."""
    gone = tx.execute(delete(saml_keys).where(saml_keys.c.ends_at <= now).returning(*saml_keys.c))
    return tuple(_key(row) for row in gone)


def _key(row: Any) -> SealedKey:
    return SealedKey(
        id=row.id,
        workspace_id=row.workspace_id,
        use=KeyUse(row.use),
        sealed_private_key=row.sealed_private_key,
        certificate=row.certificate,
        created_at=row.created_at,
        active_at=row.active_at,
        ends_at=row.ends_at,
    )
