"""End users: the person, the password hash, the terms they are found under. Access and groups: `access`. The list: `end_user_list`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ARRAY, bindparam, case, cast, delete, func, insert, select, update

from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.sources import Source
from vestibule.kernel.text import email_key, fold
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import end_user_terms, end_users, environment_access, group_members
from vestibule.storage.types import Text

# Everything but the hash itself, which only `password_hash_of` reads.
COLUMNS: tuple[Any, ...] = (
    *(column for column in end_users.c if column.name not in {"password_hash", "email_key", "name_key"}),
    end_users.c.password_hash.is_not(None).label("has_password"),
)
_INSERT_TERM: Final = Prepared(insert(end_user_terms))
# All terms of a person by one statement: on PostgreSQL each one more costs both sides as much as a row of this does.
_INSERT_TERMS: Final = Prepared(
    insert(end_user_terms).from_select(
        ["end_user_id", "workspace_id", "name_key", "term"],
        select(
            cast(bindparam("end_user_id"), end_user_terms.c.end_user_id.type),
            cast(bindparam("workspace_id"), end_user_terms.c.workspace_id.type),
            cast(bindparam("name_key"), end_user_terms.c.name_key.type),
            func.unnest(bindparam("terms", type_=ARRAY(Text))),
        ),
    )
)
# Built once: each sign-in runs it, and building a statement costs more than running it.
_NOTE_SIGN_IN: Final = Prepared(
    update(end_users)
    .where(
        end_users.c.workspace_id == bindparam("in_workspace"),
        end_users.c.id == bindparam("whose"),
        end_users.c.status != EndUserStatus.DEACTIVATED.value,
    )
    .values(
        last_sign_in_at=bindparam("now"),
        status=case(
            (end_users.c.status == EndUserStatus.INVITED.value, EndUserStatus.ACTIVE.value), else_=end_users.c.status
        ),
    )
)
_NEWCOMER: Final = PreparedInsert(
    end_users, lambda new: new.on_conflict_do_nothing(index_elements=["workspace_id", "email_key"])
)
_FIND: Final = Prepared(
    select(*COLUMNS).where(end_users.c.workspace_id == bindparam("in_workspace"), end_users.c.id == bindparam("whose"))
)


def insert_end_user(
    tx: Transaction,
    end_user: EndUser,
    password_hash: str | None,
    terms: Iterable[str],
    *,
    connection_id: str | None = None,
) -> None:
    """Save a new person with the terms they are found under (`search_terms`). `connection_id` is the source's, if it was one.

    Raises IntegrityError when the e-mail is taken in the workspace.
    """
    tx.execute(insert(end_users).values(**_row(end_user, password_hash, connection_id)))
    _insert_terms(tx, end_user.workspace_id, end_user.id, fold(end_user.full_name), terms)


def insert_newcomer(tx: Transaction, end_user: EndUser, terms: Iterable[str], connection_id: str) -> bool:
    """Save a person whom a connection brings; False when somebody of the workspace has the e-mail address by now.

    Waits for whoever inserts the same address at this instant: one of two first sign-ins makes the account.
    """
    if not _NEWCOMER.write(tx, _row(end_user, None, connection_id)):
        return False
    _insert_terms(tx, end_user.workspace_id, end_user.id, fold(end_user.full_name), terms)
    return True


def find_end_user(tx: Transaction, workspace_id: str, end_user_id: str) -> EndUser | None:
    """Return one person of the workspace."""
    found = _FIND.rows(tx, {"in_workspace": workspace_id, "whose": end_user_id})
    return to_end_user(found[0]) if found else None


def lock_end_user(tx: Transaction, workspace_id: str, end_user_id: str) -> EndUser | None:
    """Return one person of the workspace, whom no other transaction changes until this one ends."""
    row = tx.execute(select(*COLUMNS).where(*_mine(workspace_id, end_user_id)).with_for_update()).one_or_none()
    return to_end_user(row) if row else None


def find_by_email(tx: Transaction, workspace_id: str, email: str) -> EndUser | None:
    """Return the person of the workspace with a cleaned e-mail address, compared without case."""
    query = select(*COLUMNS).where(end_users.c.workspace_id == workspace_id, end_users.c.email_key == email_key(email))
    row = tx.execute(query).one_or_none()
    return to_end_user(row) if row else None


def update_profile(
    tx: Transaction,
    workspace_id: str,
    end_user_id: str,
    *,
    full_name: str,
    email: str,
    terms: Iterable[str],
    now: datetime,
) -> None:
    """Change name and e-mail, and everything by which the person is found and sorted. Raises IntegrityError when the e-mail is taken."""
    name_key = fold(full_name)
    changed = update(end_users).where(*_mine(workspace_id, end_user_id))
    tx.execute(
        changed.values(email=email, email_key=email_key(email), full_name=full_name, name_key=name_key, updated_at=now)
    )
    for table in (environment_access, group_members):
        whose = (table.c.workspace_id == workspace_id, table.c.end_user_id == end_user_id, table.c.name_key != name_key)
        tx.execute(update(table).where(*whose).values(name_key=name_key))
    terms_of = (end_user_terms.c.workspace_id == workspace_id, end_user_terms.c.end_user_id == end_user_id)
    tx.execute(delete(end_user_terms).where(*terms_of))
    _insert_terms(tx, workspace_id, end_user_id, name_key, terms)


def set_status(tx: Transaction, workspace_id: str, end_user_id: str, status: EndUserStatus, now: datetime) -> None:
    """Change where a person stands."""
    tx.execute(update(end_users).where(*_mine(workspace_id, end_user_id)).values(status=status.value, updated_at=now))


def note_sign_in(tx: Transaction, workspace_id: str, end_user_id: str, now: datetime) -> bool:
    """Note that a person signed in, which makes an invited one active; return False if they are gone or deactivated by now."""
    whose = {"in_workspace": workspace_id, "whose": end_user_id, "now": now}
    return _NOTE_SIGN_IN.write(tx, whose) == 1


def set_password_hash(
    tx: Transaction, workspace_id: str, end_user_id: str, password_hash: str | None, now: datetime
) -> None:
    """Replace the password of a person, or take it away."""
    mine = _mine(workspace_id, end_user_id)
    tx.execute(update(end_users).where(*mine).values(password_hash=password_hash, updated_at=now))


def password_hash_of(tx: Transaction, workspace_id: str, end_user_id: str) -> str | None:
    """Return the argon2id hash of a person's password, or None when there is none."""
    found: str | None = tx.execute(
        select(end_users.c.password_hash).where(*_mine(workspace_id, end_user_id))
    ).scalar_one_or_none()
    return found


