"""What directories push over SCIM."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vestibule.storage.types import Instant, Json, Key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _scim_directories()
    _scim_tokens()
    _scim_users()
    _scim_user_emails()
    _scim_groups()
    _scim_members()
    _scim_departures()
    _scim_events()


def _scim_directories() -> None:
    op.create_table(
        "scim_directories",
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("most_people", sa.Integer(), nullable=False),
        sa.Column("most_percent", sa.Integer(), nullable=False),
        sa.Column("held_at", Instant, nullable=True),
        sa.Column("let_through_until", Instant, nullable=True),
        sa.Column("last_contact_at", Instant, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_scim_directories"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_scim_directories_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scim_directories_workspace_id"),
        sa.CheckConstraint("most_people > 0 AND most_percent > 0", name="ck_scim_directories_stop_line"),
    )


def _scim_tokens() -> None:
    op.create_table(
        "scim_tokens",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_scim_tokens"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_scim_tokens_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scim_tokens_workspace_id"),
        sa.UniqueConstraint("connection_id", "slot", name="uq_scim_tokens_connection_id_slot"),
        sa.UniqueConstraint("token_hash", name="uq_scim_tokens_token_hash"),
        sa.CheckConstraint("slot IN (1, 2)", name="ck_scim_tokens_slot"),
    )


def _scim_users() -> None:
    op.create_table(
        "scim_users",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("end_user_id", Key, nullable=True),
        sa.Column("external_id", Key, nullable=True),
        sa.Column("user_name", sa.String(), nullable=False),
        sa.Column("user_name_key", Key, nullable=True),
        sa.Column("display_key", Key, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("attributes", Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_modified_at", Instant, nullable=False),
        sa.Column("deleted_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_scim_users"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_scim_users_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["end_user_id"], ["end_users.id"], name="fk_scim_users_end_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scim_users_workspace_id"),
        sa.UniqueConstraint("end_user_id", "connection_id", name="uq_scim_users_end_user_id_connection_id"),
        sa.UniqueConstraint("connection_id", "user_name_key", name="uq_scim_users_connection_id_user_name_key"),
    )
    op.create_index("ix_scim_users_connection_id_display_key_id", "scim_users", ["connection_id", "display_key", "id"])
    op.create_index("ix_scim_users_connection_id_external_id", "scim_users", ["connection_id", "external_id"])
    there = sa.text("deleted_at IS NULL")
    op.create_index(
        "ix_scim_users_connection_id_id",
        "scim_users",
        ["connection_id", "id"],
        sqlite_where=there,
        postgresql_where=there,
    )
    op.create_index(
        "ix_scim_users_connection_id_last_modified_at_id", "scim_users", ["connection_id", "last_modified_at", "id"]
    )


def _scim_user_emails() -> None:
    op.create_table(
        "scim_user_emails",
        sa.Column("scim_user_id", Key, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("value_key", Key, nullable=False),
        sa.PrimaryKeyConstraint("scim_user_id", "position", name="pk_scim_user_emails"),
        sa.ForeignKeyConstraint(
            ["scim_user_id"], ["scim_users.id"], name="fk_scim_user_emails_scim_user_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scim_user_emails_connection_id_value_key", "scim_user_emails", ["connection_id", "value_key"])


def _scim_groups() -> None:
    op.create_table(
        "scim_groups",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("group_id", Key, nullable=False),
        sa.Column("clashes_with", Key, nullable=True),
        sa.Column("external_id", Key, nullable=True),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("display_key", Key, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_modified_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scim_groups"),
        sa.ForeignKeyConstraint(
            ["clashes_with"], ["groups.id"], name="fk_scim_groups_clashes_with", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_scim_groups_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_scim_groups_group_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scim_groups_workspace_id"),
        sa.UniqueConstraint("group_id", name="uq_scim_groups_group_id"),
    )
    op.create_index("ix_scim_groups_clashes_with", "scim_groups", ["clashes_with"])
    op.create_index(
        "ix_scim_groups_connection_id_display_key_id", "scim_groups", ["connection_id", "display_key", "id"]
    )
    op.create_index("ix_scim_groups_connection_id_external_id", "scim_groups", ["connection_id", "external_id"])
    op.create_index("ix_scim_groups_connection_id_id", "scim_groups", ["connection_id", "id"])
    op.create_index(
        "ix_scim_groups_connection_id_last_modified_at_id", "scim_groups", ["connection_id", "last_modified_at", "id"]
    )


def _scim_members() -> None:
    op.create_table(
        "scim_members",
        sa.Column("scim_group_id", Key, nullable=False),
        sa.Column("value", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("scim_user_id", Key, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("scim_group_id", "value", name="pk_scim_members"),
        sa.ForeignKeyConstraint(
            ["scim_group_id"], ["scim_groups.id"], name="fk_scim_members_scim_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scim_user_id"], ["scim_users.id"], name="fk_scim_members_scim_user_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scim_members_connection_id_value", "scim_members", ["connection_id", "value"])
    op.create_index("ix_scim_members_scim_user_id", "scim_members", ["scim_user_id"])


def _scim_departures() -> None:
    op.create_table(
        "scim_departures",
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("scim_user_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("counts_until", Instant, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "scim_user_id", name="pk_scim_departures"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_scim_departures_connection_id", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_scim_departures_counts_until", "scim_departures", ["counts_until"])


def _scim_events() -> None:
    op.create_table(
        "scim_events",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("connection_id", Key, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("scim_type", sa.String(), nullable=True),
        sa.Column("resource_id", Key, nullable=True),
        sa.Column("resource_name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("sent", sa.String(), nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scim_events"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_scim_events_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_scim_events_workspace_id"),
    )
    op.create_index("ix_scim_events_connection_id_id", "scim_events", ["connection_id", "id"])
    op.create_index("ix_scim_events_expires_at", "scim_events", ["expires_at"])
