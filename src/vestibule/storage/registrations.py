"""Registrations that apps manage by themselves: by the hash of the token that each got when it registered (RFC 7592)."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from vestibule.storage.database import Transaction
from vestibule.storage.tables import app_registrations, apps


def insert_registration(tx: Transaction, workspace_id: str, app_id: str, token_hash: str) -> None:
    """Let whoever has a token manage the registration of an app."""
    tx.execute(insert(app_registrations).values(app_id=app_id, workspace_id=workspace_id, token_hash=token_hash))


def find_registered_app(tx: Transaction, environment_id: str, token_hash: str) -> str | None:
    """Return the id of the app of an environment whose registration a token manages."""
    query = select(apps.c.id).join(app_registrations, app_registrations.c.app_id == apps.c.id)
    here = (apps.c.environment_id == environment_id, app_registrations.c.token_hash == token_hash)
    return tx.execute(query.where(*here)).scalar_one_or_none()


def end_registration(tx: Transaction, app_id: str) -> None:
    """Let nobody but an admin manage an app any more. Twice is no error."""
    tx.execute(delete(app_registrations).where(app_registrations.c.app_id == app_id))
