"""Beginning a sign-in: e-mail first, then to the identity provider, or to choose one, or to the password."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUserStatus, validate_email
from vestibule.directory.refusals import Deactivated, NotLetIn
from vestibule.directory.sessions import SignInMethod
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import Basis, Entered, enter
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import Attempt, record_refusal, refuse
from vestibule.flows.parts.routing import require_password_route, route_at
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.sending import Sent, send_to_idp
from vestibule.flows.parts.throttling import count_password_attempt, forget_password_attempts
from vestibule.kernel.errors import AlreadyTaken, VestibuleError
from vestibule.kernel.passwords import password_matches
from vestibule.kernel.text import N_, email_key, printable
from vestibule.storage import credentials, end_users


class WrongPassword(VestibuleError):
    """The address or the password is wrong; which of them is not said."""

    code = "wrong_password"
    public = N_("The e-mail address or the password is not right.")


@dataclass(frozen=True, slots=True)
class Choose:
    """Several identity providers may sign in the owner of this address; the person chooses."""

    place: Place
    email: str
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class AskPassword:
    """The owner of this address signs in by password."""

    place: Place
    email: str


def begin(
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    email: str,
    *,
    browser: str,
    return_to: str,
    preferred: str = "",
    again: bool = False,
) -> Sent | Choose | AskPassword:
    """Decide the way in for an untrusted address, and take the first step (product rules, "Who must use SAML").

    `preferred` is the connection that the person chose, now or earlier (untrusted); `return_to` is a path of ours;
    `again` asks the identity provider not to take an earlier sign-in for this one. Raises FieldError for the address, Throttled.
    """
    cleaned = validate_email("email", email)
    way = route_at(runtime, place, cleaned)
    if way.password:
        return AskPassword(place, cleaned)
    chosen = next((connection for connection in way.connections if connection.id == preferred), None)
    if chosen is None and len(way.connections) > 1:
        return Choose(place, cleaned, way.connections)
    connection = chosen or way.connections[0]
    return send_to_idp(
        runtime, visitor, place, connection, browser=browser, return_to=return_to, typed_email=cleaned, again=again
    )


def sign_in_with_password(
    runtime: Runtime, visitor: Visitor, environment_key: str, email: str, password: str, *, return_to: str, earlier: str
) -> Entered:
    """Sign somebody in by password, with the same work and the same answer for addresses that nobody has.

    Raises FieldError, SamlRequired, WrongPassword, Throttled; with the right password of somebody who may not enter,
    SignInRefused.
    """
    place = find_place(runtime, environment_key)
    cleaned = validate_email("email", email)
    require_password_route(runtime, place, cleaned)
    account = f"end user {place.workspace.id} {email_key(cleaned)}"
    count_password_attempt(runtime, visitor, account)
    with runtime.database.reading() as tx:
        found = credentials.find_credentials(tx, place.workspace.id, place.environment.id, cleaned)
    right = password_matches(found.password_hash if found else None, password)
    if found is None or not right:
        _record_wrong(runtime, visitor, place, cleaned, found)
        raise WrongPassword(f"{printable(cleaned)}: {'wrong password' if found else 'unknown address'}")
    return _let_in(runtime, visitor, place, found, account, return_to=return_to, earlier=earlier)


def _let_in(
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    found: credentials.Credentials,
    account: str,
    *,
    return_to: str,
    earlier: str,
) -> Entered:
    person = found.end_user
    attempt = Attempt(place, visitor, end_user=person, email=person.email, return_to=return_to)
    no_access = NotLetIn("no access to the environment", expected="environment access", received="none")
    if person.status is EndUserStatus.DEACTIVATED:
        raise refuse(runtime, attempt, Deactivated("the account is deactivated"))
    if not found.has_access:
        raise refuse(runtime, attempt, no_access)
    basis = Basis(SignInMethod.PASSWORD)
    try:
        with runtime.database.transaction() as tx:
            forget_password_attempts(tx, runtime, visitor, account)
            entered = enter(tx, runtime, visitor, place, person, basis, return_to=return_to, earlier=earlier)
            # Verifying takes a while, with no transaction open; whoever chose a new password meanwhile ended every session of the old one.
            if entered and end_users.password_hash_of(tx, place.workspace.id, person.id) != found.password_hash:
                raise WrongPassword("the password was changed meanwhile")
            refused = None if entered else record_refusal(tx, runtime, attempt, Deactivated("deactivated meanwhile"))
    except AlreadyTaken:
        raise refuse(runtime, attempt, no_access) from None
    if refused is not None or entered is None:
        raise refused or WrongPassword("nobody")
    return entered


def _record_wrong(
    runtime: Runtime, visitor: Visitor, place: Place, email: str, found: credentials.Credentials | None
) -> None:
    # One record in either case: the same work, and an admin sees guesses at addresses that nobody has, too.
    person = found.end_user if found else None
    subject = Subject("end_user", person.id if person else None, person.full_name if person else printable(email))
    reason = "wrong password" if person else "nobody has this address"
    details = {"code": WrongPassword.code, "method": "password", "reason": reason, "unverified_email": printable(email)}
    event = Event("end_user.sign_in", subject, Outcome.REFUSED, environment_id=place.environment.id, details=details)
    with runtime.database.transaction() as tx:
        record(tx, runtime, place.workspace.id, visitor.anonymous, event)
