"""Users as a connection's directory pushed them, and the accounts that they are here. Lists and filters: `scim_lists`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select, union_all, update

from vestibule.directory.connections import Provisioning
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.pushed import Account, PushedUser
from vestibule.directory.sources import Source
from vestibule.directory.why import Pushed
from vestibule.kernel.text import email_key, fold
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import (
    connections,
    end_users,
    environment_access,
    group_members,
    scim_user_emails,
    sessions,
)
from vestibule.storage.tables import scim_users as users

# Prepared: these run with nearly every request, and building a statement costs more than running it.
_find = select(users).where(
    users.c.connection_id == bindparam("connection_id"),
    users.c.id == bindparam("scim_user_id"),
    users.c.deleted_at.is_(None),
)
_FIND: Final = Prepared(_find)
_LOCK: Final = Prepared(_find.with_for_update())
# How many of one externalId are looked at: one means a person, more mean nothing.
_FEW: Final = 3
# One lookup by each index: with OR, one of them would read the table.
_by_external_id = (
    select(users)
    .where(users.c.connection_id == bindparam("connection_id"), users.c.external_id == bindparam("external_id"))
    .limit(_FEW)
    .subquery()
)
_NAMESAKES: Final = Prepared(
    union_all(
        select(_by_external_id),
        select(users).where(
            users.c.connection_id == bindparam("connection_id"), users.c.user_name_key == bindparam("user_name_key")
        ),
    )
)
_pushed = users.alias("pushed")
_theirs = connections.alias("theirs")
_ACCOUNT: Final = Prepared(
    select(
        *COLUMNS,
        users.c.id.label("holder_id"),
        users.c.external_id.label("holder_external_id"),
        users.c.deleted_at.label("holder_deleted_at"),
        environment_access.c.end_user_id.is_not(None).label("has_access"),
        exists()
        .where(
            _pushed.c.end_user_id == end_users.c.id,
            _pushed.c.deleted_at.is_(None),
            _theirs.c.id == _pushed.c.connection_id,
            _theirs.c.id != bindparam("connection_id"),
            _theirs.c.environment_id == bindparam("environment_id"),
            _theirs.c.provisioning == Provisioning.SCIM.value,
        )
        .label("another_directory"),
    )
    .select_from(end_users)
    .outerjoin(users, and_(users.c.connection_id == bindparam("connection_id"), users.c.end_user_id == end_users.c.id))
    .outerjoin(
        environment_access,
        and_(
            environment_access.c.environment_id == bindparam("environment_id"),
            environment_access.c.end_user_id == end_users.c.id,
        ),
    )
    .where(end_users.c.workspace_id == bindparam("in_workspace"), end_users.c.email_key == bindparam("email_key"))
)
_INSERT: Final = Prepared(insert(users))
_CHANGEABLE: Final = (
    "end_user_id",
    "external_id",
    "user_name",
    "user_name_key",
    "display_key",
    "active",
    "attributes",
    "version",
    "last_modified_at",
)
# Mostly only the rest changes, and SQLite writes the indexes of every column that is named, even of one that stays the same.
_INDEXED: Final = frozenset({"end_user_id", "external_id", "user_name", "user_name_key", "display_key"})


def _updating(names: Iterable[str]) -> Prepared:
    mine = (users.c.workspace_id == bindparam("in_workspace"), users.c.connection_id == bindparam("in_connection"))
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return Prepared(update(users).where(*mine, users.c.id == bindparam("whose")).values(changed))


_UPDATE: Final = _updating(_CHANGEABLE)
_UPDATE_REST: Final = _updating(name for name in _CHANGEABLE if name not in _INDEXED)
_whose_access = (
    environment_access.c.environment_id == bindparam("in_environment"),
    environment_access.c.end_user_id == bindparam("whose"),
    environment_access.c.source == Source.SCIM.value,
    environment_access.c.source_connection_id == bindparam("by"),
)
_person = (end_users.c.workspace_id == bindparam("in_workspace"), end_users.c.id == bindparam("whose"))
_LEAVING: Final = Prepared(select(*COLUMNS, exists().where(*_whose_access).label("so")).where(*_person))
_END_ACCESS: Final = Prepared(
    delete(environment_access).where(environment_access.c.workspace_id == bindparam("in_workspace"), *_whose_access)
)
_held_by_another = exists().where(
    users.c.end_user_id == bindparam("whose"),
    users.c.deleted_at.is_(None),
    users.c.connection_id != bindparam("by"),
    connections.c.id == users.c.connection_id,
    connections.c.environment_id == bindparam("in_environment"),
    connections.c.provisioning == Provisioning.SCIM.value,
)
_RETURNING: Final = Prepared(select(*COLUMNS, _held_by_another.label("so")).where(*_person))
_INSERT_EMAIL: Final = Prepared(insert(scim_user_emails))


def user_key(user_name: str) -> str:
    """Return the key under which a userName is unique within a connection: without case (RFC 7643, 4.1.1)."""
    return fold(user_name)


def find_user(tx: Transaction, connection_id: str, scim_user_id: str, *, lock: bool = False) -> PushedUser | None:
    """Return a user of a connection by an untrusted id; with `lock` nobody else changes it until this transaction ends."""
    values = {"connection_id": connection_id, "scim_user_id": scim_user_id}
    found = (_LOCK if lock else _FIND).rows(tx, values)
    return to_pushed_user(found[0]) if found else None


def find_namesakes(
    tx: Transaction, connection_id: str, external_id: str | None, user_name: str
) -> tuple[tuple[PushedUser, bool], ...]:
    """Return who of a connection has an externalId (a few of them) or a userName, each with whether it was deleted there."""
    values = {"connection_id": connection_id, "external_id": external_id, "user_name_key": user_key(user_name)}
    rows = {row.id: row for row in _NAMESAKES.rows(tx, values)}
    return tuple((to_pushed_user(row), row.deleted_at is not None) for row in rows.values())


def find_account(
    tx: Transaction, workspace_id: str, environment_id: str, connection_id: str, email: str
) -> Account | None:
    """Return who has an e-mail address in the workspace, as they stand to this connection's directory, in one statement."""
    values = {
        "in_workspace": workspace_id,
        "environment_id": environment_id,
        "connection_id": connection_id,
        "email_key": email_key(email),
    }
    found = _ACCOUNT.rows(tx, values)
    if not found:
        return None
    row = found[0]
    return Account(
        end_user=to_end_user(row),
        has_access=bool(row.has_access),
        holder_id=row.holder_id,
        holder_external_id=row.holder_external_id,
        gone=row.holder_deleted_at is not None,
        another_directory=bool(row.another_directory),
    )


