"""The keys that an environment signs tokens with, each environment its own. The private half is sealed here, always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from vestibule.directory.apps import SigningAlgorithm

# An hour is longer than anybody caches a JWK Set by default, and than any token of ours but the refresh token lives.
JWT_OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SealedJwtKey:
    """A key pair as it lies in the database; its id is its `kid`, and `sealed_private_key` opens for the row `jwt_keys/<id>` only.

    It is published from `created_at` until `ends_at`, and signs from `active_at` until another of its algorithm takes over.
    """

    id: str
    workspace_id: str
    environment_id: str
    alg: SigningAlgorithm
    sealed_private_key: bytes = field(repr=False)
    public_jwk: Mapping[str, Any]
    created_at: datetime
    active_at: datetime
    ends_at: datetime | None = None


def signing_key(keys: Iterable[SealedJwtKey], alg: SigningAlgorithm, now: datetime) -> SealedJwtKey | None:
    """Return the key that signs at an instant: the last of its algorithm to have become active."""
    active = (
        key for key in keys if key.alg is alg and key.active_at <= now and (key.ends_at is None or now < key.ends_at)
    )
    return max(active, key=lambda key: (key.active_at, key.id), default=None)
