"""Sessions of end users. Only the hash of the cookie is kept. A session goes with the access, link or connection it rests on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, bindparam, delete, insert, or_, select

from vestibule.directory.end_users import EndUserStatus
from vestibule.directory.sessions import IdpName, Session, SignInMethod
from vestibule.directory.workspaces import Environment
from vestibule.storage.database import Transaction
from vestibule.storage.end_users import COLUMNS, to_end_user
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import connections, end_users, environments, identity_providers, sessions
from vestibule.storage.workspaces import to_environment


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session about to begin, with what the IdP said about the authentication."""

    id: str
    environment: Environment
    end_user_id: str
    method: SignInMethod
    created_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    connection_id: str | None = None
    link_id: str | None = None
    session_index: str | None = None
    authn_context: str | None = None
    authn_instant: datetime | None = None
    name_id: IdpName | None = None
    name_key: str | None = None


_INSERT: Final = Prepared(insert(sessions))
_PERSON: Final = tuple(column.label(f"person_{column.name}") for column in COLUMNS)
_PLACE: Final = tuple(column.label(f"place_{column.name}") for column in environments.c)
WHOLE: Final = (
    select(sessions, *_PERSON, *_PLACE, identity_providers.c.name.label("idp_name"))
    .join(end_users, end_users.c.id == sessions.c.end_user_id)
    .join(environments, environments.c.id == sessions.c.environment_id)
    .outerjoin(connections, connections.c.id == sessions.c.connection_id)
    .outerjoin(identity_providers, identity_providers.c.id == connections.c.idp_id)
)
# A deactivated person or a disabled connection has no sessions; this holds even for one that began at that very instant.
LIVE: Final = and_(
    end_users.c.status == EndUserStatus.ACTIVE.value,
    or_(
        sessions.c.connection_id.is_(None),
        and_(connections.c.disabled.is_(False), connections.c.provisioning.is_not(None)),
    ),
)
_FIND: Final = Prepared(
    WHOLE.where(
        sessions.c.token_hash == bindparam("token_hash"),
        environments.c.key == bindparam("environment_key"),
        sessions.c.expires_at > bindparam("now"),
        LIVE,
    )
)

_FIND_BY_ID: Final = Prepared(
    WHOLE.where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.environment_id == bindparam("environment_id"),
        sessions.c.expires_at > bindparam("now"),
        LIVE,
    )
)


def insert_session(tx: Transaction, session: NewSession, token_hash: str) -> None:
    """Save a new session. Where the person has no access to the environment (any more), this, the next statement or COMMIT raises."""
    _INSERT.write_later(
        tx,
        {
            "id": session.id,
            "workspace_id": session.environment.workspace_id,
            "token_hash": token_hash,
            "environment_id": session.environment.id,
            "end_user_id": session.end_user_id,
            "connection_id": session.connection_id,
            "link_id": session.link_id,
            "method": session.method.value,
            "session_index": session.session_index,
            "authn_context": session.authn_context,
            "authn_instant": session.authn_instant,
            "name_key": session.name_key,
            **_name_columns(session.name_id),
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "address": session.address,
            "user_agent": session.user_agent,
        },
    )


def find_session(tx: Transaction, token_hash: str, environment_key: str, now: datetime) -> Session | None:
    """Return the live session of a cookie in an environment with its person, in one statement."""
    rows = _FIND.rows(tx, {"token_hash": token_hash, "environment_key": environment_key, "now": now})
    return to_session(rows[0]) if rows else None


def find_live_session(tx: Transaction, environment_id: str, session_id: str, now: datetime) -> Session | None:
    """Return a live session of an environment by its id, in one statement."""
    rows = _FIND_BY_ID.rows(tx, {"session_id": session_id, "environment_id": environment_id, "now": now})
    return to_session(rows[0]) if rows else None


