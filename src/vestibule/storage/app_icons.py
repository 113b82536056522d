"""Icons of an app's own. Which one an app has stands in its row, by the digest of the picture."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from vestibule.directory.apps import App
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.tables import app_icons, apps


def save_icon(tx: Transaction, app: App, digest: str, png: bytes) -> None:
    """Give an app its picture, in place of the one before."""
    row = insert_into(tx, app_icons).values(app_id=app.id, workspace_id=app.workspace_id, digest=digest, png=png)
    latest = {"digest": row.excluded.digest, "png": row.excluded.png}
    tx.execute(row.on_conflict_do_update(index_elements=["app_id"], set_=latest))
    _name(tx, app, digest)


def delete_icon(tx: Transaction, app: App) -> None:
    """Take an app's picture away."""
    tx.execute(delete(app_icons).where(app_icons.c.workspace_id == app.workspace_id, app_icons.c.app_id == app.id))
    _name(tx, app, None)


def find_icon(tx: Transaction, app_id: str, digest: str) -> bytes | None:
    """Return the picture of an app, if it is still the one of that digest. Of any workspace: it is no secret."""
    query = select(app_icons.c.png).where(app_icons.c.app_id == app_id, app_icons.c.digest == digest)
    return tx.execute(query).scalar_one_or_none()


def _name(tx: Transaction, app: App, digest: str | None) -> None:
    mine = (apps.c.workspace_id == app.workspace_id, apps.c.id == app.id)
    tx.execute(update(apps).where(*mine).values(icon_digest=digest))