def insert_user(tx: Transaction, workspace_id: str, connection_id: str, user: PushedUser) -> None:
    """Save a new user. The next statement raises IntegrityError when the connection has one of that userName."""
    row = _values(user) | {"id": user.id, "workspace_id": workspace_id, "connection_id": connection_id}
    _INSERT.write_later(tx, row | {"created_at": user.created_at, "deleted_at": None})
    _insert_emails(tx, workspace_id, connection_id, user)


def update_user(tx: Transaction, workspace_id: str, connection_id: str, before: PushedUser, user: PushedUser) -> None:
    """Save a user, who was `before`, changed. The next statement raises IntegrityError when another one has that userName."""
    mine = {"in_workspace": workspace_id, "in_connection": connection_id, "whose": user.id}
    statement = _UPDATE_REST if _indexed(before) == _indexed(user) else _UPDATE
    statement.write_later(tx, mine | {f"new_{name}": value for name, value in _values(user).items()})
    if user.attributes.get("emails") != before.attributes.get("emails"):
        tx.execute(delete(scim_user_emails).where(scim_user_emails.c.scim_user_id == user.id))
        _insert_emails(tx, workspace_id, connection_id, user)


def delete_user(tx: Transaction, workspace_id: str, connection_id: str, scim_user_id: str) -> None:
    """Delete a user with its memberships."""
    mine = (users.c.workspace_id == workspace_id, users.c.connection_id == connection_id, users.c.id == scim_user_id)
    tx.execute(delete(users).where(*mine))


