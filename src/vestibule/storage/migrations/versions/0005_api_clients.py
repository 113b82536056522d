"""API clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vestibule.storage.types import Instant, Json, Key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_clients",
        sa.Column("id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("environment_id", Key, nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", Key, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_clients"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_api_clients_workspace_id"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_api_clients_environment_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="uq_api_clients_token_hash"),
    )
    op.create_index("ix_api_clients_environment_id", "api_clients", ["environment_id"])
    op.create_index("ix_api_clients_workspace_id_id", "api_clients", ["workspace_id", "id"])