def delete_end_user(tx: Transaction, workspace_id: str, end_user_id: str) -> bool:
    """Delete a person with access, memberships, sessions, links and terms; return whether there was one. The activity stays."""
    return tx.execute(delete(end_users).where(*_mine(workspace_id, end_user_id))).rowcount == 1


def to_end_user(row: Any) -> EndUser:
    """Make an EndUser of a row that has COLUMNS under their own names."""
    return EndUser(
        id=row.id,
        workspace_id=row.workspace_id,
        email=row.email,
        full_name=row.full_name,
        status=EndUserStatus(row.status),
        source=Source(row.source),
        has_password=bool(row.has_password),
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_sign_in_at=row.last_sign_in_at,
    )


def _row(end_user: EndUser, password_hash: str | None, connection_id: str | None) -> dict[str, Any]:
    return {
        "id": end_user.id,
        "workspace_id": end_user.workspace_id,
        "email": end_user.email,
        "email_key": email_key(end_user.email),
        "full_name": end_user.full_name,
        "name_key": fold(end_user.full_name),
        "status": end_user.status.value,
        "password_hash": password_hash,
        "source": end_user.source.value,
        "source_connection_id": connection_id,
        "created_at": end_user.created_at,
        "updated_at": end_user.updated_at,
        "last_sign_in_at": end_user.last_sign_in_at,
    }


def _insert_terms(tx: Transaction, workspace_id: str, end_user_id: str, name_key: str, terms: Iterable[str]) -> None:
    mine = {"end_user_id": end_user_id, "workspace_id": workspace_id, "name_key": name_key}
    if tx.dialect.name == "sqlite":
        _INSERT_TERM.write_later(tx, *({**mine, "term": term} for term in sorted(terms)))
    else:
        _INSERT_TERMS.write_later(tx, {**mine, "terms": sorted(terms)})


def _mine(workspace_id: str, end_user_id: str) -> tuple[Any, Any]:
    return end_users.c.workspace_id == workspace_id, end_users.c.id == end_user_id
