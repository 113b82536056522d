"""Grants with their codes and refresh tokens. Of codes and tokens only hashes are kept, and each is used once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, exists, insert, select, update

from vestibule.directory.grants import BY_PASSWORD, Authentication, Grant, UsedCode
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared, rows_together
from vestibule.storage.tables import oidc_codes, oidc_grants, oidc_refresh_tokens

_FIND: Final = Prepared(
    select(oidc_grants).where(
        oidc_grants.c.id == bindparam("grant_id"),
        oidc_grants.c.environment_id == bindparam("environment_id"),
        oidc_grants.c.expires_at > bindparam("now"),
    )
)


def _use(table: Table, digest: ColumnElement[str], *told: ColumnElement[str]) -> Prepared:
    # Brought to another environment it is unknown there, and not used up here.
    here = exists().where(oidc_grants.c.id == table.c.grant_id, oidc_grants.c.environment_id == bindparam("here"))
    unused = (digest == bindparam("digest"), table.c.used_at.is_(None), table.c.expires_at > bindparam("now"))
    return Prepared(
        update(table).where(*unused, here).values(used_at=bindparam("now")).returning(table.c.grant_id, *told)
    )


def _behind(table: Table, digest: ColumnElement[str]) -> Prepared:
    joined = select(oidc_grants).join(table, table.c.grant_id == oidc_grants.c.id)
    living = (oidc_grants.c.environment_id == bindparam("here"), oidc_grants.c.expires_at > bindparam("now"))
    return Prepared(joined.where(digest == bindparam("digest"), *living))


_USE_CODE: Final = _use(oidc_codes, oidc_codes.c.code_hash, oidc_codes.c.redirect_uri, oidc_codes.c.code_challenge)
_BEHIND_CODE: Final = _behind(oidc_codes, oidc_codes.c.code_hash)
_USE_REFRESH_TOKEN: Final = _use(oidc_refresh_tokens, oidc_refresh_tokens.c.token_hash)
_BEHIND_REFRESH_TOKEN: Final = _behind(oidc_refresh_tokens, oidc_refresh_tokens.c.token_hash)
_INSERT: Final = Prepared(insert(oidc_grants))
_INSERT_CODE: Final = Prepared(insert(oidc_codes))
_INSERT_REFRESH_TOKEN: Final = Prepared(insert(oidc_refresh_tokens))


def insert_grant(tx: Transaction, grant: Grant) -> None:
    """Save a grant. Raises AlreadyTaken when the session or the access that it hangs on is gone."""
    _INSERT.write(
        tx,
        {
            "id": grant.id,
            "workspace_id": grant.workspace_id,
            "environment_id": grant.environment_id,
            "app_id": grant.app_id,
            "end_user_id": grant.end_user_id,
            "session_id": grant.session_id,
            "sid": grant.sid,
            "scope": " ".join(grant.scope),
            "resources": list(grant.resources),
            "nonce": grant.nonce,
            "auth": {
                "instant": int(grant.authentication.instant.timestamp()),
                "methods": list(grant.authentication.methods),
                "context": grant.authentication.context,
                "connection": grant.authentication.connection_id,
            },
            "actor": dict(grant.actor) if grant.actor is not None else None,
            "parent_id": grant.parent_id,
            "created_at": grant.created_at,
            "expires_at": grant.expires_at,
        },
    )


def find_grant(tx: Transaction, environment_id: str, grant_id: str, now: datetime) -> Grant | None:
    """Return a grant of an environment that has not ended."""
    rows = _FIND.rows(tx, {"grant_id": grant_id, "environment_id": environment_id, "now": now})
    return _grant(rows[0]) if rows else None


def delete_grant(tx: Transaction, environment_id: str, grant_id: str) -> bool:
    """End a grant with everything that hangs on it; return whether it was there."""
    mine = (oidc_grants.c.environment_id == environment_id, oidc_grants.c.id == grant_id)
    return tx.execute(delete(oidc_grants).where(*mine)).rowcount == 1


def delete_grants_of(tx: Transaction, workspace_id: str, end_user_id: str, app_id: str | None = None) -> int:
    """End every grant of a person, for one app or for all of them, offline ones too; return how many."""
    mine = (oidc_grants.c.workspace_id == workspace_id, oidc_grants.c.end_user_id == end_user_id)
    of_app = () if app_id is None else (oidc_grants.c.app_id == app_id,)
    return tx.execute(delete(oidc_grants).where(*mine, *of_app)).rowcount


def delete_password_grants(tx: Transaction, workspace_id: str, end_user_id: str) -> int:
    """End the grants of a person that outlive the browser's session and began with a password; return how many."""
    mine = (oidc_grants.c.workspace_id == workspace_id, oidc_grants.c.end_user_id == end_user_id)
    lasting = select(oidc_grants.c.id, oidc_grants.c.auth).where(*mine, oidc_grants.c.session_id.is_(None))
    by_password = [row.id for row in tx.execute(lasting) if BY_PASSWORD in row.auth["methods"]]
    if not by_password:
        return 0
    return tx.execute(delete(oidc_grants).where(*mine, oidc_grants.c.id.in_(by_password))).rowcount


