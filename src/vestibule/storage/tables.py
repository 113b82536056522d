"""The schema. Every row carries its workspace; uniqueness and foreign keys are the database's job."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from vestibule.storage.types import Blob, Instant, Json, Key, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _workspace() -> Column[Any]:
    return Column("workspace_id", Key, ForeignKey("workspaces.id"), nullable=False)


def _environment(**options: Any) -> Column[Any]:
    return Column("environment_id", Key, ForeignKey("environments.id", ondelete="CASCADE"), nullable=False, **options)


def _source() -> Column[Any]:
    return Column("source", Text, nullable=False)


def _by_connection() -> Column[Any]:
    return Column("source_connection_id", Key, ForeignKey("connections.id", ondelete="SET NULL"))


def _instant(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=nullable)


workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("help_contact", Text),
    _instant("created_at"),
)

environments = Table(
    "environments",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("key", Key, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("saml_enabled", Boolean, nullable=False),
    Column("session_ttl_seconds", Integer, nullable=False),
    _instant("created_at"),
    UniqueConstraint("workspace_id", "name_key"),
    CheckConstraint("session_ttl_seconds > 0", name="session_ttl"),
)

admins = Table(
    "admins",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("password_hash", Text),
    _instant("created_at"),
    _instant("last_sign_in_at", nullable=True),
    CheckConstraint("role IN ('owner', 'admin', 'support', 'auditor')", name="role"),
    CheckConstraint("status IN ('invited', 'active')", name="status"),
    Index(None, "workspace_id", "name"),
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("admin_id", Key, ForeignKey("admins.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", Key, nullable=False, unique=True),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("last_seen_at"),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Index(None, "expires_at"),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("token_hash", Key, primary_key=True),
    _workspace(),
    Column("purpose", Text, nullable=False),
    Column("admin_id", Key, ForeignKey("admins.id", ondelete="CASCADE"), index=True),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), index=True),
    Column("environment_id", Key, ForeignKey("environments.id", ondelete="CASCADE")),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("used_at", nullable=True),
    Index(None, "expires_at"),
)

end_users = Table(
    "end_users",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("status", Text, nullable=False),
    Column("password_hash", Text),
    _source(),
    _by_connection(),
    _instant("created_at"),
    _instant("updated_at"),
    _instant("last_sign_in_at", nullable=True),
    UniqueConstraint("workspace_id", "email_key"),
    CheckConstraint("status IN ('invited', 'active', 'deactivated')", name="status"),
    Index(None, "workspace_id", "name_key", "id"),
    Index(None, "workspace_id", "status", "name_key", "id"),
    Index(None, "workspace_id", "source", "name_key", "id"),
)

# The words a person is found under; see the decision record on search. `name_key` is repeated here, as in the two
# tables below, so that each filter of the list can be read in the list's order from one index.
end_user_terms = Table(
    "end_user_terms",
    metadata,
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False),
    Column("term", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("name_key", Key, nullable=False),
    PrimaryKeyConstraint("end_user_id", "term"),
    Index(None, "workspace_id", "term", "name_key", "end_user_id"),
)

environment_access = Table(
    "environment_access",
    metadata,
    _environment(),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("workspace_id", Key, nullable=False),
    Column("name_key", Key, nullable=False),
    _source(),
    _by_connection(),
    _instant("created_at"),
    PrimaryKeyConstraint("environment_id", "end_user_id"),
    Index(None, "environment_id", "name_key", "end_user_id"),
)

groups = Table(
    "groups",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    _environment(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("built_in", Boolean, nullable=False),
    _source(),
    _by_connection(),
    _instant("created_at"),
    UniqueConstraint("environment_id", "name_key"),
    UniqueConstraint("id", "environment_id"),
)

# Nobody can be a member without access: the foreign key sees to it, and takes memberships away with the access.
# Everyone has no rows here: it is the access.
group_members = Table(
    "group_members",
    metadata,
    Column("group_id", Key, nullable=False),
    Column("environment_id", Key, nullable=False),
    Column("end_user_id", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("name_key", Key, nullable=False),
    _source(),
    _by_connection(),
    _instant("created_at"),
    PrimaryKeyConstraint("group_id", "end_user_id"),
    ForeignKeyConstraint(["group_id", "environment_id"], ["groups.id", "groups.environment_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["environment_id", "end_user_id"],
        ["environment_access.environment_id", "environment_access.end_user_id"],
        ondelete="CASCADE",
    ),
    Index(None, "group_id", "name_key", "end_user_id"),
    Index(None, "environment_id", "end_user_id"),
)

identity_providers = Table(
    "identity_providers",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("entity_id", Text),
    Column("sso_redirect_url", Text),
    Column("sso_post_url", Text),
    Column("metadata_url", Text),
    _instant("metadata_read_at", nullable=True),
    Column("wants_signed_requests", Boolean, nullable=False),
    _instant("created_at"),
    UniqueConstraint("workspace_id", "name_key"),
)

idp_certificates = Table(
    "idp_certificates",
    metadata,
    Column("idp_id", Key, ForeignKey("identity_providers.id", ondelete="CASCADE"), nullable=False),
    Column("fingerprint", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("der", Blob, nullable=False),
    Column("subject", Text, nullable=False),
    _instant("not_before"),
    _instant("not_after"),
    PrimaryKeyConstraint("idp_id", "fingerprint"),
)

connections = Table(
    "connections",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    _environment(),
    Column("idp_id", Key, ForeignKey("identity_providers.id"), nullable=False, index=True),
    Column("all_domains", Boolean, nullable=False),
    Column("provisioning", Text),
    Column("disabled", Boolean, nullable=False),
    Column("idp_initiated", Text, nullable=False),
    Column("sign_requests", Boolean, nullable=False),
    _instant("created_at"),
    UniqueConstraint("environment_id", "idp_id"),
    CheckConstraint("provisioning IN ('manual', 'jit', 'scim')", name="provisioning"),
)

connection_domains = Table(
    "connection_domains",
    metadata,
    _environment(),
    Column("domain", Key, nullable=False),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("workspace_id", Key, nullable=False),
    PrimaryKeyConstraint("environment_id", "domain"),
)

identity_links = Table(
    "identity_links",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("subject_key", Key, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_value", Text, nullable=False),
    _instant("created_at"),
    UniqueConstraint("connection_id", "subject_key"),
    UniqueConstraint("connection_id", "end_user_id"),
)

saml_requests = Table(
    "saml_requests",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    _environment(),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("browser_hash", Key, nullable=False),
    Column("return_to", Text, nullable=False),
    Column("typed_email", Text),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("used_at", nullable=True),
    Index(None, "expires_at"),
)

saml_assertions = Table(
    "saml_assertions",
    metadata,
    Column("assertion_key", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    _instant("expires_at"),
    Index(None, "expires_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("token_hash", Key, nullable=False, unique=True),
    Column("environment_id", Key, nullable=False),
    Column("end_user_id", Key, nullable=False),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), index=True),
    Column("link_id", Key, ForeignKey("identity_links.id", ondelete="CASCADE"), index=True),
    Column("method", Text, nullable=False),
    Column("session_index", Text),
    Column("authn_context", Text),
    _instant("authn_instant", nullable=True),
    _instant("created_at"),
    _instant("expires_at"),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    # A session can't outlive the access that it rests on.
    ForeignKeyConstraint(
        ["environment_id", "end_user_id"],
        ["environment_access.environment_id", "environment_access.end_user_id"],
        ondelete="CASCADE",
    ),
    Index(None, "environment_id", "end_user_id"),
    Index(None, "expires_at"),
)

knocks = Table(
    "knocks",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    _environment(),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("subject_key", Key, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_value", Text, nullable=False),
    Column("email", Text),
    Column("email_key", Key),
    Column("full_name", Text),
    Column("reason", Text, nullable=False),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), index=True),
    Column("attempts", Integer, nullable=False),
    _instant("first_at"),
    _instant("last_at"),
    UniqueConstraint("connection_id", "subject_key"),
    Index(None, "workspace_id", "last_at", "id"),
    Index(None, "environment_id"),
)

# No foreign keys: what happened stays true after the thing is gone. Triggers refuse UPDATE and DELETE.
activity = Table(
    "activity",
    metadata,
    Column("id", Key, primary_key=True),
    Column("workspace_id", Key, nullable=False),
    _instant("at"),
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
    Index(None, "workspace_id", "reference"),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key", Key, primary_key=True),
    Column("attempts", Integer, nullable=False),
    _instant("resets_at"),
    Index(None, "resets_at"),
)

saml_keys = Table(
    "saml_keys",
    metadata,
    Column("id", Key, primary_key=True),
    _workspace(),
    Column("use", Text, nullable=False),
    Column("sealed_private_key", Blob, nullable=False),
    Column("certificate", Blob, nullable=False),
    _instant("created_at"),
    _instant("retired_at", nullable=True),
    Index(None, "workspace_id", "use", "created_at"),
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
    _instant("created_at"),
    _instant("run_at"),
    _instant("leased_until", nullable=True),
    Index(None, "run_at"),
)
