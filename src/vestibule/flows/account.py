"""What end users see and do about themselves: sessions ended elsewhere, the password changed, what apps were allowed taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.grants import Consent
from vestibule.directory.sessions import Session
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.entry import sessions_of
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.routing import require_password_route, route_at
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import count_password_attempt, forget_password_attempts
from vestibule.kernel.errors import FieldError, NotFound
from vestibule.kernel.passwords import hash_password, password_matches, validate_new_password
from vestibule.kernel.text import N_, email_key, printable
from vestibule.storage import apps, authorization, credentials, end_users, grants, one_time_links, sessions
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Account:
    """The account page. `sessions` are those of the whole workspace; `may_change_password` says that one opens this environment."""

    place: Place
    sessions: tuple[Session, ...]
    consents: tuple[Consent, ...]
    may_change_password: bool


def look_at_account(runtime: Runtime, session: Session) -> Account:
    """Return what somebody signed in sees about themselves."""
    place, person = find_place(runtime, session.environment.key), session.end_user
    with runtime.database.reading() as tx:
        theirs = sessions_of(tx, session.workspace_id, person.id, runtime.clock())
        consents = authorization.list_consents(tx, session.environment.id, person.id)
    by_password = person.has_password and route_at(runtime, place, person.email).password
    return Account(place, theirs, consents, by_password)


def end_session(runtime: Runtime, visitor: Visitor, session: Session, session_id: str) -> None:
    """End another session of the same person, by its untrusted id; one that is over, or somebody else's, is no error."""
    person = session.end_user
    with runtime.database.transaction() as tx:
        theirs = sessions.list_sessions(tx, session.workspace_id, person.id, runtime.clock())
        other = next((one for one in theirs if one.id == session_id and one.id != session.id), None)
        if other is not None and sessions.delete_session(tx, session.workspace_id, other.id):
            details = {"environment": other.environment.name}
            event = Event(
                "end_user.session_ended", _subject(session), environment_id=other.environment.id, details=details
            )
            record(tx, runtime, session.workspace_id, end_user_actor(person, visitor), event)


def end_other_sessions(runtime: Runtime, visitor: Visitor, session: Session) -> int:
    """End every session of a person but this one, in all environments; return how many."""
    with runtime.database.transaction() as tx:
        ended = sessions.delete_sessions(tx, session.workspace_id, session.end_user.id, but=session.id)
        event = Event(
            "end_user.other_sessions_ended",
            _subject(session),
            environment_id=session.environment.id,
            details={"sessions": ended},
        )
        record(tx, runtime, session.workspace_id, end_user_actor(session.end_user, visitor), event)
    return ended


def change_password(runtime: Runtime, visitor: Visitor, session: Session, current: str, password: str) -> None:
    """Change a person's password (both untrusted), and end their other sessions, and what apps were granted with the old one for longer:
    whoever knew it may be in them.

    Attempts at the old one count as those at the sign-in page do. Raises FieldError, SamlRequired, Throttled.
    """
    place, person = find_place(runtime, session.environment.key), session.end_user
    require_password_route(runtime, place, person.email)
    account = f"end user {place.workspace.id} {email_key(person.email)}"
    count_password_attempt(runtime, visitor, account)
    with runtime.database.reading() as tx:
        found = credentials.credentials_of(tx, place.workspace.id, place.environment.id, person.id)
    if found is None or found.password_hash is None or not password_matches(found.password_hash, current):
        _record_wrong(runtime, visitor, session)
        raise _wrong()
    validate_new_password(password, person.email, person.email.partition("@")[0], *person.full_name.split())
    hashed = hash_password(password)
    with runtime.database.transaction() as tx:
        now = runtime.clock()
        _require_unchanged(tx, session, found, now)
        forget_password_attempts(tx, runtime, visitor, account)
        end_users.set_password_hash(tx, place.workspace.id, person.id, hashed, now)
        sessions.delete_sessions(tx, place.workspace.id, person.id, but=session.id)
        ended = grants.delete_password_grants(tx, place.workspace.id, person.id)
        one_time_links.revoke_links(tx, end_user_id=person.id)
        event = Event(
            "end_user.password_changed",
            _subject(session),
            environment_id=place.environment.id,
            details={"grants_ended": ended},
        )
        record(tx, runtime, place.workspace.id, end_user_actor(person, visitor), event)


def withdraw_consent(runtime: Runtime, visitor: Visitor, session: Session, app_id: str) -> str:
    """Take back what an app (untrusted id) was allowed, and end what it was granted; return its name. Raises NotFound."""
    person = session.end_user
    with runtime.database.transaction() as tx:
        app = apps.find_app_of(tx, session.environment.id, app_id)
        if app is None or not authorization.delete_consent(tx, session.workspace_id, app.id, person.id):
            raise NotFound(f"a consent of {person.id} for {printable(app_id, 40)}")
        grants.delete_grants_of(tx, session.workspace_id, person.id, app.id)
        event = Event("app.consent_withdrawn", Subject("app", app.id, app.name), environment_id=session.environment.id)
        record(tx, runtime, session.workspace_id, end_user_actor(person, visitor), event)
    return app.name


def _require_unchanged(tx: Transaction, session: Session, found: credentials.Credentials, now: datetime) -> None:
    # The hash was computed with no transaction open: meanwhile the session may have been ended, or the password changed.
    here = sessions.find_live_session(tx, session.environment.id, session.id, now)
    current = credentials.credentials_of(tx, session.workspace_id, session.environment.id, session.end_user.id)
    if here is None or current is None or current.password_hash != found.password_hash:
        raise _wrong()


def _wrong() -> FieldError:
    return FieldError("current", N_("This is not your password."))


def _record_wrong(runtime: Runtime, visitor: Visitor, session: Session) -> None:
    with runtime.database.transaction() as tx:
        event = Event(
            "end_user.password_changed",
            _subject(session),
            Outcome.REFUSED,
            environment_id=session.environment.id,
            details={"reason": "wrong password"},
        )
        record(tx, runtime, session.workspace_id, end_user_actor(session.end_user, visitor), event)


def _subject(session: Session) -> Subject:
    return Subject("end_user", session.end_user.id, session.end_user.full_name)
