"""Authorization requests that wait for their person, consents, used client assertions, and which app has a session of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from vestibule.directory.grants import Consent, Grant, StoredRequest
from vestibule.directory.workspaces import Environment
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import app_sessions, apps, client_assertions, oidc_consents, oidc_requests

# What a session that begins again begins with.
_ANEW: Final = ("began_at", "ended_at", "told_at", "attempts", "next_at", "failure", "entry_id")

_INSERT_REQUEST: Final = Prepared(insert(oidc_requests))
_FIND_REQUEST: Final = Prepared(
    select(oidc_requests).where(
        oidc_requests.c.environment_id == bindparam("environment_id"),
        oidc_requests.c.handle_hash == bindparam("handle_hash"),
        oidc_requests.c.expires_at > bindparam("now"),
    )
)
_TAKE_REQUEST: Final = Prepared(
    delete(oidc_requests).where(
        oidc_requests.c.environment_id == bindparam("environment_id"),
        oidc_requests.c.handle_hash == bindparam("handle_hash"),
    )
)


def insert_request(tx: Transaction, environment: Environment, request: StoredRequest, handle_hash: str) -> None:
    """Save a checked request under the hash of its handle."""
    _INSERT_REQUEST.write(
        tx,
        {
            "handle_hash": handle_hash,
            "workspace_id": environment.workspace_id,
            "environment_id": environment.id,
            "app_id": request.app_id,
            "parameters": dict(request.parameters),
            "browser_hash": request.browser_hash,
            "pushed": request.pushed,
            "created_at": request.created_at,
            "expires_at": request.expires_at,
        },
    )


def find_request(tx: Transaction, environment_id: str, handle_hash: str, now: datetime) -> StoredRequest | None:
    """Return a request of an environment that still waits."""
    rows = _FIND_REQUEST.rows(tx, {"environment_id": environment_id, "handle_hash": handle_hash, "now": now})
    if not rows:
        return None
    row = rows[0]
    return StoredRequest(
        app_id=row.app_id,
        environment_id=row.environment_id,
        parameters=row.parameters,
        browser_hash=row.browser_hash,
        pushed=row.pushed,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def take_request(tx: Transaction, environment_id: str, handle_hash: str) -> bool:
    """Delete a request that is answered now; return whether it was still there: it is answered once."""
    return _TAKE_REQUEST.write(tx, {"environment_id": environment_id, "handle_hash": handle_hash}) == 1


def consented_scope(tx: Transaction, app_id: str, end_user_id: str) -> frozenset[str] | None:
    """Return what a person has agreed to give an app, None where they never did."""
    mine = (oidc_consents.c.app_id == app_id, oidc_consents.c.end_user_id == end_user_id)
    scope = tx.execute(select(oidc_consents.c.scope).where(*mine)).scalar_one_or_none()
    return None if scope is None else frozenset(scope.split(" "))


def save_consent(
    tx: Transaction, environment: Environment, app_id: str, end_user_id: str, scope: frozenset[str], now: datetime
) -> None:
    """Remember what a person agreed to, in place of what they agreed to before."""
    row = insert_into(tx, oidc_consents).values(
        app_id=app_id,
        environment_id=environment.id,
        end_user_id=end_user_id,
        workspace_id=environment.workspace_id,
        scope=" ".join(sorted(scope)),
        created_at=now,
    )
    latest = {"scope": row.excluded.scope, "created_at": row.excluded.created_at}
    tx.execute(row.on_conflict_do_update(index_elements=["app_id", "end_user_id"], set_=latest))


def list_consents(tx: Transaction, environment_id: str, end_user_id: str) -> tuple[Consent, ...]:
    """Return what a person agreed to in an environment, by the apps' names."""
    table = oidc_consents
    query = (
        select(table.c.app_id, apps.c.name, table.c.scope, table.c.created_at)
        .join(apps, apps.c.id == table.c.app_id)
        .where(table.c.environment_id == environment_id, table.c.end_user_id == end_user_id)
        .order_by(apps.c.name_key, apps.c.id)
    )
    return tuple(
        Consent(row.app_id, row.name, tuple(row.scope.split(" ")), row.created_at) for row in tx.execute(query)
    )


def delete_consent(tx: Transaction, workspace_id: str, app_id: str, end_user_id: str) -> bool:
    """Forget that a person agreed; return whether they had."""
    mine = (oidc_consents.c.app_id == app_id, oidc_consents.c.end_user_id == end_user_id)
    return tx.execute(delete(oidc_consents).where(oidc_consents.c.workspace_id == workspace_id, *mine)).rowcount == 1


def delete_consents_for(tx: Transaction, app_id: str) -> int:
    """Forget that anybody agreed to give an app something; return how many had."""
    return tx.execute(delete(oidc_consents).where(oidc_consents.c.app_id == app_id)).rowcount


def use_assertion(tx: Transaction, workspace_id: str, assertion_key: str, expires_at: datetime) -> bool:
    """Note that a client assertion was used; return whether that is the first time."""
    row = insert_into(tx, client_assertions).values(
        assertion_key=assertion_key, workspace_id=workspace_id, expires_at=expires_at
    )
    return tx.execute(row.on_conflict_do_nothing().returning(client_assertions.c.assertion_key)).first() is not None


def note_app_session(tx: Transaction, grant: Grant, session_id: str, subject: str) -> None:
    """Note that an app has a session that rests on one of ours: it has to be told when that ends.

    Whoever lost the app and got it back is in again, and has to be told of anew; a session that goes on keeps its beginning.
    """
    row = insert_into(tx, app_sessions).values(
        app_id=grant.app_id,
        session_id=session_id,
        live_session_id=session_id,
        workspace_id=grant.workspace_id,
        environment_id=grant.environment_id,
        end_user_id=grant.end_user_id,
        sid=grant.sid,
        sub=subject,
        began_at=grant.created_at,
        ended_at=None,
        told_at=None,
        attempts=0,
        next_at=None,
        failure=None,
        entry_id=None,
    )
    anew = {name: row.excluded[name] for name in _ANEW}
    ended = app_sessions.c.ended_at.is_not(None)
    tx.execute(row.on_conflict_do_update(index_elements=["app_id", "session_id"], set_=anew, where=ended))
