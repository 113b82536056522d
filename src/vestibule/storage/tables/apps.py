"""Apps: what end users sign in to, who may use each, its secrets, and the keys that an environment signs tokens with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from vestibule.storage.tables.base import environment, in_environment, instant, metadata, workspace
from vestibule.storage.types import Blob, Json, Key, Text


def app(*, index: bool = False, primary_key: bool = False) -> Column[Any]:
    """Return the column for the app that a row goes with."""
    return Column(
        "app_id", Key, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False, index=index, primary_key=primary_key
    )


# `everyone` is a column and not a row of `app_groups`: an app whose last group is deleted is nobody's, not everybody's.
apps = Table(
    "apps",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("icon", Text, nullable=False),
    Column("icon_digest", Key),
    Column("launch_url", Text),
    Column("everyone", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("third_party", Boolean, nullable=False),
    Column("registered", Boolean, nullable=False),
    Column("oidc", Json),
    instant("created_at"),
    UniqueConstraint("environment_id", "name_key"),
    UniqueConstraint("id", "environment_id"),
    CheckConstraint("kind IN ('oidc', 'forward_auth', 'link')", name="kind"),
)

app_groups = Table(
    "app_groups",
    metadata,
    Column("app_id", Key, nullable=False),
    Column("group_id", Key, nullable=False),
    Column("environment_id", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    PrimaryKeyConstraint("app_id", "group_id"),
    in_environment("app_id", "apps"),
    in_environment("group_id", "groups"),
    Index(None, "group_id"),
)

# The names under which a forward-auth app is reached: one app a name within an environment.
app_hosts = Table(
    "app_hosts",
    metadata,
    Column("environment_id", Key, nullable=False),
    Column("host", Key, nullable=False),
    Column("app_id", Key, nullable=False, index=True),
    Column("workspace_id", Key, nullable=False),
    PrimaryKeyConstraint("environment_id", "host"),
    in_environment("app_id", "apps"),
)

# A picture of an app's own, written anew from the pixels of what was uploaded; its digest is in the app's row, too.
app_icons = Table(
    "app_icons",
    metadata,
    app(primary_key=True),
    Column("workspace_id", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("png", Blob, nullable=False),
)

# The domains below which forward-auth may set its cookie for all subdomains.
cookie_domains = Table(
    "cookie_domains",
    metadata,
    environment(),
    Column("domain", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("environment_id", "domain"),
)

app_secrets = Table(
    "app_secrets",
    metadata,
    Column("id", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    app(index=True),
    Column("secret_hash", Key, nullable=False),
    Column("hint", Text, nullable=False),
    instant("created_at"),
    instant("expires_at", nullable=True),
    instant("last_used_at", nullable=True),
)

# One environment's apart from the other's, so that a token of one can never pass in another.
jwt_keys = Table(
    "jwt_keys",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("alg", Text, nullable=False),
    Column("sealed_private_key", Blob, nullable=False),
    Column("public_jwk", Json, nullable=False),
    instant("created_at"),
    instant("active_at"),
    instant("ends_at", nullable=True),
    Index(None, "environment_id", "alg", "active_at"),
    Index(None, "ends_at"),
)
