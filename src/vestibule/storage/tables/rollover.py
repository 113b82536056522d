"""Metadata read again and again: when it is due, what it says by now that nobody agreed to, and which ends were announced."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from vestibule.storage.tables.base import instant, metadata
from vestibule.storage.types import Json, Key, Text


def _idp(*, primary_key: bool = False) -> Column[str]:
    idp = ForeignKey("identity_providers.id", ondelete="CASCADE")
    return Column("idp_id", Key, idp, nullable=False, primary_key=primary_key)


# An IdP without a row here was never read by itself: it is due. `asked_at` is when a sign-in last had it read at once,
# `answered_at` when that reading was over.
metadata_readings = Table(
    "metadata_readings",
    metadata,
    _idp(primary_key=True),
    Column("workspace_id", Key, nullable=False),
    Column("applies_changes", Boolean, nullable=False),
    instant("due_at"),
    Column("failures", Integer, nullable=False),
    Column("failure", Text),
    instant("failing_since", nullable=True),
    instant("asked_at", nullable=True),
    instant("answered_at", nullable=True),
    Index(None, "due_at"),
)

# One at a time: what was read last. A dismissed one stays, so that the same is not asked twice.
metadata_changes = Table(
    "metadata_changes",
    metadata,
    _idp(primary_key=True),
    Column("workspace_id", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("found", Json, nullable=False),
    Column("dismissed", Boolean, nullable=False),
    instant("found_at"),
)

# The same about the certificates of our own keys.
saml_key_letters = Table(
    "saml_key_letters",
    metadata,
    Column("key_id", Key, ForeignKey("saml_keys.id", ondelete="CASCADE"), nullable=False),
    Column("days", Integer, nullable=False),
    Column("workspace_id", Key, nullable=False),
    instant("written_at"),
    PrimaryKeyConstraint("key_id", "days"),
)

# Which letters about the end of a certificate were written: one for each number of days before.
certificate_letters = Table(
    "certificate_letters",
    metadata,
    _idp(),
    Column("fingerprint", Key, nullable=False),
    Column("days", Integer, nullable=False),
    Column("workspace_id", Key, nullable=False),
    instant("written_at"),
    PrimaryKeyConstraint("idp_id", "fingerprint", "days"),
)
