"""Letting a person in: the session, the note on the account, and the record, in the transaction of the flow that decided it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vestibule.directory.activity import Actor, ActorKind, Event, Subject
from vestibule.directory.end_users import EndUser
from vestibule.directory.sessions import IdpName, SignInMethod
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import printable
from vestibule.storage import end_users, sessions
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Basis:
    """What a session rests on. `not_on_or_after` is when the IdP wants it to end at the latest."""

    method: SignInMethod
    connection_id: str | None = None
    link_id: str | None = None
    session_index: str | None = None
    authn_context: str | None = None
    authn_instant: datetime | None = None
    name_id: IdpName | None = None
    name_key: str | None = None
    not_on_or_after: datetime | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entered:
    """A person who signed in. `token` goes into the environment's cookie and is kept nowhere else.

    Where they were not `asked` to, by a sign-in of this browser, it must not take the place of somebody else's session.
    """

    place: Place
    end_user: EndUser
    token: str
    lasts_seconds: int
    return_to: str
    asked: bool = True


def end_user_actor(end_user: EndUser, visitor: Visitor) -> Actor:
    """Return an end user as an actor for the activity."""
    return Actor(ActorKind.END_USER, end_user.id, end_user.full_name, visitor.address, visitor.request_id)


def enter(
    tx: Transaction,
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    end_user: EndUser,
    basis: Basis,
    *,
    return_to: str,
    earlier: str,
) -> Entered | None:
    """Begin a session, with a fresh token, in place of the browser's `earlier` one; return None if the person is deactivated by now.

    The account is written first: that waits for an admin who deactivates at this instant, and makes them wait for us, so
    that either we see it or they end this session, too. Raises AlreadyTaken (at once or at the commit) when access ended.
    """
    now = runtime.clock()
    environment = place.environment
    if not end_users.note_sign_in(tx, environment.workspace_id, end_user.id, now):
        return None
    expires_at = now + environment.session_ttl
    if basis.not_on_or_after is not None:
        expires_at = min(expires_at, basis.not_on_or_after)
    if earlier:
        sessions.delete_session_of(tx, token_hash(earlier), environment.id)
    token = new_token()
    session = sessions.NewSession(
        id=new_id("session", now),
        environment=environment,
        end_user_id=end_user.id,
        method=basis.method,
        created_at=now,
        expires_at=expires_at,
        address=visitor.address,
        user_agent=printable(visitor.user_agent),
        connection_id=basis.connection_id,
        link_id=basis.link_id,
        session_index=basis.session_index,
        authn_context=basis.authn_context,
        authn_instant=basis.authn_instant,
        name_id=basis.name_id,
        name_key=basis.name_key,
    )
    sessions.insert_session(tx, session, token_hash(token))
    event = Event(
        "end_user.sign_in",
        Subject("end_user", end_user.id, end_user.full_name),
        environment_id=environment.id,
        connection_id=basis.connection_id,
        details={"method": basis.method.value, **basis.details},
    )
    record(tx, runtime, environment.workspace_id, end_user_actor(end_user, visitor), event)
    return Entered(place, end_user, token, int((expires_at - now).total_seconds()), return_to)
