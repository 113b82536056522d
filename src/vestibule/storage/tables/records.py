"""What happened, and what is still to be done."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, text

from vestibule.storage.tables.base import instant, metadata
from vestibule.storage.types import Blob, Json, Key, Text

# No foreign keys: what happened stays true after the thing is gone. Triggers refuse UPDATE and DELETE.
activity = Table(
    "activity",
    metadata,
    Column("id", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    instant("at"),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Key),
    Column("actor_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("action", Key, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Key),
    Column("subject_name", Text, nullable=False),
    Column("environment_id", Key),
    Column("connection_id", Key),
    Column("reference", Key),
    Column("details", Json, nullable=False),
    Index(None, "workspace_id", "id"),
    Index(None, "workspace_id", "action", "id"),
    Index(None, "workspace_id", "environment_id", "id"),
    Index(None, "workspace_id", "outcome", "id"),
    Index(None, "workspace_id", "subject_id", "id"),
    Index(None, "workspace_id", "actor_id", "id"),
    Index(None, "connection_id", "action", "id"),
    # Most of what happens has no reference code, and pays nothing for this. The id, since lists are in its order: SQLite, which has no
    # statistics, would take another index without it.
    Index(
        None,
        "workspace_id",
        "reference",
        "id",
        sqlite_where=text("reference IS NOT NULL"),
        postgresql_where=text("reference IS NOT NULL"),
    ),
    # Attempts of somebody without an account are found by the name they gave. Refusals alone: sign-ins don't pay for it.
    Index(
        "ix_activity_workspace_id_subject_name_id",
        "workspace_id",
        "subject_name",
        "id",
        sqlite_where=text("outcome = 'refused'"),
        postgresql_where=text("outcome = 'refused'"),
    ),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Key, primary_key=True),
    Column("workspace_id", Key),
    Column("kind", Text, nullable=False),
    Column("payload", Blob, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    instant("created_at"),
    instant("run_at"),
    instant("leased_until", nullable=True),
    Index(None, "run_at"),
)
