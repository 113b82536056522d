"""First schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vestibule.storage.types import Instant, Json, Key

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _activity()
    _jobs()
    _saml_assertions()
    _throttles()
    _workspaces()
    _admins()
    _environments()
    _identity_providers()
    _saml_keys()
    _admin_sessions()
    _connections()
    _idp_certificates()
    _connection_domains()
    _end_users()
    _groups()
    _group_map()
    _saml_requests()
    _end_user_terms()
    _environment_access()
    _identity_links()
    _knocks()
    _one_time_links()
    _group_members()
    _logout_requests()
    _sessions()
    keep_activity()


def _activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", Key, nullable=True),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("action", Key, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", Key, nullable=True),
        sa.Column("subject_name", sa.String(), nullable=False),
        sa.Column("environment_id", Key, nullable=True),
        sa.Column("connection_id", Key, nullable=True),
        sa.Column("reference", Key, nullable=True),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
    )
    op.create_index("ix_activity_connection_id_action_id", "activity", ["connection_id", "action", "id"])
    op.create_index("ix_activity_workspace_id_action_id", "activity", ["workspace_id", "action", "id"])
    op.create_index("ix_activity_workspace_id_actor_id_id", "activity", ["workspace_id", "actor_id", "id"])
    op.create_index("ix_activity_workspace_id_environment_id_id", "activity", ["workspace_id", "environment_id", "id"])
    op.create_index("ix_activity_workspace_id_id", "activity", ["workspace_id", "id"])
    op.create_index("ix_activity_workspace_id_outcome_id", "activity", ["workspace_id", "outcome", "id"])
    op.create_index(
        "ix_activity_workspace_id_reference_id",
        "activity",
        ["workspace_id", "reference", "id"],
        sqlite_where=sa.text("reference IS NOT NULL"),
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
    op.create_index("ix_activity_workspace_id_subject_id_id", "activity", ["workspace_id", "subject_id", "id"])
    op.create_index(
        "ix_activity_workspace_id_subject_name_id",
        "activity",
        ["workspace_id", "subject_name", "id"],
        sqlite_where=sa.text("outcome = 'refused'"),
        postgresql_where=sa.text("outcome = 'refused'"),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("run_at", Instant, nullable=False),
        sa.Column("leased_until", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_run_at", "jobs", ["run_at"])


def _saml_assertions() -> None:
    op.create_table(
        "saml_assertions",
        sa.Column("assertion_key", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("assertion_key", name="pk_saml_assertions"),
    )
    op.create_index("ix_saml_assertions_expires_at", "saml_assertions", ["expires_at"])


def _throttles() -> None:
    op.create_table(
        "throttles",
        sa.Column("key", Key, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("resets_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_throttles"),
    )
    op.create_index("ix_throttles_resets_at", "throttles", ["resets_at"])


def _workspaces() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("help_contact", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workspaces"),
    )


def _admins() -> None:
    op.create_table(
        "admins",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_sign_in_at", Instant, nullable=True),
        sa.CheckConstraint("role IN ('owner', 'admin', 'support', 'auditor')", name="ck_admins_role"),
        sa.CheckConstraint("status IN ('invited', 'active')", name="ck_admins_status"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_admins_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_admins"),
        sa.UniqueConstraint("email_key", name="uq_admins_email_key"),
    )
    op.create_index("ix_admins_workspace_id_name", "admins", ["workspace_id", "name"])


def _environments() -> None:
    op.create_table(
        "environments",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("saml_enabled", sa.Boolean(), nullable=False),
        sa.Column("session_ttl_seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("session_ttl_seconds > 0", name="ck_environments_session_ttl"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_environments_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_environments"),
        sa.UniqueConstraint("key", name="uq_environments_key"),
        sa.UniqueConstraint("workspace_id", "name_key", name="uq_environments_workspace_id_name_key"),
    )


def _identity_providers() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("vendor", sa.String(), nullable=False),
        sa.Column("entity_id", sa.String(), nullable=True),
        sa.Column("sso_redirect_url", sa.String(), nullable=True),
        sa.Column("sso_post_url", sa.String(), nullable=True),
        sa.Column("slo_redirect_url", sa.String(), nullable=True),
        sa.Column("slo_redirect_response_url", sa.String(), nullable=True),
        sa.Column("slo_post_url", sa.String(), nullable=True),
        sa.Column("slo_post_response_url", sa.String(), nullable=True),
        sa.Column("metadata_url", sa.String(), nullable=True),
        sa.Column("metadata_certificate", sa.LargeBinary(), nullable=True),
        sa.Column("metadata_read_at", Instant, nullable=True),
        sa.Column("wants_signed_requests", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_identity_providers_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_identity_providers"),
        sa.UniqueConstraint("workspace_id", "name_key", name="uq_identity_providers_workspace_id_name_key"),
    )


def _saml_keys() -> None:
    op.create_table(
        "saml_keys",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("active_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=True),
        sa.CheckConstraint("use IN ('signing', 'encryption')", name="ck_saml_keys_use"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_saml_keys_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saml_keys"),
    )
    op.create_index("ix_saml_keys_ends_at", "saml_keys", ["ends_at"])
    op.create_index("ix_saml_keys_workspace_id_active_at", "saml_keys", ["workspace_id", "active_at"])


def _admin_sessions() -> None:
    op.create_table(
        "admin_sessions",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("admin_id", Key, nullable=False),
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("last_seen_at", Instant, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admins.id"], name="fk_admin_sessions_admin_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_admin_sessions_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_admin_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_admin_sessions_token_hash"),
    )
    op.create_index("ix_admin_sessions_admin_id", "admin_sessions", ["admin_id"])
    op.create_index("ix_admin_sessions_expires_at", "admin_sessions", ["expires_at"])


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("idp_id", Key, nullable=False),
        sa.Column("all_domains", sa.Boolean(), nullable=False),
        sa.Column("provisioning", sa.String(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("idp_initiated", sa.String(), nullable=False),
        sa.Column("sign_requests", sa.Boolean(), nullable=False),
        sa.Column("logs_out_at_idp", sa.Boolean(), nullable=False),
        sa.Column("allow_cbc", sa.Boolean(), nullable=False),
        sa.Column("refuse_expired", sa.Boolean(), nullable=False),
        sa.Column("force_authn", sa.Boolean(), nullable=False),
        sa.Column("name_id_format", sa.String(), nullable=True),
        sa.Column("allow_create", sa.Boolean(), nullable=False),
        sa.Column("authn_context_comparison", sa.String(), nullable=False),
        sa.Column("authn_context_classes", Json, nullable=False),
        sa.Column("attribute_mapping", Json, nullable=False),
        sa.Column("group_syncing", sa.Boolean(), nullable=False),
        sa.Column("groups_by", sa.String(), nullable=False),
        sa.Column("unknown_groups", sa.String(), nullable=False),
        sa.Column("keep_in_sync", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("provisioning IN ('manual', 'jit', 'scim')", name="ck_connections_provisioning"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_connections_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["idp_id"], ["identity_providers.id"], name="fk_connections_idp_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_connections_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sa.UniqueConstraint("environment_id", "idp_id", name="uq_connections_environment_id_idp_id"),
    )
    op.create_index("ix_connections_idp_id", "connections", ["idp_id"])


def _idp_certificates() -> None:
    op.create_table(
        "idp_certificates",
        sa.Column("idp_id", Key, nullable=False),
        sa.Column("fingerprint", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("not_before", Instant, nullable=False),
        sa.Column("not_after", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["idp_id"], ["identity_providers.id"], name="fk_idp_certificates_idp_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("idp_id", "fingerprint", name="pk_idp_certificates"),
    )


def _connection_domains() -> None:
    op.create_table(
        "connection_domains",
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("domain", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_connection_domains_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_connection_domains_environment_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("environment_id", "domain", name="pk_connection_domains"),
    )
    op.create_index("ix_connection_domains_connection_id", "connection_domains", ["connection_id"])


def _end_users() -> None:
    op.create_table(
        "end_users",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", Key, nullable=False),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_connection_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("last_sign_in_at", Instant, nullable=True),
        sa.CheckConstraint("status IN ('invited', 'active', 'deactivated')", name="ck_end_users_status"),
        sa.ForeignKeyConstraint(
            ["source_connection_id"], ["connections.id"], name="fk_end_users_source_connection_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_end_users_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_end_users"),
        sa.UniqueConstraint("workspace_id", "email_key", name="uq_end_users_workspace_id_email_key"),
    )
    op.create_index("ix_end_users_workspace_id_name_key_id", "end_users", ["workspace_id", "name_key", "id"])
    op.create_index(
        "ix_end_users_workspace_id_source_name_key_id", "end_users", ["workspace_id", "source", "name_key", "id"]
    )
    op.create_index(
        "ix_end_users_workspace_id_status_name_key_id", "end_users", ["workspace_id", "status", "name_key", "id"]
    )


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_connection_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_groups_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_connection_id"], ["connections.id"], name="fk_groups_source_connection_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_groups_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("environment_id", "name_key", name="uq_groups_environment_id_name_key"),
        sa.UniqueConstraint("id", "environment_id", name="uq_groups_id_environment_id"),
    )


def _group_map() -> None:
    op.create_table(
        "group_map",
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("value_key", Key, nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("group_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_group_map_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_group_map_group_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", "value_key", name="pk_group_map"),
    )
    op.create_index("ix_group_map_group_id", "group_map", ["group_id"])


def _saml_requests() -> None:
    op.create_table(
        "saml_requests",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("browser_hash", Key, nullable=False),
        sa.Column("return_to", sa.String(), nullable=False),
        sa.Column("typed_email", sa.String(), nullable=True),
        sa.Column("admin_session_id", Key, nullable=True),
        sa.Column("test_values", sa.LargeBinary(), nullable=True),
        sa.Column("test_result", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["admin_session_id"],
            ["admin_sessions.id"],
            name="fk_saml_requests_admin_session_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_saml_requests_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_saml_requests_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_saml_requests_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_saml_requests"),
    )
    op.create_index("ix_saml_requests_admin_session_id", "saml_requests", ["admin_session_id"])
    op.create_index("ix_saml_requests_connection_id", "saml_requests", ["connection_id"])
    op.create_index("ix_saml_requests_expires_at", "saml_requests", ["expires_at"])


def _end_user_terms() -> None:
    op.create_table(
        "end_user_terms",
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("term", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name="fk_end_user_terms_end_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("end_user_id", "term", name="pk_end_user_terms"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_end_user_terms_workspace_id_term_name_key_end_user_id",
        "end_user_terms",
        ["workspace_id", "term", "name_key", "end_user_id"],
    )


def _environment_access() -> None:
    op.create_table(
        "environment_access",
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_connection_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name="fk_environment_access_end_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_environment_access_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["source_connection_id"],
            ["connections.id"],
            name="fk_environment_access_source_connection_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("environment_id", "end_user_id", name="pk_environment_access"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_environment_access_end_user_id", "environment_access", ["end_user_id"])
    op.create_index(
        "ix_environment_access_environment_id_name_key_end_user_id",
        "environment_access",
        ["environment_id", "name_key", "end_user_id"],
    )


def _identity_links() -> None:
    op.create_table(
        "identity_links",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("subject_key", Key, nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_value", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_identity_links_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name="fk_identity_links_end_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_identity_links_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_identity_links"),
        sa.UniqueConstraint("connection_id", "end_user_id", name="uq_identity_links_connection_id_end_user_id"),
        sa.UniqueConstraint("connection_id", "subject_key", name="uq_identity_links_connection_id_subject_key"),
    )
    op.create_index("ix_identity_links_end_user_id", "identity_links", ["end_user_id"])


def _knocks() -> None:
    op.create_table(
        "knocks",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("subject_key", Key, nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_value", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("email_key", Key, nullable=True),
        sa.Column("full_name", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("end_user_id", Key, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", Instant, nullable=False),
        sa.Column("last_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_knocks_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["end_user_id"], ["end_users.id"], name="fk_knocks_end_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_knocks_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_knocks_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_knocks"),
        sa.UniqueConstraint("connection_id", "subject_key", name="uq_knocks_connection_id_subject_key"),
    )
    op.create_index("ix_knocks_end_user_id", "knocks", ["end_user_id"])
    op.create_index("ix_knocks_environment_id", "knocks", ["environment_id"])
    op.create_index("ix_knocks_workspace_id_last_at_id", "knocks", ["workspace_id", "last_at", "id"])


def _one_time_links() -> None:
    op.create_table(
        "one_time_links",
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("admin_id", Key, nullable=True),
        sa.Column("end_user_id", Key, nullable=True),
        sa.Column("environment_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["admin_id"], ["admins.id"], name="fk_one_time_links_admin_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name="fk_one_time_links_end_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_one_time_links_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_one_time_links_workspace_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_one_time_links"),
    )
    op.create_index("ix_one_time_links_admin_id", "one_time_links", ["admin_id"])
    op.create_index("ix_one_time_links_end_user_id", "one_time_links", ["end_user_id"])
    op.create_index("ix_one_time_links_expires_at", "one_time_links", ["expires_at"])


def _group_members() -> None:
    op.create_table(
        "group_members",
        sa.Column("group_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_connection_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id", "end_user_id"],
            ["environment_access.environment_id", "environment_access.end_user_id"],
            name="fk_group_members_environment_id_end_user_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "environment_id"],
            ["groups.id", "groups.environment_id"],
            name="fk_group_members_group_id_environment_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["source_connection_id"],
            ["connections.id"],
            name="fk_group_members_source_connection_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("group_id", "end_user_id", name="pk_group_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_members_environment_id_end_user_id", "group_members", ["environment_id", "end_user_id"])
    op.create_index(
        "ix_group_members_group_id_name_key_end_user_id", "group_members", ["group_id", "name_key", "end_user_id"]
    )


def _logout_requests() -> None:
    op.create_table(
        "logout_requests",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("browser_hash", Key, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.Column("app_id", Key, nullable=True),
        sa.Column("app_name", sa.String(), nullable=True),
        sa.Column("registered_uri", sa.String(), nullable=True),
        sa.Column("back_to", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_logout_requests_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name="fk_logout_requests_end_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_logout_requests_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_logout_requests_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_logout_requests"),
    )
    op.create_index("ix_logout_requests_connection_id", "logout_requests", ["connection_id"])
    op.create_index("ix_logout_requests_end_user_id", "logout_requests", ["end_user_id"])
    op.create_index("ix_logout_requests_expires_at", "logout_requests", ["expires_at"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=True),
        sa.Column("link_id", Key, nullable=True),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("name_key", Key, nullable=True),
        sa.Column("name_id", sa.String(), nullable=True),
        sa.Column("name_id_format", sa.String(), nullable=True),
        sa.Column("name_qualifier", sa.String(), nullable=True),
        sa.Column("sp_name_qualifier", sa.String(), nullable=True),
        sa.Column("session_index", sa.String(), nullable=True),
        sa.Column("authn_context", sa.String(), nullable=True),
        sa.Column("authn_instant", Instant, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_sessions_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id", "end_user_id"],
            ["environment_access.environment_id", "environment_access.end_user_id"],
            name="fk_sessions_environment_id_end_user_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["link_id"], ["identity_links.id"], name="fk_sessions_link_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_sessions_workspace_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
    )
    op.create_index("ix_sessions_connection_id_name_key", "sessions", ["connection_id", "name_key"])
    op.create_index("ix_sessions_environment_id_end_user_id", "sessions", ["environment_id", "end_user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_link_id", "sessions", ["link_id"])


def keep_activity() -> None:
    """Make activity append-only in the database itself, whoever connects to it."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER activity_no_{verb.lower()} BEFORE {verb} ON activity "
                "BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END"
            )
        # REPLACE deletes what stands in its way without a word to the trigger above.
        op.execute(
            "CREATE TRIGGER activity_no_replace BEFORE INSERT ON activity "
            "WHEN EXISTS (SELECT 1 FROM activity WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION activity_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'activity is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER activity_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activity "
        "FOR EACH STATEMENT EXECUTE FUNCTION activity_is_append_only()"
    )
