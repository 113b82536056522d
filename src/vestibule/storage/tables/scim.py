"""What directories push over SCIM: their tokens, the resources as they sent them, who is in which group, and the log of it all."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from vestibule.storage.tables.base import instant, metadata, workspace
from vestibule.storage.types import Json, Key, Text


def _connection() -> Column[str]:
    return Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False)


# The directory behind a connection: when it was last here, and its stop line. `held_at` is since when departures wait.
scim_directories = Table(
    "scim_directories",
    metadata,
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    workspace(),
    Column("most_people", Integer, nullable=False),
    Column("most_percent", Integer, nullable=False),
    instant("held_at", nullable=True),
    instant("let_through_until", nullable=True),
    instant("last_contact_at", nullable=True),
    instant("created_at"),
    CheckConstraint("most_people > 0 AND most_percent > 0", name="stop_line"),
)

# Two live ones at most, so that one can follow the other without a gap: there are two slots.
scim_tokens = Table(
    "scim_tokens",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    _connection(),
    Column("slot", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_hash", Key, nullable=False, unique=True),
    instant("created_at"),
    instant("expires_at", nullable=True),
    instant("last_used_at", nullable=True),
    UniqueConstraint("connection_id", "slot"),
    CheckConstraint("slot IN (1, 2)", name="slot"),
)

# A user as the directory sent it. Without an end user it waits for an e-mail address that is nobody else's. A deleted one is kept
# only while its person lives on through something else: whoever gets the address next is somebody else.
scim_users = Table(
    "scim_users",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    _connection(),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE")),
    Column("external_id", Key),
    Column("user_name", Text, nullable=False),
    Column("user_name_key", Key),
    Column("display_key", Key, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("attributes", Json, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("last_modified_at"),
    instant("deleted_at", nullable=True),
    UniqueConstraint("connection_id", "user_name_key"),
    # In this order: a person's users are found by it as well, in any connection.
    UniqueConstraint("end_user_id", "connection_id"),
    # Not unique: whether an externalId is, is the directory's business (RFC 7643, 3.1).
    Index(None, "connection_id", "external_id"),
    # Of those who are there only: counting them reads no row.
    Index(
        None,
        "connection_id",
        "id",
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(None, "connection_id", "display_key", "id"),
    Index(None, "connection_id", "last_modified_at", "id"),
)

scim_user_emails = Table(
    "scim_user_emails",
    metadata,
    Column("scim_user_id", Key, ForeignKey("scim_users.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("connection_id", Key, nullable=False),
    Column("value_key", Key, nullable=False),
    PrimaryKeyConstraint("scim_user_id", "position"),
    Index(None, "connection_id", "value_key"),
    sqlite_with_rowid=False,
)

# A group as the directory sent it, and the end-user group that it is here. `clashes_with` is the group of the same name that was here,
# from which it is kept apart until an admin decides.
scim_groups = Table(
    "scim_groups",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    _connection(),
    Column("group_id", Key, ForeignKey("groups.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("clashes_with", Key, ForeignKey("groups.id", ondelete="SET NULL"), index=True),
    Column("external_id", Key),
    Column("display_name", Text, nullable=False),
    Column("display_key", Key, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("last_modified_at"),
    Index(None, "connection_id", "external_id"),
    Index(None, "connection_id", "id"),
    Index(None, "connection_id", "display_key", "id"),
    Index(None, "connection_id", "last_modified_at", "id"),
)

# Who is in a group by the directory's word, whether or not they may enter. An id that nobody has yet waits without a user.
scim_members = Table(
    "scim_members",
    metadata,
    Column("scim_group_id", Key, ForeignKey("scim_groups.id", ondelete="CASCADE"), nullable=False),
    Column("value", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("connection_id", Key, nullable=False),
    Column("scim_user_id", Key, ForeignKey("scim_users.id", ondelete="CASCADE"), index=True),
    instant("created_at"),
    PrimaryKeyConstraint("scim_group_id", "value"),
    Index(None, "connection_id", "value"),
    sqlite_with_rowid=False,
)

# Whose access a directory ended within the hour, for the stop line. No reference: the user may be deleted by it.
scim_departures = Table(
    "scim_departures",
    metadata,
    _connection(),
    Column("scim_user_id", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    instant("counts_until"),
    PrimaryKeyConstraint("connection_id", "scim_user_id"),
    Index(None, "counts_until"),
    sqlite_with_rowid=False,
)

# What the directory sent and what was done, for the admin who sets it up. `sent` is redacted and bounded.
scim_events = Table(
    "scim_events",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    _connection(),
    instant("at"),
    instant("expires_at"),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("scim_type", Text),
    Column("resource_id", Key),
    Column("resource_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("sent", Text, nullable=False),
    Column("notes", Json, nullable=False),
    Index(None, "connection_id", "id"),
    Index(None, "expires_at"),
)
