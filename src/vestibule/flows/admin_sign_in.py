"""Admins sign in to the console: by password, by one-time link; their sessions are resumed, listed and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vestibule.directory.activity import Actor, ActorKind, Event, Outcome, Subject
from vestibule.directory.admins import Admin, AdminSession, AdminStatus
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.flows.parts.callers import AdminCaller, Visitor
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import (
    LINK_PER_ADDRESS,
    REFUSAL_OF_NOBODY,
    count_attempt,
    count_password_attempt,
    forget_password_attempts,
)
from vestibule.kernel.errors import NotFound, VestibuleError
from vestibule.kernel.ids import new_id
from vestibule.kernel.passwords import hash_password, password_matches, validate_new_password
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, email_key, printable
from vestibule.storage import admins, one_time_links
from vestibule.storage.database import Transaction

IDLE: Final = timedelta(hours=8)
LONGEST: Final = timedelta(hours=24)
_TOUCH_EVERY: Final = timedelta(minutes=1)
_ADMIN_PURPOSES: Final = {
    Purpose.ADMIN_FIRST_RUN,
    Purpose.ADMIN_INVITATION,
    Purpose.ADMIN_RECOVERY,
    Purpose.ADMIN_RESET,
}


class WrongCredentials(VestibuleError):
    """The address or the password is wrong; which of them is not said."""

    code = "wrong_credentials"
    public = N_("The e-mail address or the password is not right.")


class LinkUsedUp(VestibuleError):
    """The one-time link was used, has expired, or never existed; which of them is not said."""

    code = "link_used_up"
    public = N_("This link was used already or has expired. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh admin session. `token` goes into the cookie and is kept nowhere else."""

    session: AdminSession
    token: str


def sign_in_with_password(
    runtime: Runtime, visitor: Visitor, email: str, password: str, *, earlier: str = ""
) -> SignedIn:
    """Sign an admin in; the session of the browser's `earlier` cookie (untrusted) ends, whoever's it is.

    Raises WrongCredentials or Throttled; takes the same time whoever asks.
    """
    account = email_key(email.strip())[:254]
    count_password_attempt(runtime, visitor, f"admin {account}")
    with runtime.database.reading() as tx:
        found = admins.find_admin_by_email(tx, account)
    admin, stored = found or (None, None)
    right = password_matches(stored, password)
    if admin is None or not right:
        if admin is None:
            # There is no workspace to record it in, but it must take as long: one write, committed, in either case.
            count_attempt(runtime, (REFUSAL_OF_NOBODY, account))
        else:
            with runtime.database.transaction() as tx:
                event = Event("admin.sign_in", _subject(admin), Outcome.REFUSED, details={"reason": "wrong password"})
                record(tx, runtime, admin.workspace_id, visitor.anonymous, event)
        raise WrongCredentials(
            f"admin sign-in of {printable(account)}: {'wrong password' if admin else 'unknown address'}"
        )
    with runtime.database.transaction() as tx:
        # Verifying takes a while, with no transaction open; whoever chose a new password meanwhile ended every session of the old one.
        if not admins.hold_password(tx, admin.workspace_id, admin.id, stored or ""):
            raise WrongCredentials(f"admin sign-in of {printable(account)}: changed or removed meanwhile")
        forget_password_attempts(tx, runtime, visitor, f"admin {account}")
        return _begin_session(tx, runtime, visitor, admin, "password", earlier)


def look_at_link(runtime: Runtime, visitor: Visitor, token: str) -> tuple[Admin, Purpose]:
    """Say whose link this is and what for, without using it. Raises LinkUsedUp, Throttled."""
    count_attempt(runtime, (LINK_PER_ADDRESS, visitor.network))
    with runtime.database.reading() as tx:
        link = one_time_links.find_link(tx, token_hash(token), runtime.clock())
        admin = _admin_of(tx, link)
    if link is None or admin is None:
        raise LinkUsedUp("no live link with this token")
    return admin, link.purpose