def hold_session(tx: Transaction, environment_id: str, session_id: str, now: datetime) -> bool:
    """Say whether a session is there, and keep whoever would end it waiting until this transaction is over.

    For what comes from a session and does not hang on it: else it could be made while all that came from it is ended.
    """
    mine = (sessions.c.id == session_id, sessions.c.environment_id == environment_id, sessions.c.expires_at > now)
    return tx.execute(select(sessions.c.id).where(*mine).with_for_update(read=True)).first() is not None


def list_sessions(tx: Transaction, workspace_id: str, end_user_id: str, now: datetime) -> tuple[Session, ...]:
    """Return the live sessions of a person, the newest first."""
    mine = (sessions.c.workspace_id == workspace_id, sessions.c.end_user_id == end_user_id, sessions.c.expires_at > now)
    return tuple(to_session(row) for row in tx.execute(WHOLE.where(*mine, LIVE).order_by(sessions.c.id.desc())))


def delete_session(tx: Transaction, workspace_id: str, session_id: str) -> bool:
    """End one session; return whether it was there."""
    return (
        tx.execute(
            delete(sessions).where(sessions.c.workspace_id == workspace_id, sessions.c.id == session_id)
        ).rowcount
        == 1
    )


def delete_session_of(tx: Transaction, token_hash: str, environment_id: str) -> bool:
    """End the session of a cookie, which a newer one replaces; return whether there was one."""
    mine = (sessions.c.token_hash == token_hash, sessions.c.environment_id == environment_id)
    return tx.execute(delete(sessions).where(*mine)).rowcount == 1


def delete_sessions(tx: Transaction, workspace_id: str, end_user_id: str, *, but: str | None = None) -> int:
    """End every session of a person, but for one; return how many."""
    mine = (sessions.c.workspace_id == workspace_id, sessions.c.end_user_id == end_user_id)
    others = () if but is None else (sessions.c.id != but,)
    return tx.execute(delete(sessions).where(*mine, *others)).rowcount


def end_named_sessions(
    tx: Transaction, workspace_id: str, connection_id: str, name_keys: Collection[str], session_indexes: Collection[str]
) -> tuple[str, ...]:
    """End the sessions of a connection that its IdP names; return whose each was.

    With `session_indexes` only those, and sessions that the IdP gave no index: it can't name them otherwise.
    """
    mine = [
        sessions.c.workspace_id == workspace_id,
        sessions.c.connection_id == connection_id,
        sessions.c.name_key.in_(name_keys),
    ]
    if session_indexes:
        mine.append(or_(sessions.c.session_index.is_(None), sessions.c.session_index.in_(session_indexes)))
    gone = tx.execute(delete(sessions).where(*mine).returning(sessions.c.end_user_id))
    return tuple(row.end_user_id for row in gone)


def _name_columns(name_id: IdpName | None) -> dict[str, str | None]:
    return {
        "name_id": name_id.value if name_id else None,
        "name_id_format": name_id.format if name_id else None,
        "name_qualifier": name_id.name_qualifier if name_id else None,
        "sp_name_qualifier": name_id.sp_name_qualifier if name_id else None,
    }


class Part:
    """The columns of a row that begin with a prefix, under their own names."""

    __slots__ = ("_prefix", "_row")

    def __init__(self, row: Any, prefix: str) -> None:
        self._row, self._prefix = row, prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, self._prefix + name)


def to_session(row: Any) -> Session:
    """Make a Session of a row of `WHOLE`."""
    return Session(
        id=row.id,
        workspace_id=row.workspace_id,
        environment=to_environment(Part(row, "place_")),
        end_user=to_end_user(Part(row, "person_")),
        connection_id=row.connection_id,
        method=SignInMethod(row.method),
        created_at=row.created_at,
        expires_at=row.expires_at,
        idp_name=row.idp_name,
        address=row.address,
        user_agent=row.user_agent,
        name_id=IdpName(row.name_id, row.name_id_format, row.name_qualifier, row.sp_name_qualifier)
        if row.name_id is not None
        else None,
        session_index=row.session_index,
        authn_instant=row.authn_instant,
        authn_context=row.authn_context,
    )
