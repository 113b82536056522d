"""The metadata, its naming convention, and the columns that many tables have."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, MetaData

from vestibule.storage.types import Instant, Key, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def workspace() -> Column[Any]:
    """Return the column for the workspace that a row belongs to."""
    return Column("workspace_id", Key, ForeignKey("workspaces.id"), nullable=False)


def environment(**options: Any) -> Column[Any]:
    """Return the column for the environment that a row belongs to."""
    return Column("environment_id", Key, ForeignKey("environments.id", ondelete="CASCADE"), nullable=False, **options)


def in_environment(column: str, table: str) -> ForeignKeyConstraint:
    """Return the reference by a column to a row of the same environment, with which the row goes."""
    return ForeignKeyConstraint(
        [column, "environment_id"], [f"{table}.id", f"{table}.environment_id"], ondelete="CASCADE"
    )


def source() -> Column[Any]:
    """Return the column for where a row came from."""
    return Column("source", Text, nullable=False)


def by_connection() -> Column[Any]:
    """Return the column for the connection that a row came from."""
    return Column("source_connection_id", Key, ForeignKey("connections.id", ondelete="SET NULL"))


def instant(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return the column for an instant."""
    return Column(name, Instant, nullable=nullable)
