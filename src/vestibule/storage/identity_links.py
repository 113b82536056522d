"""Links between a subject of a connection and a person; and finding the person that a verified claim means."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, literal, select, union_all

from vestibule.directory.linking import Candidate
from vestibule.directory.sessions import IdentityLink, Subject
from vestibule.kernel.text import email_key
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.inserting import insert_into
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import end_users, environment_access, identity_links

_ACCESS: Final = and_(
    environment_access.c.environment_id == bindparam("environment_id"),
    environment_access.c.end_user_id == end_users.c.id,
)


def _candidates(how: str) -> Any:
    return select(
        literal(how).label("how"),
        *COLUMNS,
        environment_access.c.end_user_id.is_not(None).label("has_access"),
        identity_links.c.id.label("link_id"),
    )


# Two lookups by unique index in one statement: a join with OR would read the table.
_FIND: Final = Prepared(
    union_all(
        _candidates("link")
        .select_from(identity_links)
        .join(end_users, end_users.c.id == identity_links.c.end_user_id)
        .outerjoin(environment_access, _ACCESS)
        .where(
            identity_links.c.workspace_id == bindparam("in_workspace"),
            identity_links.c.connection_id == bindparam("connection_id"),
            identity_links.c.subject_key == bindparam("subject_key"),
        ),
        _candidates("email")
        .select_from(end_users)
        .outerjoin(
            identity_links,
            and_(
                identity_links.c.connection_id == bindparam("connection_id"),
                identity_links.c.end_user_id == end_users.c.id,
            ),
        )
        .outerjoin(environment_access, _ACCESS)
        .where(end_users.c.workspace_id == bindparam("in_workspace"), end_users.c.email_key == bindparam("email_key")),
    )
)


def find_candidates(
    tx: Transaction,
    workspace_id: str,
    environment_id: str,
    connection_id: str,
    subject: Subject | None,
    email: str | None,
) -> tuple[Candidate | None, Candidate | None]:
    """Return who has a subject on a connection, and who has an e-mail address in the workspace, in one statement."""
    rows = _FIND.rows(
        tx,
        {
            "in_workspace": workspace_id,
            "environment_id": environment_id,
            "connection_id": connection_id,
            "subject_key": subject.key if subject else "",
            "email_key": email_key(email) if email else "",
        },
    )
    found = {row.how: Candidate(to_end_user(row), bool(row.has_access), row.link_id) for row in rows}
    return found.get("link"), found.get("email")


def insert_identity_link(
    tx: Transaction,
    workspace_id: str,
    link_id: str,
    connection_id: str,
    end_user_id: str,
    subject: Subject,
    now: datetime,
) -> bool:
    """Link a subject of a connection to a person; False when either has a link on this connection already."""
    row = {
        "id": link_id,
        "workspace_id": workspace_id,
        "connection_id": connection_id,
        "end_user_id": end_user_id,
        "subject_key": subject.key,
        "subject_kind": subject.kind,
        "subject_value": subject.value,
        "created_at": now,
    }
    made = insert_into(tx, identity_links).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return tx.execute(made, row).rowcount == 1


def list_identity_links(tx: Transaction, workspace_id: str, end_user_id: str) -> tuple[IdentityLink, ...]:
    """Return the links of one person, oldest first."""
    query = select(identity_links).where(
        identity_links.c.workspace_id == workspace_id, identity_links.c.end_user_id == end_user_id
    )
    return tuple(_link(row) for row in tx.execute(query.order_by(identity_links.c.id)))


def find_identity_link(tx: Transaction, workspace_id: str, link_id: str) -> IdentityLink | None:
    """Return one link of the workspace."""
    query = select(identity_links).where(identity_links.c.workspace_id == workspace_id, identity_links.c.id == link_id)
    row = tx.execute(query).one_or_none()
    return _link(row) if row else None


def delete_identity_link(tx: Transaction, workspace_id: str, link_id: str) -> bool:
    """Break a link; the sessions that rest on it end. Return whether it was there."""
    mine = (identity_links.c.workspace_id == workspace_id, identity_links.c.id == link_id)
    return tx.execute(delete(identity_links).where(*mine)).rowcount == 1


def _link(row: Any) -> IdentityLink:
    return IdentityLink(
        id=row.id,
        connection_id=row.connection_id,
        end_user_id=row.end_user_id,
        subject_kind=row.subject_kind,
        subject_value=row.subject_value,
        created_at=row.created_at,
    )
