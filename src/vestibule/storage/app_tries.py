"""Tries of an app's sign-in. Of the state only the hash is kept, and each is used once, by the admin session that began it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from vestibule.directory.app_tries import AppTry
from vestibule.storage.database import Transaction
from vestibule.storage.tables import app_tries


def insert_try(tx: Transaction, begun: AppTry, state_hash: str) -> None:
    """Save a try before the browser is sent away with it."""
    tx.execute(
        insert(app_tries).values(
            id=begun.id,
            workspace_id=begun.workspace_id,
            app_id=begun.app_id,
            admin_session_id=begun.admin_session_id,
            state_hash=state_hash,
            sealed_request=begun.sealed_request,
            created_at=begun.created_at,
            expires_at=begun.expires_at,
            used_at=None,
            sealed_result=None,
        )
    )


def use_try(tx: Transaction, workspace_id: str, admin_session_id: str, state_hash: str, now: datetime) -> AppTry | None:
    """Use the try of a state up, and return it; None when it is another session's, unknown, has ended or was used before."""
    table = app_tries
    used = (
        update(table)
        .where(*_theirs(workspace_id, admin_session_id), table.c.state_hash == state_hash)
        .where(table.c.used_at.is_(None), table.c.expires_at > now)
        .values(used_at=now)
        .returning(*table.c)
    )
    row = tx.execute(used).one_or_none()
    return _try(row) if row else None


def find_try(
    tx: Transaction, workspace_id: str, admin_session_id: str, now: datetime, *, try_id: str = "", state_hash: str = ""
) -> AppTry | None:
    """Return a try of an admin session that is not forgotten yet, by its id or by the hash of its state."""
    named = app_tries.c.id == try_id if try_id else app_tries.c.state_hash == state_hash
    query = select(app_tries).where(*_theirs(workspace_id, admin_session_id), named, app_tries.c.expires_at > now)
    row = tx.execute(query).one_or_none()
    return _try(row) if row else None


def finish_try(tx: Transaction, workspace_id: str, try_id: str, result: bytes, keep_until: datetime) -> None:
    """Keep what came of a try."""
    mine = (app_tries.c.workspace_id == workspace_id, app_tries.c.id == try_id)
    tx.execute(update(app_tries).where(*mine).values(sealed_result=result, expires_at=keep_until))


def _theirs(workspace_id: str, admin_session_id: str) -> tuple[Any, Any]:
    return app_tries.c.workspace_id == workspace_id, app_tries.c.admin_session_id == admin_session_id


def _try(row: Any) -> AppTry:
    return AppTry(
        id=row.id,
        workspace_id=row.workspace_id,
        app_id=row.app_id,
        admin_session_id=row.admin_session_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        sealed_request=row.sealed_request,
        sealed_result=row.sealed_result,
    )
