"""How a person stands in an environment: what the question of who may enter is decided by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, exists, func, select

from vestibule.directory.entry import Standing
from vestibule.directory.sessions import Session
from vestibule.directory.workspaces import Environment
from vestibule.storage.access import GROUP_NAMES, names_by_id
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.prepared import Prepared, rows_together
from vestibule.storage.sessions import LIVE, WHOLE, to_session
from vestibule.storage.tables import end_users, environment_access, group_members, sessions
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

_IN_SESSION: Final = Prepared(
    WHOLE.add_columns(
        exists()
        .where(
            environment_access.c.environment_id == sessions.c.environment_id,
            environment_access.c.end_user_id == sessions.c.end_user_id,
        )
        .correlate(sessions)
        .label("has_access"),
        select(func.aggregate_strings(group_members.c.group_id, ","))
        .where(
            group_members.c.environment_id == sessions.c.environment_id,
            group_members.c.end_user_id == sessions.c.end_user_id,
        )
        .correlate(sessions)
        .scalar_subquery()
        .label("group_ids"),
    ).where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.environment_id == bindparam("environment_id"),
        sessions.c.expires_at > bindparam("now"),
        LIVE,
    )
)


def find_standing(
    tx: Transaction, environment: Environment, end_user_id: str, *, named: bool = False
) -> Standing | None:
    """Return how a person of the environment's workspace stands there, or None for nobody.

    One statement, and with `named` one for the names of groups along with it.
    """
    wanted = {
        "workspace_id": environment.workspace_id,
        "environment_id": environment.id,
        "end_user_id": end_user_id,
    }
    rows, names = _with_names(tx, (_FIND, wanted), environment.id, end_user_id if named else None)
    for row in rows:
        return Standing(to_end_user(row), environment, bool(row.has_access), _split(row.group_ids), names)
    return None


def find_standing_in_session(
    tx: Transaction, environment_id: str, session_id: str, now: datetime, *, named: str | None = None
) -> tuple[Session, Standing] | None:
    """Return a live session of an environment, and how its person stands there.

    One statement, and one for the names of groups along with it where `named` is the person whose session it should be.
    """
    wanted = {"session_id": session_id, "environment_id": environment_id, "now": now}
    rows, names = _with_names(tx, (_IN_SESSION, wanted), environment_id, named)
    for row in rows:
        session = to_session(row)
        names = names if session.end_user.id == named else None
        standing = Standing(session.end_user, session.environment, bool(row.has_access), _split(row.group_ids), names)
        return session, standing
    return None


def _with_names(
    tx: Transaction, asked: tuple[Prepared, Mapping[str, Any]], environment_id: str, named: str | None
) -> tuple[list[Any], dict[str, str] | None]:
    if named is None:
        return asked[0].rows(tx, asked[1]), None
    rows, names = rows_together(tx, asked, (GROUP_NAMES, {"environment_id": environment_id, "end_user_id": named}))
    return rows, names_by_id(names)


def _split(joined: str | None) -> frozenset[str]:
    return frozenset(joined.split(",")) if joined else frozenset()
