"""What forward-auth keeps: codes on their way to an app's host, and the app sessions that they become.

Both hang on the browser's session: what ends that ends them, in the same transaction.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Table

from vestibule.storage.tables.base import environment, instant, metadata
from vestibule.storage.types import Key, Text

forward_auth_codes = Table(
    "forward_auth_codes",
    metadata,
    Column("code_hash", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    environment(),
    Column("session_id", Key, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("host", Key, nullable=False),
    Column("browser_hash", Key, nullable=False),
    Column("return_to", Text, nullable=False),
    instant("expires_at"),
    Index(None, "expires_at"),
)

# With a domain it counts for every app's host below that, until the admin takes the domain back.
forward_auth_sessions = Table(
    "forward_auth_sessions",
    metadata,
    Column("token_hash", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    environment(),
    Column("session_id", Key, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("host", Key, nullable=False),
    Column("domain", Key),
    instant("created_at"),
    ForeignKeyConstraint(
        ["environment_id", "domain"],
        ["cookie_domains.environment_id", "cookie_domains.domain"],
        ondelete="CASCADE",
    ),
    Index(None, "environment_id", "domain"),
)
