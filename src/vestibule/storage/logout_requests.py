"""LogoutRequests that we sent, until they are answered or forgotten."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from vestibule.directory.sessions import BackToApp, LogoutRequest
from vestibule.storage.database import Transaction
from vestibule.storage.tables import end_users
from vestibule.storage.tables import logout_requests as table


def insert_request(tx: Transaction, request: LogoutRequest) -> None:
    """Save a request before the browser is sent away with it."""
    back = request.back
    tx.execute(
        insert(table).values(
            id=request.id,
            workspace_id=request.workspace_id,
            environment_id=request.environment_id,
            connection_id=request.connection_id,
            end_user_id=request.end_user_id,
            browser_hash=request.browser_hash,
            created_at=request.created_at,
            expires_at=request.expires_at,
            app_id=back.app_id if back else None,
            app_name=back.app_name if back else None,
            registered_uri=back.registered_uri if back else None,
            back_to=back.url if back else None,
        )
    )


def find_request(tx: Transaction, workspace_id: str, request_id: str) -> tuple[LogoutRequest, str] | None:
    """Return a request, used or expired though it may be, with the name of the person who signed out."""
    query = (
        select(table, end_users.c.full_name)
        .join(end_users, end_users.c.id == table.c.end_user_id)
        .where(table.c.workspace_id == workspace_id, table.c.id == request_id)
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        return None
    request = LogoutRequest(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        connection_id=row.connection_id,
        end_user_id=row.end_user_id,
        browser_hash=row.browser_hash,
        created_at=row.created_at,
        expires_at=row.expires_at,
        back=BackToApp(row.app_id, row.app_name, row.registered_uri, row.back_to) if row.back_to else None,
    )
    return request, row.full_name


def use_request(tx: Transaction, workspace_id: str, request_id: str, now: datetime) -> bool:
    """Use a request: True the first time, and False ever after."""
    mine = (table.c.workspace_id == workspace_id, table.c.id == request_id, table.c.used_at.is_(None))
    return tx.execute(update(table).where(*mine).values(used_at=now)).rowcount == 1
