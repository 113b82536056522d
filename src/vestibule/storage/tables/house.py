"""Workspaces, environments, their admins, and one-time links."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from vestibule.storage.tables.base import instant, metadata, workspace
from vestibule.storage.types import Key, Text

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("help_contact", Text),
    instant("created_at"),
)

environments = Table(
    "environments",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("key", Key, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("saml_enabled", Boolean, nullable=False),
    Column("session_ttl_seconds", Integer, nullable=False),
    instant("created_at"),
    UniqueConstraint("workspace_id", "name_key"),
    CheckConstraint("session_ttl_seconds > 0", name="session_ttl"),
)

admins = Table(
    "admins",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("password_hash", Text),
    instant("created_at"),
    instant("last_sign_in_at", nullable=True),
    CheckConstraint("role IN ('owner', 'admin', 'support', 'auditor')", name="role"),
    CheckConstraint("status IN ('invited', 'active')", name="status"),
    Index(None, "workspace_id", "name"),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("admin_id", Key, ForeignKey("admins.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", Key, nullable=False, unique=True),
    instant("created_at"),
    instant("expires_at"),
    instant("last_seen_at"),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index(None, "expires_at"),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("token_hash", Key, primary_key=True),
    workspace(),
    Column("purpose", Text, nullable=False),
    Column("admin_id", Key, ForeignKey("admins.id", ondelete="CASCADE"), index=True),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), index=True),
    Column("environment_id", Key, ForeignKey("environments.id", ondelete="CASCADE")),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    Index(None, "expires_at"),
)
