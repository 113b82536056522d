"""What an app was granted for a person: requests under way, grants with codes and refresh tokens, consents, app sessions, receipts.

A grant hangs on the person's access to the environment and, but for offline access, on the browser session that it began in: whatever
takes those away takes the grant, and with the grant its codes and refresh tokens, in the same transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from vestibule.storage.tables.apps import app
from vestibule.storage.tables.base import environment, instant, metadata
from vestibule.storage.types import Blob, Json, Key, Text


def _grant() -> Column[Any]:
    return Column("grant_id", Key, ForeignKey("oidc_grants.id", ondelete="CASCADE"), nullable=False, index=True)


def _on_access() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["environment_id", "end_user_id"],
        ["environment_access.environment_id", "environment_access.end_user_id"],
        ondelete="CASCADE",
    )


# An authorization request that was checked: pushed (RFC 9126), or kept while the person signs in, chooses or consents.
# `browser_hash` is empty until a browser brought it.
oidc_requests = Table(
    "oidc_requests",
    metadata,
    Column("handle_hash", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    environment(),
    app(index=True),
    Column("parameters", Json, nullable=False),
    Column("browser_hash", Key),
    Column("pushed", Boolean, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    Index(None, "expires_at"),
)

oidc_grants = Table(
    "oidc_grants",
    metadata,
    Column("id", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    Column("environment_id", Key, nullable=False),
    app(index=True),
    Column("end_user_id", Key, nullable=False),
    Column("session_id", Key, ForeignKey("sessions.id", ondelete="CASCADE"), index=True),
    # The session's id also where the grant outlives it: the `sid` that the app knows.
    Column("sid", Key, nullable=False),
    Column("scope", Text, nullable=False),
    Column("resources", Json, nullable=False),
    Column("nonce", Text),
    Column("auth", Json, nullable=False),
    Column("actor", Json),
    # The grant that this one was exchanged from, and ends with.
    Column("parent_id", Key, ForeignKey("oidc_grants.id", ondelete="CASCADE"), index=True),
    instant("created_at"),
    instant("expires_at"),
    _on_access(),
    Index(None, "environment_id", "end_user_id"),
    Index(None, "expires_at"),
)

# A code that was used stays until it expires: the second use is what ends the grant.
oidc_codes = Table(
    "oidc_codes",
    metadata,
    Column("code_hash", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    _grant(),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text, nullable=False),
    instant("expires_at"),
    instant("used_at", nullable=True),
    Index(None, "expires_at"),
)

# Used ones stay until they expire: the second use is what ends the grant (RFC 9700, 4.14.2).
oidc_refresh_tokens = Table(
    "oidc_refresh_tokens",
    metadata,
    Column("token_hash", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    _grant(),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    Index(None, "expires_at"),
)

oidc_consents = Table(
    "oidc_consents",
    metadata,
    app(),
    Column("environment_id", Key, nullable=False),
    Column("end_user_id", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("scope", Text, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("app_id", "end_user_id"),
    _on_access(),
    Index(None, "environment_id", "end_user_id"),
)

# An admin's try of an app's sign-in: bound to the console session that began it, and gone with that.
app_tries = Table(
    "app_tries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    app(index=True),
    Column("admin_session_id", Key, ForeignKey("admin_sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state_hash", Key, nullable=False),
    Column("sealed_request", Blob, nullable=False),
    Column("sealed_result", Blob),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    UniqueConstraint("state_hash"),
    Index(None, "expires_at"),
)

# Client assertions that were used, by (client, jti), until they expire (RFC 7523, 3).
client_assertions = Table(
    "client_assertions",
    metadata,
    Column("assertion_key", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    instant("expires_at"),
    Index(None, "expires_at"),
)

# Where an app has a session of its own that it learned from us, and wants to be told when ours ends (OpenID Connect Back-Channel
# Logout 1.0). A row outlives session and person: whatever deletes the session leaves `live_session_id` empty, and that is the sign.
app_sessions = Table(
    "app_sessions",
    metadata,
    app(),
    Column("session_id", Key, nullable=False),
    Column("live_session_id", Key, ForeignKey("sessions.id", ondelete="SET NULL")),
    Column("workspace_id", Key, nullable=False),
    Column("environment_id", Key, nullable=False),
    Column("end_user_id", Key, nullable=False),
    Column("sid", Key, nullable=False),
    Column("sub", Key, nullable=False),
    instant("began_at"),
    instant("ended_at", nullable=True),
    instant("told_at", nullable=True),
    Column("attempts", Integer, nullable=False),
    instant("next_at", nullable=True),
    Column("failure", Text),
    # The activity entry of the act that took the access away on which it rested.
    Column("entry_id", Key),
    PrimaryKeyConstraint("app_id", "session_id"),
    Index(None, "live_session_id", "ended_at"),
    Index(None, "next_at"),
    Index(None, "ended_at"),
    Index(None, "end_user_id"),
    Index(
        "ix_app_sessions_live",
        "app_id",
        "end_user_id",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

# What an act that took access away from somebody has ended, beside its entry in the activity; the apps told of it are `app_sessions`.
receipts = Table(
    "receipts",
    metadata,
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False),
    Column("entry_id", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    instant("at"),
    Column("sessions", Integer, nullable=False),
    Column("host_sessions", Integer, nullable=False),
    Column("grants", Json, nullable=False),
    PrimaryKeyConstraint("end_user_id", "entry_id"),
    Index(None, "at"),
    sqlite_with_rowid=False,
)
