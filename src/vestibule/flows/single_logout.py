"""Signing out: here always and first, then at the identity provider; and ending sessions when the identity provider asks.

What an IdP does or does not answer never keeps a session here alive (saml-profiles-2.0-os 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from vestibule.directory.activity import Actor, ActorKind, Event, Outcome, Subject
from vestibule.directory.connections import Connection, ConnectionStatus, sp_entity_id
from vestibule.directory.refusals import (
    LOGOUT_DOOR_CHECKS,
    ConnectionPending,
    EntryRefusal,
    LogoutOfOtherBrowser,
    LogoutUnknown,
    OwnKeyForNameUnreadable,
    OwnKeyUnreadable,
)
from vestibule.directory.sessions import BackToApp, IdpName, Session
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import find_client
from vestibule.flows.parts.logging_out import expectations_of, write_answer
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import REFUSAL_PER_ADDRESS, REFUSAL_PER_PLACE, check_as_data, checks_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.sending import Sent
from vestibule.flows.parts.signing_out import sign_out as end_here_first
from vestibule.flows.parts.throttling import count_attempt
from vestibule.flows.parts.unknown_keys import with_newer_keys
from vestibule.kernel.errors import NotFound, Throttled, VestibuleError
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import SealBroken, new_reference, same, token_hash
from vestibule.kernel.text import printable
from vestibule.saml.errors import EncryptedNotSupported, SamlError, SignatureInvalid
from vestibule.saml.expectations import Expectations
from vestibule.saml.logouts import (
    LOGOUT_CHECKS,
    LogoutMessage,
    LogoutRequest,
    LogoutResponse,
    failed_check,
    peek_issuer,
    verify_posted,
    verify_redirected,
)
from vestibule.storage import assertions, end_users, logout_requests, sessions
from vestibule.storage.database import Transaction
from vestibule.storage.saml_arrivals import load_connection_and_arrival

ACTION: Final = "end_user.single_logout"


@dataclass(frozen=True, slots=True)
class Brought:
    """A logout message as a browser brings it; all of it is untrusted. `query` is the raw query of HTTP-Redirect, else None.

    `browser` is the browser's secret cookie, which an IdP's request needs not have.
    """

    kind: Literal["SAMLRequest", "SAMLResponse"]
    posted: str
    relay_state: str | None
    query: bytes | None
    browser: str


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The end of it: nobody is signed in here. `there` says whether the IdP ended its session, too, everywhere.

    `back` is the app that asked for it, if one did and its address is registered still.
    """

    place: Place
    idp_name: str
    there: bool
    back: BackToApp | None = None


class LogoutRefused(VestibuleError):
    """A logout message was refused, and recorded under `reference`. It changed nothing, but see `after_the_end`.

    `after_the_end` says that the sessions which it names have ended all the same, and only our answer can't be signed.
    """

    code = "logout_refused"

    def __init__(self, place: Place, cause: SamlError | EntryRefusal, reference: str, *, after_the_end: bool) -> None:
        super().__init__(cause.reason)
        self.place = place
        self.cause = cause
        self.reference = reference
        self.after_the_end = after_the_end


def sign_out(runtime: Runtime, visitor: Visitor, place: Place, session: Session, browser: str) -> Sent | None:
    """End a session, here and on every node; return where to go to end it at its IdP, too, if anywhere."""
    return end_here_first(runtime, visitor, place, session, browser)


def take(runtime: Runtime, visitor: Visitor, connection_id: str, brought: Brought) -> Sent | SignedOut:
    """Take a logout message of an IdP: end the sessions that it names, or learn how it answered ours.

    Raises NotFound for an unknown connection, LogoutRefused for everything that is wrong with the message.
    """
    connection, place = _arrive(runtime, connection_id)
    if connection.status is ConnectionStatus.DRAFT:
        raise _refuse(runtime, visitor, place, connection, ConnectionPending("the connection is a draft"))
    try:
        message = _verify(runtime, connection, brought)
    except EncryptedNotSupported as error:
        # We have keys, always, so they are there and don't open.
        unreadable = OwnKeyForNameUnreadable("the name is encrypted, and a key of this server does not open")
        raise _refuse(runtime, visitor, place, connection, unreadable) from error
    except SamlError as error:
        raise _refuse(runtime, visitor, place, connection, error) from None
    if isinstance(message, LogoutResponse):
        return _learn(runtime, visitor, place, connection, message, brought.browser)
    with runtime.database.transaction() as tx:
        _end(tx, runtime, visitor, connection, message)
    try:
        sent = write_answer(runtime, place, connection, message, redirected=brought.query is not None)
    except SealBroken as error:
        unsigned = OwnKeyUnreadable(error.reason)
        raise _refuse(runtime, visitor, place, connection, unsigned, message, after_the_end=True) from error
    return sent or SignedOut(place, connection.idp.name, there=True)


def _arrive(runtime: Runtime, connection_id: str) -> tuple[Connection, Place]:
    connection = arrival = None
    if is_id(connection_id, "connection"):
        with runtime.database.reading() as tx:
            connection, arrival = load_connection_and_arrival(tx, connection_id, None)
    if connection is None or arrival is None:
        raise NotFound(f"connection {printable(connection_id, 40)}")
    return connection, Place(arrival.environment, arrival.workspace)


def _verify(runtime: Runtime, connection: Connection, brought: Brought) -> LogoutMessage:
    expectations = expectations_of(runtime, connection)
    try:
        return _verified(brought, expectations)
    except SignatureInvalid as error:
        # Nothing in a query is unpacked before its signature is verified, so who it says it is from is not known yet.
        if brought.query is None and peek_issuer(brought.posted) != expectations.idp_entity_id:
            raise
        newest = with_newer_keys(runtime, connection, error, expectations)
        if newest is None:
            raise
        return _verified(brought, newest)


