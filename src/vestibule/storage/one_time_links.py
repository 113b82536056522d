"""One-time links: first run, invitations, recovery, password reset. Only the hash of the token is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.storage.database import Transaction
from vestibule.storage.tables import one_time_links


def insert_link(tx: Transaction, link: OneTimeLink, token_hash: str) -> None:
    """Save a link."""
    tx.execute(
        insert(one_time_links).values(
            token_hash=token_hash,
            workspace_id=link.workspace_id,
            purpose=link.purpose.value,
            admin_id=link.admin_id,
            end_user_id=link.end_user_id,
            environment_id=link.environment_id,
            created_at=link.created_at,
            expires_at=link.expires_at,
        )
    )


def find_link(tx: Transaction, token_hash: str, now: datetime) -> OneTimeLink | None:
    """Return a link that could still be used, without using it."""
    live = (
        one_time_links.c.token_hash == token_hash,
        one_time_links.c.used_at.is_(None),
        one_time_links.c.expires_at > now,
    )
    row = tx.execute(select(one_time_links).where(*live)).one_or_none()
    return _link(row) if row else None


def use_link(tx: Transaction, token_hash: str, now: datetime) -> OneTimeLink | None:
    """Use a link: return it the first time, and None ever after, also when two use it at the same instant."""
    live = (
        one_time_links.c.token_hash == token_hash,
        one_time_links.c.used_at.is_(None),
        one_time_links.c.expires_at > now,
    )
    row = tx.execute(update(one_time_links).where(*live).values(used_at=now).returning(*one_time_links.c)).one_or_none()
    return _link(row) if row else None


def revoke_links(
    tx: Transaction, *, admin_id: str | None = None, end_user_id: str | None = None, purpose: Purpose | None = None
) -> None:
    """Make every unused link of an admin or an end user useless, or those for one purpose: a newer one replaces them, or access ended."""
    if bool(admin_id) is bool(end_user_id):
        # With neither, the condition below would be true for every admin of every workspace.
        raise ValueError("links are revoked for one person")
    whose = one_time_links.c.admin_id == admin_id if admin_id else one_time_links.c.end_user_id == end_user_id
    which = [whose, one_time_links.c.used_at.is_(None)]
    if purpose is not None:
        which.append(one_time_links.c.purpose == purpose.value)
    tx.execute(delete(one_time_links).where(*which))


def sweep_links(tx: Transaction, now: datetime) -> int:
    """Delete the links that have expired; return how many."""
    return tx.execute(delete(one_time_links).where(one_time_links.c.expires_at <= now)).rowcount


def _link(row: Any) -> OneTimeLink:
    return OneTimeLink(
        workspace_id=row.workspace_id,
        purpose=Purpose(row.purpose),
        admin_id=row.admin_id,
        end_user_id=row.end_user_id,
        environment_id=row.environment_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
