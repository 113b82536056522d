"""Apps, and what they are granted for people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vestibule.storage.types import Instant, Json, Key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _apps()
    _app_groups()
    _app_hosts()
    _app_icons()
    _cookie_domains()
    _app_secrets()
    _jwt_keys()
    _oidc_requests()
    _oidc_grants()
    _oidc_codes()
    _oidc_refresh_tokens()
    _oidc_consents()
    _app_tries()
    _client_assertions()
    _app_sessions()
    _receipts()
    _forward_auth_sessions()
    _forward_auth_codes()
    _resource_apis()
    _app_apis()
    _registration_tokens()
    _app_registrations()
    _device_codes()


def _apps() -> None:
    op.create_table(
        "apps",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("icon", sa.String(), nullable=False),
        sa.Column("icon_digest", Key, nullable=True),
        sa.Column("launch_url", sa.String(), nullable=True),
        sa.Column("everyone", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("third_party", sa.Boolean(), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("oidc", Json, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_apps"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_apps_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_apps_workspace_id"),
        sa.UniqueConstraint("environment_id", "name_key", name="uq_apps_environment_id_name_key"),
        sa.UniqueConstraint("id", "environment_id", name="uq_apps_id_environment_id"),
        sa.CheckConstraint("kind IN ('oidc', 'forward_auth', 'link')", name="ck_apps_kind"),
    )


def _app_groups() -> None:
    op.create_table(
        "app_groups",
        sa.Column("app_id", Key, nullable=False),
        sa.Column("group_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "group_id", name="pk_app_groups"),
        sa.ForeignKeyConstraint(
            ["app_id", "environment_id"],
            ["apps.id", "apps.environment_id"],
            name="fk_app_groups_app_id_environment_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "environment_id"],
            ["groups.id", "groups.environment_id"],
            name="fk_app_groups_group_id_environment_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_app_groups_group_id", "app_groups", ["group_id"])


def _app_hosts() -> None:
    op.create_table(
        "app_hosts",
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("host", Key, nullable=False),
        sa.Column("app_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "host", name="pk_app_hosts"),
        sa.ForeignKeyConstraint(
            ["app_id", "environment_id"],
            ["apps.id", "apps.environment_id"],
            name="fk_app_hosts_app_id_environment_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_app_hosts_app_id", "app_hosts", ["app_id"])


def _app_icons() -> None:
    op.create_table(
        "app_icons",
        sa.Column("app_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="pk_app_icons"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_app_icons_app_id", ondelete="CASCADE"),
    )


def _cookie_domains() -> None:
    op.create_table(
        "cookie_domains",
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("domain", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "domain", name="pk_cookie_domains"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_cookie_domains_environment_id", ondelete="CASCADE"
        ),
    )


def _app_secrets() -> None:
    op.create_table(
        "app_secrets",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("app_id", Key, nullable=False),
        sa.Column("secret_hash", Key, nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_app_secrets"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_app_secrets_app_id", ondelete="CASCADE"),
    )
    op.create_index("ix_app_secrets_app_id", "app_secrets", ["app_id"])


def _jwt_keys() -> None:
    op.create_table(
        "jwt_keys",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("alg", sa.String(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        sa.Column("public_jwk", Json, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("active_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jwt_keys"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_jwt_keys_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_jwt_keys_workspace_id"),
    )
    op.create_index("ix_jwt_keys_ends_at", "jwt_keys", ["ends_at"])
    op.create_index("ix_jwt_keys_environment_id_alg_active_at", "jwt_keys", ["environment_id", "alg", "active_at"])


def _oidc_requests() -> None:
    op.create_table(
        "oidc_requests",
        sa.Column("handle_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("app_id", Key, nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("browser_hash", Key, nullable=True),
        sa.Column("pushed", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("handle_hash", name="pk_oidc_requests"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_oidc_requests_app_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_oidc_requests_environment_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_oidc_requests_app_id", "oidc_requests", ["app_id"])
    op.create_index("ix_oidc_requests_expires_at", "oidc_requests", ["expires_at"])


def _oidc_grants() -> None:
    op.create_table(
        "oidc_grants",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("app_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("session_id", Key, nullable=True),
        sa.Column("sid", Key, nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("resources", Json, nullable=False),
        sa.Column("nonce", sa.String(), nullable=True),
        sa.Column("auth", Json, nullable=False),
        sa.Column("actor", Json, nullable=True),
        sa.Column("parent_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_oidc_grants"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_oidc_grants_app_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["environment_id", "end_user_id"],
            ["environment_access.environment_id", "environment_access.end_user_id"],
            name="fk_oidc_grants_environment_id_end_user_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_oidc_grants_session_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["oidc_grants.id"], name="fk_oidc_grants_parent_id", ondelete="CASCADE"),
    )
    op.create_index("ix_oidc_grants_app_id", "oidc_grants", ["app_id"])
    op.create_index("ix_oidc_grants_environment_id_end_user_id", "oidc_grants", ["environment_id", "end_user_id"])
    op.create_index("ix_oidc_grants_expires_at", "oidc_grants", ["expires_at"])
    op.create_index("ix_oidc_grants_parent_id", "oidc_grants", ["parent_id"])
    op.create_index("ix_oidc_grants_session_id", "oidc_grants", ["session_id"])


def _oidc_codes() -> None:
    op.create_table(
        "oidc_codes",
        sa.Column("code_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("code_challenge", sa.String(), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="pk_oidc_codes"),
        sa.ForeignKeyConstraint(["grant_id"], ["oidc_grants.id"], name="fk_oidc_codes_grant_id", ondelete="CASCADE"),
    )
    op.create_index("ix_oidc_codes_expires_at", "oidc_codes", ["expires_at"])
    op.create_index("ix_oidc_codes_grant_id", "oidc_codes", ["grant_id"])


def _oidc_refresh_tokens() -> None:
    op.create_table(
        "oidc_refresh_tokens",
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_oidc_refresh_tokens"),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["oidc_grants.id"], name="fk_oidc_refresh_tokens_grant_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_oidc_refresh_tokens_expires_at", "oidc_refresh_tokens", ["expires_at"])
    op.create_index("ix_oidc_refresh_tokens_grant_id", "oidc_refresh_tokens", ["grant_id"])


def _oidc_consents() -> None:
    op.create_table(
        "oidc_consents",
        sa.Column("app_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "end_user_id", name="pk_oidc_consents"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_oidc_consents_app_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["environment_id", "end_user_id"],
            ["environment_access.environment_id", "environment_access.end_user_id"],
            name="fk_oidc_consents_environment_id_end_user_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_oidc_consents_environment_id_end_user_id", "oidc_consents", ["environment_id", "end_user_id"])


def _app_tries() -> None:
    op.create_table(
        "app_tries",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("app_id", Key, nullable=False),
        sa.Column("admin_session_id", Key, nullable=False),
        sa.Column("state_hash", Key, nullable=False),
        sa.Column("sealed_request", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_result", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("used_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_app_tries"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_app_tries_app_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["admin_session_id"], ["admin_sessions.id"], name="fk_app_tries_admin_session_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("state_hash", name="uq_app_tries_state_hash"),
    )
    op.create_index("ix_app_tries_admin_session_id", "app_tries", ["admin_session_id"])
    op.create_index("ix_app_tries_app_id", "app_tries", ["app_id"])
    op.create_index("ix_app_tries_expires_at", "app_tries", ["expires_at"])


def _client_assertions() -> None:
    op.create_table(
        "client_assertions",
        sa.Column("assertion_key", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("assertion_key", name="pk_client_assertions"),
    )
    op.create_index("ix_client_assertions_expires_at", "client_assertions", ["expires_at"])


def _app_sessions() -> None:
    op.create_table(
        "app_sessions",
        sa.Column("app_id", Key, nullable=False),
        sa.Column("session_id", Key, nullable=False),
        sa.Column("live_session_id", Key, nullable=True),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("sid", Key, nullable=False),
        sa.Column("sub", Key, nullable=False),
        sa.Column("began_at", Instant, nullable=False),
        sa.Column("ended_at", Instant, nullable=True),
        sa.Column("told_at", Instant, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant, nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("entry_id", Key, nullable=True),
        sa.PrimaryKeyConstraint("app_id", "session_id", name="pk_app_sessions"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_app_sessions_app_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["live_session_id"], ["sessions.id"], name="fk_app_sessions_live_session_id", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_app_sessions_end_user_id", "app_sessions", ["end_user_id"])
    op.create_index("ix_app_sessions_live_session_id_ended_at", "app_sessions", ["live_session_id", "ended_at"])
    op.create_index("ix_app_sessions_next_at", "app_sessions", ["next_at"])
    op.create_index("ix_app_sessions_ended_at", "app_sessions", ["ended_at"])
    op.create_index(
        "ix_app_sessions_live",
        "app_sessions",
        ["app_id", "end_user_id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("end_user_id", Key, nullable=False),
        sa.Column("entry_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("host_sessions", sa.Integer(), nullable=False),
        sa.Column("grants", Json, nullable=False),
        sa.PrimaryKeyConstraint("end_user_id", "entry_id", name="pk_receipts"),
        sa.ForeignKeyConstraint(["end_user_id"], ["end_users.id"], name="fk_receipts_end_user_id", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_receipts_at", "receipts", ["at"])


def _forward_auth_sessions() -> None:
    op.create_table(
        "forward_auth_sessions",
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("session_id", Key, nullable=False),
        sa.Column("host", Key, nullable=False),
        sa.Column("domain", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_forward_auth_sessions"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_forward_auth_sessions_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id", "domain"],
            ["cookie_domains.environment_id", "cookie_domains.domain"],
            name="fk_forward_auth_sessions_environment_id_domain",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_forward_auth_sessions_session_id", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_forward_auth_sessions_environment_id_domain", "forward_auth_sessions", ["environment_id", "domain"]
    )
    op.create_index("ix_forward_auth_sessions_session_id", "forward_auth_sessions", ["session_id"])


def _forward_auth_codes() -> None:
    op.create_table(
        "forward_auth_codes",
        sa.Column("code_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("session_id", Key, nullable=False),
        sa.Column("host", Key, nullable=False),
        sa.Column("browser_hash", Key, nullable=False),
        sa.Column("return_to", sa.String(), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_forward_auth_codes"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_forward_auth_codes_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_forward_auth_codes_session_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_forward_auth_codes_expires_at", "forward_auth_codes", ["expires_at"])
    op.create_index("ix_forward_auth_codes_session_id", "forward_auth_codes", ["session_id"])


def _resource_apis() -> None:
    op.create_table(
        "resource_apis",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("identifier", Key, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("app_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_resource_apis"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_resource_apis_workspace_id"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_resource_apis_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_resource_apis_app_id", ondelete="SET NULL"),
        sa.UniqueConstraint("environment_id", "identifier", name="uq_resource_apis_environment_id_identifier"),
        sa.UniqueConstraint("id", "environment_id", name="uq_resource_apis_id_environment_id"),
    )
    op.create_index("ix_resource_apis_app_id", "resource_apis", ["app_id"])


def _app_apis() -> None:
    op.create_table(
        "app_apis",
        sa.Column("app_id", Key, nullable=False),
        sa.Column("api_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.PrimaryKeyConstraint("app_id", "api_id", name="pk_app_apis"),
        sa.ForeignKeyConstraint(
            ["app_id", "environment_id"],
            ["apps.id", "apps.environment_id"],
            name="fk_app_apis_app_id_environment_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["api_id", "environment_id"],
            ["resource_apis.id", "resource_apis.environment_id"],
            name="fk_app_apis_api_id_environment_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_app_apis_api_id", "app_apis", ["api_id"])


def _registration_tokens() -> None:
    op.create_table(
        "registration_tokens",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registration_tokens"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_registration_tokens_workspace_id"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_registration_tokens_environment_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="uq_registration_tokens_token_hash"),
    )
    op.create_index("ix_registration_tokens_environment_id", "registration_tokens", ["environment_id"])
    op.create_index("ix_registration_tokens_expires_at", "registration_tokens", ["expires_at"])


def _app_registrations() -> None:
    op.create_table(
        "app_registrations",
        sa.Column("app_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("token_hash", Key, nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="pk_app_registrations"),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_app_registrations_app_id", ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash", name="uq_app_registrations_token_hash"),
    )


def _device_codes() -> None:
    op.create_table(
        "device_codes",
        sa.Column("code_hash", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=False),
        sa.Column("app_id", Key, nullable=False),
        sa.Column("user_code_hash", Key, nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("resources", Json, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("grant_id", Key, nullable=True),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("polled_at", Instant, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_device_codes"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_device_codes_environment_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], name="fk_device_codes_app_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["grant_id"], ["oidc_grants.id"], name="fk_device_codes_grant_id", ondelete="CASCADE"),
        sa.UniqueConstraint("environment_id", "user_code_hash", name="uq_device_codes_environment_id_user_code_hash"),
    )
    op.create_index("ix_device_codes_app_id", "device_codes", ["app_id"])
    op.create_index("ix_device_codes_expires_at", "device_codes", ["expires_at"])
    op.create_index("ix_device_codes_grant_id", "device_codes", ["grant_id"])
