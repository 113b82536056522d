"""What a sign-in by password rests on: the person, the hash, and whether they may enter the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import and_, bindparam, select

from vestibule.directory.end_users import EndUser
from vestibule.kernel.text import email_key
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.tables import end_users, environment_access


@dataclass(frozen=True, slots=True)
class Credentials:
    """A person of the workspace with the hash of their password, if they have one."""

    end_user: EndUser
    password_hash: str | None = field(repr=False)
    has_access: bool


_WHOLE: Final = (
    select(
        *COLUMNS,
        end_users.c.password_hash.label("hash_of_password"),
        environment_access.c.end_user_id.is_not(None).label("has_access"),
    )
    .select_from(end_users)
    .outerjoin(
        environment_access,
        and_(
            environment_access.c.environment_id == bindparam("environment_id"),
            environment_access.c.end_user_id == end_users.c.id,
        ),
    )
    .where(end_users.c.workspace_id == bindparam("in_workspace"))
)
_BY_EMAIL: Final = _WHOLE.where(end_users.c.email_key == bindparam("email"))
_BY_ID: Final = _WHOLE.where(end_users.c.id == bindparam("end_user_id"))


def find_credentials(tx: Transaction, workspace_id: str, environment_id: str, email: str) -> Credentials | None:
    """Return the credentials of the person with a cleaned e-mail address, in one statement."""
    values = {"in_workspace": workspace_id, "environment_id": environment_id, "email": email_key(email)}
    row = tx.execute(_BY_EMAIL, values).one_or_none()
    return _credentials(row) if row else None


def credentials_of(tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str) -> Credentials | None:
    """Return the credentials of a person by id, in one statement."""
    values = {"in_workspace": workspace_id, "environment_id": environment_id, "end_user_id": end_user_id}
    row = tx.execute(_BY_ID, values).one_or_none()
    return _credentials(row) if row else None


def _credentials(row: Any) -> Credentials:
    return Credentials(to_end_user(row), row.hash_of_password, bool(row.has_access))
