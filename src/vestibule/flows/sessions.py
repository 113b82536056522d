"""Sessions of end users: resumed at each request, ended by signing out; and what the launch page shows."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.enforcement import route
from vestibule.directory.groups import Membership
from vestibule.directory.sessions import Session, SignInMethod
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import token_hash
from vestibule.storage import access, connections, sessions


@dataclass(frozen=True, slots=True)
class Launch:
    """What somebody signed in sees first. `groups` leave out Everyone, in which they are by being here."""

    place: Place
    session: Session
    groups: tuple[Membership, ...]


def resume(runtime: Runtime, environment_key: str, token: str) -> Session | None:
    """Return who is behind an environment's cookie, or None when the session has ended, for whatever reason.

    One statement. Only for a password session where SAML is on a second one looks whether a password still suffices:
    enforcement counts at once, not at the next sign-in.
    """
    with runtime.database.reading() as tx:
        session = sessions.find_session(tx, token_hash(token), environment_key, runtime.clock())
        if session is None or session.method is SignInMethod.SAML or not session.environment.saml_enabled:
            return session
        found = connections.list_connections(tx, session.workspace_id, session.environment.id)
    return session if route(session.end_user.email, True, found).password else None


def launch(runtime: Runtime, session: Session) -> Launch:
    """Return what the launch page shows."""
    place = find_place(runtime, session.environment.key)
    with runtime.database.reading() as tx:
        groups = access.memberships_of(tx, session.workspace_id, session.end_user.id, session.environment.id)
    return Launch(place, session, groups)
