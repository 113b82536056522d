"""Who asks at the token endpoint and its neighbours: the app, where it is, the hashes of its secrets, and the keys there, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, or_

from vestibule.directory.apps import App, AppSecret
from vestibule.directory.jwt_keys import SealedJwtKey
from vestibule.directory.workspaces import Environment, Workspace
from vestibule.storage.apps import WHOLE, to_secret, to_whole_app
from vestibule.storage.database import Transaction
from vestibule.storage.jwt_keys import LIST_BY_KEY, to_jwt_key
from vestibule.storage.prepared import Prepared, rows_together
from vestibule.storage.sessions import Part
from vestibule.storage.tables import app_secrets, apps, environments, workspaces
from vestibule.storage.workspaces import to_environment, to_workspace

_LIVING: Final = and_(
    app_secrets.c.app_id == apps.c.id,
    or_(app_secrets.c.expires_at.is_(None), app_secrets.c.expires_at > bindparam("now")),
)
_FIND: Final = Prepared(
    WHOLE.add_columns(
        *(column.label(f"place_{column.name}") for column in environments.c),
        *(column.label(f"house_{column.name}") for column in workspaces.c),
        *(column.label(f"secret_{column.name}") for column in app_secrets.c),
    )
    .join(environments, environments.c.id == apps.c.environment_id)
    .join(workspaces, workspaces.c.id == environments.c.workspace_id)
    .outerjoin(app_secrets, _LIVING)
    .where(environments.c.key == bindparam("environment_key"), apps.c.id == bindparam("app_id"))
    .order_by(app_secrets.c.id.desc())
)


@dataclass(frozen=True, slots=True)
class FoundClient:
    """An app at its place, with its live secrets, the newest first, and the keys that the environment signs with."""

    environment: Environment
    workspace: Workspace
    app: App
    secrets: tuple[AppSecret, ...]
    jwt_keys: tuple[SealedJwtKey, ...]


def find_client(tx: Transaction, environment_key: str, app_id: str, now: datetime) -> FoundClient | None:
    """Return the app of an environment, by a key and a client_id that may be anybody's. Two statements in one round trip."""
    where = {"environment_key": environment_key, "now": now}
    rows, keys = rows_together(tx, (_FIND, {**where, "app_id": app_id}), (LIST_BY_KEY, where))
    if not rows:
        return None
    first = rows[0]
    return FoundClient(
        environment=to_environment(Part(first, "place_")),
        workspace=to_workspace(Part(first, "house_")),
        app=to_whole_app(first),
        secrets=tuple(to_secret(Part(row, "secret_")) for row in rows if row.secret_id is not None),
        jwt_keys=tuple(to_jwt_key(row) for row in keys),
    )
