"""Who is here, and whether they may enter: loads what `directory.entry.may_enter` decides by. Every door of apps asks here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vestibule.directory.apps import App
from vestibule.directory.connections import Connection
from vestibule.directory.enforcement import route
from vestibule.directory.entry import Decision, Presence, Standing, may_enter
from vestibule.directory.sessions import Session, SignInMethod
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import token_hash
from vestibule.storage import connections, sessions
from vestibule.storage.database import Transaction
from vestibule.storage.standings import find_standing, find_standing_in_session


@dataclass(frozen=True, slots=True)
class Entry:
    """The answer, and how the person stood when it was given."""

    standing: Standing
    decision: Decision


def resume(runtime: Runtime, environment_key: str, token: str) -> Session | None:
    """Return who is behind an environment's cookie (untrusted), or None when the session has ended, for whatever reason.

    One statement. Only for a password session where SAML is on a second one looks whether a password still suffices:
    enforcement counts at once, not at the next sign-in.
    """
    with runtime.database.reading() as tx:
        session = sessions.find_session(tx, token_hash(token), environment_key, runtime.clock())
        if session is None or not _judges_connections(session):
            return session
        found = connections.list_connections(tx, session.workspace_id, session.environment.id)
    return session if route(session.end_user.email, True, found).password else None


def sessions_of(tx: Transaction, workspace_id: str, end_user_id: str, now: datetime) -> tuple[Session, ...]:
    """Return the sessions that a person can go on in, the newest first: not those by a password where enforcement asks for SAML."""
    found = sessions.list_sessions(tx, workspace_id, end_user_id, now)
    if not any(map(_judges_connections, found)):
        return found
    every = connections.list_connections(tx, workspace_id)

    def counts(one: Session) -> bool:
        here = [each for each in every if each.environment_id == one.environment.id]
        return not _judges_connections(one) or route(one.end_user.email, True, here).password

    return tuple(filter(counts, found))


def decide(
    tx: Transaction,
    runtime: Runtime,
    environment: Environment,
    end_user_id: str,
    app: App | None = None,
    session: Session | None = None,
    max_age: timedelta | None = None,
    *,
    named: bool = False,
) -> Entry | None:
    """Decide about a person of the environment's workspace, with the session where there is one; None when there is no such person.

    One statement, and one more for a password session where SAML is on; with `named` the names of groups come along.
    """
    standing = find_standing(tx, environment, end_user_id, named=named)
    if standing is None:
        return None
    presence = None
    if session is not None:
        presence = Presence(session, runtime.clock(), connections_to_judge(tx, session), max_age)
    return Entry(standing, may_enter(standing, app, presence))


def decide_in_session(
    tx: Transaction,
    runtime: Runtime,
    environment: Environment,
    session_id: str,
    app: App | None = None,
    *,
    named: str | None = None,
) -> Entry | None:
    """Decide about the person of a session of the environment, in it; None when there is no such session any more.

    One statement, and one more for a password session where SAML is on; the names of the groups of `named` come along.
    """
    now = runtime.clock()
    found = find_standing_in_session(tx, environment.id, session_id, now, named=named)
    if found is None:
        return None
    session, standing = found
    return Entry(standing, may_enter(standing, app, Presence(session, now, connections_to_judge(tx, session))))


def connections_to_judge(tx: Transaction, session: Session) -> tuple[Connection, ...]:
    """Return the connections that decide whether a session may go on: only a password may have been overtaken by enforcement."""
    if not _judges_connections(session):
        return ()
    return connections.list_connections(tx, session.workspace_id, session.environment.id)


def _judges_connections(session: Session) -> bool:
    return session.method is not SignInMethod.SAML and session.environment.saml_enabled
