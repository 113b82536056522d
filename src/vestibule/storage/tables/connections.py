"""Identity providers, connections, and the links between their subjects and end users."""

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
)

from vestibule.storage.tables.base import environment, instant, metadata, workspace
from vestibule.storage.types import Blob, Json, Key, Text

identity_providers = Table(
    "identity_providers",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("entity_id", Text),
    Column("sso_redirect_url", Text),
    Column("sso_post_url", Text),
    Column("slo_redirect_url", Text),
    Column("slo_redirect_response_url", Text),
    Column("slo_post_url", Text),
    Column("slo_post_response_url", Text),
    Column("metadata_url", Text),
    Column("metadata_certificate", Blob),
    instant("metadata_read_at", nullable=True),
    Column("wants_signed_requests", Boolean, nullable=False),
    instant("created_at"),
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
    instant("not_before"),
    instant("not_after"),
    PrimaryKeyConstraint("idp_id", "fingerprint"),
)

connections = Table(
    "connections",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("idp_id", Key, ForeignKey("identity_providers.id"), nullable=False, index=True),
    Column("all_domains", Boolean, nullable=False),
    Column("provisioning", Text),
    Column("disabled", Boolean, nullable=False),
    Column("idp_initiated", Text, nullable=False),
    Column("sign_requests", Boolean, nullable=False),
    Column("logs_out_at_idp", Boolean, nullable=False),
    Column("allow_cbc", Boolean, nullable=False),
    Column("refuse_expired", Boolean, nullable=False),
    Column("force_authn", Boolean, nullable=False),
    Column("name_id_format", Text),
    Column("allow_create", Boolean, nullable=False),
    Column("authn_context_comparison", Text, nullable=False),
    Column("authn_context_classes", Json, nullable=False),
    Column("attribute_mapping", Json, nullable=False),
    Column("group_syncing", Boolean, nullable=False),
    Column("groups_by", Text, nullable=False),
    Column("unknown_groups", Text, nullable=False),
    Column("keep_in_sync", Boolean, nullable=False),
    instant("created_at"),
    UniqueConstraint("environment_id", "idp_id"),
    CheckConstraint("provisioning IN ('manual', 'jit', 'scim')", name="provisioning"),
)

# The value that an IdP sends for a group, and the group here.
group_map = Table(
    "group_map",
    metadata,
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("value_key", Key, nullable=False),
    Column("value", Text, nullable=False),
    Column("group_id", Key, ForeignKey("groups.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("workspace_id", Key, nullable=False),
    PrimaryKeyConstraint("connection_id", "value_key"),
)

connection_domains = Table(
    "connection_domains",
    metadata,
    environment(),
    Column("domain", Key, nullable=False),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("workspace_id", Key, nullable=False),
    PrimaryKeyConstraint("environment_id", "domain"),
)

identity_links = Table(
    "identity_links",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("connection_id", Key, ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("subject_key", Key, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_value", Text, nullable=False),
    instant("created_at"),
    UniqueConstraint("connection_id", "subject_key"),
    UniqueConstraint("connection_id", "end_user_id"),
)

saml_keys = Table(
    "saml_keys",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("use", Text, nullable=False),
    Column("sealed_private_key", Blob, nullable=False),
    Column("certificate", Blob, nullable=False),
    instant("created_at"),
    instant("active_at"),
    instant("ends_at", nullable=True),
    CheckConstraint("use IN ('signing', 'encryption')", name="use"),
    Index(None, "workspace_id", "active_at"),
    Index(None, "ends_at"),
)

knocks = Table(
    "knocks",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
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
    instant("first_at"),
    instant("last_at"),
    UniqueConstraint("connection_id", "subject_key"),
    Index(None, "workspace_id", "last_at", "id"),
    Index(None, "environment_id"),
)
