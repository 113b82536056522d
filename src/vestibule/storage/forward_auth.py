"""Codes and sessions of forward-auth, and the two statements that every answer of it rests on. Only hashes of tokens are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, delete, exists, insert, literal, select, union_all

from vestibule.directory.entry import Standing
from vestibule.directory.forward_auth import Code, ForwardAuthSession, Found
from vestibule.storage.apps import to_app
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.sessions import LIVE, WHOLE, Part, to_session
from vestibule.storage.tables import (
    app_groups,
    app_hosts,
    apps,
    cookie_domains,
    environment_access,
    environments,
    forward_auth_codes,
    forward_auth_sessions,
    group_members,
    groups,
    sessions,
)

_HAS_ACCESS: Final = exists(
    select(literal(1)).where(
        environment_access.c.environment_id == sessions.c.environment_id,
        environment_access.c.end_user_id == sessions.c.end_user_id,
    )
).label("has_access")
_AT_HOST: Final = and_(
    app_hosts.c.environment_id == sessions.c.environment_id, app_hosts.c.host == bindparam("asked_host")
)
_FIND: Final = Prepared(
    WHOLE.add_columns(
        forward_auth_sessions.c.host.label("began_at_host"),
        forward_auth_sessions.c.domain.label("cookie_domain"),
        _HAS_ACCESS,
        *(column.label(f"app_{column.name}") for column in apps.c),
    )
    .join(forward_auth_sessions, forward_auth_sessions.c.session_id == sessions.c.id)
    .outerjoin(app_hosts, _AT_HOST)
    .outerjoin(apps, apps.c.id == app_hosts.c.app_id)
    .where(
        forward_auth_sessions.c.token_hash == bindparam("token_hash"),
        forward_auth_sessions.c.environment_id == environments.c.id,
        environments.c.key == bindparam("environment_key"),
        sessions.c.expires_at > bindparam("now"),
        LIVE,
    )
)
# The person's groups, with the names that the app is told; and the groups that the app is narrowed to.
_GROUPS: Final = Prepared(
    union_all(
        select(groups.c.id, groups.c.name, literal(1).label("is_members"))
        .join(group_members, group_members.c.group_id == groups.c.id)
        .where(
            group_members.c.environment_id == bindparam("environment_id"),
            group_members.c.end_user_id == bindparam("end_user_id"),
        ),
        select(app_groups.c.group_id, literal(""), literal(0)).where(app_groups.c.app_id == bindparam("app_id")),
    )
)


def find(tx: Transaction, environment_key: str, host: str, token_hash: str, now: datetime) -> Found | None:
    """Return who is behind a token of forward-auth with the app at a host, or None for a token that counts no more. Two statements."""
    rows = _FIND.rows(
        tx, {"environment_key": environment_key, "asked_host": host, "token_hash": token_hash, "now": now}
    )
    if not rows:
        return None
    row = rows[0]
    session = to_session(row)
    named = _GROUPS.rows(
        tx,
        {
            "environment_id": session.environment.id,
            "end_user_id": session.end_user.id,
            "app_id": row.app_id or "",
        },
    )
    names = {one.id: one.name for one in named if one.is_members}
    narrowed_to = tuple(one.id for one in named if not one.is_members)
    return Found(
        session=session,
        standing=Standing(session.end_user, session.environment, bool(row.has_access), frozenset(names)),
        counts_at=ForwardAuthSession(
            session.workspace_id, session.environment.id, session.id, row.began_at_host, row.cookie_domain
        ),
        app=to_app(Part(row, "app_"), narrowed_to, (host,)) if row.app_id else None,
        group_names=names,
    )


def insert_code(tx: Transaction, code: Code, code_hash: str, expires_at: datetime) -> None:
    """Save a code. Raises IntegrityError when the session has ended."""
    tx.execute(
        insert(forward_auth_codes).values(
            code_hash=code_hash,
            workspace_id=code.workspace_id,
            environment_id=code.environment_id,
            session_id=code.session_id,
            host=code.host,
            browser_hash=code.browser_hash,
            return_to=code.return_to,
            expires_at=expires_at,
        )
    )


def take_code(tx: Transaction, environment_id: str, code_hash: str, now: datetime) -> Code | None:
    """Return a live code of an environment and delete it, so that nobody takes it twice."""
    mine = (forward_auth_codes.c.environment_id == environment_id, forward_auth_codes.c.code_hash == code_hash)
    row = tx.execute(delete(forward_auth_codes).where(*mine).returning(forward_auth_codes)).one_or_none()
    if row is None or row.expires_at <= now:
        return None
    return Code(row.workspace_id, row.environment_id, row.session_id, row.host, row.browser_hash, row.return_to)


def insert_session(tx: Transaction, session: ForwardAuthSession, token_hash: str, now: datetime) -> None:
    """Save a session at an app's host. Raises IntegrityError when the browser's session has ended, or the domain was taken back."""
    tx.execute(
        insert(forward_auth_sessions).values(
            token_hash=token_hash,
            workspace_id=session.workspace_id,
            environment_id=session.environment_id,
            session_id=session.session_id,
            host=session.host,
            domain=session.domain,
            created_at=now,
        )
    )


def delete_session(tx: Transaction, environment_id: str, token_hash: str) -> None:
    """End the session of a cookie that a newer one replaces."""
    mine = (forward_auth_sessions.c.environment_id == environment_id, forward_auth_sessions.c.token_hash == token_hash)
    tx.execute(delete(forward_auth_sessions).where(*mine))


def list_cookie_domains(tx: Transaction, environment_id: str) -> Mapping[str, datetime]:
    """Return the domains that an environment's admin registered for cookies, each with when, by name."""
    query = select(cookie_domains).where(cookie_domains.c.environment_id == environment_id)
    return {row.domain: row.created_at for row in tx.execute(query.order_by(cookie_domains.c.domain))}


def insert_cookie_domain(tx: Transaction, workspace_id: str, environment_id: str, domain: str, now: datetime) -> None:
    """Register a domain. Raises IntegrityError when the environment has it."""
    tx.execute(
        insert(cookie_domains).values(
            environment_id=environment_id, domain=domain, workspace_id=workspace_id, created_at=now
        )
    )


def delete_cookie_domain(tx: Transaction, workspace_id: str, environment_id: str, domain: str) -> bool:
    """Take a domain back, and with it every session that counts below it; return whether it was registered."""
    mine = (cookie_domains.c.workspace_id == workspace_id, cookie_domains.c.environment_id == environment_id)
    return tx.execute(delete(cookie_domains).where(*mine, cookie_domains.c.domain == domain)).rowcount == 1