def bury_user(tx: Transaction, workspace_id: str, connection_id: str, scim_user_id: str, now: datetime) -> None:
    """Keep of a deleted user only that its account was this one's; userName and e-mail addresses become free."""
    mine = (users.c.workspace_id == workspace_id, users.c.connection_id == connection_id, users.c.id == scim_user_id)
    rest: dict[str, Any] = {"user_name_key": None, "active": False, "attributes": {}, "deleted_at": now}
    tx.execute(update(users).where(*mine).values(**rest))
    tx.execute(delete(scim_user_emails).where(scim_user_emails.c.scim_user_id == scim_user_id))


def take_over_access(
    tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, connection_id: str
) -> bool:
    """Let the access of somebody who was adopted follow the directory, unless another one gave it; return whether it does now."""
    mine = (environment_access.c.workspace_id == workspace_id, environment_access.c.environment_id == environment_id)
    source = environment_access.c.source_connection_id
    others = select(connections.c.id).where(
        connections.c.environment_id == environment_id,
        connections.c.id != connection_id,
        connections.c.provisioning == Provisioning.SCIM.value,
    )
    taken = (
        update(environment_access)
        .where(*mine, environment_access.c.end_user_id == end_user_id, or_(source.is_(None), source.not_in(others)))
        .values(source=Source.SCIM.value, source_connection_id=connection_id)
    )
    return tx.execute(taken).rowcount == 1


def find_leaving(
    tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, connection_id: str
) -> tuple[EndUser | None, bool]:
    """Return a person, and whether their access to the environment came from this connection's directory."""
    whose = {"in_environment": environment_id, "whose": end_user_id, "by": connection_id}
    return _person_and(_LEAVING.rows(tx, whose | {"in_workspace": workspace_id}))


def end_access(tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, connection_id: str) -> bool:
    """End the access to an environment that a directory gave somebody; memberships and sessions go with it by themselves.

    Access that another source gave stays. Returns whether the access ended.
    """
    access = {"in_environment": environment_id, "whose": end_user_id, "by": connection_id}
    return bool(_END_ACCESS.write(tx, access | {"in_workspace": workspace_id}))


def let_go(
    tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, connection_id: str
) -> frozenset[str]:
    """End what a directory gave somebody whose access stays: memberships, and the sessions that began through its connection.

    Returns the groups that they left.
    """
    whose = {"workspace_id": workspace_id, "environment_id": environment_id, "end_user_id": end_user_id}
    left = (
        delete(group_members)
        .where(
            *(group_members.c[name] == value for name, value in whose.items()),
            *_of_directory(group_members, connection_id),
        )
        .returning(group_members.c.group_id)
    )
    group_ids = frozenset(tx.execute(left).scalars())
    tx.execute(delete(sessions).where(sessions.c.connection_id == connection_id, sessions.c.end_user_id == end_user_id))
    return group_ids


def has_access(tx: Transaction, environment_id: str, end_user_id: str) -> bool:
    """Say whether somebody may enter an environment, whoever gave them that."""
    mine = (environment_access.c.environment_id == environment_id, environment_access.c.end_user_id == end_user_id)
    return tx.execute(select(environment_access.c.end_user_id).where(*mine)).first() is not None


def known_elsewhere(tx: Transaction, idp_id: str, environment_id: str, end_user_id: str) -> bool:
    """Say whether anything but connections of the same IdP knows somebody: access to another environment, or another directory.

    A directory that holds them inactive counts: it can let them in again.
    """
    entering = (
        select(environment_access.c.end_user_id)
        .outerjoin(connections, connections.c.id == environment_access.c.source_connection_id)
        .where(
            environment_access.c.end_user_id == end_user_id,
            environment_access.c.environment_id != environment_id,
            or_(connections.c.idp_id.is_(None), connections.c.idp_id != idp_id),
        )
    )
    pushed = (
        select(users.c.end_user_id)
        .join(connections, connections.c.id == users.c.connection_id)
        .where(users.c.end_user_id == end_user_id, users.c.deleted_at.is_(None), connections.c.idp_id != idp_id)
    )
    return tx.execute(union_all(entering, pushed).limit(1)).first() is not None


