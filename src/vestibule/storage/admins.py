"""Workspace admins and their sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from vestibule.directory.admins import Admin, AdminSession, AdminStatus, Role
from vestibule.kernel.text import email_key
from vestibule.storage.database import Transaction
from vestibule.storage.tables import admin_sessions, admins


def insert_admin(tx: Transaction, admin: Admin, password_hash: str | None) -> None:
    """Save a new admin. Raises IntegrityError when the e-mail is taken in the install."""
    tx.execute(
        insert(admins).values(
            id=admin.id,
            workspace_id=admin.workspace_id,
            email=admin.email,
            email_key=email_key(admin.email),
            name=admin.name,
            role=admin.role.value,
            status=admin.status.value,
            password_hash=password_hash,
            created_at=admin.created_at,
            last_sign_in_at=admin.last_sign_in_at,
        )
    )


def list_admins(tx: Transaction, workspace_id: str) -> tuple[Admin, ...]:
    """Return the admins of a workspace by name."""
    query = select(admins).where(admins.c.workspace_id == workspace_id).order_by(func.lower(admins.c.name), admins.c.id)
    return tuple(_admin(row) for row in tx.execute(query))


def find_admin(tx: Transaction, workspace_id: str, admin_id: str) -> Admin | None:
    """Return one admin of the workspace."""
    row = tx.execute(select(admins).where(admins.c.workspace_id == workspace_id, admins.c.id == admin_id)).one_or_none()
    return _admin(row) if row else None


def find_admin_by_email(tx: Transaction, email: str) -> tuple[Admin, str | None] | None:
    """Return the admin with an e-mail address, in whatever workspace, and the password hash. For sign-in and the operator."""
    row = tx.execute(select(admins).where(admins.c.email_key == email_key(email))).one_or_none()
    return (_admin(row), row.password_hash) if row else None


def hold_password(tx: Transaction, workspace_id: str, admin_id: str, password_hash: str) -> bool:
    """Hold an admin as they are until the transaction ends; return whether this is still the hash of their password."""
    mine = (admins.c.workspace_id == workspace_id, admins.c.id == admin_id, admins.c.password_hash == password_hash)
    return tx.execute(select(admins.c.id).where(*mine).with_for_update()).first() is not None


def count_admins(tx: Transaction) -> int:
    """Return how many admins the install has."""
    return tx.execute(select(func.count()).select_from(admins)).scalar_one()


def count_active_owners(tx: Transaction, workspace_id: str) -> int:
    """Return how many Owners of the workspace can sign in."""
    query = select(func.count()).select_from(admins)
    query = query.where(
        admins.c.workspace_id == workspace_id,
        admins.c.role == Role.OWNER.value,
        admins.c.status == AdminStatus.ACTIVE.value,
    )
    return tx.execute(query).scalar_one()


def update_admin(tx: Transaction, workspace_id: str, admin_id: str, **values: Any) -> None:
    """Change columns of one admin: name, role, status, password_hash, last_sign_in_at."""
    tx.execute(update(admins).where(admins.c.workspace_id == workspace_id, admins.c.id == admin_id).values(**values))


def delete_admin(tx: Transaction, workspace_id: str, admin_id: str) -> None:
    """Delete an admin, with sessions and links."""
    tx.execute(delete(admins).where(admins.c.workspace_id == workspace_id, admins.c.id == admin_id))


def insert_session(tx: Transaction, session: AdminSession, token_hash: str) -> None:
    """Save a new session of an admin."""
    tx.execute(
        insert(admin_sessions).values(
            id=session.id,
            workspace_id=session.admin.workspace_id,
            admin_id=session.admin.id,
            token_hash=token_hash,
            created_at=session.created_at,
            expires_at=session.expires_at,
            last_seen_at=session.last_seen_at,
            address=session.address,
            user_agent=session.user_agent,
        )
    )


def find_session(tx: Transaction, token_hash: str) -> AdminSession | None:
    """Return the session of a cookie with its admin, whether expired or not, in one query."""
    query = select(admin_sessions, *_labelled()).join(admins, admins.c.id == admin_sessions.c.admin_id)
    row = tx.execute(query.where(admin_sessions.c.token_hash == token_hash)).one_or_none()
    return _session(row) if row else None


def find_session_by_id(tx: Transaction, workspace_id: str, session_id: str) -> AdminSession | None:
    """Return a session with its admin, whether expired or not."""
    query = select(admin_sessions, *_labelled()).join(admins, admins.c.id == admin_sessions.c.admin_id)
    wanted = (admin_sessions.c.workspace_id == workspace_id, admin_sessions.c.id == session_id)
    row = tx.execute(query.where(*wanted)).one_or_none()
    return _session(row) if row else None


def list_sessions(tx: Transaction, workspace_id: str, admin_id: str, now: datetime) -> tuple[AdminSession, ...]:
    """Return the live sessions of one admin, the most recently used first."""
    query = select(admin_sessions, *_labelled()).join(admins, admins.c.id == admin_sessions.c.admin_id)
    query = query.where(
        admin_sessions.c.workspace_id == workspace_id,
        admin_sessions.c.admin_id == admin_id,
        admin_sessions.c.expires_at > now,
    )
    return tuple(_session(row) for row in tx.execute(query.order_by(admin_sessions.c.last_seen_at.desc())))


def touch_session(tx: Transaction, session_id: str, now: datetime, expires_at: datetime) -> None:
    """Note that a session was used, and until when it lives on."""
    tx.execute(
        update(admin_sessions).where(admin_sessions.c.id == session_id).values(last_seen_at=now, expires_at=expires_at)
    )


def delete_session(tx: Transaction, workspace_id: str, admin_id: str, session_id: str) -> bool:
    """End one session of an admin; return whether there was one."""
    mine = (
        admin_sessions.c.workspace_id == workspace_id,
        admin_sessions.c.admin_id == admin_id,
        admin_sessions.c.id == session_id,
    )
    return tx.execute(delete(admin_sessions).where(*mine)).rowcount == 1


def delete_session_of(tx: Transaction, token_hash: str) -> None:
    """End the session of a cookie, which a newer one replaces."""
    tx.execute(delete(admin_sessions).where(admin_sessions.c.token_hash == token_hash))


def delete_sessions(tx: Transaction, workspace_id: str, admin_id: str, except_id: str | None = None) -> int:
    """End every session of an admin, but for one; return how many."""
    query = delete(admin_sessions).where(
        admin_sessions.c.workspace_id == workspace_id, admin_sessions.c.admin_id == admin_id
    )
    if except_id is not None:
        query = query.where(admin_sessions.c.id != except_id)
    return tx.execute(query).rowcount


def sweep_sessions(tx: Transaction, now: datetime) -> int:
    """Delete the sessions that have ended by time; return how many."""
    return tx.execute(delete(admin_sessions).where(admin_sessions.c.expires_at <= now)).rowcount


def _labelled() -> list[Any]:
    return [column.label(f"admin_{column.name}") for column in admins.c if column.name != "id"]


def _admin(row: Any, prefix: str = "") -> Admin:
    def of(name: str) -> Any:
        return getattr(row, prefix + name)

    return Admin(
        id=row.admin_id if prefix else row.id,
        workspace_id=row.workspace_id,
        email=of("email"),
        name=of("name"),
        role=Role(of("role")),
        status=AdminStatus(of("status")),
        created_at=of("created_at"),
        last_sign_in_at=of("last_sign_in_at"),
    )


def _session(row: Any) -> AdminSession:
    return AdminSession(
        id=row.id,
        admin=_admin(row, "admin_"),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_seen_at=row.last_seen_at,
        address=row.address,
        user_agent=row.user_agent,
    )
