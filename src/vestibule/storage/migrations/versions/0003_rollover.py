"""Metadata read again and again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vestibule.storage.types import Instant, Json, Key

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _metadata_readings()
    _metadata_changes()
    _certificate_letters()
    _saml_key_letters()


def _metadata_readings() -> None:
    op.create_table(
        "metadata_readings",
        sa.Column("idp_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("applies_changes", sa.Boolean(), nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("failing_since", Instant, nullable=True),
        sa.Column("asked_at", Instant, nullable=True),
        sa.Column("answered_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("idp_id", name="pk_metadata_readings"),
        sa.ForeignKeyConstraint(
            ["idp_id"], ["identity_providers.id"], name="fk_metadata_readings_idp_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_metadata_readings_due_at", "metadata_readings", ["due_at"])


def _metadata_changes() -> None:
    op.create_table(
        "metadata_changes",
        sa.Column("idp_id", Key, nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("found", Json, nullable=False),
        sa.Column("dismissed", sa.Boolean(), nullable=False),
        sa.Column("found_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("idp_id", name="pk_metadata_changes"),
        sa.ForeignKeyConstraint(
            ["idp_id"], ["identity_providers.id"], name="fk_metadata_changes_idp_id", ondelete="CASCADE"
        ),
    )


def _certificate_letters() -> None:
    op.create_table(
        "certificate_letters",
        sa.Column("idp_id", Key, nullable=False),
        sa.Column("fingerprint", Key, nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("idp_id", "fingerprint", "days", name="pk_certificate_letters"),
        sa.ForeignKeyConstraint(
            ["idp_id"], ["identity_providers.id"], name="fk_certificate_letters_idp_id", ondelete="CASCADE"
        ),
    )


def _saml_key_letters() -> None:
    op.create_table(
        "saml_key_letters",
        sa.Column("key_id", Key, nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("workspace_id", Key, nullable=False),
        sa.Column("written_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "days", name="pk_saml_key_letters"),
        sa.ForeignKeyConstraint(["key_id"], ["saml_keys.id"], name="fk_saml_key_letters_key_id", ondelete="CASCADE"),
    )