def delete_lasting_grants_by(
    tx: Transaction, environment_id: str, connection_id: str, end_user_id: str | None = None
) -> int:
    """End the grants that outlive the browser's session and began through a connection, one person's or all; return how many."""
    whose = () if end_user_id is None else (oidc_grants.c.end_user_id == end_user_id,)
    lasting = (oidc_grants.c.environment_id == environment_id, oidc_grants.c.session_id.is_(None))
    by_connection = oidc_grants.c.auth["connection"].as_string() == connection_id
    return tx.execute(delete(oidc_grants).where(*lasting, *whose, by_connection)).rowcount


def insert_code(
    tx: Transaction, grant: Grant, code_hash: str, redirect_uri: str, code_challenge: str, expires_at: datetime
) -> None:
    """Save a code of a grant by its hash."""
    _INSERT_CODE.write(
        tx,
        {
            "code_hash": code_hash,
            "workspace_id": grant.workspace_id,
            "grant_id": grant.id,
            "redirect_uri": redirect_uri,
            "code_challenge": code_challenge,
            "expires_at": expires_at,
            "used_at": None,
        },
    )


def use_code(tx: Transaction, environment_id: str, code_hash: str, now: datetime) -> UsedCode | None:
    """Use a code of an environment up, and return what it stands for; None when it is unknown, has ended or was used before."""
    mine = {"digest": code_hash, "here": environment_id, "now": now}
    used, behind = rows_together(tx, (_USE_CODE, mine), (_BEHIND_CODE, mine))
    if not used or not behind:
        return None
    return UsedCode(_grant(behind[0]), used[0].redirect_uri, used[0].code_challenge)


def grant_of_used_code(tx: Transaction, environment_id: str, code_hash: str) -> Grant | None:
    """Return the grant of a code that was used before: somebody has it who should not."""
    return _grant_of(tx, environment_id, _by(oidc_codes, oidc_codes.c.code_hash == code_hash))


def insert_refresh_token(tx: Transaction, grant: Grant, digest: str, now: datetime, expires_at: datetime) -> None:
    """Save a refresh token of a grant by its hash. The end of the transaction raises AlreadyTaken when the grant is gone."""
    _INSERT_REFRESH_TOKEN.write_later(
        tx,
        {
            "token_hash": digest,
            "workspace_id": grant.workspace_id,
            "grant_id": grant.id,
            "created_at": now,
            "expires_at": expires_at,
            "used_at": None,
        },
    )


def use_refresh_token(tx: Transaction, environment_id: str, digest: str, now: datetime) -> Grant | None:
    """Use a refresh token of an environment up, and return its grant; None when it is unknown, has ended or was used before."""
    mine = {"digest": digest, "here": environment_id, "now": now}
    used, behind = rows_together(tx, (_USE_REFRESH_TOKEN, mine), (_BEHIND_REFRESH_TOKEN, mine))
    return _grant(behind[0]) if used and behind else None


def grant_of_used_refresh_token(tx: Transaction, environment_id: str, digest: str) -> Grant | None:
    """Return the grant of a refresh token that was used before: two have it, and one of them should not."""
    return _grant_of(tx, environment_id, _by(oidc_refresh_tokens, oidc_refresh_tokens.c.token_hash == digest))


def grant_of_refresh_token(tx: Transaction, environment_id: str, digest: str, now: datetime) -> Grant | None:
    """Return the grant of a refresh token that could be used now, without using it."""
    table = oidc_refresh_tokens
    live = _by(table, table.c.token_hash == digest, used=False).where(table.c.expires_at > now)
    return _grant_of(tx, environment_id, live)


def _by(table: Any, condition: Any, *, used: bool = True) -> Select[Any]:
    joined = select(oidc_grants).join(table, table.c.grant_id == oidc_grants.c.id).where(condition)
    return joined.where(table.c.used_at.is_not(None) if used else table.c.used_at.is_(None))


def _grant_of(tx: Transaction, environment_id: str, query: Select[Any]) -> Grant | None:
    row = tx.execute(query.where(oidc_grants.c.environment_id == environment_id)).one_or_none()
    return _grant(row) if row else None


def _grant(row: Any) -> Grant:
    return Grant(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        app_id=row.app_id,
        end_user_id=row.end_user_id,
        session_id=row.session_id,
        sid=row.sid,
        scope=tuple(row.scope.split(" ")) if row.scope else (),
        resources=tuple(row.resources),
        nonce=row.nonce,
        authentication=Authentication(
            instant=datetime.fromtimestamp(row.auth["instant"], UTC),
            methods=tuple(row.auth["methods"]),
            context=row.auth["context"],
            connection_id=row.auth.get("connection"),
        ),
        created_at=row.created_at,
        expires_at=row.expires_at,
        actor=row.actor,
        parent_id=row.parent_id,
    )
