"""How a person stands in an environment: what the question of who may enter is decided by."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, bindparam, exists, func, select

from vestibule.directory.entry import Standing
from vestibule.directory.workspaces import Environment
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import end_users, environment_access, group_members
from vestibule.storage.types import Key

_HERE: Final[ColumnElement[str]] = bindparam("environment_id", type_=Key)
_GROUPS: Final = (
    select(func.aggregate_strings(group_members.c.group_id, ","))
    .where(group_members.c.environment_id == _HERE, group_members.c.end_user_id == end_users.c.id)
    .correlate(end_users)
    .scalar_subquery()
)
_ACCESS: Final = exists().where(
    environment_access.c.environment_id == _HERE, environment_access.c.end_user_id == end_users.c.id
)
_FIND: Final = Prepared(
    select(*COLUMNS, _ACCESS.label("has_access"), _GROUPS.label("group_ids")).where(
        end_users.c.workspace_id == bindparam("workspace_id"), end_users.c.id == bindparam("end_user_id")
    )
)


def find_standing(tx: Transaction, environment: Environment, end_user_id: str) -> Standing | None:
    """Return how a person of the environment's workspace stands there, or None for nobody. One statement."""
    wanted = {
        "workspace_id": environment.workspace_id,
        "environment_id": environment.id,
        "end_user_id": end_user_id,
    }
    for row in _FIND.rows(tx, wanted):
        groups = frozenset(row.group_ids.split(",")) if row.group_ids else frozenset[str]()
        return Standing(to_end_user(row), environment, bool(row.has_access), groups)
    return None