def _verified(brought: Brought, expectations: Expectations) -> LogoutMessage:
    if brought.query is not None:
        return verify_redirected(brought.query, expectations)
    return verify_posted(brought.posted, brought.kind, expectations, brought.relay_state)


def _end(tx: Transaction, runtime: Runtime, visitor: Visitor, connection: Connection, request: LogoutRequest) -> None:
    """End the sessions that a verified request names, in one transaction, and keep it for assertions that arrive after it.

    A second time the same request ends nothing: whoever has signed in again since is not meant by it. Whether we know the
    person at all makes no difference to the answer: they have no session here, and that is what was asked for.
    """
    workspace_id, issued_at = connection.workspace_id, request.issue_instant
    message_id, until = f"logout:{request.request_id}", issued_at + assertions.MESSAGES_COUNT_FOR
    if not assertions.use_message(tx, workspace_id, connection.id, request.issuer, message_id, until):
        return
    name = request.name_id
    named = IdpName(name.value, name.format, name.name_qualifier, name.sp_name_qualifier)
    keys = named.keys(request.issuer, sp_entity_id(runtime.public_url, connection.id))
    assertions.keep_logout(tx, workspace_id, connection.id, keys, request.session_indexes, issued_at)
    whose = sessions.end_named_sessions(tx, workspace_id, connection.id, keys, request.session_indexes)
    asked = Actor(
        ActorKind.SYSTEM, name=printable(connection.idp.name), address=visitor.address, request_id=visitor.request_id
    )
    for end_user_id in dict.fromkeys(whose) or [None]:
        person = end_users.find_end_user(tx, connection.workspace_id, end_user_id) if end_user_id else None
        event = Event(
            "end_user.signed_out_by_idp",
            Subject("end_user", end_user_id, person.full_name if person else printable(name.value)),
            environment_id=connection.environment_id,
            connection_id=connection.id,
            details={
                "identity_provider": connection.idp.name,
                "sessions_ended": whose.count(end_user_id) if end_user_id else 0,
                "subject": printable(name.value),
                "only_sessions_named": len(request.session_indexes),
                "signature": request.proof,
            },
        )
        record(tx, runtime, connection.workspace_id, asked, event)


def _learn(
    runtime: Runtime, visitor: Visitor, place: Place, connection: Connection, response: LogoutResponse, browser: str
) -> SignedOut:
    now, workspace_id = runtime.clock(), connection.workspace_id
    with runtime.database.reading() as tx:
        found = logout_requests.find_request(tx, workspace_id, response.in_response_to or "")
    if found is None or found[0].connection_id != connection.id or now >= found[0].expires_at:
        received = response.in_response_to or "none"
        unknown = LogoutUnknown(
            "no such request, or one from long ago", expected="a request of ours", received=received
        )
        raise _refuse(runtime, visitor, place, connection, unknown, response)
    request, name = found
    if not browser or not same(request.browser_hash, token_hash(browser)):
        received = "another browser" if browser else "no cookie"
        other = LogoutOfOtherBrowser("another browser", expected="the browser that signed out", received=received)
        raise _refuse(runtime, visitor, place, connection, other, response)
    with runtime.database.transaction() as tx:
        # The Back button and a reload show the same page again, and leave no second entry.
        if logout_requests.use_request(tx, workspace_id, request.id, now):
            event = Event(
                "end_user.signed_out_at_idp",
                Subject("end_user", request.end_user_id, name),
                Outcome.DONE if response.complete else Outcome.REFUSED,
                environment_id=request.environment_id,
                connection_id=connection.id,
                details={
                    "identity_provider": connection.idp.name,
                    "status": printable(response.status_text),
                    "status_message": printable(response.status_message),
                    "signature": response.proof,
                },
            )
            record(tx, runtime, workspace_id, visitor.anonymous, event)
    back = _still_registered(runtime, place, request.back)
    return SignedOut(place, connection.idp.name, there=response.complete, back=back)


def _still_registered(runtime: Runtime, place: Place, back: BackToApp | None) -> BackToApp | None:
    """Return the way back to the app, unless an admin turned the app off or removed its address while the browser was at the IdP."""
    client = find_client(runtime, place, back.app_id) if back else None
    return back if back and client and back.registered_uri in client.oidc.post_logout_redirect_uris else None


def _refuse(
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    connection: Connection,
    cause: SamlError | EntryRefusal,
    message: LogoutMessage | None = None,
    *,
    after_the_end: bool = False,
) -> LogoutRefused:
    reference = new_reference()
    try:
        count_attempt(runtime, (REFUSAL_PER_ADDRESS, visitor.network), (REFUSAL_PER_PLACE, connection.id))
    except Throttled:
        return LogoutRefused(place, cause, reference, after_the_end=after_the_end)
    check = failed_check(cause) if isinstance(cause, SamlError) else cause.check
    checks = checks_of(message.checks if message else (), cause, (*LOGOUT_CHECKS, *LOGOUT_DOOR_CHECKS), check)
    event = Event(
        ACTION,
        Subject("connection", connection.id, connection.idp.name),
        Outcome.REFUSED,
        environment_id=place.environment.id,
        connection_id=connection.id,
        reference=reference,
        details={
            "code": cause.code,
            "check": check,
            "reason": printable(cause.reason),
            "checks": [check_as_data(one) for one in checks],
            **({"spec": cause.spec} if isinstance(cause, SamlError) else {}),
            **({"after_the_end": True} if after_the_end else {}),
        },
    )
    with runtime.database.transaction() as tx:
        record(tx, runtime, place.workspace.id, visitor.anonymous, event)
    return LogoutRefused(place, cause, reference, after_the_end=after_the_end)
