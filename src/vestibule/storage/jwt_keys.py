"""The keys that environments sign tokens with. The private half arrives sealed and leaves sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, or_, select, update

from vestibule.directory.apps import SigningAlgorithm
from vestibule.directory.jwt_keys import SealedJwtKey
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import environments, jwt_keys

_living = (
    select(jwt_keys)
    .where(or_(jwt_keys.c.ends_at.is_(None), jwt_keys.c.ends_at > bindparam("now")))
    .order_by(jwt_keys.c.active_at.desc(), jwt_keys.c.id.desc())
)
_LIST: Final = Prepared(_living.where(jwt_keys.c.environment_id == bindparam("environment_id")))
LIST_BY_KEY: Final = Prepared(
    _living.join(environments, environments.c.id == jwt_keys.c.environment_id).where(
        environments.c.key == bindparam("environment_key")
    )
)


def insert_jwt_key(tx: Transaction, key: SealedJwtKey) -> None:
    """Save a key."""
    tx.execute(
        insert(jwt_keys).values(
            id=key.id,
            workspace_id=key.workspace_id,
            environment_id=key.environment_id,
            alg=key.alg.value,
            sealed_private_key=key.sealed_private_key,
            public_jwk=dict(key.public_jwk),
            created_at=key.created_at,
            active_at=key.active_at,
            ends_at=key.ends_at,
        )
    )


def list_jwt_keys(tx: Transaction, environment_id: str, now: datetime) -> tuple[SealedJwtKey, ...]:
    """Return the keys of an environment that have not ended, the last to become active first."""
    return tuple(to_jwt_key(row) for row in _LIST.rows(tx, {"environment_id": environment_id, "now": now}))


def list_jwt_keys_of_all(tx: Transaction, now: datetime) -> tuple[SealedJwtKey, ...]:
    """Return the keys of every environment of the install that have not ended. For the operator."""
    return tuple(to_jwt_key(row) for row in tx.execute(_living, {"now": now}))


def end_jwt_keys(tx: Transaction, environment_id: str, now: datetime, ends_at: datetime) -> None:
    """Let the keys of an environment end at an instant, but for those that end before it anyway."""
    later = or_(jwt_keys.c.ends_at.is_(None), jwt_keys.c.ends_at > ends_at)
    mine = (jwt_keys.c.environment_id == environment_id, jwt_keys.c.created_at <= now)
    tx.execute(update(jwt_keys).where(*mine, later).values(ends_at=ends_at))


def to_jwt_key(row: Any) -> SealedJwtKey:
    """Make a SealedJwtKey of a row of the table."""
    return SealedJwtKey(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        alg=SigningAlgorithm(row.alg),
        sealed_private_key=row.sealed_private_key,
        public_jwk=row.public_jwk,
        created_at=row.created_at,
        active_at=row.active_at,
        ends_at=row.ends_at,
    )
