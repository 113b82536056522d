"""API clients in the database, found by the hash of their token."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, select, update

from vestibule.directory.api_clients import ApiClient, Scope
from vestibule.storage.database import Transaction
from vestibule.storage.tables import api_clients as clients


def insert_api_client(tx: Transaction, client: ApiClient, token_hash: str) -> None:
    """Save a client with the hash of its token."""
    tx.execute(
        insert(clients).values(
            id=client.id,
            workspace_id=client.workspace_id,
            environment_id=client.environment_id,
            name=client.name,
            token_hash=token_hash,
            scopes=sorted(client.scopes),
            created_at=client.created_at,
            created_by=client.created_by,
            expires_at=client.expires_at,
        )
    )


def find_by_token(tx: Transaction, token_hash: str) -> ApiClient | None:
    """Return whose token has this hash, working or not, of whichever workspace: the token says which it is."""
    row = tx.execute(select(clients).where(clients.c.token_hash == token_hash)).one_or_none()
    return _to_client(row) if row else None


def find_api_client(tx: Transaction, workspace_id: str, client_id: str) -> ApiClient | None:
    """Return a client of the workspace."""
    query = select(clients).where(clients.c.workspace_id == workspace_id, clients.c.id == client_id)
    row = tx.execute(query).one_or_none()
    return _to_client(row) if row else None


def list_api_clients(tx: Transaction, workspace_id: str) -> tuple[ApiClient, ...]:
    """Return the clients of the workspace, oldest first, with those that were revoked."""
    query = select(clients).where(clients.c.workspace_id == workspace_id).order_by(clients.c.id)
    return tuple(_to_client(row) for row in tx.execute(query))


def page_api_clients(
    tx: Transaction, workspace_id: str, *, revoked: bool, before: str | None = None, after: str | None = None, size: int
) -> tuple[ApiClient, ...]:
    """Return up to `size` clients that were revoked, or that were not, the latest made first.

    They are older than the one whose id is `before`, or the nearest ones that are newer than `after`.
    """
    query = select(clients).where(_listed(workspace_id, revoked=revoked))
    if after is not None:
        newer = tx.execute(query.where(clients.c.id > after).order_by(clients.c.id).limit(size)).all()
        return tuple(_to_client(row) for row in reversed(newer))
    if before is not None:
        query = query.where(clients.c.id < before)
    return tuple(_to_client(row) for row in tx.execute(query.order_by(clients.c.id.desc()).limit(size)))


def count_revoked(tx: Transaction, workspace_id: str) -> int:
    """Return how many clients of the workspace were revoked."""
    return tx.execute(select(func.count()).where(_listed(workspace_id, revoked=True))).scalar_one()


def revoke_api_client(tx: Transaction, workspace_id: str, client_id: str, now: datetime) -> bool:
    """Revoke a client; False when it is not there or was revoked before."""
    mine = (clients.c.workspace_id == workspace_id, clients.c.id == client_id, clients.c.revoked_at.is_(None))
    return tx.execute(update(clients).where(*mine).values(revoked_at=now)).rowcount == 1


def note_use(tx: Transaction, client: ApiClient, now: datetime) -> None:
    """Note that a client was here."""
    mine = (clients.c.workspace_id == client.workspace_id, clients.c.id == client.id)
    tx.execute(update(clients).where(*mine).values(last_used_at=now))


def _listed(workspace_id: str, *, revoked: bool) -> ColumnElement[bool]:
    ended = clients.c.revoked_at.is_not(None) if revoked else clients.c.revoked_at.is_(None)
    return and_(clients.c.workspace_id == workspace_id, ended)


def _to_client(row: Any) -> ApiClient:
    return ApiClient(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        # A scope of a later release that this one does not know allows nothing here.
        scopes=frozenset(one for one in Scope if one.value in row.scopes),
        environment_id=row.environment_id,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
