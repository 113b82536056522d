"""API clients, of whose tokens only hashes are kept. One that was revoked stays, so that the list says so."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table

from vestibule.storage.tables.base import instant, metadata, workspace
from vestibule.storage.types import Json, Key, Text

api_clients = Table(
    "api_clients",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    # None is the whole workspace: with its environment a client goes, and never becomes one for all.
    Column("environment_id", Key, ForeignKey("environments.id", ondelete="CASCADE"), index=True),
    Column("name", Text, nullable=False),
    Column("token_hash", Key, nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    instant("created_at"),
    Column("created_by", Text, nullable=False),
    instant("expires_at", nullable=True),
    instant("last_used_at", nullable=True),
    instant("revoked_at", nullable=True),
    Index(None, "workspace_id", "id"),
)
