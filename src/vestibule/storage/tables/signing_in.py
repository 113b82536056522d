"""What signing in leaves behind: requests, used assertions, sessions, counters."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table

from vestibule.storage.tables.base import environment, instant, metadata, workspace
from vestibule.storage.types import Blob, Key, Text

saml_requests = Table(
    "saml_requests",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("browser_hash", Key, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("typed_email", Text),
    # Set for a test sign-in only: it ends with the admin's console session.
    Column("admin_session_id", Key, ForeignKey("admin_sessions.id", ondelete="CASCADE"), index=True),
    Column("test_values", Blob),
    Column("test_result", Blob),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    Index(None, "expires_at"),
)

saml_assertions = Table(
    "saml_assertions",
    metadata,
    Column("assertion_key", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    instant("expires_at"),
    Index(None, "expires_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("token_hash", Key, nullable=False, unique=True),
    Column("environment_id", Key, nullable=False),
    Column("end_user_id", Key, nullable=False),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE")),
    Column("link_id", Key, ForeignKey("identity_links.id", ondelete="CASCADE"), index=True),
    Column("method", Text, nullable=False),
    # The NameID as it was received, and the key by which the IdP's logout requests find it.
    Column("name_key", Key),
    Column("name_id", Text),
    Column("name_id_format", Text),
    Column("name_qualifier", Text),
    Column("sp_name_qualifier", Text),
    Column("session_index", Text),
    Column("authn_context", Text),
    instant("authn_instant", nullable=True),
    instant("created_at"),
    instant("expires_at"),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    # A session can't outlive the access that it rests on.
    ForeignKeyConstraint(
        ["environment_id", "end_user_id"],
        ["environment_access.environment_id", "environment_access.end_user_id"],
        ondelete="CASCADE",
    ),
    Index(None, "connection_id", "name_key"),
    Index(None, "environment_id", "end_user_id"),
    Index(None, "expires_at"),
)

logout_requests = Table(
    "logout_requests",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("browser_hash", Key, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    # The app that asked, and where it wants the browser back. It may be gone by then, and that address: each is looked up again.
    Column("app_id", Key),
    Column("app_name", Text),
    Column("registered_uri", Text),
    Column("back_to", Text),
    Index(None, "expires_at"),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key", Key, primary_key=True),
    Column("attempts", Integer, nullable=False),
    instant("resets_at"),
    Index(None, "resets_at"),
)
