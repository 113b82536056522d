"""End users, where they may enter, and the groups they are in."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from vestibule.storage.tables.base import by_connection, environment, instant, metadata, source, workspace
from vestibule.storage.types import Key, Text

end_users = Table(
    "end_users",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("status", Text, nullable=False),
    Column("password_hash", Text),
    source(),
    by_connection(),
    instant("created_at"),
    instant("updated_at"),
    instant("last_sign_in_at", nullable=True),
    UniqueConstraint("workspace_id", "email_key"),
    CheckConstraint("status IN ('invited', 'active', 'deactivated')", name="status"),
    Index(None, "workspace_id", "name_key", "id"),
    Index(None, "workspace_id", "status", "name_key", "id"),
    Index(None, "workspace_id", "source", "name_key", "id"),
)

# The words a person is found under; see the decision record on search. `name_key` is repeated here, as in the two
# tables below, so that each filter of the list can be read in the list's order from one index.
# Without a rowid, here and wherever a table of small rows is reached by its key: on SQLite key and row are one tree, not two.
end_user_terms = Table(
    "end_user_terms",
    metadata,
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False),
    Column("term", Key, nullable=False),
    Column("workspace_id", Key, nullable=False),
    Column("name_key", Key, nullable=False),
    PrimaryKeyConstraint("end_user_id", "term"),
    Index(None, "workspace_id", "term", "name_key", "end_user_id"),
    sqlite_with_rowid=False,
)

environment_access = Table(
    "environment_access",
    metadata,
    environment(),
    Column("end_user_id", Key, ForeignKey("end_users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("workspace_id", Key, nullable=False),
    Column("name_key", Key, nullable=False),
    source(),
    by_connection(),
    instant("created_at"),
    PrimaryKeyConstraint("environment_id", "end_user_id"),
    Index(None, "environment_id", "name_key", "end_user_id"),
    sqlite_with_rowid=False,
)

groups = Table(
    "groups",
    metadata,
    Column("id", Key, primary_key=True),
    workspace(),
    environment(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False),
    Column("built_in", Boolean, nullable=False),
    source(),
    by_connection(),
    instant("created_at"),
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
    source(),
    by_connection(),
    instant("created_at"),
    PrimaryKeyConstraint("group_id", "end_user_id"),
    ForeignKeyConstraint(["group_id", "environment_id"], ["groups.id", "groups.environment_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["environment_id", "end_user_id"],
        ["environment_access.environment_id", "environment_access.end_user_id"],
        ondelete="CASCADE",
    ),
    Index(None, "group_id", "name_key", "end_user_id"),
    Index(None, "environment_id", "end_user_id"),
    sqlite_with_rowid=False,
)
