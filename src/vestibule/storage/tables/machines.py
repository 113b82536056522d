"""What machines rely on: APIs that tokens are for, what an app may ask of each, initial access tokens, and devices that wait."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from vestibule.storage.tables.apps import app
from vestibule.storage.tables.base import environment, in_environment, instant, metadata, workspace
from vestibule.storage.types import Json, Key, Text

# `app_id` is the app that the API itself is, as a client of ours: it may introspect and exchange the tokens that it is sent.
resource_apis = Table(
    "resource_apis",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("identifier", Key, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("app_id", Key, ForeignKey("apps.id", ondelete="SET NULL"), index=True),
    instant("created_at"),
    UniqueConstraint("environment_id", "identifier"),
    UniqueConstraint("id", "environment_id"),
)

# What an app may ask of an API; the only way for a machine that acts for nobody, or for somebody by token exchange.
app_apis = Table(
    "app_apis",
    metadata,
    Column("app_id", Key, nullable=False),
    Column("api_id", Key, nullable=False),
    Column("environment_id", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("scopes", Json, nullable=False),
    PrimaryKeyConstraint("app_id", "api_id"),
    in_environment("app_id", "apps"),
    in_environment("api_id", "resource_apis"),
    Index(None, "api_id"),
)

# Initial access tokens (RFC 7591, 3): an environment without one registers nobody.
registration_tokens = Table(
    "registration_tokens",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(index=True),
    Column("token_hash", Key, nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    Index(None, "expires_at"),
)

# The token with which an app that registered itself manages its registration (RFC 7592), until an admin changes the app.
app_registrations = Table(
    "app_registrations",
    metadata,
    app(primary_key=True),
    Column("workspace_id", Key, nullable=False),
    Column("token_hash", Key, nullable=False, unique=True),
)

# A device that waits for its person (RFC 8628). `grant_id` once they agreed; the row goes when the device fetches its tokens.
device_codes = Table(
    "device_codes",
    metadata,
    Column("code_hash", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    environment(),
    app(index=True),
    Column("user_code_hash", Key, nullable=False),
    Column("scope", Text, nullable=False),
    Column("resources", Json, nullable=False),
    Column("status", Text, nullable=False),
    Column("grant_id", Key, ForeignKey("oidc_grants.id", ondelete="CASCADE"), index=True),
    Column("interval_seconds", Integer, nullable=False),
    instant("polled_at", nullable=True),
    instant("created_at"),
    instant("expires_at"),
    UniqueConstraint("environment_id", "user_code_hash"),
    Index(None, "expires_at"),
)