def sign_in_with_link(
    runtime: Runtime, visitor: Visitor, token: str, new_password: str | None, *, earlier: str = ""
) -> SignedIn:
    """Use a one-time link: set the password when one is given, sign the admin in, end the other sessions on a reset.

    The session of the browser's `earlier` cookie (untrusted) ends, whoever's it is.
    Recovery and first-run links may be used without a new password (break-glass); an invitation or a reset asks for
    one. Raises LinkUsedUp, FieldError for the password, Throttled.
    """
    admin, purpose = look_at_link(runtime, visitor, token)
    hashed = None
    if new_password is not None or purpose in {Purpose.ADMIN_INVITATION, Purpose.ADMIN_RESET}:
        validate_new_password(new_password or "", admin.email, admin.email.partition("@")[0], *admin.name.split())
        hashed = hash_password(new_password or "")
    with runtime.database.transaction() as tx:
        link = one_time_links.use_link(tx, token_hash(token), runtime.clock())
        fresh = _admin_of(tx, link)
        if fresh is None:
            raise LinkUsedUp("the link was used between look and use")
        changes: dict[str, object] = {"status": AdminStatus.ACTIVE.value}
        if hashed is not None:
            changes["password_hash"] = hashed
        # The account first: that waits for a sign-in by the old password, whose session is there to be ended then.
        admins.update_admin(tx, fresh.workspace_id, fresh.id, **changes)
        if hashed is not None:
            admins.delete_sessions(tx, fresh.workspace_id, fresh.id)
        one_time_links.revoke_links(tx, admin_id=fresh.id)
        return _begin_session(tx, runtime, visitor, fresh, purpose.value, earlier)


def resume(runtime: Runtime, visitor: Visitor, token: str) -> AdminCaller | None:
    """Return who is behind a session cookie, or None when the session has ended. One query; a write once a minute at most."""
    now = runtime.clock()
    with runtime.database.reading() as tx:
        session = admins.find_session(tx, token_hash(token))
    if session is None or now >= session.expires_at:
        return None
    # Either way: what a clock that ran ahead noted must not keep the session alive until then.
    if abs(now - session.last_seen_at) >= _TOUCH_EVERY:
        with runtime.database.transaction() as tx:
            admins.touch_session(tx, session.id, now, min(now + IDLE, session.created_at + LONGEST))
    return AdminCaller(session.admin, session.id, visitor)


def sign_out(runtime: Runtime, caller: AdminCaller) -> None:
    """End the caller's own session."""
    with runtime.database.transaction() as tx:
        admins.delete_session(tx, caller.workspace_id, caller.admin.id, caller.session_id)
        record(tx, runtime, caller.workspace_id, caller.actor, Event("admin.signed_out", _subject(caller.admin)))


def list_sessions(runtime: Runtime, caller: AdminCaller) -> tuple[AdminSession, ...]:
    """Return the caller's live sessions."""
    with runtime.database.reading() as tx:
        return admins.list_sessions(tx, caller.workspace_id, caller.admin.id, runtime.clock())


def end_session(runtime: Runtime, caller: AdminCaller, session_id: str) -> None:
    """End one of the caller's sessions. Raises NotFound."""
    with runtime.database.transaction() as tx:
        if not admins.delete_session(tx, caller.workspace_id, caller.admin.id, session_id):
            raise NotFound(f"session {printable(session_id, 40)}")
        record(tx, runtime, caller.workspace_id, caller.actor, Event("admin.session_ended", _subject(caller.admin)))


def end_other_sessions(runtime: Runtime, caller: AdminCaller) -> int:
    """End all of the caller's sessions but this one; return how many."""
    with runtime.database.transaction() as tx:
        ended = admins.delete_sessions(tx, caller.workspace_id, caller.admin.id, except_id=caller.session_id)
        record(
            tx, runtime, caller.workspace_id, caller.actor, Event("admin.other_sessions_ended", _subject(caller.admin))
        )
    return ended


def _begin_session(
    tx: Transaction, runtime: Runtime, visitor: Visitor, admin: Admin, method: str, earlier: str
) -> SignedIn:
    if earlier:
        admins.delete_session_of(tx, token_hash(earlier))
    now, token = runtime.clock(), new_token()
    session = AdminSession(
        id=new_id("session", now),
        admin=admin,
        created_at=now,
        expires_at=now + IDLE,
        last_seen_at=now,
        address=visitor.address,
        user_agent=printable(visitor.user_agent),
    )
    admins.insert_session(tx, session, token_hash(token))
    admins.update_admin(tx, admin.workspace_id, admin.id, last_sign_in_at=now)
    actor = Actor(ActorKind.ADMIN, admin.id, admin.name, visitor.address, visitor.request_id)
    record(tx, runtime, admin.workspace_id, actor, Event("admin.sign_in", _subject(admin), details={"method": method}))
    return SignedIn(session, token)


def _admin_of(tx: Transaction, link: OneTimeLink | None) -> Admin | None:
    if link is None or link.admin_id is None or link.purpose not in _ADMIN_PURPOSES:
        return None
    return admins.find_admin(tx, link.workspace_id, link.admin_id)


def _subject(admin: Admin) -> Subject:
    return Subject("admin", admin.id, admin.name)
