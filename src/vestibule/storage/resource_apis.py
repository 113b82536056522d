"""Resource APIs, what each app may ask of them, and the initial access tokens of environments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, insert, select, update

from vestibule.directory.resource_apis import Reach, RegistrationToken, ResourceApi
from vestibule.storage.database import Transaction
from vestibule.storage.tables import app_apis, registration_tokens, resource_apis


def insert_api(tx: Transaction, api: ResourceApi) -> None:
    """Save a new API. Raises AlreadyTaken when the environment has one of that identifier."""
    tx.execute(
        insert(resource_apis).values(
            id=api.id,
            workspace_id=api.workspace_id,
            environment_id=api.environment_id,
            created_at=api.created_at,
            **_changeable(api),
        )
    )


def update_api(tx: Transaction, api: ResourceApi) -> None:
    """Save an API as it is now. Raises AlreadyTaken when the environment has another of that identifier."""
    mine = (resource_apis.c.workspace_id == api.workspace_id, resource_apis.c.id == api.id)
    tx.execute(update(resource_apis).where(*mine).values(**_changeable(api)))


def delete_api(tx: Transaction, workspace_id: str, api_id: str) -> bool:
    """Delete an API; return whether it was there."""
    mine = (resource_apis.c.workspace_id == workspace_id, resource_apis.c.id == api_id)
    return tx.execute(delete(resource_apis).where(*mine)).rowcount == 1


def find_api(tx: Transaction, environment_id: str, api_id: str) -> ResourceApi | None:
    """Return one API of an environment."""
    here = (resource_apis.c.environment_id == environment_id, resource_apis.c.id == api_id)
    row = tx.execute(select(resource_apis).where(*here)).one_or_none()
    return _api(row) if row else None


def list_apis(tx: Transaction, workspace_id: str, environment_id: str) -> tuple[ResourceApi, ...]:
    """Return the APIs of an environment, the oldest first."""
    here = (resource_apis.c.workspace_id == workspace_id, resource_apis.c.environment_id == environment_id)
    return tuple(_api(row) for row in tx.execute(select(resource_apis).where(*here).order_by(resource_apis.c.id)))


def find_reaches(tx: Transaction, environment_id: str, app_id: str, identifiers: Sequence[str]) -> tuple[Reach, ...]:
    """Return those APIs of an environment that have these identifiers, with what an app may ask of each. One statement."""
    of_app = and_(app_apis.c.api_id == resource_apis.c.id, app_apis.c.app_id == app_id)
    query = (
        select(resource_apis, app_apis.c.scopes.label("allowed"))
        .select_from(resource_apis.outerjoin(app_apis, of_app))
        .where(resource_apis.c.environment_id == environment_id, resource_apis.c.identifier.in_(tuple(identifiers)))
        .order_by(resource_apis.c.id)
    )
    return tuple(Reach(_api(row), frozenset(row.allowed or ()) & frozenset(row.scopes)) for row in tx.execute(query))


def list_allowed(tx: Transaction, environment_id: str, api_id: str) -> dict[str, tuple[str, ...]]:
    """Return the apps that an API is allowed to by name, by id, each with its scopes."""
    here = (app_apis.c.environment_id == environment_id, app_apis.c.api_id == api_id)
    return {row.app_id: tuple(row.scopes) for row in tx.execute(select(app_apis).where(*here))}


def allow_app(tx: Transaction, api: ResourceApi, app_id: str, scopes: Iterable[str]) -> None:
    """Let an app of the API's environment ask for these scopes of it and no others; for none, nothing is kept."""
    wanted = [scope for scope in api.scopes if scope in frozenset(scopes)]
    tx.execute(delete(app_apis).where(app_apis.c.app_id == app_id, app_apis.c.api_id == api.id))
    if wanted:
        here = {"environment_id": api.environment_id, "workspace_id": api.workspace_id}
        tx.execute(insert(app_apis).values(app_id=app_id, api_id=api.id, scopes=wanted, **here))


def insert_registration_token(tx: Transaction, token: RegistrationToken) -> None:
    """Save the hash of an initial access token."""
    tx.execute(
        insert(registration_tokens).values(
            id=token.id,
            workspace_id=token.workspace_id,
            environment_id=token.environment_id,
            token_hash=token.token_hash,
            hint=token.hint,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )


def find_registration_token(
    tx: Transaction, environment_id: str, token_hash: str, now: datetime
) -> RegistrationToken | None:
    """Return a live initial access token of an environment by its hash."""
    mine = registration_tokens.c.token_hash == token_hash
    return next(iter(_registration_tokens(tx, environment_id, now, mine)), None)


def list_registration_tokens(tx: Transaction, environment_id: str, now: datetime) -> tuple[RegistrationToken, ...]:
    """Return the live initial access tokens of an environment, the newest first."""
    return _registration_tokens(tx, environment_id, now)


def delete_registration_token(tx: Transaction, environment_id: str, token_id: str) -> bool:
    """Delete an initial access token; return whether it was there."""
    mine = (registration_tokens.c.environment_id == environment_id, registration_tokens.c.id == token_id)
    return tx.execute(delete(registration_tokens).where(*mine)).rowcount == 1


def _registration_tokens(
    tx: Transaction, environment_id: str, now: datetime, *which: Any
) -> tuple[RegistrationToken, ...]:
    table = registration_tokens
    live = (table.c.environment_id == environment_id, table.c.expires_at > now, *which)
    return tuple(
        RegistrationToken(
            id=row.id,
            environment_id=row.environment_id,
            workspace_id=row.workspace_id,
            hint=row.hint,
            created_at=row.created_at,
            expires_at=row.expires_at,
            token_hash=row.token_hash,
        )
        for row in tx.execute(select(table).where(*live).order_by(table.c.id.desc()))
    )


def _changeable(api: ResourceApi) -> dict[str, Any]:
    return {
        "identifier": api.identifier,
        "name": api.name,
        "scopes": list(api.scopes),
        "open": api.open,
        "app_id": api.app_id,
    }


def _api(row: Any) -> ResourceApi:
    return ResourceApi(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        identifier=row.identifier,
        name=row.name,
        scopes=tuple(row.scopes),
        open=row.open,
        app_id=row.app_id,
        created_at=row.created_at,
    )