def find_returning(
    tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, connection_id: str
) -> tuple[EndUser | None, bool]:
    """Return a person, and whether another directory of the same environment has them among its users."""
    whose = {"in_environment": environment_id, "whose": end_user_id, "by": connection_id}
    return _person_and(_RETURNING.rows(tx, whose | {"in_workspace": workspace_id}))


def _person_and(found: Sequence[Any]) -> tuple[EndUser | None, bool]:
    return (to_end_user(found[0]), bool(found[0].so)) if found else (None, False)


def is_only_here(tx: Transaction, end_user_id: str, connection_id: str) -> bool:
    """Say whether an account came by this connection, has no password, and may enter nowhere any more: nothing else knows it.

    Not one that an admin deactivated: it would be made anew, active, at the next push.
    """
    query = select(end_users.c.id).where(
        end_users.c.id == end_user_id,
        end_users.c.password_hash.is_(None),
        end_users.c.status != EndUserStatus.DEACTIVATED.value,
        *_of_directory(end_users, connection_id),
        ~exists().where(environment_access.c.end_user_id == end_user_id),
        ~exists().where(users.c.end_user_id == end_user_id, users.c.connection_id != connection_id),
    )
    return tx.execute(query).first() is not None


def pushed_as(tx: Transaction, workspace_id: str, end_user_id: str) -> tuple[Pushed, ...]:
    """Return what the directories say of a person, the oldest word first."""
    query = select(users).where(
        users.c.workspace_id == workspace_id, users.c.end_user_id == end_user_id, users.c.deleted_at.is_(None)
    )
    return tuple(
        Pushed(row.connection_id, row.user_name, row.external_id, row.active, row.last_modified_at)
        for row in tx.execute(query.order_by(users.c.id))
    )


def to_pushed_user(row: Any) -> PushedUser:
    """Make a PushedUser of a row of the table."""
    return PushedUser(
        id=row.id,
        end_user_id=row.end_user_id,
        external_id=row.external_id,
        user_name=row.user_name,
        active=row.active,
        attributes=row.attributes,
        version=row.version,
        created_at=row.created_at,
        last_modified_at=row.last_modified_at,
    )


def _indexed(user: PushedUser) -> tuple[Any, ...]:
    return user.end_user_id, user.external_id, user.user_name, user.attributes.get("displayName")


def _values(user: PushedUser) -> dict[str, Any]:
    return {
        "end_user_id": user.end_user_id,
        "external_id": user.external_id,
        "user_name": user.user_name,
        "user_name_key": user_key(user.user_name),
        "display_key": fold(str(user.attributes.get("displayName") or "")),
        "active": user.active,
        "attributes": dict(user.attributes),
        "version": user.version,
        "last_modified_at": user.last_modified_at,
    }


def _insert_emails(tx: Transaction, workspace_id: str, connection_id: str, user: PushedUser) -> None:
    mine = {"scim_user_id": user.id, "workspace_id": workspace_id, "connection_id": connection_id}
    rows = ({"position": at, "value_key": fold(value)} for at, value in enumerate(_addresses(user.attributes)))
    _INSERT_EMAIL.write_later(tx, *({**mine, **row} for row in rows))


def _addresses(attributes: Mapping[str, Any]) -> Iterable[str]:
    sent = (one.get("value") for one in attributes.get("emails") or () if isinstance(one, Mapping))
    return (value for value in sent if isinstance(value, str) and value)


def _of_directory(table: Any, connection_id: str) -> tuple[Any, Any]:
    return table.c.source == Source.SCIM.value, table.c.source_connection_id == connection_id
