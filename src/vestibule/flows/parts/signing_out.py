"""Signing out: here always and first, then at the identity provider that the session came from, where its connection wants that."""

from __future__ import annotations

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.connections import Connection
from vestibule.directory.refusals import OwnKeyUnreadable
from vestibule.directory.sessions import BackToApp, Session
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.logging_out import write_request
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.sending import Sent
from vestibule.flows.parts.throttling import REQUEST_PER_ADDRESS, count_attempt
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.secrets import SealBroken
from vestibule.kernel.text import printable
from vestibule.storage import connections, logout_requests, sessions


def sign_out(
    runtime: Runtime, visitor: Visitor, place: Place, session: Session, browser: str, back: BackToApp | None = None
) -> Sent | None:
    """End a session, here and on every node; return where to go to end it at its IdP, too, if anywhere. Twice is no error.

    The first is committed before the second is thought of: no connection, key or IdP that fails can undo it. `back` is the app
    that asked, with its registered address: the IdP's answer leads there.
    """
    person = session.end_user
    with runtime.database.transaction() as tx:
        if sessions.delete_session(tx, session.workspace_id, session.id):
            event = Event(
                "end_user.signed_out",
                Subject("end_user", person.id, person.full_name),
                environment_id=session.environment.id,
                connection_id=session.connection_id,
                details={"by": "app", "app": back.app_name} if back else {},
            )
            record(tx, runtime, session.workspace_id, end_user_actor(person, visitor), event)
    if session.connection_id is None or session.name_id is None:
        return None
    try:
        return _send(runtime, visitor, place, session, browser, back)
    except VestibuleError:
        # Too many attempts: the person is signed out here, and reads that it is only here.
        return None


def _send(
    runtime: Runtime, visitor: Visitor, place: Place, session: Session, browser: str, back: BackToApp | None
) -> Sent | None:
    with runtime.database.reading() as tx:
        connection = connections.find_connection(tx, session.workspace_id, session.connection_id or "")
    if connection is None or not connection.logs_out_at_idp:
        return None
    count_attempt(runtime, (REQUEST_PER_ADDRESS, visitor.network))
    try:
        written = write_request(runtime, place, connection, session, browser, back)
    except SealBroken as error:
        _record_own_key(runtime, visitor, connection, session, OwnKeyUnreadable(error.reason))
        return None
    if written is None:
        return None
    request, sent = written
    with runtime.database.transaction() as tx:
        logout_requests.insert_request(tx, request)
    return sent


def _record_own_key(
    runtime: Runtime, visitor: Visitor, connection: Connection, session: Session, cause: OwnKeyUnreadable
) -> None:
    """Say on the record why nobody told the IdP: the person can't mend it, and reads only that they are signed out here."""
    person = session.end_user
    event = Event(
        "end_user.signed_out_at_idp",
        Subject("end_user", person.id, person.full_name),
        Outcome.REFUSED,
        environment_id=session.environment.id,
        connection_id=connection.id,
        details={
            "identity_provider": connection.idp.name,
            "code": cause.code,
            "check": cause.check,
            "reason": printable(cause.reason),
        },
    )
    with runtime.database.transaction() as tx:
        record(tx, runtime, session.workspace_id, end_user_actor(person, visitor), event)
