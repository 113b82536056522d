"""One-time links of end users: asking for a new password, looking at an invitation or a reset, and using it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.end_users import EndUser, EndUserStatus, validate_email
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.directory.sessions import SignInMethod
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import Basis, Entered, end_user_actor, enter
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.posting import Letter, post, pretend_to_post
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.routing import require_password_route, route_at
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import LINK_PER_ADDRESS, RESET_PER_ACCOUNT, RESET_PER_ADDRESS, count_attempt
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.passwords import hash_password, validate_new_password
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, email_key, printable
from vestibule.storage import credentials, end_users, grants, one_time_links, sessions
from vestibule.storage.database import Transaction

RESET_LIFE: Final = timedelta(hours=1)
_PURPOSES: Final = frozenset({Purpose.END_USER_INVITATION, Purpose.END_USER_RESET})


class LinkUsedUp(VestibuleError):
    """The one-time link was used, has expired, or never existed; which of them is not said."""

    code = "link_used_up"
    public = N_("This link was used already or has expired. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that could be used now, and whose it is."""

    place: Place
    end_user: EndUser
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class PasswordSaved:
    """The password is saved, but it opens nothing here now: access is missing, or the way in is another one."""

    place: Place
    email: str
    by_password: bool


def request_reset(runtime: Runtime, visitor: Visitor, environment_key: str, email: str) -> Place:
    """Post a link for a new password to the owner of an address. Nobody can tell from outside whether there is one.

    The statements are as many for an address that nobody has. Raises FieldError, SamlRequired, Throttled.
    """
    place = find_place(runtime, environment_key)
    cleaned = validate_email("email", email)
    require_password_route(runtime, place, cleaned)
    account = f"{place.workspace.id} {email_key(cleaned)}"
    count_attempt(runtime, (RESET_PER_ADDRESS, visitor.network), (RESET_PER_ACCOUNT, account))
    if not runtime.mail_enabled:
        return place
    now, token = runtime.clock(), new_token()
    url = f"{runtime.public_url}/e/{place.environment.key}/link/{token}"
    with runtime.database.transaction() as tx:
        found = end_users.find_by_email(tx, place.workspace.id, cleaned)
        person = found if found and found.status is not EndUserStatus.DEACTIVATED else None
        link = OneTimeLink(
            workspace_id=place.workspace.id,
            purpose=Purpose.END_USER_RESET,
            admin_id=None,
            end_user_id=person.id if person else None,
            environment_id=place.environment.id,
            created_at=now,
            expires_at=now + RESET_LIFE,
        )
        if person is not None:
            # Not an invitation: anybody can ask here, and would make it worthless as often as a new one arrives.
            one_time_links.revoke_links(tx, end_user_id=person.id, purpose=Purpose.END_USER_RESET)
            post(
                tx,
                runtime,
                place.workspace.id,
                Letter(Purpose.END_USER_RESET.value, person.email, person.full_name, url),
            )
        else:
            pretend_to_post(tx, runtime, place.workspace.id, Letter(Purpose.END_USER_RESET.value, cleaned, "", url))
        one_time_links.insert_link(tx, link, token_hash(token))
        _record_request(tx, runtime, visitor, place, cleaned, person)
    return place


def _record_request(
    tx: Transaction, runtime: Runtime, visitor: Visitor, place: Place, email: str, person: EndUser | None
) -> None:
    subject = Subject("end_user", person.id if person else None, person.full_name if person else printable(email))
    outcome = Outcome.DONE if person else Outcome.REFUSED
    details = {"unverified_email": printable(email)}
    event = Event("end_user.reset_requested", subject, outcome, environment_id=place.environment.id, details=details)
    record(tx, runtime, place.workspace.id, visitor.anonymous, event)


def look_at_link(runtime: Runtime, visitor: Visitor, environment_key: str, token: str) -> OpenLink:
    """Say whose link this is, without using it. Raises LinkUsedUp, NotFound, Throttled."""
    count_attempt(runtime, (LINK_PER_ADDRESS, visitor.network))
    place = find_place(runtime, environment_key)
    with runtime.database.reading() as tx:
        link = one_time_links.find_link(tx, token_hash(token), runtime.clock())
        found = _owner(tx, place, link)
    if link is None or found is None:
        raise LinkUsedUp("no live link with this token")
    return OpenLink(place, found.end_user, link.purpose)


def use_link(
    runtime: Runtime, visitor: Visitor, environment_key: str, token: str, password: str, *, earlier: str
) -> Entered | PasswordSaved:
    """Use a link: save the password, end the person's other sessions, and sign them in where a password lets them in.

    What apps were granted by password for longer than a session ends, too: whoever knew the old one may hold it.
    Raises FieldError for the password, LinkUsedUp, NotFound, Throttled.
    """
    opened = look_at_link(runtime, visitor, environment_key, token)
    place, person = opened.place, opened.end_user
    validate_new_password(password, person.email, person.email.partition("@")[0], *person.full_name.split())
    hashed = hash_password(password)
    by_password = route_at(runtime, place, person.email).password
    with runtime.database.transaction() as tx:
        now = runtime.clock()
        found = _owner(tx, place, one_time_links.use_link(tx, token_hash(token), now))
        if found is None:
            raise LinkUsedUp("the link was used between look and use")
        person = found.end_user
        end_users.set_password_hash(tx, place.workspace.id, person.id, hashed, now)
        sessions.delete_sessions(tx, place.workspace.id, person.id)
        ended = grants.delete_password_grants(tx, place.workspace.id, person.id)
        one_time_links.revoke_links(tx, end_user_id=person.id)
        subject = Subject("end_user", person.id, person.full_name)
        event = Event(
            "end_user.password_set",
            subject,
            environment_id=place.environment.id,
            details={"purpose": opened.purpose.value, "grants_ended": ended},
        )
        record(tx, runtime, place.workspace.id, end_user_actor(person, visitor), event)
        entered = None
        if by_password and found.has_access:
            home = f"/e/{place.environment.key}/"
            basis = Basis(SignInMethod.PASSWORD, details={"purpose": opened.purpose.value})
            entered = enter(tx, runtime, visitor, place, person, basis, return_to=home, earlier=earlier)
    return entered or PasswordSaved(place, person.email, by_password)


def _owner(tx: Transaction, place: Place, link: OneTimeLink | None) -> credentials.Credentials | None:
    """Return whose link this is, if it may be used at this place."""
    if link is None or link.end_user_id is None or link.purpose not in _PURPOSES:
        return None
    if link.workspace_id != place.workspace.id or link.environment_id not in {None, place.environment.id}:
        return None
    found = credentials.credentials_of(tx, link.workspace_id, place.environment.id, link.end_user_id)
    return found if found and found.end_user.status is not EndUserStatus.DEACTIVATED else None
